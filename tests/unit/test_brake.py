"""The brake counts previews, and refuses all or nothing."""

from dataclasses import replace

import pytest

from reconcile.brake import Limit, postponed, refused
from reconcile.changes import Delete
from reconcile.objects import Key
from reconcile.snapshot import Live


def deletes(previews: int, *, counts: bool = True) -> list[Delete]:
    """Three children each of so many previews."""
    return [
        Delete(
            Key(kind, "shop", f"pr-{number}"),
            f"shop/pr-{number}",
            Live({"kind": kind, "metadata": {"namespace": "shop", "name": f"pr-{number}"}}),
            "its preview is gone",
            counts=counts,
        )
        for number in range(previews)
        for kind in ("Deployment", "Service", "Mapping")
    ]


@pytest.mark.parametrize(
    ("limit", "with_children", "number"),
    [
        ("30%", 0, 9),
        ("30%", 30, 9),
        ("30%", 33, 9),
        ("30%", 34, 10),
        ("30%", 1000, 300),
        ("100%", 1000, 1000),
        ("1%", 5000, 50),
        ("0%", 1000, 0),
        ("0", 1000, 0),
        ("3", 1000, 3),
        ("3", 2, 3),
    ],
)
def test_a_limit_is_a_number_or_a_share_with_a_floor_of_nine(
    limit: str, with_children: int, number: int
) -> None:
    assert Limit(limit).of(with_children) == number


@pytest.mark.parametrize(
    ("losing", "with_children", "limit", "told"),
    [
        (9, 10, "30%", ""),
        (
            10,
            10,
            "30%",
            "10 previews would lose their children, and the limit is 9 (30% of the 10 previews that have "
            "children, at least 9): none does; if that is right, say --max-deletes 10",
        ),
        (
            301,
            1000,
            "30%",
            "301 previews would lose their children, and the limit is 300 (30% of the 1000 previews that "
            "have children): none does; if that is right, say --max-deletes 301",
        ),
        (300, 1000, "30%", ""),
        (4, 1000, "4", ""),
        (
            5,
            1000,
            "4",
            "5 previews would lose their children, and the limit is 4: none does; if that is right, say "
            "--max-deletes 5",
        ),
        (1, 1000, "0", "nothing is deleted: --max-deletes is 0"),
        (1000, 1000, "100%", ""),
    ],
)
def test_more_than_the_limit_is_refused(losing: int, with_children: int, limit: str, told: str) -> None:
    assert refused(deletes(losing), with_children, Limit(limit)) == told


def test_the_old_route_of_a_switch_does_not_count() -> None:
    assert refused([*deletes(9), *deletes(400, counts=False)], 400, Limit("9")) == ""


def test_zero_refuses_the_old_route_of_a_switch_too() -> None:
    assert refused(deletes(1, counts=False), 400, Limit("0")) == "nothing is deleted: --max-deletes is 0"


def expired(*ends: str) -> list[Delete]:
    """Three children each of previews that expired on these days of January."""
    return [
        replace(change, counts=False, expired_at=f"2026-01-{ends[number // 3]}T00:00:00Z")
        for number, change in enumerate(deletes(len(ends)))
    ]


def test_of_the_expired_previews_the_latest_wait() -> None:
    assert postponed(expired("03", "01", "02"), 3, Limit("2")) == {"shop/pr-0"}
    assert postponed(expired("01", "01", "01"), 3, Limit("2")) == {"shop/pr-2"}


def test_expired_previews_and_the_others_do_not_count_against_each_other() -> None:
    changes = [*deletes(2), *expired("01", "02")]
    assert postponed(changes, 4, Limit("2")) == frozenset()
    assert refused(changes, 4, Limit("2")) == ""
    assert refused([*deletes(3), *expired("01")], 4, Limit("2")).startswith("3 previews would lose")
