"""Which names of previews can be carried to every file: those that nothing else has, in the server's form.

`make names` changes text letter by letter. A name that the code has for something else, or that is part of
such a word, could not be distinguished from it afterwards.
"""

import ast
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from kit.manifests import ROOT
from reconcile.model import rules

Names = Mapping[str, str]
Check = Callable[[str], str | None]

EXAMPLE = {
    "DEFAULT_GROUP": "previews.acme.dev",
    "PLURAL": "sandboxes",
    "KIND": "Sandbox",
    "SINGULAR": "sandbox",
}
WITH_EXAMPLES = frozenset({"kit/allowed.py", "tests/contracts/test_kit_rename.py"})
COMMAND = ("reconcile",)
# A kind is a class too, which tests import beside their own.
FOLDERS = {
    "DEFAULT_GROUP": COMMAND,
    "PLURAL": COMMAND,
    "KIND": (*COMMAND, "bench", "kit", "tests", "tools"),
    "SINGULAR": COMMAND,
}


def problems(old: Names, new: Names, root: Path = ROOT) -> list[str]:
    """What is wrong with each new name, and a valid one; empty where all can be carried."""
    found = [
        f"reconcile/model/names.py: {constant} {new[constant]!r} {problem}; "
        f"choose another, such as {EXAMPLE[constant]!r}"
        for constant in new
        if new[constant] != old[constant] and (problem := _problem(constant, old, new, root))
    ]
    if new["PLURAL"] == new["SINGULAR"]:
        found.append("reconcile/model/names.py: PLURAL and SINGULAR are the same; choose two")
    return found


def _problem(constant: str, old: Names, new: Names, root: Path) -> str | None:
    name = new[constant]
    if wrong := FORMS[constant](name):
        return wrong
    if name in old.values():
        return "is another of the names so far"
    if constant == "SINGULAR" and (root / "crds" / f"{name}.yaml").exists():
        return f"would put the CRD into crds/{name}.yaml, which exists"
    return _found(name, FOLDERS[constant], old, root)


def _lower(name: str) -> str | None:
    if re.fullmatch("[a-z][a-z0-9]{0,62}", name):
        return None
    return "must be lower-case letters and digits, at most 63, a letter first"


def _kind(name: str) -> str | None:
    # The server takes NAMEList, of at most 63 characters, for a kind as well.
    if re.fullmatch("[A-Z][A-Za-z0-9]{0,58}", name) and not keyword.iskeyword(name):
        return None
    return "must be one word of letters and digits, at most 59, a capital first"


FORMS: Mapping[str, Check] = {
    "DEFAULT_GROUP": rules.GROUP.problem,
    "PLURAL": _lower,
    "KIND": _kind,
    "SINGULAR": _lower,
}


def _found(name: str, folders: Iterable[str], old: Names, root: Path) -> str | None:
    """Where the code has the name, or a word that it is part of; but for the old names, which go."""
    gone = re.compile("|".join(re.escape(each) for each in sorted(old.values(), key=len, reverse=True)))
    word = re.compile(rf"[\w.-]*{re.escape(name)}[\w.-]*")
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.py")):
        where = path.relative_to(root).as_posix()
        if where in WITH_EXAMPLES:
            continue
        for text in _texts(ast.parse(path.read_text())):
            # A blank in its place, so that what stands around it is no new word.
            if found := word.search(gone.sub(" ", text)):
                return f"is in {found[0]!r} ({where})"
    return None


def _texts(tree: ast.AST) -> Iterator[str]:
    """Each identifier and each text of the code; comments and docstrings break nothing."""
    for node in ast.iter_child_nodes(tree):
        if _is_docstring(node) or _names_previews(node):
            continue
        yield from (value for _, value in ast.iter_fields(node) if isinstance(value, str))
        yield from _texts(node)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names_previews(node: ast.AST) -> bool:
    """Whether it is one of the lines of names.py in which the new names stand."""
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in EXAMPLE for target in node.targets
    )
