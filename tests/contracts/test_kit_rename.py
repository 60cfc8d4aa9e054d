"""New names for the previews are carried everywhere, and nothing else is changed."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from kit.allowed import problems
from kit.rename import carry, changed, names_of, rename
from reconcile.model.crd import crd
from tests.cookbook import Clone

OLD = names_of(crd())
NEW = {
    "DEFAULT_GROUP": "previews.acme.dev",
    "PLURAL": "sandboxes",
    "KIND": "Sandbox",
    "SINGULAR": "sandbox",
}
# Names that are new in a clone too that has followed the page.
OTHERS = {"DEFAULT_GROUP": "trials.acme.dev", "PLURAL": "trials", "KIND": "Trial", "SINGULAR": "trial"}


NO_KIND = "must be one word of letters and digits, at most 59, a capital first"
NO_WORD = "must be lower-case letters and digits, at most 63, a letter first"


def test_a_longer_name_is_not_taken_for_the_shorter_that_begins_it() -> None:
    old = "{PLURAL}.{DEFAULT_GROUP} is a list of {KIND}, {KIND}List, in crds/{SINGULAR}.yaml: a preview"
    assert rename(old.format(**OLD), changed(OLD, NEW)) == (
        "sandboxes.previews.acme.dev is a list of Sandbox, SandboxList, in crds/sandbox.yaml: a preview"
    )


def test_names_that_stay_change_nothing_at_all() -> None:
    text = "a {KIND} of {DEFAULT_GROUP}".format(**OLD)
    assert rename(text, changed(OLD, OLD)) == text


def test_one_name_alone_can_be_another() -> None:
    pairs = changed(OLD, {**OLD, "DEFAULT_GROUP": "previews.acme.dev"})
    assert rename("{PLURAL}.{DEFAULT_GROUP}".format(**OLD), pairs) == f"{OLD['PLURAL']}.previews.acme.dev"


@pytest.mark.parametrize(
    ("constant", "name", "problem"),
    [
        *(("KIND", name, NO_KIND) for name in ("preview env", "sandbox", "S" * 60, "True")),
        *(("KIND", name, "is in ") for name in ("Preview", "Deployment", "Story")),  # a class of the tests
        *(("SINGULAR", name, NO_WORD) for name in ("", "Sandbox", "9box")),
        *(("SINGULAR", name, "is in ") for name in ("preview", "env")),
        ("SINGULAR", "example", "would put the CRD into crds/example.yaml, which exists"),
        ("PLURAL", "preview-envs", NO_WORD),
        ("PLURAL", "previews", "is in "),
        ("PLURAL", OLD["SINGULAR"], "is another of the names so far"),
        ("DEFAULT_GROUP", "acme", "is no domain in lower case with at least one dot"),
        ("DEFAULT_GROUP", "previews.k8s.io", "is reserved for Kubernetes itself"),
        ("DEFAULT_GROUP", "getambassador.io", "is in 'getambassador.io' (reconcile/"),
    ],
)
def test_a_name_that_breaks_the_code_is_refused_with_what_is_wrong_and_a_valid_one(
    constant: str, name: str, problem: str
) -> None:
    told, *others = problems(OLD, {**OLD, constant: name})
    assert told.startswith(f"reconcile/model/names.py: {constant} {name!r} {problem}")
    assert told.endswith(f"; choose another, such as {NEW[constant]!r}")
    assert not others or name == OLD["SINGULAR"]


@pytest.mark.parametrize(
    "new", [NEW, OLD, {**OLD, "KIND": f"{OLD['KIND']}2"}, {**NEW, "PLURAL": "labs"}, OTHERS]
)
def test_a_name_that_nothing_else_has_is_taken(new: dict[str, str]) -> None:
    assert problems(OLD, new) == []


def test_a_singular_that_is_the_plural_is_refused() -> None:
    assert problems(OLD, {**OTHERS, "PLURAL": "trial"}) == [
        "reconcile/model/names.py: PLURAL and SINGULAR are the same; choose two"
    ]


def test_a_name_that_has_the_old_one_in_it_is_not_lengthened_where_it_stands_already() -> None:
    longer = {**OLD, "KIND": f"Our{OLD['KIND']}", "DEFAULT_GROUP": f"x.{OLD['DEFAULT_GROUP']}"}
    text = "{DEFAULT_GROUP} {KIND} {KIND}List"
    once = rename(text.format(**OLD), changed(OLD, longer))
    assert once == text.format(**longer)
    assert rename(once, changed(OLD, longer)) == once


def test_a_name_that_stays_is_kept_where_another_is_part_of_it() -> None:
    old = {**NEW, "DEFAULT_GROUP": "sandbox.acme.dev"}
    pairs = changed(old, {**old, "SINGULAR": "lab", "PLURAL": "labs"})
    assert rename("sandboxes.sandbox.acme.dev: a sandbox", pairs) == "labs.sandbox.acme.dev: a lab"


def contents(root: Path) -> dict[str, str]:
    """Every file below a folder, but for what git and Python keep."""
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not {".git", ".venv", "__pycache__"}.intersection(path.parts)
    }


def test_make_names_writes_nothing_where_one_name_is_wrong(tmp_path: Path) -> None:
    clone = Clone.make(tmp_path / "clone")
    names = clone.root / "reconcile" / "model" / "names.py"
    text = names.read_text().replace(
        f'DEFAULT_GROUP = "{OLD["DEFAULT_GROUP"]}"', 'DEFAULT_GROUP = "our.acme.dev"'
    )
    names.write_text(text.replace(f'KIND = "{OLD["KIND"]}"', 'KIND = "preview env"'))
    before = contents(clone.root)
    printed = clone.run("make names; echo ended with $?")
    assert "reconcile/model/names.py: KIND 'preview env' must be one word" in printed
    assert "Traceback" not in printed
    assert printed.endswith("ended with 2\n")
    assert contents(clone.root) == before


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three files that have the names, the last in a folder."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "z").mkdir()
    for name in ("a.md", f"{OLD['SINGULAR']}.yaml", "z/z.sh"):
        (tmp_path / name).write_text("a {KIND} of {DEFAULT_GROUP}\n".format(**OLD))
    (tmp_path / "z/z.sh").chmod(0o755)
    return tmp_path


def test_names_are_carried_to_texts_and_paths_and_modes_stay(repository: Path) -> None:
    carry(repository, changed(OLD, OTHERS))
    assert {path: (repository / path).read_text() for path in contents(repository)} == dict.fromkeys(
        ["a.md", "trial.yaml", "z/z.sh"], "a Trial of trials.acme.dev\n"
    )
    assert (repository / "z/z.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("call", ["replace", "write_text"])
def test_a_rename_that_fails_leaves_no_half(
    call: str, write: int, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its first, its second or its last write, of the new texts or of the files themselves."""
    before = contents(repository)
    whole = getattr(Path, call)
    left = [None] * (write - 1)

    def fails(path: Path, *arguments: object) -> object:
        if path.suffix == ".new" and not left:
            raise OSError("No space left on device")
        if path.suffix == ".new":
            left.pop()
        return whole(path, *arguments)

    monkeypatch.setattr(Path, call, fails)
    with pytest.raises(OSError, match="No space left"):
        carry(repository, changed(OLD, OTHERS))
    assert contents(repository) == before
    assert not list(repository.glob(".names-*"))
