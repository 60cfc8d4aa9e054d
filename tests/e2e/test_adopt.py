"""--adopt takes over what label and identity prove though its history does not, on a real API server."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.model.names import Names
from tests.e2e.story import Story, container
from tests.e2e.strangers import export

FIELD_MANAGER = Names().field_manager
SPEC: dict[str, Any] = {
    "replicas": 0,
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "command": ["run"],
    "args": ["--fast"],
    "healthPath": "/healthz",
    "resources": {"limits": {"cpu": "1"}},
}


@pytest.fixture(params=["Mapping", "HTTPRoute"])
def restored(request: pytest.FixtureRequest, story: Story) -> Story:
    """A preview whose children were lost, and came back from a backup."""
    story = replace(story, route=request.param)
    story.apply(**SPEC)
    story.reconcile()
    restore(story)
    return story


def restore(story: Story, name: str = "pr-1") -> None:
    for kind in ("Deployment", "Service", story.route):
        backup = export(story.live(kind, name))
        story.delete(kind, name)
        story.create(backup, by="velero")


def test_a_restored_child_is_taken_over_only_if_requested(restored: Story) -> None:
    wrote = restored.writes()
    place = f"{restored.namespace}/pr-1"
    says = [
        f"{kind} {place}: exists and is not managed by preview-reconcile (not applied by {FIELD_MANAGER}); pass --adopt to adopt it"
        for kind in ("Deployment", "Service", restored.route)
    ]
    assert restored.reconcile(code=1).changes == [f"! Preview {place} {'; '.join(says)}"]
    assert restored.writes() == wrote
    uids = restored.uids()
    assert restored.reconcile("--adopt").changes == [
        f"~ {kind} {place} adopted" for kind in ("Deployment", "Service", restored.route)
    ]
    restored.silent()
    assert restored.uids() == uids


def test_what_the_spec_no_longer_has_is_removed_by_adoption(story: Story) -> None:
    story.apply(**SPEC)
    story.reconcile()
    restore(story)
    story.apply(replicas=0, env=[{"name": "B", "value": "2"}], port=8080)
    story.reconcile("--adopt")
    story.silent()
    app = container(story.live("Deployment"))
    assert app["env"] == [{"name": "B", "value": "2"}]
    assert [port["containerPort"] for port in app["ports"]] == [8080]
    assert app["resources"] == {}
    assert [name for name in ("command", "args") if name in app] == []
    assert app["readinessProbe"].keys() & {"httpGet", "tcpSocket"} == {"tcpSocket"}
