"""What is told of a preview in Events, when, and how often: `events` alone, and in whole runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.errors import Forbidden, NamespaceTerminating, NotInstalled, ReconcileError
from reconcile.model.status import Status, rendered
from reconcile.plan.changes import Create, Delete, Outcome, Update, Write
from reconcile.status.events import LONGEST_NOTE, News, event, of_outcomes, of_status
from tests.builders import a_preview
from tests.given import a_read_preview, an_unreadable_preview, children_of, key, live
from tests.memory import Memory
from tests.run.test_run import INGRESS, a_cluster, go
from tests.status.test_publish import again, controllers, crashing, status

NOW = datetime(2026, 1, 10, 12, 0, 0, 250_000, tzinfo=UTC)
TIME = "2026-01-10T12:00:00.250000Z"
PREVIEW = a_read_preview(generation=3)
WANTED = children_of(PREVIEW)
THERE = {**children_of(PREVIEW, route="ingress"), **WANTED}


def done(action: type, kind: str, reason: str, result: Any = "done") -> Outcome:
    there = live(THERE[kind])
    made: dict[type, Write] = {
        Create: Create(key(kind), "shop/pr-1", THERE[kind], reason),
        Update: Update(key(kind), "shop/pr-1", THERE[kind], there, (), reason),
        Delete: Delete(key(kind), "shop/pr-1", there, reason),
    }
    return Outcome(made[action], result)


def told(*outcomes: Outcome) -> list[tuple[str, str]]:
    return [(one.reason, one.note) for one in of_outcomes(outcomes, NOW)]


# what was done


def test_created_children_share_one_event_in_apply_order() -> None:
    outcomes = [done(Create, kind, "new preview") for kind in ("Mapping", "Deployment", "Service")]
    assert of_outcomes(outcomes, NOW) == (
        News("Normal", "Created", "Create", "created Deployment, Service, Mapping: new preview", TIME),
    )


def test_each_action_has_one_event_with_its_reasons() -> None:
    assert told(
        done(Create, "Mapping", "another kind of route"),
        done(Delete, "Ingress", "another kind of route"),
        done(Update, "Deployment", "its preview or an option changed"),
        done(Update, "Service", "drifted"),
    ) == [
        ("Created", "created Mapping: another kind of route"),
        ("Updated", "updated Deployment: its preview or an option changed; Service: drifted"),
        ("Deleted", "deleted Ingress: another kind of route"),
    ]


@pytest.mark.parametrize("result", ["canceled", "failed", "blocked", "skipped"])
def test_what_was_not_done_gets_no_event(result: Any) -> None:
    assert told(done(Create, "Service", "new preview", result)) == []


# what a status has new


def a_status(reason: str = "Available", generation: int = 3, **given: Any) -> dict[str, Any]:
    found = Status(reason == "Available", reason, "its message", observed_generation=generation, **given)
    return rendered(found, {}, NOW)


EXPIRES: dict[str, Any] = {"expires_at": "2026-01-10T13:00:00Z", "ttl": "10h", "expires_soon": True}
SOON = (
    "its children go at 2026-01-10T13:00:00Z; any change of its spec, such as another spec.revision, keeps it"
)
FAILED = a_status("RolloutFailed", stalled=True)

TRANSITIONS: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = {
    "available": ({}, a_status(), [("Normal", "Available")]),
    "available, as before": (a_status(), a_status(generation=4), []),
    "on its way": (a_status(), a_status("Progressing"), []),
    "there again": (a_status("Progressing"), a_status(), [("Normal", "Available")]),
    "suspended": (a_status(), a_status("Suspended"), [("Normal", "Suspended")]),
    "asleep": (a_status(), a_status("Asleep"), [("Normal", "Asleep")]),
    "expired": (a_status(), a_status("Expired", stalled=True), [("Normal", "Expired")]),
    "failed": (a_status("Progressing"), FAILED, [("Warning", "RolloutFailed")]),
    "failed, in other words": ({**FAILED, "url": "x"}, FAILED, []),
    "another push that fails": (
        FAILED,
        a_status("RolloutFailed", generation=4, stalled=True),
        [("Warning", "RolloutFailed")],
    ),
    "a write that failed": (a_status(), a_status("ApplyFailed"), [("Warning", "ApplyFailed")]),
    "another push that is rejected": (
        a_status("ApplyFailed"),
        a_status("ApplyFailed", generation=4),
        [("Warning", "ApplyFailed")],
    ),
    "a kind that could not be read": (a_status(), a_status("Unread"), [("Warning", "Unread")]),
    "a gateway that has not answered": (a_status("Progressing"), a_status("RouteNotAccepted"), []),
    "a gateway that refuses": (
        a_status("RouteNotAccepted"),
        a_status("RouteNotAccepted", stalled=True),
        [("Warning", "RouteNotAccepted")],
    ),
    "expires soon": (a_status(), a_status(**EXPIRES), [("Warning", "ExpiresSoon")]),
    "expires soon, as before": (a_status(**EXPIRES), a_status(**EXPIRES), []),
    "expires soon, and failed": (
        a_status("Progressing"),
        a_status("RolloutFailed", stalled=True, **EXPIRES),
        [("Warning", "RolloutFailed"), ("Warning", "ExpiresSoon")],
    ),
    "expires at another time": (
        a_status(**EXPIRES),
        a_status(**{**EXPIRES, "expires_at": "2026-01-10T14:00:00Z"}),
        [("Warning", "ExpiresSoon")],
    ),
}


@pytest.mark.parametrize("row", TRANSITIONS)
def test_only_a_transition_is_an_event(row: str) -> None:
    before, after, expected = TRANSITIONS[row]
    assert [(one.type, one.reason) for one in of_status(before, after)] == expected


# the object


def made(news: News, preview: Any = PREVIEW) -> Any:
    return event(preview, news, NOW)


NEW = News("Normal", "Created", "Create", "created Service: new preview", TIME)


def test_the_complete_event() -> None:
    found = made(NEW)
    name = found["metadata"]["name"]
    assert found == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "shop"},
        "eventTime": TIME,
        "reportingController": "platform9.com/preview-reconcile",
        "reportingInstance": "preview-reconcile.platform9.com",
        "action": "Create",
        "reason": "Created",
        "type": "Normal",
        "note": "created Service: new preview",
        "regarding": {
            "apiVersion": "platform9.com/v1",
            "kind": "PreviewEnvironment",
            "namespace": "shop",
            "name": "pr-1",
            "uid": PREVIEW.uid,
            "resourceVersion": PREVIEW.resource_version,
        },
    }
    assert name.startswith("pr-1.")


def name_of(news: News) -> str:
    name: str = made(news)["metadata"]["name"]
    return name


def expiring(expires_at: str) -> News:
    (found,) = of_status({}, a_status("Progressing", **{**EXPIRES, "expires_at": expires_at}))
    return found


def test_the_name_is_of_the_uid_and_the_end_so_that_a_second_one_exists_already() -> None:
    first = expiring("2026-01-10T13:00:00Z")
    another = made(first, a_read_preview(generation=3, uid="another"))
    assert name_of(first) == name_of(expiring("2026-01-10T13:00:00Z"))
    assert len({name_of(first), name_of(expiring("2026-01-10T14:00:00Z")), another["metadata"]["name"]}) == 3


def test_a_crashing_pod_is_reported_once_for_each_generation() -> None:
    (first,), (second,) = of_status(a_status("Progressing"), FAILED), of_status(a_status(), FAILED)
    (pushed,) = of_status(FAILED, a_status("RolloutFailed", generation=4, stalled=True))
    assert name_of(first) == name_of(second) != name_of(pushed)


def test_a_note_is_one_line_of_plain_characters_and_no_longer_than_the_server_takes_it() -> None:
    note = made(News("Warning", "Invalid", "Reconcile", f"a\n\x1b[2Jb\u202e{'é' * 2000}", ""))["note"]
    assert note.startswith("a [2Jb éé")
    assert note.endswith("é…")
    assert LONGEST_NOTE - 1 <= len(note.encode()) <= LONGEST_NOTE


def test_a_name_that_is_too_long_for_a_preview_is_not_too_long_for_its_event() -> None:
    preview = an_unreadable_preview("a." * 120 + "a")
    name = made(NEW, preview)["metadata"]["name"]
    assert len(name) < 253
    assert ".." not in name


# whole runs


def events(memory: Memory) -> list[str]:
    return [line for line in memory.log if line.startswith("event")]


def told_by(memory: Memory, **request: Any) -> list[str]:
    return [line for line in again(memory, **request)[0] if line.startswith("event")]


def test_each_step_of_a_life_has_its_event_and_an_unchanged_cluster_none() -> None:
    memory = a_cluster()
    assert told_by(memory) == ["event Created shop/pr-1"]
    assert told_by(memory) == []
    controllers(memory)
    assert told_by(memory) == ["event Available shop/pr-1"]
    assert told_by(memory) == []
    assert told_by(memory, settings=INGRESS) == [
        "event Created shop/pr-1",
        "event Deleted shop/pr-1",
    ]
    crashing(memory)
    assert told_by(memory, settings=INGRESS) == ["event RolloutFailed shop/pr-1"]
    assert told_by(memory, settings=INGRESS) == []


def test_a_blocked_preview_gets_one_event() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2", fqdn="pr-1.preview.example.com"))
    assert "event HostnameConflict shop/pr-2" in told_by(memory)
    assert told_by(memory) == []


def test_a_preview_that_is_gone_gets_no_event() -> None:
    memory = a_cluster()
    go(memory)
    del memory.objects[key("PreviewEnvironment")]
    memory.put(a_preview("pr-2"))
    assert told_by(memory) == ["event Created shop/pr-2"]


def test_no_event_depends_on_a_status_that_cannot_be_written() -> None:
    """Else it would be told by every run."""
    memory = a_cluster()
    go(memory)
    crashing(memory)
    memory.trouble("status PreviewEnvironment shop/pr-1", Forbidden("no right to patch"))
    assert told_by(memory) == []


def test_a_ttl_with_a_tenth_left_is_reported_once_and_a_new_revision_reverts_it() -> None:
    memory = a_cluster(a_preview(ttl="10h"))
    go(memory)
    controllers(memory)
    go(memory)
    memory.time += timedelta(hours=9) - timedelta(seconds=1)
    assert told_by(memory) == []
    memory.time += timedelta(seconds=1)
    assert told_by(memory) == ["event ExpiresSoon shop/pr-1"]
    assert told_by(memory) == []
    memory.put(a_preview(ttl="10h", revision="b", generation=2, status=status(memory)))
    go(memory)
    assert {c["type"] for c in status(memory)["conditions"]} == {"Ready"}
    memory.time += timedelta(hours=10)
    go(memory)
    assert {c["type"] for c in status(memory)["conditions"]} == {"Ready", "Stalled"}


# what cannot be told


@pytest.mark.parametrize(
    ("error", "tries"),
    [(Forbidden("no right"), 2), (NotInstalled("no events"), 1), (NamespaceTerminating("it goes"), 3)],
)
def test_what_fails_for_a_namespace_or_everywhere_is_tried_there_once_with_one_note(
    error: ReconcileError, tries: int
) -> None:
    places = [("pr-1", "blog"), ("pr-1", "shop"), ("pr-2", "shop")]
    memory = a_cluster(
        *(a_preview(name, space, fqdn=f"{name}.{space}.example.com") for name, space in places)
    )
    for name, space in places:
        memory.trouble(f"event Created {space}/{name}", error)
    done = go(memory)
    assert len(events(memory)) == tries
    assert len({line.rpartition("/")[0] for line in events(memory)}) == min(tries, 2), "each namespace"
    assert done.notes == ((f"events were not created: {error}",) if tries < 3 else ())
    assert [outcome.result for outcome in done.outcomes] == ["done"] * 9
