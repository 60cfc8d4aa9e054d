"""The Events that kubectl shows, on a real API server: each once, and none where nothing changed."""

import json
from dataclasses import replace

import pytest

from tests.controlplane import allow, eventually, service_account
from tests.e2e.granted import WRITES
from tests.e2e.groups import PREVIEWS
from tests.e2e.story import CHILD_RESOURCES, Story
from tests.e2e.test_status import conditions, status, told


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


@pytest.mark.usefixtures("control_plane")
def test_pods_that_crash_are_told_as_a_warning_once(story: Story) -> None:
    story.apply(image="fail.test/dies:1", env=[{"name": "SECRET", "value": "swordfish-swordfish"}])
    story.reconcile()
    told(story, "RolloutFailed")
    for _ in range(2):
        story.reconcile()
    assert sorted(seen(story)) == [CREATED, ("Warning", "RolloutFailed", "CrashLoopBackOff: exit code 1")]


def test_who_lost_a_hostname_is_told_who_has_it(story: Story) -> None:
    story.apply("pr-1")
    story.reconcile()
    story.apply("pr-2", fqdn=story.host("pr-1"))
    for _ in range(3):
        story.reconcile(code=1)
    assert sorted(seen(story, "pr-2")) == [
        ("Normal", "Created", "created Deployment, Service: new preview"),
        (
            "Warning",
            "HostnameConflict",
            f"{story.host('pr-1')}: belongs to {story.namespace}/pr-1; change spec.fqdn",
        ),
    ]


def test_that_it_expires_soon_is_told_once_and_then_that_it_has(story: Story) -> None:
    story.apply(ttl="20s")
    story.reconcile()
    ends = status(story)["expiresAt"]

    def soon() -> bool:
        story.reconcile()
        return "Expiring" in conditions(story)

    eventually(soon, "it expires soon", timeout=60, pause=0.2)
    note = f"its children go at {ends}; any change of its spec, such as another spec.revision, keeps it"
    assert conditions(story)["Expiring"] == ("True", "ExpiresSoon", note)
    story.reconcile()
    said = [event for event in seen(story) if event[1] not in ("Created", "Available")]
    assert said == [("Warning", "ExpiresSoon", note)]

    def over() -> bool:
        story.reconcile()
        return conditions(story)["Ready"][1] == "Expired"

    eventually(over, "it has expired", timeout=60, pause=0.2)
    expired = conditions(story)["Ready"][2]
    gone = f"deleted Deployment, Service, Mapping: its preview expired at {ends}"
    assert sorted(seen(story)[-2:]) == [("Normal", "Deleted", gone), ("Normal", "Expired", expired)]
    assert set(conditions(story)) == {"Ready", "Stalled"}
    posts = [event.code for event in story.requests() if event.resource == "events"]
    assert posts == [201] * len(seen(story))
    story.silent()


def test_without_the_right_to_tell_it_the_run_does_the_rest_and_names_the_right(story: Story) -> None:
    account = service_account(story.plane, story.namespace, "narrow")
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com"])
    allow(story.plane, account.user, ["patch"], ["previewenvironments/status.platform9.com"])
    allow(story.plane, account.user, ["get", "list", *WRITES], CHILD_RESOURCES)
    narrow = replace(story, account=account)
    narrow.apply("pr-1")
    narrow.apply("pr-2")
    lines = narrow.reconcile("--concurrency", "1").work
    assert lines[-2] == "Done: 6 created, 0 updated, 0 deleted."
    assert lines[-1].startswith("what happened was not told in events: create Event ")
    assert f"`kubectl auth can-i create events.events.k8s.io -n {story.namespace}` tells" in lines[-1]
    assert [event.code for event in narrow.requests() if event.resource == "events"] == [403]
    narrow.silent()


def test_an_api_group_of_any_length_can_report(alone: Story) -> None:
    alone.apply()
    alone.reconcile(everywhere=True)
    items = alone.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{alone.namespace}/events")["items"]
    (found,) = (item for item in items if item["reason"] == "Created" and "action" in item)
    assert found["reportingController"] == f"{alone.group}/preview-reconcile"
    assert found["regarding"]["uid"] == alone.live("PreviewEnvironment")["metadata"]["uid"]
