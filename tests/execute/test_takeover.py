"""What others have set beside ours, which a server may refuse together with it."""

import pytest

from reconcile.execute.takeover import set_beside
from reconcile.kube.managedfields import Path
from tests.given import CONTAINER, MANAGER, a_read_preview, children_of, entry, live

DEPLOYMENT = children_of(a_read_preview(args=["a"]))["Deployment"]
SIDECAR: Path = (*CONTAINER[:-1], 'k:{"name":"sidecar"}')
REQUESTS: Path = (*CONTAINER, "f:resources", "f:requests")


@pytest.mark.parametrize(
    ("theirs", "tops"),
    [
        pytest.param(
            {(*REQUESTS, "f:memory"), (*REQUESTS, "f:cpu")}, {REQUESTS[:-1]}, id="one step off ours"
        ),
        pytest.param({SIDECAR, (*SIDECAR, "f:image")}, {SIDECAR}, id="an item of a list of ours"),
        pytest.param({(*CONTAINER, "f:image")}, set(), id="what is ours too"),
        pytest.param({("f:spec", "f:selector", "f:more")}, set(), id="in a whole of ours"),
        pytest.param({("f:spec", "f:replicas")}, set(), id="an autoscaler's replicas"),
        pytest.param(
            {("f:metadata", "f:labels", "f:a"), ("f:status", "f:replicas")}, set(), id="outside the spec"
        ),
    ],
)
def test_what_others_set_in_the_spec_is_found_beside_managed_fields(
    theirs: set[Path], tops: set[Path]
) -> None:
    assert set_beside(live(DEPLOYMENT, entry("other", theirs)), DEPLOYMENT, MANAGER) == tops


def test_a_field_of_a_subresource_is_not_beside_managed_ones() -> None:
    there = live(DEPLOYMENT, entry("kubelet", {REQUESTS}, subresource="resize"))
    assert set_beside(there, DEPLOYMENT, MANAGER) == frozenset()
