"""What the design asks of the code as a whole, where no linter holds it."""

import ast
import re
from pathlib import Path

import pytest

from reconcile.children import APPLY_ORDER, KINDS, ROOM_OF_OURS, is_route
from reconcile.cluster.directory import DirectoryCluster
from reconcile.cluster.kubernetes.client import KubernetesCluster
from reconcile.cluster.port import Cluster
from reconcile.fields import list_keys
from reconcile.settings import ROUTE_RESOURCES
from tests.unit.memory import Memory

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "reconcile").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def test_routes_come_last_and_each_can_be_chosen() -> None:
    kinds = sorted(APPLY_ORDER, key=lambda kind: APPLY_ORDER[kind])
    assert [is_route(kind) for kind in kinds] == sorted(is_route(kind) for kind in kinds)
    assert {resource.kind for resource in ROUTE_RESOURCES.values()} == {
        kind for kind, child in KINDS.items() if child.is_route
    }


def test_the_room_of_ours_lies_where_lists_have_items() -> None:
    """A top that names an item does so by the keys that its list has."""
    for tops in ROOM_OF_OURS.values():
        for top in tops:
            for depth, element in enumerate(top):
                if element.startswith("k:"):
                    assert list_keys(top[: depth - 1], top[depth - 1].removeprefix("f:")) == ("name",)


@pytest.mark.parametrize("adapter", [DirectoryCluster, KubernetesCluster, Memory])
def test_every_adapter_has_all_of_the_port(adapter: type) -> None:
    port = {name for name in vars(Cluster) if not name.startswith("_")}
    fields = getattr(adapter, "__dataclass_fields__", {})
    assert {name for name in port if not (hasattr(adapter, name) or name in fields)} == set()


def test_every_module_opens_with_a_sentence() -> None:
    docstrings = {
        path: ast.get_docstring(ast.parse(path.read_text())) for path in MODULES if path.read_text()
    }
    silent = [path for path, text in docstrings.items() if not text or text.splitlines()[0][-1] not in ".:,;"]
    assert silent == []


@pytest.mark.parametrize("heading", ["The modules, from the bottom up", "A walk along one preview"])
def test_the_architecture_names_every_module_in_its_table_and_on_its_walk(heading: str) -> None:
    text = (
        (ROOT / "docs" / "architecture.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    named = {part for word in re.findall(r"`([^` ]+)`", text) for part in word.strip("/").split("/")}
    here = (ROOT / "reconcile").iterdir()
    modules = {path.stem for path in here if path.suffix == ".py" or (path / "__init__.py").exists()}
    for package in ("command", "ending"):
        modules |= {path.stem for path in (ROOT / "reconcile" / package).glob("*.py")}
    assert modules - named - {"__init__"} == set()


def test_every_test_is_named_as_a_claim() -> None:
    named = [
        node.name
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(named) > 500
    assert [name for name in named if len(name.split("_")) < 4] == []


def test_only_the_command_prints_and_exits() -> None:
    ends = {"print", "sys.exit", "exit", "quit", "os._exit", "click.echo", "input"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in MODULES
        if path.name != "__main__.py"
        and not (path.parent.name == "command" and path.stem in ("cli", "console", "logs", "plugin"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ends
    ]
    assert found == []
