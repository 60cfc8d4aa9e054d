"""What the design asks of the code as a whole, where no linter holds it."""

import ast
import re
from pathlib import Path

import pytest

from reconcile.cluster.files.cluster import DirectoryCluster
from reconcile.cluster.kubernetes.client import KubernetesCluster
from reconcile.cluster.port import Cluster
from reconcile.desire.children import CHILDREN, EXCLUSIVE, KINDS, apply_order, is_route
from reconcile.desire.children.further import FURTHER_EXCLUSIVE
from reconcile.kube.managedfields import node_at
from reconcile.kube.objects import Key
from reconcile.model.settings import ROUTE_RESOURCES
from tests.memory import Memory

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "reconcile").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def test_routes_come_last_and_each_can_be_chosen() -> None:
    in_order = sorted(CHILDREN, key=lambda kind: apply_order(Key(kind.resource.full_kind, "shop", "x"), "x"))
    kinds = [kind.resource.full_kind for kind in in_order]
    assert [is_route(kind) for kind in kinds] == sorted(is_route(kind) for kind in kinds)
    assert {resource.kind for resource in ROUTE_RESOURCES.values()} == {
        kind for kind, child in KINDS.items() if child.is_route
    }


def test_where_only_we_write_lists_have_items() -> None:
    """A top that names an item does so by the keys that its list has."""
    for kind, tops in EXCLUSIVE.items():
        if kind in FURTHER_EXCLUSIVE:
            continue
        manifest = {"apiVersion": KINDS[kind].resource.api_version, "kind": kind}
        for top in tops:
            for depth, element in enumerate(top):
                if element.startswith("k:"):
                    assert [*node_at(manifest, top[:depth]).keys] == ["name"]


@pytest.mark.parametrize("adapter", [DirectoryCluster, KubernetesCluster, Memory])
def test_every_adapter_has_all_of_the_port(adapter: type) -> None:
    port = {name for name in vars(Cluster) if not name.startswith("_")}
    fields = getattr(adapter, "__dataclass_fields__", {})
    assert {name for name in port if not (hasattr(adapter, name) or name in fields)} == set()


def test_every_module_opens_with_a_sentence() -> None:
    docstrings = {path: ast.get_docstring(ast.parse(path.read_text())) for path in MODULES}
    silent = [path for path, text in docstrings.items() if not text or text.splitlines()[0][-1] not in ".:,;"]
    assert silent == []


def test_the_architecture_has_a_paragraph_on_every_package_and_names_no_module_that_is_not_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    here = [path for path in (ROOT / "reconcile").iterdir() if not path.name.startswith("_")]
    packages = [path.stem for path in here if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert [package for package in packages if f"**`{package}`** " not in text] == []
    modules = re.findall(r"`([a-z]+(?:/\w+)+)`", text.partition("## Other folders")[0])
    assert [name for name in modules if not (ROOT / "reconcile" / f"{name}.py").exists()] == []


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
        and not (path.parent.name == "cli" and path.stem in ("main", "console", "logging", "plugin"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ends
    ]
    assert found == []
