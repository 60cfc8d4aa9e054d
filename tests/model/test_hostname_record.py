"""Which hostname a status records as held, and since when."""

from typing import Any

import pytest

from reconcile.model.hostname_record import HostnameRecord, hostname_record_in, recorded_after

X, Y = "x.example.com", "y.example.com"
BORN, EARLIER, LATER, NOW = (f"2026-01-0{day}T00:00:00Z" for day in (2, 1, 3, 4))
HELD = HostnameRecord(X, LATER)


@pytest.mark.parametrize(
    ("status", "record"),
    [
        ({"hostname": {"name": X, "heldSince": LATER}}, HELD),
        ({"hostname": {"name": X, "heldSince": BORN}, "url": f"https://{Y}"}, HostnameRecord(X, BORN)),
        ({"url": f"https://{X}"}, HostnameRecord(X, BORN)),
        ({"url": f"http://{X}"}, HostnameRecord(X, BORN)),
        ({"hostname": {"name": X, "heldSince": EARLIER}}, None),
        ({"hostname": {"name": X, "heldSince": "yesterday"}}, None),
        ({"hostname": {"name": X}}, None),
        ({"hostname": {"name": "", "heldSince": LATER}}, None),
        ({"hostname": {"heldSince": LATER}}, None),
        ({"hostname": [X]}, None),
        ({"url": ""}, None),
        ({"url": [X]}, None),
        ({}, None),
    ],
)
def test_what_a_status_records(status: dict[str, Any], record: HostnameRecord | None) -> None:
    assert hostname_record_in(status, BORN) == record


def test_without_a_birth_a_record_counts_and_a_url_does_not() -> None:
    assert hostname_record_in({"hostname": {"name": X, "heldSince": LATER}}, "") == HELD
    assert hostname_record_in({"url": f"https://{X}"}, "") is None


@pytest.mark.parametrize(
    ("before", "wanted", "on_route", "in_conflict", "after"),
    [
        (None, X, [X], False, HostnameRecord(X, NOW)),  # it got it
        (HELD, X, [X], False, HELD),  # it has it still
        (HELD, Y, [Y], False, HostnameRecord(Y, NOW)),  # it moved
        (HELD, Y, [X], False, HELD),  # it waits for another
        (HELD, Y, [X], True, HELD),  # another has what it wants now
        (HELD, X, [], False, HELD),  # its route was taken away, and comes back
        (HELD, "", [X], False, HELD),  # it cannot be read, and its route stays
        (HELD, X, [X], True, HELD),  # another has written it into a route too
        (HELD, X, [], True, None),  # another has it
        (HELD, "", [], False, None),
        (HELD, Y, [], False, None),
        (None, X, [X], True, None),  # by hand, or by a run that saw no other
        (None, X, [], False, None),
        (None, "", [], False, None),
    ],
)
def test_what_is_recorded_next(
    before: HostnameRecord | None,
    wanted: str,
    on_route: list[str],
    in_conflict: bool,
    after: HostnameRecord | None,
) -> None:
    assert recorded_after(before, wanted, on_route, NOW, in_conflict=in_conflict) == after
