"""A ttl: which one is in force, since when it counts, and when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.kube.time import parse_time, time_text
from reconcile.model.settings import Settings
from reconcile.model.ttl import Ttl, ttl_of
from tests.given import a_read_preview, an_unreadable_preview

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
BEGUN = "2026-01-09T12:00:00Z"


def a_status(**other: Any) -> dict[str, Any]:
    """What an earlier run wrote about generation 3."""
    return {"observedGeneration": 3, "ttl": "24h", "ttlCountsFrom": BEGUN, **other}


def found(ttl: str | None = "24h", status: dict[str, Any] | None = None, **settings: Any) -> Ttl | None:
    spec = {} if ttl is None else {"ttl": ttl}
    preview = a_read_preview(generation=3, status=status, **spec)
    return ttl_of(preview, Settings(**settings))


@pytest.mark.parametrize(
    ("asked", "default", "most", "in_force"),
    [
        (None, None, None, None),
        ("24h", None, None, "24h"),
        ("0", None, None, None),
        ("0s", "72h", None, None),
        (None, "72h", None, "72h"),
        (None, "0", None, None),
        ("24h", "72h", None, "24h"),
        ("24h", None, "7d", "24h"),
        ("168h", None, "7d", "168h"),
        ("8d", None, "7d", "7d"),
        ("0", None, "7d", "7d"),
        (None, None, "7d", "7d"),
        (None, "8d", "7d", "7d"),
        ("8d", None, "0", "8d"),
    ],
)
def test_the_ttl_in_force_is_the_authors_else_the_default_and_no_more_than_the_most(
    asked: str | None, default: str | None, most: str | None, in_force: str | None
) -> None:
    ttl = found(asked, default_ttl=default, max_ttl=most)
    assert (ttl.text if ttl else None) == in_force


@pytest.mark.parametrize(
    ("status", "counts_from"),
    [
        (a_status(), BEGUN),
        (None, ""),
        ({}, ""),
        (a_status(observedGeneration=2), ""),
        (a_status(ttl="25h"), ""),
        (a_status(ttl=None), ""),
        (a_status(ttlCountsFrom="yesterday"), ""),
        (a_status(ttlCountsFrom="2026-01-09T12:00:00"), ""),
        (a_status(ttlCountsFrom=5), ""),
        (a_status(ttlCountsFrom="9999-12-31T23:59:59Z"), ""),
    ],
)
def test_only_a_count_of_this_generation_and_this_ttl_goes_on(
    status: dict[str, Any] | None, counts_from: str
) -> None:
    assert found(status=status) == Ttl("24h", counts_from)


def test_another_default_restarts_the_count() -> None:
    assert found(None, a_status(), default_ttl="24h") == Ttl("24h", BEGUN)
    assert found(None, a_status(), default_ttl="48h") == Ttl("48h", "")


@pytest.mark.parametrize(("seconds", "over"), [(-1, False), (0, True), (1, True)])
def test_it_is_over_when_its_time_has_passed_since_the_count_began(seconds: int, over: bool) -> None:
    assert Ttl("24h", BEGUN).ended(NOON + timedelta(seconds=seconds)) is over


@pytest.mark.parametrize(
    ("ttl", "passed", "soon"),
    [
        ("10h", timedelta(hours=9, seconds=-1), False),
        ("10h", timedelta(hours=9), True),
        ("30d", timedelta(days=29, seconds=-1), False),
        ("30d", timedelta(days=29), True),
    ],
)
def test_it_ends_soon_a_tenth_before_its_end_and_a_day_at_most(
    ttl: str, passed: timedelta, soon: bool
) -> None:
    begun = parse_time(BEGUN)
    assert begun is not None
    assert Ttl(ttl, BEGUN).ends_soon(begun + passed) is soon


def test_what_cannot_be_read_has_no_ttl() -> None:
    assert ttl_of(an_unreadable_preview(generation=3, ttl="24h", status=a_status()), Settings()) is None


def test_a_count_that_has_not_begun_ends_never() -> None:
    assert not Ttl("1s").ended(NOON)
    assert Ttl("1s").expires_at == ""


def test_a_count_begins_once() -> None:
    assert Ttl("24h").begun(NOON) == Ttl("24h", "2026-01-10T12:00:00Z")
    assert Ttl("24h", BEGUN).begun(NOON) == Ttl("24h", BEGUN)
    assert Ttl("24h", BEGUN).expires_at == "2026-01-10T12:00:00Z"


def test_times_are_written_and_read_as_kubernetes_does() -> None:
    assert time_text(NOON.replace(microsecond=5)) == "2026-01-10T12:00:00Z"
    assert parse_time("2026-01-10T12:00:00Z") == NOON
    assert parse_time("2026-01-10T13:00:00.5+01:00") == NOON.replace(microsecond=500000)


@pytest.mark.parametrize("begun", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_off_the_calendar_is_none(begun: str) -> None:
    assert parse_time(begun) is None
    assert found(status=a_status(ttlCountsFrom=begun)) == Ttl("24h")


def test_the_first_years_are_written_with_four_digits() -> None:
    assert time_text(datetime(1, 1, 4, tzinfo=UTC)) == "0001-01-04T00:00:00Z"


def test_a_count_from_before_the_preview_was_made_is_another_ones() -> None:
    """A backup that brings the status back, too, must not end what was just made."""
    restored = a_read_preview(generation=3, status=a_status(), ttl="24h", created="2026-01-09T12:00:01Z")
    assert ttl_of(restored, Settings()) == Ttl("24h")
    same_second = a_read_preview(generation=3, status=a_status(), ttl="24h", created=BEGUN)
    assert ttl_of(same_second, Settings()) == Ttl("24h", BEGUN)
