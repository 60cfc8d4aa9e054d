"""A status as the CRD has it: conditions by type, their times, and whether there is anything to write."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.model.status import Status, is_written, rendered

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
THEN = "2026-01-01T00:00:00Z"
READY = Status(
    ready=True,
    reason="Available",
    message="its pods are available",
    url="https://pr-1.example.com",
    ttl="24h",
    ttl_counts_from=THEN,
    expires_at="2026-01-02T00:00:00Z",
    observed_generation=3,
)
FAILED = Status(ready=False, reason="RolloutFailed", message="no", stalled=True, observed_generation=3)


def condition(type_: str, status: str, since: str, reason: str, message: str) -> dict[str, Any]:
    written = {"observedGeneration": 3, "lastTransitionTime": since, "reason": reason, "message": message}
    return {"type": type_, "status": status, **written}


THERE = rendered(READY, {}, NOW)
TIME = "2026-01-10T12:00:00Z"


def test_a_status_is_written_with_all_that_it_has() -> None:
    assert rendered(READY, {}, NOW) == {
        "observedGeneration": 3,
        "url": "https://pr-1.example.com",
        "expiresAt": "2026-01-02T00:00:00Z",
        "ttl": "24h",
        "ttlCountsFrom": THEN,
        "conditions": [condition("Ready", "True", TIME, "Available", "its pods are available")],
    }


def test_what_it_does_not_have_is_left_out_and_stalled_is_set_only_when_it_holds() -> None:
    assert rendered(FAILED, {}, NOW) == {
        "observedGeneration": 3,
        "conditions": [
            condition("Ready", "False", TIME, "RolloutFailed", "no"),
            condition("Stalled", "True", TIME, "RolloutFailed", "no"),
        ],
    }


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    before = {"conditions": [condition("Ready", "False", THEN, "Progressing", "0 of 1")]}
    ready, stalled = rendered(FAILED, before, NOW)["conditions"]
    assert (ready["lastTransitionTime"], ready["reason"]) == (THEN, "RolloutFailed")
    assert stalled["lastTransitionTime"] == TIME
    assert rendered(READY, before, NOW)["conditions"][0]["lastTransitionTime"] == TIME


def test_the_same_again_is_written_already() -> None:
    for status in (READY, FAILED):
        there = rendered(status, {}, NOW)
        assert is_written(rendered(status, there, NOW.replace(hour=13)), there)


def test_what_others_wrote_beside_it_is_no_difference() -> None:
    there = rendered(READY, {}, NOW)
    others = [*there["conditions"], condition("Seen", "True", THEN, "Seen", "")]
    assert is_written(there, {**there, "conditions": others, "phase": "x"})


@pytest.mark.parametrize(
    ("status", "there"),
    [
        (READY, {}),
        (READY, {"conditions": None}),
        (READY, {**THERE, "url": "http://pr-1.example.com"}),
        (READY, {**THERE, "observedGeneration": 2}),
        (READY, {**THERE, "ttlCountsFrom": None}),
        (READY, {**THERE, "conditions": rendered(FAILED, {}, NOW)["conditions"]}),
        (
            READY,
            {**THERE, "conditions": [*THERE["conditions"], *rendered(FAILED, {}, NOW)["conditions"][1:]]},
        ),
        # a field that has to go
        (FAILED, {**rendered(FAILED, {}, NOW), "url": "https://pr-1.example.com"}),
    ],
)
def test_any_difference_is_to_be_written(status: Status, there: dict[str, Any]) -> None:
    assert not is_written(rendered(status, {}, NOW), there)


SOON = replace(READY, expires_soon=True)


def test_that_it_expires_soon_is_a_condition_of_its_own_while_it_holds() -> None:
    message = (
        "its children go at 2026-01-02T00:00:00Z; "
        "any change of its spec, such as another spec.revision, keeps it"
    )
    conditions = rendered(SOON, {}, NOW)["conditions"]
    assert conditions[1:] == [condition("Expiring", "True", TIME, "ExpiresSoon", message)]
    assert is_written(rendered(SOON, {}, NOW), rendered(SOON, {}, NOW))
    assert not is_written(rendered(READY, {}, NOW), rendered(SOON, {}, NOW))
    assert not is_written(rendered(SOON, {}, NOW), rendered(READY, {}, NOW))
