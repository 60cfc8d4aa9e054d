"""Whether a value is as desired, as the API server understands both."""

from typing import Any

import pytest

from reconcile.kube.managedfields import MISSING, Path, node_at
from reconcile.kube.same import same_value
from tests.given import CONTAINER

HTTP_ROUTE = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}
RULES: Path = ("f:spec", "f:rules")
TOLERATIONS: Path = ("f:spec", "f:template", "f:spec", "f:tolerations")
PROJECTED: Path = (
    "f:spec",
    "f:template",
    "f:spec",
    "f:volumes",
    'k:{"name":"x"}',
    "f:projected",
    "f:sources",
)
RULE = [{"backendRefs": [{"name": "a", "port": 80}]}]
DEFAULTED = [{"backendRefs": [{"name": "a", "port": 80, "weight": 1}], "matches": []}]
LIMIT: Path = (*CONTAINER, "f:resources", "f:limits", "f:cpu")

ROWS: dict[str, tuple[dict[str, Any], Path, Any, Any, bool, bool]] = {
    # kind, path, desired, there: the same, and the same where only a server has touched it
    "equal": (HTTP_ROUTE, RULES, RULE, RULE, True, True),
    "a tuple of ours": (HTTP_ROUTE, RULES, tuple(RULE), RULE, True, True),
    "defaults inside a whole": (HTTP_ROUTE, RULES, RULE, DEFAULTED, False, True),
    "an item more": (HTTP_ROUTE, RULES, RULE, RULE * 2, False, False),
    "another value inside": (HTTP_ROUTE, RULES, DEFAULTED, [{**DEFAULTED[0], "backendRefs": []}], False, False),
    "nothing told, nothing there": (DEPLOYMENT, (*CONTAINER, "f:stdin"), False, MISSING, False, True),
    "something told, nothing there": (DEPLOYMENT, (*CONTAINER, "f:stdin"), True, MISSING, False, False),
    "nothing told inside": (DEPLOYMENT, TOLERATIONS, [{"key": "a", "value": ""}], [{"key": "a"}], False, True),
    "a default inside": (DEPLOYMENT, PROJECTED, [{"secret": {}}], [{"secret": {"mode": 1}}], False, True),
    "one amount": (DEPLOYMENT, LIMIT, "1000m", "1", True, True),
    "one amount, as a number": (DEPLOYMENT, LIMIT, 0.5, "500m", True, True),
    "another amount": (DEPLOYMENT, LIMIT, "1", "2", False, False),
    "an amount that is a text": (DEPLOYMENT, ("f:metadata", "f:labels", "f:limits"), "1000m", "1", False, False),
    "true is not one": (DEPLOYMENT, ("f:spec", "f:paused"), True, 1, False, False),
    "a number is no text": (DEPLOYMENT, (*CONTAINER, "f:startupProbe", "f:tcpSocket", "f:port"), 80, "80", False, False),
    "no list": (HTTP_ROUTE, RULES, RULE, "x", False, False),
    "no map": (DEPLOYMENT, ("f:spec", "f:selector"), {"a": 1}, [], False, False),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "wanted", "there", "same", "served"), ROWS.values(), ids=ROWS)
def test_a_leaf_is_as_desired_or_not(
    kind: dict[str, Any], path: Path, wanted: Any, there: Any, same: bool, served: bool
) -> None:
    node = node_at(kind, path)
    assert same_value(wanted, there, node) is same
    assert same_value(wanted, there, node, served=True) is served


def test_what_has_leaves_of_its_own_is_as_desired_where_it_exists() -> None:
    assert same_value({"a": 1}, {}, None)
    assert not same_value({"a": 1}, MISSING, None)
