"""How a preview stands: what this run planned and did comes before what its status says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.kube.objects import Key
from reconcile.model.preview import parse_preview
from reconcile.model.snapshot import Preview
from reconcile.model.status import Status
from reconcile.plan.changes import Blocked, Change, Create, Delete, Keep, Outcome, Plan, Waiting, Write
from reconcile.report.formats import run_dotenv
from reconcile.report.states import State, gone, states, worst_first
from reconcile.status.result import Pass, Run
from tests.builders import a_preview
from tests.given import a_read_preview, an_unreadable_preview, children_of, key, live

NOW = datetime(2026, 1, 3, 4, tzinfo=UTC)
PLACE = "shop/pr-1"
SERVICE = live(children_of(a_read_preview())["Service"])
CREATE = Create(key("Deployment"), PLACE, {}, "new preview")
SECOND = Create(key("Service"), PLACE, {}, "new preview")
LEFTOVER = Delete(key("Service"), PLACE, SERVICE, "its preview is gone")
TAKEN = Blocked(Key("Preview", "shop", "pr-1"), PLACE, "HostnameConflict", "x belongs to shop/pr-9")


def a_run(
    *previews: Preview, changes: Iterable[Change] = (), outcomes: Iterable[Outcome] = (), **given: Any
) -> Run:
    """One pass over these previews, else over `shop/pr-1`."""
    one = Pass(Plan(tuple(changes)), tuple(outcomes))
    return Run((one,), previews=previews or (a_read_preview(),), now=NOW, **given)


def with_ready(status: str, seen: int | None = 1, **given: Any) -> Preview:
    """A preview whose condition Ready says so."""
    ready: dict[str, Any] = {"type": "Ready", "status": status, "reason": "Because", "message": "a sentence"}
    ready |= {} if seen is None else {"observedGeneration": seen}
    return a_read_preview(status={"conditions": [{"type": "Stalled", "status": "True"}, ready]}, **given)


def stands(done: Run) -> tuple[str, str, str]:
    (one,) = states(done)
    return one.state, one.reason, one.message


# what its status says


@pytest.mark.parametrize(
    ("preview", "expected"),
    [
        (with_ready("True"), ("Ready", "Because", "a sentence")),
        (with_ready("False"), ("NotReady", "Because", "a sentence")),
        (with_ready("Unknown"), ("Unknown", "Because", "a sentence")),
        (with_ready("True", None), ("Ready", "Because", "a sentence")),
        (with_ready("True", 1, generation=2), ("Unknown", "", "its status is about an older spec")),
        (with_ready("False", 1, generation=2), ("Unknown", "", "its status is about an older spec")),
        (a_read_preview(), ("Unknown", "", "")),
        (a_read_preview(status={"conditions": "x"}), ("Unknown", "", "")),
        (a_read_preview(status={"conditions": ["x", {"type": "Ready"}]}), ("Unknown", "", "")),
    ],
)
def test_the_status_of_a_preview_that_the_run_does_not_change_is_reported(
    preview: Preview, expected: tuple[str, str, str]
) -> None:
    keep = Keep(key("Service"), PLACE)
    waiting = Waiting(key("Mapping"), PLACE, "waits: deleted when Ingress shop/pr-1 exists")
    assert stands(a_run(preview, changes=[keep, waiting])) == expected


def test_a_status_of_an_older_spec_is_known_by_its_own_generation_too() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Available", "message": ""}
    preview = a_read_preview(generation=2, status={"observedGeneration": 1, "conditions": [ready]})
    assert stands(a_run(preview)) == ("Unknown", "", "its status is about an older spec")


# what this run says


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (["done", "done"], ("Changed", "Progressing", "")),
        (["canceled", "canceled"], ("Ready", "Because", "a sentence")),
        (["done", "failed"], ("Failed", "ApplyFailed", "Service shop/pr-1: no")),
        (["failed", "skipped"], ("Failed", "ApplyFailed", "Deployment shop/pr-1: no")),
        (["blocked", "skipped"], ("Blocked", "NameTaken", "no")),
        (["done", "skipped"], ("Pending", "", "no")),
    ],
)
def test_the_worst_outcome_of_its_writes_is_reported(
    results: list[Any], expected: tuple[str, str, str]
) -> None:
    writes: list[Write] = [CREATE, SECOND]
    outcomes = [Outcome(write, result, "no") for write, result in zip(writes, results, strict=True)]
    assert stands(a_run(with_ready("True"), changes=writes, outcomes=outcomes)) == expected


@pytest.mark.parametrize("given", [{"dry_run": True}, {"declined": True}])
def test_what_was_planned_and_not_done_is_pending(given: dict[str, Any]) -> None:
    assert stands(a_run(with_ready("True"), changes=[CREATE], **given)) == ("Pending", "", "")


@pytest.mark.parametrize("given", [{"dry_run": True}, {"declined": True}])
def test_a_preview_whose_children_a_run_would_delete_as_it_has_expired_is_expired(
    given: dict[str, Any],
) -> None:
    expired = replace(LEFTOVER, message="its preview expired at T", expired_at="T")
    (one,) = states(a_run(with_ready("True"), changes=[expired], url_scheme="https", **given))
    assert (one.state, one.reason, one.message) == ("Pending", "Expired", "its preview expired at T")
    assert one.url == ""


def test_a_preview_that_is_blocked_is_reported_so_although_the_rest_of_it_was_made_and_has_no_link() -> None:
    (one,) = states(a_run(with_ready("True"), changes=[CREATE, TAKEN], outcomes=[Outcome(CREATE, "done")]))
    assert (one.state, one.reason, one.message) == ("Blocked", "HostnameConflict", "x belongs to shop/pr-9")
    assert one.url == ""


def test_a_failure_is_reported_before_a_block() -> None:
    done = a_run(changes=[CREATE, TAKEN], outcomes=[Outcome(CREATE, "failed", "no")])
    assert stands(done)[0] == "Failed"


FOUND = {
    "ready": Status(True, "Available", "its pods are available", expires_at="2026-01-09T00:00:00Z"),
    "coming": Status(False, "Progressing", "0 of 1 pods are available"),
    "broken": Status(False, "RolloutFailed", "CrashLoopBackOff: exit code 1", stalled=True),
}


@pytest.mark.parametrize(
    ("result", "found", "expected"),
    [
        ("done", "ready", ("Ready", "Available", "its pods are available")),
        ("done", "coming", ("Changed", "Progressing", "0 of 1 pods are available")),
        ("done", "broken", ("NotReady", "RolloutFailed", "CrashLoopBackOff: exit code 1")),
        ("canceled", "coming", ("NotReady", "Progressing", "0 of 1 pods are available")),
        ("failed", "ready", ("Failed", "ApplyFailed", "Service shop/pr-1: no")),
        ("blocked", "ready", ("Blocked", "NameTaken", "no")),
    ],
)
def test_the_status_that_the_run_found_wins_over_the_one_that_was_written(
    result: Any, found: str, expected: tuple[str, str, str]
) -> None:
    outcomes = [Outcome(SECOND, result, "no")]
    done = a_run(with_ready("True"), changes=[SECOND], outcomes=outcomes, statuses={PLACE: FOUND[found]})
    assert stands(done) == expected


def test_the_expiry_is_the_one_that_the_run_found() -> None:
    preview = a_read_preview(status={"expiresAt": "2026-01-05T00:00:00Z"})
    assert states(a_run(preview, statuses={PLACE: FOUND["ready"]}))[0].expires == "2026-01-09T00:00:00Z"


def test_an_expired_preview_has_no_link() -> None:
    expired = Status(False, "Expired", "its ttl of 72h ended", stalled=True)
    (one,) = states(a_run(statuses={PLACE: expired}))
    assert (one.state, one.reason, one.url) == ("NotReady", "Expired", "")


def test_a_later_pass_counts_too() -> None:
    done = a_run(changes=[CREATE], outcomes=[Outcome(CREATE, "done")])
    later = Pass(Plan((SECOND,)), (Outcome(SECOND, "failed", "no"),))
    assert stands(replace(done, passes=(*done.passes, later)))[0] == "Failed"


def test_a_preview_that_is_being_deleted_is_going_whatever_else_is_known() -> None:
    going = with_ready("True", deleted="2026-01-02T00:00:00Z")
    assert stands(a_run(going, changes=[TAKEN])) == ("Terminating", "", "it is being deleted")


# link and times


def test_a_preview_has_its_link_its_age_and_its_expiry() -> None:
    preview = a_read_preview(status={"expiresAt": "2026-01-05T00:00:00Z"})
    expected = {
        "url": "https://pr-1.preview.example.com",
        "created": "2026-01-01T00:00:00Z",
        "expires": "2026-01-05T00:00:00Z",
        "image": "registry.example.com/shop:1",
    }
    assert states(a_run(preview)) == (State("shop", "pr-1", "Unknown", **expected),)


def test_there_is_no_link_without_a_route_or_without_a_hostname_that_can_be_read() -> None:
    assert [state.url for state in states(a_run(url_scheme=""))] == [""]
    assert [state.url for state in states(a_run(an_unreadable_preview()))] == [""]


# who is gone


def test_names_without_a_preview_and_owners_of_orphans_are_gone() -> None:
    done = a_run(a_read_preview("pr-2"), changes=[LEFTOVER], absent=("shop/pr-3",))
    assert gone(done) == ("shop/pr-1", "shop/pr-3")


# as variables


def test_one_preview_is_five_variables() -> None:
    assert run_dotenv(a_run(with_ready("True"))) == (
        "PREVIEW_COUNT=1\n"
        "PREVIEW_NAME=pr-1\n"
        "PREVIEW_URL=https://pr-1.preview.example.com\n"
        "PREVIEW_STATE=Ready\n"
        "PREVIEW_REASON=Because\n"
    )


def test_of_none_or_several_previews_only_the_number_is_a_variable() -> None:
    assert run_dotenv(replace(a_run(), previews=())) == "PREVIEW_COUNT=0\n"
    assert run_dotenv(a_run(a_read_preview(), a_read_preview("pr-2"))) == "PREVIEW_COUNT=2\n"


def test_no_variable_is_empty_and_none_can_hold_another_line() -> None:
    preview = parse_preview(
        {**a_preview(), "metadata": {"name": "pr 1\nPATH=x$(id)", "namespace": "shop"}}, group="platform9.com"
    )
    assert run_dotenv(a_run(preview)) == ("PREVIEW_COUNT=1\nPREVIEW_NAME=pr1PATHxid\nPREVIEW_STATE=Unknown\n")


@pytest.mark.parametrize("calm", ["Suspended", "Asleep"])
def test_a_failing_preview_comes_before_one_that_progresses_or_has_no_pods(calm: str) -> None:
    reasons = {"a": calm, "b": "Progressing", "c": "RolloutFailed", "d": "HostnameConflict"}
    found = [State("shop", name, "NotReady", reason) for name, reason in reasons.items()]
    found += [State("shop", "e", "Ready", "Available"), State("shop", "f", "Blocked", "NameTaken")]
    assert [one.name for one in worst_first(found)] == ["f", "c", "d", "a", "b", "e"]
