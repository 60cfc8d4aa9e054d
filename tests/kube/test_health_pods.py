"""Which pods speak for a preview, and which of their containers has the lines to read."""

from typing import Any

import pytest

from reconcile.kube.health.pods import container_to_look_at, newest
from reconcile.kube.live import Live
from reconcile.model.names import Names
from reconcile.status.facts import by_preview
from tests.given import NAMES

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def a_pod(
    *containers: dict[str, Any],
    name: str = "pr-1-a",
    template: str = "1",
    created: str = OLD,
    namespace: str = "shop",
    preview: str = "pr-1",
    component: str = "app",
    init: tuple[dict[str, Any], ...] = (),
    conditions: tuple[dict[str, Any], ...] = (),
    spec: dict[str, Any] | None = None,
    phase: str = "Running",
    **metadata: Any,
) -> Live:
    labels = {
        NAMES.preview_label: preview,
        "app.kubernetes.io/component": component,
        "pod-template-hash": template,
    }
    meta = {"name": name, "namespace": namespace, "labels": labels, "creationTimestamp": created, **metadata}
    status = {
        "phase": phase,
        "containerStatuses": list(containers),
        "initContainerStatuses": list(init),
        "conditions": list(conditions),
    }
    spec = {"containers": [{"name": "app", "args": ["--password=hunter22"]}], **(spec or {})}
    return Live({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})


def waiting(reason: str, message: str = "", /, **last: Any) -> dict[str, Any]:
    state = {"reason": reason, **({"message": message} if message else {})}
    return {"state": {"waiting": state}, "lastState": {"terminated": last} if last else {}}


RUNNING: dict[str, Any] = {"state": {"running": {}}}
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}


def test_only_the_newest_template_counts() -> None:
    old, new = a_pod(template="1", created=OLD), a_pod(name="pr-1-b", template="2", created=NEW)
    assert newest([old, new]) == newest([new, old]) == [new]
    assert newest([]) == []


def test_after_a_way_back_the_older_pods_are_those_of_the_newest_template() -> None:
    back = a_pod(template="1", created=OLD, annotations={"x": "1", "injected": "yes"})
    crashed = a_pod(name="pr-1-b", template="2", created=NEW, annotations={"x": "2"})
    assert newest([back, crashed], {"x": "1"}) == [back]
    assert newest([back, crashed], {"x": "2"}) == [crashed]
    assert newest([back, crashed], {"x": "3"}) == [crashed], "none has it yet"
    assert newest([back, crashed], {}) == [crashed]


def test_pods_belong_to_the_preview_of_their_label_and_namespace() -> None:
    mine, other = a_pod(), a_pod(namespace="other")
    setup = a_pod(component="setup")
    going = a_pod(name="pr-1-z", deletionTimestamp=NEW)
    assert by_preview([mine, other, setup, going], NAMES.preview_label) == {
        "shop/pr-1": (mine,),
        "other/pr-1": (other,),
    }
    assert by_preview([mine], Names("example.com").preview_label) == {"shop/": (mine,)}


# whose lines say more


def named(status: dict[str, Any], name: str = "app", *, ready: bool = False) -> dict[str, Any]:
    return {"name": name, "ready": ready, **status}


def pod(status: dict[str, Any], name: str = "pr-1-a", **more: Any) -> Live:
    return a_pod(named(status), name=name, **more)


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code}}


CRASHED = waiting("CrashLoopBackOff", exitCode=1)
INIT = named({"state": {"running": {}}}, "first")
INIT_DONE = named({"state": ended(0)}, "first", ready=True)


@pytest.mark.parametrize(
    ("pods", "container"),
    [
        ([], "None"),
        ([a_pod()], "None"),
        ([a_pod(named(RUNNING, ready=True))], "None"),
        ([pod(RUNNING)], "container app of pod pr-1-a"),
        ([pod(waiting("ImagePullBackOff"))], "container app of pod pr-1-a"),
        ([pod(CRASHED)], "container app of pod pr-1-a, before it was started again"),
        ([pod({"state": ended(1), "lastState": {}})], "container app of pod pr-1-a"),
        ([pod({"state": ended(0), "lastState": {}})], "container app of pod pr-1-a"),
        ([pod({"state": ended(1), "lastState": ended(1)})], "container app of pod pr-1-a"),
        ([pod(RUNNING), pod({"state": ended(0)}, "pr-1-b")], "container app of pod pr-1-b"),
        ([pod(waiting("PodInitializing"), init=(INIT,))], "container first of pod pr-1-a"),
        ([pod(RUNNING, init=(INIT_DONE,))], "container app of pod pr-1-a"),
        ([pod(RUNNING), pod(CRASHED, "pr-1-b")], "container app of pod pr-1-b, before it was started again"),
        ([pod(CRASHED), pod(RUNNING, "pr-1-b", template="2", created=NEW)], "container app of pod pr-1-b"),
    ],
)
def test_the_lines_are_those_of_the_newest_container_that_is_not_ready(
    pods: list[Live], container: str
) -> None:
    assert str(container_to_look_at(pods)) == container
