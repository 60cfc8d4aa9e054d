"""`--explain` on a real API server: who set what, by reads alone."""

import re

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.model.names import PLURAL
from tests.controlplane import ControlPlane, allow, eventually
from tests.e2e.story import READS, Story

EVERY_KIND = [*(kind.resource.plural for kind in CHILDREN), PLURAL]


@pytest.fixture
def asking(reader: Story) -> Story:
    """A user who may read what a dry run reads, pods and events, and nothing else."""
    allow(reader.plane, reader.account.user, ["list"], ["pods", "events"], namespace=reader.namespace)
    return reader


def explained(story: Story, name: str = "pr-1", code: int = 0) -> list[str]:
    """The lines of the explanation, with single spaces."""
    return story.reconcile("--explain", name, code=code).lines


def test_who_changed_what_by_hand_is_named_and_only_reads_are_made(story: Story, asking: Story) -> None:
    story.apply(env=[{"name": "TOKEN", "value": "opensesame"}])
    story.reconcile()
    story.plane.kubectl("-n", story.namespace, "set", "env", "deploy/pr-1", "INJECTED=hunter2hunter2")
    story.plane.kubectl(
        "-n", story.namespace, "set", "image", "deploy/pr-1", "app=registry.example.com/web:9"
    )
    story.plane.kubectl("-n", story.namespace, "scale", "deploy/pr-1", "--replicas=2")
    story.plane.kubectl("-n", story.namespace, "annotate", "service/pr-1", "team=blue-team-secret")
    before = story.versions()
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
    # And what previews of other tests remember, or their routes hang on.
    assert {event.resource for event in asking.requests()} >= {*EVERY_KIND, "pods", "events"}
    assert {event.code for event in asking.requests()} <= {200, 404}
    if not story.plane.has_controllers:
        assert story.versions() == before


def _ago(lines: list[str]) -> str:
    """How long ago the author applied it, as it is told: that depends on the machine."""
    line = next(line for line in lines if line.startswith("spec.image "))
    return line.partition("(Apply, ")[2].partition(" ago")[0]


def test_events_and_pods_show_why_a_preview_is_not_ready(
    story: Story, control_plane: ControlPlane, asking: Story
) -> None:
    story.apply(image="fail.test/dies:1", command=["/bin/start", "--password=opensesame"])
    story.reconcile()
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
