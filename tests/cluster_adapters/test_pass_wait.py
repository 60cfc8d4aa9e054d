"""`--wait` against an API server that stumbles, and the logs that it has."""

import json
from typing import Any

import httpx
import pytest

from tests.builders import a_preview
from tests.cluster_adapters.conftest import status
from tests.cluster_adapters.world import PREVIEWS, World, a_list, path
from tests.given import a_read_preview, available, children_of, live, told

WANTED = children_of(a_read_preview())
DEPLOYMENT = live(WANTED["Deployment"]).manifest
COMING = {**DEPLOYMENT, "status": {"replicas": 1, "updatedReplicas": 1}}
PODS = "/api/v1/pods"
LOG = "/api/v1/namespaces/shop/pods/pr-1-a/log"
HOSTILE = b"::error::pwned\n\x1b[2Jcleared ##[error]x\r\n\xff\xfe\npassword=hunter22\n"


def a_world(world: World, *deployments: httpx.Response | dict[str, Any]) -> World:
    """One preview; its Deployment is as each of these says, one list after the other."""
    world.has(told(a_preview()), *(live(WANTED[kind]).manifest for kind in ("Service", "Mapping")))
    answers = [one if isinstance(one, httpx.Response) else a_list([one]) for one in deployments]
    world.says("GET", path("Deployment"), *answers)
    world.says("GET", PODS, a_list([]))
    return world


def a_pod(**container: Any) -> dict[str, Any]:
    labels = {"platform9.com/preview": "pr-1", "app.kubernetes.io/component": "app", "pod-template-hash": "1"}
    return {
        "kind": "Pod",
        "metadata": {"name": "pr-1-a", "namespace": "shop", "labels": labels},
        "status": {"containerStatuses": [{"name": "app", "ready": False, **container}]},
    }


CRASHED = a_pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 1}})


def test_lists_that_never_come_end_with_the_time(world: World) -> None:
    a_world(world, COMING, status(500, "InternalError", "etcd is away"))
    ended = world.run("--wait", "--wait-timeout", "2s", "-o", "json")
    assert ended.code == ended.report["exit_code"] == 1
    (note,) = ended.report["notes"]
    assert note.startswith("the last read failed: list deployments.apps in all namespaces: ")
    assert ended.report["waited"] == [
        {
            "namespace": "shop",
            "name": "pr-1",
            "state": "waiting",
            "reason": "Progressing",
            "message": "0 of 1 pods are available",
            "url": "https://pr-1.preview.example.com",
        }
    ]


def test_a_failed_list_is_reported_and_the_wait_goes_on(world: World) -> None:
    trouble = status(500, "InternalError", "etcd is away")
    a_world(world, COMING, *[trouble] * 7, available(DEPLOYMENT))
    ended = world.run("--wait", "--wait-timeout", "10s")
    assert (ended.code, ended.out.splitlines()[-1]) == (
        0,
        "ready  shop/pr-1  https://pr-1.preview.example.com",
    )
    assert "the cluster could not be read; retrying: list deployments.apps" in ended.err
    assert "etcd is away" in ended.err


def test_progress_is_printed_on_change_and_not_with_quiet(world: World) -> None:
    a_world(world, COMING, COMING, COMING, available(DEPLOYMENT))
    ended = world.run("--wait", "--wait-timeout", "20s")
    assert ended.err.splitlines() == [
        "waits  shop/pr-1  0 of 1 pods are available",
        "ready  shop/pr-1  https://pr-1.preview.example.com",
    ]
    world.says("GET", path("Deployment"), a_list([available(DEPLOYMENT)]))
    assert world.run("--wait", "-q").err == ""


# the logs


def with_a_crash(world: World, log: httpx.Response) -> World:
    a_world(world, COMING)
    world.says("GET", PODS, a_list([CRASHED]))
    world.says("GET", LOG, log)
    return world


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_the_lines_of_a_crash_are_harmless_and_on_stderr_alone(world: World, output: str) -> None:
    with_a_crash(world, httpx.Response(200, content=HOSTILE, headers={"Content-Type": "text/plain"}))
    ended = world.run("--wait", "--wait-timeout", "1s", "--logs", "-o", output)
    head = "shop/pr-1: the last lines of container app of pod pr-1-a, before it was started again:"
    lines = ended.err.splitlines()
    assert lines[lines.index(head) :] == [
        head,
        "shop/pr-1 | :\\:error::pwned",
        "shop/pr-1 | \\x1b[2Jcleared #\\#[error]x",
        "shop/pr-1 | \ufffd\ufffd",
        "shop/pr-1 | password=hunter22",
    ]
    assert "hunter22" not in ended.out + json.dumps([sent.body for sent in world.sent])
    (asked,) = (sent.params for sent in world.sent if sent.path == LOG)
    assert asked == {"container": "app", "tailLines": "30", "limitBytes": "65536", "previous": "true"}


NOT_STARTED = 'container "app" in pod "pr-1-a" is waiting to start: ImagePullBackOff'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(500, "InternalError", "no kubelet"), "the API server is in trouble (500): no kubelet"),
        (status(400, "BadRequest", NOT_STARTED), "it has not started (ImagePullBackOff)"),
        (httpx.Response(200, text=""), "it has written nothing"),
    ],
)
def test_missing_logs_are_reported_once_and_fail_nothing(
    world: World, answer: httpx.Response, why: str
) -> None:
    with_a_crash(world, answer)
    ended = world.run("--wait", "--wait-timeout", "1s", "--logs")
    assert (ended.code, ended.out.splitlines()[-1]) == (
        1,
        "not yet  shop/pr-1  CrashLoopBackOff: exit code 1",
    )
    last = ended.err.splitlines()[-1]
    assert last.startswith("shop/pr-1: no logs of container app of pod pr-1-a")
    assert why in last
    assert world.count("GET", LOG) == 1


# from the outside


def test_a_probe_that_fails_is_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def nowhere(address: Any, seconds: float) -> Any:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    a_world(world, available(DEPLOYMENT))
    monkeypatch.setattr("socket.create_connection", nowhere)
    allowed = ("--allow-fqdn", "*.preview.example.com")
    ended = world.run("--wait", "--wait-timeout", "1s", "--probe", *allowed, "-o", "json")
    (waited,) = ended.report["waited"]
    (preview,) = ended.report["previews"]
    assert asked == [("pr-1.preview.example.com", 443)]
    told = ("ProbeFailed", "probe: no connection: Connection refused")
    assert (ended.code, waited["state"], waited["reason"], waited["message"]) == (1, "waiting", *told)
    assert (preview["state"], preview["reason"], preview["message"]) == ("NotReady", *told)
    assert world.count("PATCH", f"{path(PREVIEWS.kind, 'pr-1')}/status") == 0, "the status is the cluster's"


def test_who_waits_for_what_is_not_there_waits_in_vain(world: World) -> None:
    a_world(world, available(DEPLOYMENT))
    assert world.run("shop/typo").code == 0, "as after a close"
    assert world.run("shop/typo", "--wait").code == 1
