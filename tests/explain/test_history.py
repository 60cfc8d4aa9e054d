"""Which Events are about a preview, in which order, and what may be said of them."""

from typing import Any

import pytest

from reconcile.explain.history import MOST, OLD, EventHistory, HistoryEvent, event_history
from reconcile.kube.live import Live
from reconcile.kube.redact import HIDDEN
from tests.given import a_read_preview, children_of

SECRET = "correct horse battery"
DEPLOYMENT = children_of(a_read_preview(env=[{"name": "TOKEN", "value": SECRET}]))["Deployment"]
POD = Live(
    {
        "kind": "Pod",
        "metadata": {"name": "pr-1-6c4-abcde", "namespace": "shop", "uid": "uid-of-pod"},
        "spec": {"containers": [{"name": "app", "args": ["--password=opensesame"]}]},
    }
)


def event(
    kind: str = "Deployment", name: str = "pr-1", *, at: str = "10:00:00", version: str = "1", **fields: Any
) -> dict[str, Any]:
    """An event that core/v1 wrote."""
    about = {"kind": kind, "namespace": "shop", "name": name, "uid": fields.pop("uid", "")}
    metadata = {"name": f"{name}.{version}", "namespace": "shop", "resourceVersion": version}
    said = {"type": "Warning", "reason": "Odd", "message": "m", "lastTimestamp": f"2026-01-01T{at}Z"}
    return {"kind": "Event", "metadata": metadata, "involvedObject": about, **said, **fields}


def found(*events: dict[str, Any], since: str = "2026-01-01T09:00:00Z") -> EventHistory:
    return event_history(events, "shop", "pr-1", pods=[POD], manifests=[DEPLOYMENT], since=since)


@pytest.mark.parametrize(
    ("kind", "name", "mine"),
    [
        ("PreviewEnvironment", "pr-1", True),
        ("PreviewEnvironment", "pr-2", False),
        ("Deployment", "pr-1", True),
        ("Mapping", "pr-1", True),
        ("Endpoints", "pr-1", False),
        ("Job", "pr-1-0123456789", True),
        ("Job", "pr-1-x-0123456789", False),
        ("Pod", "pr-1-0123456789-bcdfg", True),
        ("Pod", "pr-11-0123456789-bcdfg", False),
        ("ReplicaSet", "pr-1-6c4f7", True),
        ("ReplicaSet", "pr-1-6c4f7-x", False),
        ("ReplicaSet", "pr-1-aeiou", False),
        ("ReplicaSet", "pr-11-6c4f7", False),
        ("Pod", "pr-1-6c4f7-bcdfg", True),
        ("Pod", "pr-1-6c4f7", False),
        ("Pod", "pr-1-x-6c4f7-bcdfg", False),
    ],
)
def test_events_about_a_preview_are_known_by_the_names_that_controllers_give(
    kind: str, name: str, mine: bool
) -> None:
    assert bool(found(event(kind, name)).shown) is mine


def test_an_existing_pod_is_known_by_its_uid() -> None:
    assert found(event("Pod", "whatever", uid="uid-of-pod")).shown[0].name == "whatever"


def test_the_newest_come_last_and_what_is_too_much_is_counted() -> None:
    events = [event(at=f"10:00:{at:02}", message=f"{at}", version=f"{at}") for at in range(MOST + 3)]
    told = found(*reversed(events))
    assert [one.message for one in told.shown] == [str(number) for number in range(3, MOST + 3)]
    assert told.older == 3


def test_events_of_one_second_stand_as_the_server_wrote_them() -> None:
    told = found(event(version="10", message="second"), event(version="9", message="first"))
    assert [one.message for one in told.shown] == ["first", "second"]


def test_an_event_of_the_newer_api_has_its_time_and_count_too() -> None:
    series = {"count": 7, "lastObservedTime": "2026-01-01T11:00:00.123456Z"}
    told = found(event(lastTimestamp=None, eventTime="2026-01-01T10:00:00.000001Z", series=series))
    expected = HistoryEvent("2026-01-01T11:00:00Z", "Deployment", "pr-1", "Warning", "Odd", "m", 7)
    assert told == EventHistory((expected,))


def test_values_of_the_deployment_and_of_the_pods_are_not_shown() -> None:
    told = found(
        event(message=f"no: {SECRET}"),
        event("Pod", "pr-1-x-y", uid="uid-of-pod", version="2", message="opensesame"),
    )
    assert [one.message for one in told.shown] == [f"no: {HIDDEN}", HIDDEN]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("ScalingReplicaSet", "Scaled up replica set pr-1-6c4"), ("Odd", f"Scaled up {HIDDEN} set pr-1-6c4")],
)
def test_a_plain_word_as_an_argument_hides_nothing_in_what_has_only_names(reason: str, shown: str) -> None:
    worker = children_of(a_read_preview(args=["pr-1", "replica"]))["Deployment"]
    scaled = event(reason=reason, message="Scaled up replica set pr-1-6c4")
    (told,) = event_history([scaled], "shop", "pr-1", manifests=[worker], since="2026-01-01T09:00:00Z").shown
    assert told.message == shown


@pytest.mark.parametrize(
    ("kind", "at", "reason", "shown"),
    [
        ("Pod", "08:59:59", "Failed", OLD),
        ("ReplicaSet", "08:59:59", "FailedCreate", OLD),
        ("Deployment", "08:59:59", "Odd", OLD),
        ("Pod", "08:59:59", "Scheduled", "env was hunter2"),
        ("Pod", "09:00:00", "Failed", "env was hunter2"),
        ("PreviewEnvironment", "08:59:59", "Failed", "env was hunter2"),
    ],
)
def test_an_event_of_an_older_spec_is_shown_without_its_message(
    kind: str, at: str, reason: str, shown: str
) -> None:
    names = {"Pod": "pr-1-6c4f7-bcdfg", "ReplicaSet": "pr-1-6c4f7"}
    (told,) = found(
        event(kind, names.get(kind, "pr-1"), at=at, reason=reason, message="env was hunter2")
    ).shown
    assert told.message == shown


def test_an_event_without_a_time_is_shown_too() -> None:
    bare = {"kind": "Event", "metadata": {"name": "x", "namespace": "shop"}, "involvedObject": {}}
    about = {"kind": "Service", "name": "pr-1"}
    assert found(bare, {**bare, "involvedObject": about}).shown == (
        HistoryEvent("", "Service", "pr-1", "", "", "", 1),
    )


def test_an_event_of_a_replica_sets_pod_is_never_taken_for_that_of_a_jobs() -> None:
    """A hash of a pod template has up to ten characters, all of which a hash of a Job may have too."""
    (told,) = found(
        event("Pod", "pr-1-5b6dd7c574-bcdfg", at="09:00:00", reason="Failed", message="why")
    ).shown
    assert told.message == "why"


def test_messages_about_a_deleted_job_are_hidden_whatever_the_deployments_age() -> None:
    """A corrected setup makes no write to the Deployment, and a Job's pods may be gone before it."""
    place = {"name": "pr-1-0123456789", "namespace": "shop"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": place}
    told = [event("Job", "pr-1-0123456789"), event("Pod", "pr-1-0123456789-bcdfg")]
    gone = found(*told).shown
    there = event_history(told, "shop", "pr-1", manifests=[DEPLOYMENT, job], since="").shown
    assert [one.message for one in gone] == [OLD, OLD]
    assert [one.message for one in there] == ["m", "m"]
