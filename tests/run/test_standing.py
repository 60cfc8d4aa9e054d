"""When a preview that is waited for is ready, cannot become so, or is on its way."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.model.status import Status
from reconcile.plan.changes import PREVIEW, Blocked, Skipped
from reconcile.run.standing import PATIENCE, PATIENCE_FOR_A_NODE, patience, standing
from reconcile.status.facts import Facts
from reconcile.status.result import Standing
from tests.given import a_read_preview, a_setup_job, key

(DESIRED,) = desire([a_read_preview()], Settings(), Scope())
FACTS = Facts(DESIRED, (), (), None, None)


AT_ONCE = ("Invalid", "Expired", "Refused", "NameTaken", "HostnameConflict")
AFTER_A_WHILE = ("SetupFailed", "RolloutFailed", "RouteNotAccepted")


def a_status(reason: str, *, ready: bool = False, stalled: bool = False, message: str = "m") -> Status:
    return Status(ready, reason, message, stalled=stalled, url="https://x")


STALLED: dict[str, Any] = {"stalled": True}
NOWHERE: dict[str, Any] = {**STALLED, "message": "Unschedulable: 0/1"}
UNBOUND: dict[str, Any] = {**STALLED, "message": "Deployment pr-1-db: Unschedulable: its claim is not bound"}


@pytest.mark.parametrize(
    ("status", "state", "seconds"),
    [
        (a_status("Available", ready=True), "ready", 0.0),
        (a_status("Suspended"), "suspended", 0.0),
        (a_status("Asleep"), "suspended", 0.0),
        (a_status("Progressing"), "waiting", 0.0),
        (a_status("RouteNotAccepted"), "waiting", PATIENCE),
        *((a_status(reason, **STALLED), "failed", 0.0) for reason in AT_ONCE),
        (a_status("ApplyFailed"), "failed", 0.0),
        *((a_status(reason, **STALLED), "failed", PATIENCE) for reason in AFTER_A_WHILE),
        *((a_status("RolloutFailed", **why), "failed", PATIENCE_FOR_A_NODE) for why in (NOWHERE, UNBOUND)),
    ],
    ids=lambda value: value.reason if isinstance(value, Status) else str(value),
)
def test_each_reason_settles_or_is_waited_for(status: Status, state: str, seconds: float) -> None:
    found = standing(FACTS, status)
    blamed = status.reason in ("Invalid", "Refused", "NameTaken", "HostnameConflict")
    expected = Standing("shop", "pr-1", "ready", status.reason, status.message, "https://x", blamed)
    assert replace(found, state="ready") == expected
    under_way = replace(FACTS, setup=a_setup_job())
    assert (found.state, patience(under_way, found)) == (state, seconds)


def test_a_setup_job_that_has_ended_fails_at_once() -> None:
    over = replace(FACTS, setup=a_setup_job("Failed"))
    assert patience(over, standing(over, a_status("SetupFailed", stalled=True))) == 0.0


def test_a_kind_of_route_that_is_not_installed_fails_at_once_and_is_a_persons() -> None:
    blocked = replace(FACTS, changes=(Blocked(key(PREVIEW), "shop/pr-1", "RouteNotAccepted", "x"),))
    found = standing(blocked, a_status("RouteNotAccepted", stalled=True))
    assert (found.state, found.for_a_person, patience(blocked, found)) == ("failed", True, 0.0)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (FACTS, ("waiting", "", "its state is unknown")),
        (
            replace(FACTS, unread=(Skipped("Service", "403"),)),
            ("failed", "Unread", "its children could not all be read"),
        ),
        (
            replace(FACTS, desired=replace(DESIRED, reason="Terminating")),
            ("failed", "Terminating", "it is being deleted"),
        ),
    ],
)
def test_where_there_is_no_status_to_write(facts: Facts, expected: tuple[str, str, str]) -> None:
    found = standing(facts, None)
    assert (found.state, found.reason, found.message) == expected
