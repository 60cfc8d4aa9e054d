"""`--wait` on a real API server, with pods that start, or fail as a kubelet would tell it."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconcile.desire.children import RESOURCES
from reconcile.model.names import PLURAL
from tests.controlplane import allow, eventually
from tests.e2e.gate import Gate, gate_before, read_of
from tests.e2e.groups import PREVIEWS
from tests.e2e.process import Process, Terminal, behind
from tests.e2e.story import STATUS, Result, Story
from tests.e2e.test_status import quota_is_counted, ready

UNREADY = "0 of 1 pods are available: readiness probe TCP :80: no success yet"


def waited(story: Story, *arguments: str, code: int, within: float = 60.0) -> list[str]:
    """What a run says of each preview at its end; it must not take longer than so many seconds."""
    began = time.monotonic()
    lines = story.reconcile("--wait", "--wait-timeout", "90s", *arguments, code=code).lines
    assert time.monotonic() - began < within
    return lines[next(place for place, line in enumerate(lines) if line.startswith("Done:")) + 1 :]


@pytest.mark.usefixtures("control_plane")
def test_a_run_ends_when_its_previews_are_ready_and_kubectl_agrees(story: Story) -> None:
    story.apply("pr-1", replicas=2)
    story.apply("pr-2", suspend=True)
    assert waited(story, code=0) == [
        f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}",
        f"suspended {story.namespace}/pr-2 suspended (spec.suspend is true)",
    ]
    wait = ("wait", "-n", story.namespace, "--for=condition=Ready", f"{PREVIEWS}/pr-1", "--timeout=0s")
    assert "condition met" in story.plane.kubectl(*wait)
    story.silent()


@pytest.mark.usefixtures("control_plane")
def test_what_is_ready_already_costs_no_look(story: Story) -> None:
    story.apply()
    waited(story, code=0)
    story.settled()
    events = story.asked_by_a_run("--wait")
    every_kind = sorted([*(resource.plural for resource in RESOURCES.values()), PLURAL])
    assert sorted(event.resource for event in events if event.verb == "list") == every_kind
    assert {event.verb for event in events} == {"list"}


@pytest.mark.usefixtures("control_plane")
def test_a_setup_job_is_waited_for(story: Story) -> None:
    story.apply(setup={"command": ["migrate"]})
    assert waited(story, code=0) == [f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}"]
    (job,) = (name for name in story.children() if name.startswith("Job/"))
    ended = story.live("Job", job.removeprefix("Job/"))["status"]
    assert "Complete" in [condition["type"] for condition in ended["conditions"]]
    story.silent()


@pytest.mark.usefixtures("control_plane")
def test_pods_of_a_setup_job_that_do_not_come_up_end_the_wait_early_and_their_logs_are_asked_for(
    story: Story,
) -> None:
    allow(story.plane, story.account.user, ["get"], ["pods/log"])
    story.apply(setup={"image": "fail.test/pull:1"})
    result = story.reconcile("--wait", "--logs", "--wait-timeout", "90s", code=1)
    message = "ImagePullBackOff: Back-off pulling image fail.test/pull:1: not found"
    assert result.lines[-1].startswith(f"not ready {story.namespace}/pr-1 {message} (setup Job ")
    assert f"{story.namespace}/pr-1: no logs of container setup of pod pr-1-" in result.stderr


@pytest.mark.usefixtures("control_plane")
@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("fail.test/pull:1", "ImagePullBackOff: Back-off pulling image fail.test/pull:1: not found"),
        ("fail.test/dies:1", "CrashLoopBackOff: exit code 1"),
    ],
)
def test_pods_that_fail_end_the_wait_early_with_their_reason(story: Story, image: str, message: str) -> None:
    story.apply(image=image)
    assert waited(story, code=1) == [f"not ready {story.namespace}/pr-1 {message}"]
    assert ready(story) == ("False", "RolloutFailed", message)


@pytest.mark.usefixtures("control_plane")
def test_pods_of_an_older_template_fail_nothing(story: Story) -> None:
    """A push that mends a crash, and a way back to the image before it, whose pod is older than the crash."""
    story.apply(image="registry.example.com/web:1")
    waited(story, code=0)
    story.apply(image="fail.test/dies:1")
    assert waited(story, code=1) == [f"not ready {story.namespace}/pr-1 CrashLoopBackOff: exit code 1"]
    story.apply(image="registry.example.com/web:1")
    assert waited(story, code=0) == [f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}"]


@pytest.mark.usefixtures("control_plane")
def test_when_the_time_is_over_what_is_missing_is_told(story: Story) -> None:
    story.apply(image="fail.test/unready:1")
    lines = waited(story, "--wait-timeout", "5s", code=1, within=15)
    assert lines == [f"not yet {story.namespace}/pr-1 {UNREADY}"]


@pytest.mark.usefixtures("control_plane")
def test_a_quota_that_refuses_pods_ends_the_wait(story: Story) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
    story.ask("POST", f"/api/v1/namespaces/{story.namespace}/resourcequotas", quota)
    eventually(lambda: quota_is_counted(story), "the quota is in force", timeout=60)
    story.apply()
    message = "FailedCreate: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"
    assert waited(story, code=1) == [f"not ready {story.namespace}/pr-1 {message}"]


@pytest.mark.usefixtures("control_plane")
def test_a_pod_that_fits_nowhere_is_told_and_a_node_may_still_come(story: Story) -> None:
    story.apply()
    (line,) = waited(story, "--wait-timeout", "12s", "--node-selector", "disk=none", code=1)
    assert line.startswith(
        f"not yet {story.namespace}/pr-1 Unschedulable: 0/1 nodes are available: 1 node(s) didn't match"
    )


@pytest.mark.usefixtures("control_plane", "gateway_api")
def test_a_gateway_that_refuses_the_route_ends_the_wait(story: Story) -> None:
    story = replace(story, route="HTTPRoute")
    story.apply()
    process = Process.start(story, "--wait", "--wait-timeout", "60s")
    eventually(lambda: story.there("HTTPRoute"), "the route is there", timeout=30)
    story.answer(Accepted="False", ResolvedRefs="True")
    ended = process.ended(50)
    refused = f"Gateway infra/web does not take HTTPRoute {story.namespace}/pr-1: NoAccepted"
    assert (ended.code, ended.lines[-1]) == (1, f"not ready {story.namespace}/pr-1 {refused}")


@pytest.mark.usefixtures("control_plane", "gateway_api")
def test_a_gateway_that_takes_the_route_late_ends_it_well(story: Story) -> None:
    story = replace(story, route="HTTPRoute")
    story.apply()
    process = Process.start(story, "--wait", "--wait-timeout", "60s")
    silent = f"Gateway infra/web has not taken HTTPRoute {story.namespace}/pr-1 yet"
    eventually(lambda: ready(story)[2] == silent if status_there(story) else False, "it waits", timeout=30)
    story.accept()
    ended = process.ended(30)
    assert (ended.code, ended.lines[-1]) == (0, f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}")


def status_there(story: Story) -> bool:
    return bool(story.live("PreviewEnvironment").get("status"))


def test_what_needs_a_person_ends_the_wait_at_once_and_the_others_go_on(story: Story) -> None:
    story.apply("pr-1", suspend=True)
    story.apply("pr-2", fqdn=story.host("pr-1"))
    result = story.reconcile("--wait", code=1)
    assert result.lines[-2:] == [
        f"suspended {story.namespace}/pr-1 suspended (spec.suspend is true)",
        f"not ready {story.namespace}/pr-2 {story.host('pr-1')}: belongs to {story.namespace}/pr-1; change spec.fqdn",
    ]
    assert story.reconcile("--wait", "--allow-blocked").lines[-1] == result.lines[-1]


# while it waits


def waiting(story: Story, *arguments: str) -> Process:
    """A run that waits for pods that never become ready."""
    story.apply(image="fail.test/unready:1")
    process = Process.start(story, "--wait", *arguments)
    eventually(
        lambda: status_there(story) and ready(story)[2] == UNREADY,
        "it waits for its pods",
        timeout=60,
    )
    return process


def ended_by(process: Process, within: float = 10.0) -> Result:
    began = time.monotonic()
    result = process.ended(within + 5)
    assert time.monotonic() - began < within
    return result


@pytest.mark.usefixtures("control_plane")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_wait_and_the_children_stay(
    story: Story, number: signal.Signals, code: int
) -> None:
    process = waiting(story)
    process.tell(number)
    result = ended_by(process, 5.0)
    assert result.code == code
    assert result.lines[-1].startswith(f"not yet {story.namespace}/pr-1 ")
    assert story.children() == story.all_of()


@pytest.mark.usefixtures("control_plane")
def test_a_preview_that_is_deleted_meanwhile_is_waited_for_no_longer(story: Story) -> None:
    process = waiting(story)
    story.delete("PreviewEnvironment")
    result = ended_by(process)
    why = "it was deleted while this run waited"
    assert (result.code, result.lines[-1]) == (1, f"not ready {story.namespace}/pr-1 {why}")


@pytest.mark.usefixtures("control_plane")
def test_a_spec_that_is_changed_meanwhile_is_another_runs(story: Story) -> None:
    process = waiting(story)
    story.apply(image="registry.example.com/web:2")
    result = ended_by(process)
    why = "its spec was changed while this run waited: run again"
    assert (result.code, result.lines[-1]) == (1, f"not ready {story.namespace}/pr-1 {why}")


@pytest.mark.usefixtures("control_plane")
def test_a_look_is_one_list_for_each_kind(story: Story) -> None:
    for name in ("pr-1", "pr-2", "pr-3"):
        story.apply(name, image="fail.test/unready:1")
    story.reconcile()
    log_size = story.plane.audit_log.stat().st_size
    story.reconcile("--wait", "--wait-timeout", "12s", code=1)
    events = story.plane.audit(story.account.user, log_size)
    looks = Counter(event.resource for event in events if event.verb == "list")
    assert {event.verb for event in events if event.resource != STATUS} == {"list"}
    assert looks["previewenvironments"] == looks["deployments"]
    assert looks["previewenvironments"] > 4
    assert {looks[kind] for kind in ("services", "mappings", "ingresses", "httproutes")} == {1}
    assert 1 <= looks["pods"] <= looks["previewenvironments"]


# a server that does not answer, and a terminal


@pytest.fixture
def gate(story: Story) -> Iterator[Gate]:
    with gate_before(story) as gate:
        yield gate


@pytest.mark.usefixtures("control_plane")
def test_a_list_that_hangs_ends_with_the_time(story: Story, gate: Gate, tmp_path: Path) -> None:
    process = waiting(behind(story, gate, tmp_path), "--wait-timeout", "20s")
    gate.hold(read_of("deployments"), every=True).reached()
    result = ended_by(process, 25.0)
    assert result.code == 1
    assert "the 20 s of --wait-timeout are over" in result.stderr
    assert result.lines[-1] == f"not yet {story.namespace}/pr-1 {UNREADY}"


@pytest.mark.usefixtures("control_plane")
def test_a_signal_ends_a_look_that_hangs(story: Story, gate: Gate, tmp_path: Path) -> None:
    process = waiting(behind(story, gate, tmp_path))
    gate.hold(read_of("deployments"), every=True).reached()
    process.tell(signal.SIGTERM)
    assert ended_by(process, 5.0).code == 143


@pytest.mark.usefixtures("control_plane")
def test_at_a_terminal_there_is_one_line_for_each_that_changes(story: Story) -> None:
    story.apply("pr-1")
    story.apply("pr-2", image="fail.test/dies:1")
    terminal = Terminal.start(story, "--yes", "--wait", "--wait-timeout", "60s", "--no-color")
    terminal.wait_for(f"waits  {story.namespace}/pr-2  CrashLoopBackOff: exit code 1")
    assert terminal.ended() == 1
    assert "\x1b[1A\x1b[2K" in terminal.shown, "a line is written over"
    last = terminal.shown.rsplit("Done:", 1)[1].replace("\r", "").split("\n")
    assert [" ".join(line.split()) for line in last[-3:-1]] == [
        f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}",
        f"not ready {story.namespace}/pr-2 CrashLoopBackOff: exit code 1",
    ]


# logs


@pytest.mark.usefixtures("control_plane")
def test_where_there_are_no_logs_that_is_told_and_nothing_else_changes(story: Story) -> None:
    """These nodes have no kubelet."""
    allow(story.plane, story.account.user, ["get"], ["pods/log"])
    assert "the API server is in trouble (404): " in no_logs(story)


@pytest.mark.usefixtures("control_plane")
def test_without_the_right_to_logs_that_is_told_and_nothing_else_changes(story: Story) -> None:
    assert "no right to get log of pods" in no_logs(story)


def no_logs(story: Story) -> str:
    """What a run with `--logs` says on stderr about a pod that crashes."""
    story.apply(image="fail.test/dies:1")
    result = story.reconcile("--wait", "--logs", code=1)
    place = f"{story.namespace}/pr-1"
    assert result.lines[-1] == f"not ready {place} CrashLoopBackOff: exit code 1"
    (line,) = (line for line in result.stderr.splitlines() if "no logs" in line)
    assert line.startswith(f"{place}: no logs of container app of pod pr-1-")
    assert "no logs" not in result.stdout
    return line
