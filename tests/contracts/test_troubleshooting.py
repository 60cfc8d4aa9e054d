"""Each message in docs/troubleshooting.md is one that the code has."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from reconcile.model.names import REASONS
from tests.cookbook import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
GAP = "…"
MESSAGES = [
    line
    for block in re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
HEADINGS = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)


@cache
def texts_of_the_code() -> str:
    """Every string of the code, a line each: constants that are put in written out, all else a gap."""
    nodes = [
        node for path in (ROOT / "reconcile").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    constants = {
        target.id: _text(node.value, {})
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }
    for name, text in constants.items():
        constants[name] = re.sub(r"{([A-Z_]+)}", lambda put: constants.get(put[1], GAP), text)
    return "\n".join(_text(node, constants) for node in nodes)


def _text(node: ast.AST, constants: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, constants) for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)) if name.isupper():
            return constants.get(name, f"{{{name}}}")
    return GAP if isinstance(node, ast.FormattedValue) else ""


def pieces(message: str) -> Iterator[str]:
    """What of a message stands between its gaps."""
    yield from (piece for piece in message.split(GAP) if re.search(r"\w", piece))


def is_of_the_code(message: str) -> bool:
    found = list(pieces(message))
    return bool(found) and all(piece in texts_of_the_code() for piece in found)


def test_a_message_is_one_of_the_code() -> None:
    assert len(MESSAGES) > 40
    assert [message for message in MESSAGES if not is_of_the_code(message)] == []
    assert not is_of_the_code("Refusing to prune … sheep")
    assert not is_of_the_code("… …")


def test_every_reason_that_needs_action_has_a_section() -> None:
    assert REASONS - set(HEADINGS) == {"Available", "Suspended", "InternalError"}
