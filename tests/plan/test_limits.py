"""The brake counts previews, and holds the namespaces that lose the most."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.live import Live
from reconcile.kube.objects import Key
from reconcile.plan.changes import Delete
from reconcile.plan.limits import Limit, beyond_limit, refused
from tests.whole import drawn


def deletes(previews: int, *, namespace: str = "shop", counts: bool = True) -> list[Delete]:
    """Three children each of so many previews."""
    return [
        Delete(
            Key(kind, namespace, f"pr-{number}"),
            f"{namespace}/pr-{number}",
            Live({"kind": kind, "metadata": {"namespace": namespace, "name": f"pr-{number}"}}),
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
    ("losing", "with_children", "limit", "exceeded"),
    [
        (9, 10, "30%", ""),
        (10, 10, "30%", "9 (30% of 10, at least 9)"),
        (301, 1000, "30%", "300 (30% of 1000)"),
        (300, 1000, "30%", ""),
        (4, 1000, "4", ""),
        (5, 1000, "4", "4"),
        (1000, 1000, "100%", ""),
    ],
)
def test_more_than_the_limit_is_refused(losing: int, with_children: int, limit: str, exceeded: str) -> None:
    told = (
        f"Refusing to prune {losing} previews: the limit is {exceeded}; skipped in namespace shop ({losing}); "
        f"if this is intended, pass --max-deletes {losing}"
    )
    assert reason(deletes(losing), Counter(shop=with_children), limit) == (told if exceeded else "")


def reason(changes: list[Delete], with_children: Counter[str], limit: str) -> str:
    refusal = refused(changes, with_children, Limit(limit))
    return refusal.message if refusal else ""


def test_the_old_route_of_a_switch_does_not_count() -> None:
    assert reason([*deletes(9), *deletes(400, counts=False)], Counter(shop=400), "9") == ""


@pytest.mark.parametrize("counts", [True, False])
def test_zero_refuses_all_deletes_and_the_old_route_of_a_switch_too(counts: bool) -> None:
    told = "Refusing to prune: --max-deletes is 0"
    assert reason(deletes(1, counts=counts), Counter(shop=400), "0") == told


# by namespace


def held(losing: dict[str, int], *, living: dict[str, int] | None = None, limit: str = "30%") -> set[str]:
    """The namespaces that lose nothing, of those where so many previews would lose their children."""
    changes = [change for ns, number in losing.items() for change in deletes(number, namespace=ns)]
    refusal = refused(changes, Counter(losing) + Counter(living or {}), Limit(limit))
    return set(refusal.namespaces) if refusal else set()


@pytest.mark.parametrize(
    ("losing", "living", "limit", "stays"),
    [
        pytest.param({"a": 40, "b": 1}, {}, "30%", {"a"}, id="forged in one namespace"),
        pytest.param({"a": 40, "b": 1}, {"b": 100}, "30%", set(), id="within the limit of all"),
        pytest.param({"a": 40, "b": 1}, {}, "10", {"a"}, id="a number is shared as a percentage is"),
        pytest.param({"a": 9, "b": 1}, {}, "30%", {"a"}, id="no more than always goes, and yet in the way"),
        pytest.param({"a": 9, "b": 9, "c": 9, "d": 1}, {}, "30%", {"a", "b", "c"}, id="forged in several"),
        pytest.param(
            {f"n{n}": 5 for n in range(20)}, {}, "30%", {f"n{n}" for n in range(20)}, id="all alike"
        ),
        pytest.param({"a": 1000, "b": 10}, {}, "30%", {"a", "b"}, id="forgeries raise nobody's limit"),
        pytest.param({"a": 6, "b": 6}, {}, "30%", {"a", "b"}, id="equals are treated alike"),
        pytest.param({"a": 1, "b": 1}, {}, "100%", set(), id="everything"),
    ],
)
def test_where_more_than_the_limit_would_go_those_above_an_equal_share_stay(
    losing: dict[str, int], living: dict[str, int], limit: str, stays: set[str]
) -> None:
    assert held(losing, living=living, limit=limit) == stays


@drawn()
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60)),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60)),
    st.sampled_from(["30%", "5%", "9", "1"]),
)
def test_what_goes_is_within_the_limit_and_loses_less_than_what_stays(
    losing: dict[str, int], living: dict[str, int], limit: str
) -> None:
    stays = held(losing, living=living, limit=limit)
    goes = losing.keys() - stays
    assert sum(losing[ns] for ns in goes) <= Limit(limit).of(sum(losing.values()) + sum(living.values()))
    assert not goes or not stays or max(losing[ns] for ns in goes) < min(losing[ns] for ns in stays)


def test_a_refusal_names_the_namespaces_and_no_more_than_a_few() -> None:
    one = [*deletes(40, namespace="a"), *deletes(1, namespace="b")]
    assert reason(one, Counter(a=40, b=1), "9") == (
        "Refusing to prune 41 previews: the limit is 9; skipped in namespace a (40); "
        "if this is intended, pass --max-deletes 41"
    )
    many = [change for n in range(7) for change in deletes(10 + n, namespace=f"n{n}")]
    named = "skipped in namespaces n6 (16), n5 (15), n4 (14), n3 (13), n2 (12) and 2 more;"
    assert named in reason(many, Counter(), "9")


def expired(*ends: str, namespace: str = "shop") -> list[Delete]:
    """Three children each of previews that expired on these days of January."""
    return [
        replace(change, counts=False, expired_at=f"2026-01-{ends[number // 3]}T00:00:00Z")
        for number, change in enumerate(deletes(len(ends), namespace=namespace))
    ]


def test_of_the_expired_previews_the_latest_wait() -> None:
    assert beyond_limit(expired("03", "01", "02"), Counter(shop=3), Limit("2")) == {"shop/pr-0"}
    assert beyond_limit(expired("01", "01", "01"), Counter(shop=3), Limit("2")) == {"shop/pr-2"}


def test_many_that_expired_in_one_namespace_hold_up_no_other() -> None:
    changes = [*expired(*["01"] * 5, namespace="a"), *expired("03", namespace="b")]
    assert beyond_limit(changes, Counter(a=5, b=1), Limit("2")) == {
        f"a/pr-{number}" for number in range(1, 5)
    }


def test_expired_previews_and_the_others_do_not_count_against_each_other() -> None:
    changes = [*deletes(2), *expired("01", "02")]
    assert beyond_limit(changes, Counter(shop=4), Limit("2")) == frozenset()
    assert reason(changes, Counter(shop=4), "2") == ""
    assert reason([*deletes(3), *expired("01")], Counter(shop=4), "2").startswith(
        "Refusing to prune 3 previews: "
    )
