"""The Events that kubectl shows, on a real API server: each once, and none where nothing changed."""

import json

import pytest

from tests.e2e.groups import PREVIEWS
from tests.e2e.story import Story
from tests.e2e.test_status import told


def seen(story: Story, name: str = "pr-1") -> list[tuple[str, str, str]]:
    """Type, reason and note of a preview's events, the oldest first, as kubectl has them."""
    about = f"involvedObject.kind=PreviewEnvironment,involvedObject.name={name}"
    listed = story.plane.kubectl(
        "get", "events", "-n", story.namespace, f"--field-selector={about}", "-o=json"
    )
    found = sorted(json.loads(listed)["items"], key=lambda item: int(item["metadata"]["resourceVersion"]))
    return [(item["type"], item["reason"], item["message"]) for item in found]


CREATED = ("Normal", "Created", "created Deployment, Service, Mapping: new preview")
AVAILABLE = ("Normal", "Available", "its pods are available")


@pytest.mark.usefixtures("control_plane")
def test_kubectl_shows_each_event_once_however_many_runs_there_were(story: Story) -> None:
    story.apply()
    story.reconcile()
    told(story, "Available")
    for _ in range(3):
        story.reconcile()
    assert seen(story) == [CREATED, AVAILABLE]
    story.silent()
    assert {event.verb for event in story.asked_by_a_run()} == {"list"}
    story.apply(image="registry.example.com/web:2")
    story.reconcile()
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(targetPort=8080))
    story.reconcile()
    # The new pods may be available already when the second of these runs looks, and that is told, too.
    assert [event for event in seen(story)[2:] if event != AVAILABLE] == [
        ("Normal", "Updated", "updated Deployment: its preview or an option changed"),
        ("Normal", "Updated", "updated Service: drifted"),
    ]
    described = story.plane.kubectl("describe", PREVIEWS, "pr-1", "-n", story.namespace)
    assert "created Deployment, Service, Mapping: new preview" in described


def test_an_api_group_of_any_length_can_report(alone: Story) -> None:
    alone.apply()
    alone.reconcile(everywhere=True)
    items = alone.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{alone.namespace}/events")["items"]
    (found,) = (item for item in items if item["reason"] == "Created" and "action" in item)
    assert found["reportingController"] == f"{alone.group}/preview-reconcile"
    assert found["regarding"]["uid"] == alone.live("PreviewEnvironment")["metadata"]["uid"]
