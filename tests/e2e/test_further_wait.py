"""A run with `--wait` waits for further children, and tells which of them is not ready, and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane, eventually
from tests.e2e.further import STATEFUL_SET, document, put, shapes, shapes_in, with_kinds
from tests.e2e.process import Process
from tests.e2e.story import Story

CONTAINER = "containers: [{name: a, image: 'IMAGE', ports: [{containerPort: 5432}]}]"
DATABASE = document(
    "apps/v1", "StatefulSet", "-db", f"spec: {{replicas: 2, template: {{spec: {{{CONTAINER}}}}}}}"
)
WORKER = document(
    "apps/v1", "Deployment", "-worker", f"spec: {{replicas: 1, template: {{spec: {{{CONTAINER}}}}}}}"
)
FINE = "registry.example.com/a:1"


@pytest.fixture(scope="module")
def group(control_plane: ControlPlane) -> Iterator[str]:
    with shapes_in(control_plane) as group:
        yield group


def ends(story: Story, *options: str, code: int) -> list[str]:
    """What a run that waits says of each preview at its end."""
    lines = story.reconcile("--wait", "--wait-timeout", "60s", *options, code=code).lines
    return lines[next(place for place, line in enumerate(lines) if line.startswith("Done:")) + 1 :]


def test_a_preview_is_ready_with_its_further_children(story: Story, group: str, tmp_path: Path) -> None:
    _, strict = shapes(group)
    story = with_kinds(story, STATEFUL_SET, strict)
    custom = document(strict.api_version, "Strict", "-x", "spec: {size: a}")
    options = put(
        tmp_path / "templates", *(text.replace("IMAGE", FINE) for text in (DATABASE, WORKER)), custom
    )
    story.apply()
    told = f"{story.namespace}/pr-1"
    assert ends(story, *options, code=0) == [f"ready {told} https://{story.host('pr-1')}"]
    assert story.live("StatefulSet", "pr-1-db")["status"]["readyReplicas"] == 2
    story.silent(*options)

    def say(status: str) -> None:
        condition = {"type": "Ready", "status": status, "reason": "Migrating", "message": "3 of 5"}
        path = f"{story.path_of(strict.full_kind, 'pr-1-x')}/status?fieldManager=operator"
        story.ask("PATCH", path, {"status": {"conditions": [condition]}}, "application/merge-patch+json")

    say("False")
    process = Process.start(story, "--wait", "--wait-timeout", "60s", *options)

    def waits() -> bool:
        conditions = story.live("PreviewEnvironment").get("status", {}).get("conditions", [])
        return any("pr-1-x: is not ready yet: Migrating" in one["message"] for one in conditions)

    eventually(waits, "it waits for the custom resource")
    say("True")
    ended = process.ended()
    assert (ended.code, ended.lines[-1]) == (0, f"ready {told} https://{story.host('pr-1')}")
