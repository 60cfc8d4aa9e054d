"""`--explain` on a real API server: who set what, by reads alone."""

import re
from dataclasses import replace

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.model.names import DEFAULT_GROUP, PLURAL
from tests.controlplane import Account, ControlPlane, allow, eventually, service_account
from tests.e2e.story import CHILD_RESOURCES, READS, Story

EVERY_KIND = [*(kind.resource.plural for kind in CHILDREN), PLURAL]


@pytest.fixture
def reader(api_server: ControlPlane, namespace: str) -> Account:
    """A user who may read what a dry run reads, pods and events, and nothing else."""
    account = service_account(api_server, namespace, "reader")
    allow(api_server, account.user, ["get", "list"], [f"{PLURAL}.{DEFAULT_GROUP}", *CHILD_RESOURCES])
    allow(api_server, account.user, ["list"], ["pods", "events"], namespace=namespace)
    return account


def explained(story: Story, name: str = "pr-1", code: int = 0) -> list[str]:
    """The lines of the explanation, with single spaces."""
    return story.reconcile("--explain", name, code=code).lines


def test_who_changed_what_by_hand_is_named_and_only_reads_are_made(story: Story, reader: Account) -> None:
    story.apply(env=[{"name": "TOKEN", "value": "opensesame"}])
    story.reconcile()
    story.plane.kubectl("-n", story.namespace, "set", "env", "deploy/pr-1", "INJECTED=hunter2hunter2")
    story.plane.kubectl(
        "-n", story.namespace, "set", "image", "deploy/pr-1", "app=registry.example.com/web:9"
    )
    story.plane.kubectl("-n", story.namespace, "scale", "deploy/pr-1", "--replicas=2")
    story.plane.kubectl("-n", story.namespace, "annotate", "service/pr-1", "team=blue-team-secret")
    before = story.versions()
    asking = replace(story, account=reader)
    lines = explained(asking)
    text = "\n".join(lines)
    assert "A run would update Deployment (drifted)." in lines
    container = "spec.template.spec.containers[app]"
    by = {line.split(" ")[1]: line for line in lines if line[:2] in ("= ", "~ ", "? ")}
    image = by[f"{container}.image"]
    assert image.startswith(f"~ {container}.image kubectl-set (Update, ")
    assert image.endswith(" registry.example.com/web:9, wanted registry.example.com/web:1")
    assert by[f"{container}.env[TOKEN].value"] == f"= {container}.env[TOKEN].value us as wanted (not shown)"
    assert by[f"{container}.env[INJECTED].value"].startswith(
        f"? {container}.env[INJECTED].value kubectl-set (Up"
    )
    assert by["metadata.annotations.team"].startswith(
        "? metadata.annotations.team kubectl-annotate (Update, "
    )
    assert by["spec.replicas"].endswith(" 2")
    assert [secret for secret in ("opensesame", "hunter2", "blue-team") if secret in text] == []
    assert f"spec.image registry.example.com/web:1 author (Apply, {_ago(lines)} ago)" in text
    assert {event.verb for event in asking.requests()} == READS
    assert {event.resource for event in asking.requests()} == {*EVERY_KIND, "pods", "events"}
    assert {event.code for event in asking.requests()} <= {200, 404}
    if not story.plane.has_controllers:
        assert story.versions() == before


def _ago(lines: list[str]) -> str:
    """How long ago the author applied it, as it is told: that depends on the machine."""
    line = next(line for line in lines if line.startswith("spec.image "))
    return line.partition("(Apply, ")[2].partition(" ago")[0]


def test_without_the_right_to_events_and_pods_a_sentence_says_so(story: Story, namespace: str) -> None:
    story.apply()
    story.reconcile()
    account = service_account(story.plane, namespace, "narrow")
    allow(story.plane, account.user, ["get", "list"], [f"{PLURAL}.{DEFAULT_GROUP}", *CHILD_RESOURCES])
    lines = explained(replace(story, account=account))
    assert "A run would change nothing." in lines
    unknown = lines[lines.index("Not known") + 1 :]
    assert [line.partition(":")[0] for line in unknown] == [
        "its pods are not known",
        "its events are not known",
    ]


def test_events_and_pods_say_why_a_preview_does_not_come_up(
    story: Story, control_plane: ControlPlane, reader: Account
) -> None:
    story.apply(image="fail.test/dies:1", command=["/bin/start", "--password=opensesame"])
    story.reconcile()
    asking = replace(story, account=reader)
    answer = "Not ready: RolloutFailed: CrashLoopBackOff: exit code 1."
    lines = eventually(
        lambda: found if answer in (found := explained(asking)) else None, "its pods crash", timeout=60
    )
    pods = lines[lines.index("Pods") + 1]
    assert pods.startswith("pr-1-")
    assert re.search(r" CrashLoopBackOff: exit code 1 \(\d restarts?\)$", pods)
    events = lines[lines.index("Events") + 1 :]
    assert any("ScalingReplicaSet Deployment pr-1 Scaled up replica set pr-1-" in line for line in events)
    assert any(" Scheduled Pod pr-1-" in line for line in events)
    assert "opensesame" not in "\n".join(lines)


def test_what_is_left_of_a_gone_preview_is_told_apart_from_what_was_never_there(
    alone: Story,
) -> None:
    alone.apply()
    alone.apply("pr-2")
    alone.reconcile()
    alone.orphan()
    lines = explained(alone)
    place = f"{alone.namespace}/pr-1"
    assert f"Gone: there is no preview {place}; 3 objects are left of it." in lines
    assert "A run would delete Deployment, Service and Mapping (its preview is gone)." in lines
    result = alone.reconcile("--explain", "pr-9", code=1)
    assert (result.stdout, result.stderr.count("pr-9: no such preview")) == ("", 1)


@pytest.mark.usefixtures("control_plane")
def test_the_pods_and_the_events_of_a_setup_job_are_told(story: Story, reader: Account) -> None:
    story.apply(setup={"image": "fail.test/exit:1"})
    story.reconcile()
    asking = replace(story, account=reader)

    def told() -> list[str] | None:
        lines = explained(asking)
        return lines if any(line.endswith("exit code 1") for line in lines) else None

    lines = eventually(told, "a pod of the setup Job that failed", pause=1.0)
    (job,) = (name.removeprefix("Job/") for name in story.children() if name.startswith("Job/"))
    assert any(f"Job {job}" in line and "SuccessfulCreate" in line for line in lines), lines
    assert any(line.startswith(f"{job}-") and line.endswith("exit code 1") for line in lines), lines
