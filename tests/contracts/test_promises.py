"""Every test that docs/promises.md names is there, by its file and its name, and so are the tables that are counted."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import TABLES

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", (ROOT / "docs/promises.md").read_text())

COUNTED = [tuple(test.split("::")) for tests in TABLES.values() for test in tests]


def test_promises_are_named() -> None:
    assert len(NAMED) > 25


@pytest.mark.parametrize(("file", "name"), [*NAMED, *COUNTED])
def test_a_test_that_a_promise_names_is_there(file: str, name: str) -> None:
    body = ast.parse((ROOT / file).read_text()).body
    tests = [node.name for node in body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"]
    assert tests if not name else name in tests
