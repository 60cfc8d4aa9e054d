"""Why pods do not come up, told as a developer needs it."""

from typing import Any

import pytest

from reconcile.names import Names
from reconcile.pods import Container, by_preview, container_to_look_at, failure_of
from reconcile.snapshot import Live
from tests.unit.given import NAMES

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
    **metadata: Any,
) -> Live:
    labels = {
        NAMES.preview_label: preview,
        "app.kubernetes.io/component": component,
        "pod-template-hash": template,
    }
    meta = {"name": name, "namespace": namespace, "labels": labels, "creationTimestamp": created, **metadata}
    status = {
        "containerStatuses": list(containers),
        "initContainerStatuses": list(init),
        "conditions": list(conditions),
    }
    spec = {"containers": [{"name": "app", "args": ["--password=hunter22"]}]}
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


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        (a_pod(RUNNING), ""),
        (a_pod(), ""),
        (a_pod(waiting("ContainerCreating")), ""),
        (a_pod(waiting("PodInitializing")), ""),
        (a_pod(waiting("ImagePullBackOff", "x: not found")), "ImagePullBackOff: x: not found"),
        (a_pod(waiting("ErrImagePull", "x: not found")), "ErrImagePull: x: not found"),
        (a_pod(waiting("InvalidImageName", "no such name")), "InvalidImageName: no such name"),
        (
            a_pod(waiting("CreateContainerConfigError", 'secret "db" not found')),
            'CreateContainerConfigError: secret "db" not found',
        ),
        (a_pod(waiting("CreateContainerError")), "CreateContainerError"),
        (
            a_pod(waiting("RunContainerError", "exec: --password=hunter22: no such file")),
            "RunContainerError: exec: (not shown): no such file",
        ),
        (
            a_pod(waiting("CrashLoopBackOff", "back-off 40s", exitCode=1, reason="Error")),
            "CrashLoopBackOff: exit code 1",
        ),
        (
            a_pod(waiting("CrashLoopBackOff", "back-off 40s", exitCode=137, reason="OOMKilled")),
            "CrashLoopBackOff: exit code 137 (OOMKilled)",
        ),
        (a_pod(waiting("CrashLoopBackOff", "back-off 10s")), "CrashLoopBackOff"),
        (a_pod(RUNNING, waiting("ErrImagePull", "a sidecar")), "ErrImagePull: a sidecar"),
        (a_pod(waiting("PodInitializing"), init=(waiting("ErrImagePull", "init"),)), "ErrImagePull: init"),
        (
            a_pod(conditions=(UNSCHEDULABLE,)),
            "Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
        ),
        (a_pod(conditions=({**UNSCHEDULABLE, "status": "True"},)), ""),
        (a_pod(conditions=({**UNSCHEDULABLE, "reason": "SchedulingGated"},)), ""),
    ],
)
def test_a_pod_says_why_it_does_not_run(pod: Live, told: str) -> None:
    assert failure_of([pod]) == told


def test_one_that_fails_beside_one_that_runs_is_told() -> None:
    assert failure_of([a_pod(RUNNING), a_pod(waiting("ErrImagePull"), name="pr-1-b")]) == "ErrImagePull"


def test_only_the_newest_template_counts() -> None:
    old = a_pod(waiting("ErrImagePull"), template="1", created=OLD)
    new = a_pod(RUNNING, name="pr-1-b", template="2", created=NEW)
    assert failure_of([old, new]) == failure_of([new, old]) == ""
    assert failure_of([a_pod(RUNNING), a_pod(waiting("ErrImagePull"), template="2", created=NEW)]) != ""


def test_no_pods_say_nothing() -> None:
    assert failure_of([]) == ""


def test_pods_belong_to_the_preview_of_their_label_and_namespace() -> None:
    mine, other = a_pod(), a_pod(namespace="other")
    setup = a_pod(component="setup")
    going = a_pod(name="pr-1-z", deletionTimestamp=NEW)
    assert by_preview([mine, other, setup, going], NAMES) == {"shop/pr-1": (mine,), "other/pr-1": (other,)}
    assert by_preview([mine], Names("example.com")) == {"shop/": (mine,)}


# whose lines say more


def named(status: dict[str, Any], name: str = "app", *, ready: bool = False) -> dict[str, Any]:
    return {"name": name, "ready": ready, **status}


@pytest.mark.parametrize(
    ("pods", "container"),
    [
        ([], None),
        ([a_pod()], None),
        ([a_pod(named(RUNNING, ready=True))], None),
        ([a_pod(named(RUNNING))], Container("pr-1-a", "app", restarted=False)),
        ([a_pod(named(waiting("ImagePullBackOff")))], Container("pr-1-a", "app", restarted=False)),
        (
            [a_pod(named(waiting("CrashLoopBackOff", exitCode=1)))],
            Container("pr-1-a", "app", restarted=True),
        ),
        (
            [a_pod(named({"state": {"terminated": {"exitCode": 1}}, "lastState": {}}))],
            Container("pr-1-a", "app", restarted=False),
        ),
        (
            [a_pod(named(waiting("PodInitializing")), init=(named({"state": {"running": {}}}, "first"),))],
            Container("pr-1-a", "first", restarted=False),
        ),
        (
            [a_pod(named(RUNNING), init=(named({"state": {"terminated": {"exitCode": 0}}}, "first"),))],
            Container("pr-1-a", "app", restarted=False),
        ),
        (
            [
                a_pod(named(RUNNING), name="pr-1-a"),
                a_pod(named(waiting("CrashLoopBackOff", exitCode=1)), name="pr-1-b"),
            ],
            Container("pr-1-b", "app", restarted=True),
        ),
        (
            [
                a_pod(named(waiting("CrashLoopBackOff", exitCode=1)), created=OLD),
                a_pod(named(RUNNING), name="pr-1-b", template="2", created=NEW),
            ],
            Container("pr-1-b", "app", restarted=False),
        ),
    ],
)
def test_the_lines_are_those_of_the_newest_container_that_is_not_ready(
    pods: list[Live], container: Container | None
) -> None:
    assert container_to_look_at(pods) == container
