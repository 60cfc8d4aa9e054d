"""--adopt takes over what label and identity prove though its history does not, on a real API server."""

from typing import Any

from reconcile.model.names import Names
from tests.e2e.story import Story, container
from tests.e2e.strangers import export

FIELD_MANAGER = Names().field_manager
KINDS = ("Deployment", "Service", "Mapping")
SPEC: dict[str, Any] = {
    "replicas": 0,
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "command": ["run"],
    "args": ["--fast"],
    "healthPath": "/healthz",
    "resources": {"limits": {"cpu": "1"}},
}


def restore(story: Story) -> None:
    """The children of pr-1 were lost, and come back from a backup."""
    for kind in KINDS:
        backup = export(story.live(kind))
        story.delete(kind)
        story.create(backup, by="velero")


def test_a_restored_child_is_taken_over_only_if_requested_and_what_the_spec_no_longer_has_is_removed(
    story: Story,
) -> None:
    story.apply(**SPEC)
    story.reconcile()
    restore(story)
    wrote, uids = story.writes(), story.uids()
    place = f"{story.namespace}/pr-1"
    why = f"exists and is not managed by preview-reconcile (not applied by {FIELD_MANAGER}); pass --adopt to adopt it"
    blocked = "; ".join(f"{kind} {place}: {why}" for kind in KINDS)
    assert story.reconcile(code=1).changes == [f"! Preview {place} {blocked}"]
    assert story.writes() == wrote
    story.apply(replicas=0, env=[{"name": "B", "value": "2"}], port=8080)
    assert story.reconcile("--adopt").changes == [f"~ {kind} {place} adopted" for kind in KINDS]
    story.silent()
    assert story.uids() == uids
    app = container(story.live("Deployment"))
    assert app["env"] == [{"name": "B", "value": "2"}]
    assert [port["containerPort"] for port in app["ports"]] == [8080]
    assert app["resources"] == {}
    assert [name for name in ("command", "args") if name in app] == []
    assert app["readinessProbe"].keys() & {"httpGet", "tcpSocket"} == {"tcpSocket"}
