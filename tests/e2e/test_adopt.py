"""--adopt takes over what label and identity prove though its history does not, on a real API server."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.model.names import Names
from tests.e2e.story import ROUTES, Story, container
from tests.e2e.strangers import export, stranger

FIELD_MANAGER = Names().field_manager
SPEC: dict[str, Any] = {
    "replicas": 0,
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "command": ["run"],
    "args": ["--fast"],
    "healthPath": "/healthz",
    "resources": {"limits": {"cpu": "1"}},
}


@pytest.fixture(params=ROUTES)
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


def test_a_restored_child_is_taken_over_only_where_that_is_said(restored: Story) -> None:
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


def test_what_the_spec_no_longer_wants_goes_with_the_adoption(story: Story) -> None:
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


def test_what_the_spec_no_longer_wants_goes_after_the_adoption(story: Story) -> None:
    story.apply(**SPEC)
    story.reconcile()
    restore(story)
    story.reconcile("--adopt")
    story.apply(replicas=0, env=[{"name": "B", "value": "2"}])
    story.reconcile()
    story.silent()
    app = container(story.live("Deployment"))
    assert app["env"] == [{"name": "B", "value": "2"}]
    assert [name for name in ("command", "args") if name in app] == []


def test_what_no_preview_wants_is_neither_adopted_nor_deleted(story: Story) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()
    restore(story)
    before = story.everything()
    wrote = story.writes()
    for arguments in ((), ("--adopt",)):
        assert story.reconcile(*arguments).changes == [
            f"= {kind} {story.namespace}/pr-1 kept, its preview is gone, but not managed by preview-reconcile "
            f"(not applied by {FIELD_MANAGER})"
            for kind in ("Deployment", "Service", "Mapping")
        ]
    assert story.writes() == wrote
    assert story.everything() == before


def test_a_strangers_object_is_not_adopted(story: Story) -> None:
    story.create(stranger("Service"))
    story.apply(replicas=0)
    before = story.everything()
    (line,) = story.reconcile("--adopt", code=1).changes
    assert "--adopt" not in line
    assert story.writes() == []
    assert story.everything() == before


def test_a_restored_child_is_adopted_beside_children_of_ours(story: Story) -> None:
    story.apply(**SPEC)
    story.reconcile()
    backup = export(story.live("Service"))
    story.delete("Service")
    story.create(backup, by="velero")
    assert story.reconcile("--adopt").changes == [f"~ Service {story.namespace}/pr-1 adopted"]
    story.silent()
