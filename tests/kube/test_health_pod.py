"""Why a pod is not ready: every row of the table, as kubelets of 1.34 and of 1.35 on show it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.kube.health.events import PodEvent, pod_events
from reconcile.kube.health.pod import Trouble, needs_events, trouble_of
from reconcile.kube.live import Live
from reconcile.kube.time import time_text
from tests.kube.test_health_pods import RUNNING, UNSCHEDULABLE, a_pod, waiting

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID = "bd8800c40fb2d91f3b12c6af5393df1d522c15a538d467422250143496f90ed5"
PROBED = {
    "containers": [
        {
            "name": "app",
            "args": ["--password=hunter22"],
            "ports": [{"name": "http", "containerPort": 8080}],
            "startupProbe": {"tcpSocket": {"port": "http"}},
            "readinessProbe": {"httpGet": {"port": "http", "path": "/healthz"}},
        }
    ],
    "nodeName": "node-7",
}


def ago(seconds: float) -> str:
    return time_text(NOW - timedelta(seconds=seconds))


def terminated(
    code: int, reason: str = "Error", *, lived: float = 1, end: float = 5, **more: Any
) -> dict[str, Any]:
    times = {"startedAt": ago(end + lived), "finishedAt": ago(end)}
    return {"terminated": {"exitCode": code, "reason": reason, **times, **more}}


def crashed(code: int, times: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    """A container in its back-off, as from 1.35 on."""
    return {
        "name": "app",
        "state": terminated(code, reason, **more),
        "lastState": {},
        "restartCount": times - 1,
    }


def runs_again(
    code: int, times: int, *, since: float = 1, ready: bool = False, **more: Any
) -> dict[str, Any]:
    state = {"running": {"startedAt": ago(since)}}
    last = terminated(code, end=since + 10, **more)
    return {"name": "app", "ready": ready, "state": state, "lastState": last, "restartCount": times}


def condition(type_: str, status: str, reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message, **more}


CRASHES = Trouble("CrashLoopBackOff: exit code 3", failed=True)
ENDED = Trouble("container app ended: exit code 3")
START_ERROR = 'runc create failed: exec: "--password=hunter22": no such file'


@pytest.mark.parametrize(
    ("pod", "trouble"),
    [
        (a_pod(RUNNING), None),
        (a_pod(), None),
        (a_pod(waiting("ContainerCreating")), None),
        (a_pod(waiting("PodInitializing")), None),
        # images
        (a_pod(waiting("ErrImagePull", "rpc error: code = NotFound desc = x: not found")), "ImagePullBackOff: x: not found"),
        (
            a_pod(waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: rpc error: code = NotFound desc = x: not found')),
            "ImagePullBackOff: x: not found",
        ),
        (a_pod(waiting("ImagePullBackOff", 'Back-off pulling image "x"')), 'ImagePullBackOff: Back-off pulling image "x"'),
        (a_pod(waiting("InvalidImageName", "no such name")), "InvalidImageName: no such name"),
        (a_pod(waiting("ErrImageNeverPull", "x is not present")), "ErrImageNeverPull: x is not present"),
        # containers that cannot start
        (
            a_pod(waiting("CreateContainerConfigError", 'secret "db" not found')),
            'CreateContainerConfigError: secret "db" not found',
        ),
        (a_pod(waiting("CreateContainerError")), "CreateContainerError"),
        (
            a_pod(waiting("RunContainerError", f'failed to start container "{ID}": {START_ERROR}')),
            'RunContainerError: runc create failed: exec: "(not shown)": no such file',
        ),
        (
            a_pod(crashed(128, 1, "StartError", message=START_ERROR)),
            'RunContainerError: runc create failed: exec: "(not shown)": no such file',
        ),
        (
            a_pod(waiting("CrashLoopBackOff", "back-off 40s", exitCode=128, reason="StartError", message=START_ERROR)),
            'RunContainerError: runc create failed: exec: "(not shown)": no such file',
        ),
        # crashes, in every moment of the kubelet
        (a_pod(crashed(3, 1)), ENDED),
        (a_pod(runs_again(3, 1)), ENDED),
        (a_pod(crashed(3, 2)), CRASHES),
        (a_pod(runs_again(3, 2)), CRASHES),
        (a_pod(runs_again(3, 2, since=39, lived=40)), CRASHES),
        (a_pod(runs_again(3, 2, since=70, lived=40)), CRASHES),
        (a_pod(waiting("CrashLoopBackOff", "back-off 40s", exitCode=3, reason="Error")), CRASHES),
        (a_pod(waiting("CrashLoopBackOff", "back-off 10s")), "CrashLoopBackOff"),
        (a_pod(crashed(137, 2, "OOMKilled")), "CrashLoopBackOff: exit code 137 (OOMKilled)"),
        (a_pod(crashed(137, 2)), "CrashLoopBackOff: exit code 137 (SIGKILL)"),
        (a_pod(crashed(139, 2)), "CrashLoopBackOff: exit code 139 (SIGSEGV)"),
        (a_pod(crashed(255, 2)), "CrashLoopBackOff: exit code 255"),
        (a_pod(crashed(0, 2, "Completed")), "CrashLoopBackOff: exit code 0 (it must keep running)"),
        (a_pod(crashed(3, 7, lived=601)), ENDED),
        (a_pod(runs_again(3, 7, lived=601)), ENDED),
        # it has lived long enough, and is believed again
        (a_pod(runs_again(3, 2, since=93, lived=40)), None),
        (a_pod(runs_again(3, 2, since=700, lived=599)), None),
        # one that is ready, but may crash again at any moment
        (a_pod(runs_again(3, 2, ready=True)), CRASHES),
        (a_pod(runs_again(3, 1, ready=True)), None),
        (a_pod(runs_again(3, 2, since=93, lived=40, ready=True)), None),
        # several containers
        (a_pod(RUNNING, waiting("ErrImagePull", "a sidecar")), "ImagePullBackOff: a sidecar"),
        (a_pod(waiting("PodInitializing"), init=(waiting("ErrImagePull", "init"),)), "ImagePullBackOff: init"),
        (a_pod(waiting("PodInitializing"), init=({"name": "first", **RUNNING},)), Trouble("init container first runs")),
        (a_pod(RUNNING, init=({**crashed(0, 1, "Completed"), "ready": True},)), None),
        # the scheduler
        (a_pod(conditions=(UNSCHEDULABLE,)), "Unschedulable: 0/1 nodes are available: 1 Insufficient memory."),
        (a_pod(conditions=({**UNSCHEDULABLE, "status": "True"},)), None),
        (
            a_pod(conditions=({**UNSCHEDULABLE, "reason": "SchedulingGated"},), spec={"schedulingGates": [{"name": "queue"}]}),
            Trouble("SchedulingGated: held by queue"),
        ),
        # the pod as a whole
        (
            a_pod(RUNNING | {"ready": True}, spec=PROBED, conditions=(condition("Ready", "False"), condition("ContainersReady", "True"))),
            Trouble("NodeNotReady: node node-7 does not answer"),
        ),
        (
            a_pod(
                RUNNING | {"ready": True},
                conditions=(condition("Ready", "False", "ReadinessGatesNotReady", "gate x"), condition("ContainersReady", "True")),
            ),
            Trouble("ReadinessGatesNotReady: gate x"),
        ),
        (a_pod(crashed(1, 1), phase="Failed"), Trouble("exit code 1")),
    ],
)  # fmt: skip
def test_a_pod_shows_why_it_is_not_ready(pod: Live, trouble: Trouble | str | None) -> None:
    expected = Trouble(trouble, failed=True) if isinstance(trouble, str) else trouble
    assert trouble_of([pod], now=NOW) == expected


def test_without_a_time_a_container_that_is_ready_is_believed() -> None:
    assert trouble_of([a_pod(runs_again(3, 2, ready=True))]) is None
    assert trouble_of([a_pod(runs_again(3, 2))]) == CRASHES


def test_the_pod_that_fails_is_heard_before_those_that_are_on_their_way() -> None:
    first, other = a_pod(crashed(3, 1)), a_pod(waiting("ErrImagePull", "x"), name="pr-1-b")
    assert trouble_of([first, other], now=NOW) == Trouble("ImagePullBackOff: x", failed=True)


def an_evicted(made: str) -> Live:
    status = {"phase": "Failed", "reason": "Evicted", "message": "no memory"}
    return Live({**a_pod(created=made).manifest, "status": status})


def test_an_evicted_pod_counts_when_the_others_report_nothing() -> None:
    evicted = an_evicted(ago(60))
    assert trouble_of([evicted, a_pod(RUNNING)], now=NOW) == Trouble("Evicted: no memory")
    assert trouble_of([evicted, a_pod(crashed(3, 1))], now=NOW) == ENDED


def test_two_evicted_pods_show_what_happens_to_their_successors() -> None:
    evicted, told = an_evicted(ago(60)), Trouble("Evicted: no memory", failed=True)
    assert trouble_of([evicted, evicted, a_pod(crashed(3, 1))], now=NOW) == told
    assert trouble_of([evicted, an_evicted(ago(601)), a_pod(crashed(3, 1))], now=NOW) == ENDED
    assert trouble_of([evicted, evicted, a_pod(crashed(3, 2))], now=NOW) == CRASHES


# what only Events say


def event(reason: str, message: str, *, last: float = 1, count: int = 1, **about: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "x"},
        "type": "Warning",
        "involvedObject": {"uid": "uid-1", "fieldPath": "spec.containers{app}", **about},
        "reason": reason,
        "message": message,
        "count": count,
        "lastTimestamp": ago(last),
    }


def not_ready(*, started: bool, since: float = 60) -> Live:
    status = {
        "name": "app",
        "ready": False,
        "started": started,
        "state": {"running": {"startedAt": ago(since)}},
    }
    return a_pod(status, spec=PROBED, uid="uid-1")


STARTING, STARTED = not_ready(started=False), not_ready(started=True)
REFUSED = "Startup probe failed: dial tcp 10.244.0.14:8080: connect: connection refused"


@pytest.mark.parametrize(
    ("pod", "events", "message"),
    [
        (STARTING, [], "startup probe TCP :8080: no success yet"),
        (STARTED, [], "readiness probe GET :8080/healthz: no success yet"),
        (STARTING, [event("Unhealthy", REFUSED)], "startup probe TCP :8080: connection refused"),
        (
            STARTED,
            [event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")],
            "readiness probe GET :8080/healthz: answered 404",
        ),
        (
            STARTED,
            [event("Unhealthy", 'Readiness probe failed: Get "http://10.244.0.7:8080/healthz": context deadline exceeded')],
            "readiness probe GET :8080/healthz: context deadline exceeded",
        ),
        (
            STARTING,
            [event("Unhealthy", f"(combined from similar events): {REFUSED}")],
            "startup probe TCP :8080: connection refused",
        ),
        # of another pod, another container, of before it was started, and older than the newest
        (STARTING, [event("Unhealthy", REFUSED, uid="uid-2")], "startup probe TCP :8080: no success yet"),
        (STARTING, [event("Unhealthy", REFUSED, fieldPath="spec.containers{x}")], "startup probe TCP :8080: no success yet"),
        (STARTING, [event("Unhealthy", REFUSED, last=99)], "startup probe TCP :8080: no success yet"),
        (
            STARTING,
            [event("Unhealthy", "Startup probe failed: b", last=1), event("Unhealthy", "Startup probe failed: a", last=2)],
            "startup probe TCP :8080: b",
        ),
        (a_pod(waiting("ContainerCreating"), uid="uid-1"), [event("FailedMount", 'secret "x" not found')], 'FailedMount: secret "x" not found'),
    ],
)  # fmt: skip
def test_what_came_back_stands_in_events(pod: Live, events: list[dict[str, Any]], message: str) -> None:
    assert needs_events([pod])
    assert trouble_of([pod], pod_events(events), NOW) == Trouble(message)


def test_what_is_repeated_while_a_container_is_created_does_not_pass_by_itself() -> None:
    sandbox = f'failed to setup network for sandbox "{ID}": no address'
    events = pod_events([event("FailedCreatePodSandBox", sandbox, count=2)])
    found = trouble_of([a_pod(waiting("ContainerCreating"), uid="uid-1")], events)
    assert found == Trouble(
        "FailedCreatePodSandBox: failed to setup network for sandbox …: no address", failed=True
    )


@pytest.mark.parametrize(
    "pod", [a_pod(), a_pod(RUNNING | {"ready": True}), a_pod(waiting("ErrImagePull")), a_pod(crashed(3, 2))]
)
def test_no_events_are_requested_where_a_pod_shows_enough(pod: Live) -> None:
    assert not needs_events([pod])


def test_an_event_is_read_whichever_api_wrote_it() -> None:
    written = {
        "metadata": {"name": "x", "creationTimestamp": ago(99)},
        "type": "Warning",
        "involvedObject": {"uid": "u"},
        "reason": "FailedScheduling",
        "message": "no\nnode",
        "eventTime": "2026-01-01T11:59:00.123456Z",
        "series": {"count": 4, "lastObservedTime": "2026-01-01T11:59:30.5Z"},
    }
    assert pod_events([written, {**written, "type": "Normal"}]) == (
        PodEvent("u", "FailedScheduling", "no node", count=4, time="2026-01-01T11:59:30Z"),
    )
