"""Who waits for whom in a circle, against reachability looked up for each pair."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.plan.circles import circles_in
from tests.whole import drawn


def circles(ahead: Mapping[str, list[str]]) -> set[frozenset[str]]:
    return set(circles_in(ahead))


@pytest.mark.parametrize(
    ("ahead", "found"),
    [
        ({}, set()),
        ({"a": []}, set()),
        ({"a": ["b"], "b": ["c"]}, set()),
        ({"a": ["a"]}, {"a"}),
        ({"a": ["b"], "b": ["a"], "c": ["a"]}, {"ab"}),
        ({"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": ["c"]}, {"ab", "cd"}),
        ({"a": ["b"], "b": ["c", "a"], "c": ["a"]}, {"abc"}),
    ],
)
def test_circles_are_found(ahead: Mapping[str, list[str]], found: set[str]) -> None:
    assert circles(ahead) == {frozenset(circle) for circle in found}


NODES = st.sampled_from("abcdef")


@drawn()
@given(st.dictionaries(NODES, st.lists(NODES, max_size=3)))
def test_two_are_in_one_circle_exactly_where_each_reaches_the_other(ahead: dict[str, list[str]]) -> None:
    def reached(start: str) -> set[str]:
        found: set[str] = set()
        way = list(ahead.get(start, ()))
        while way:
            if (node := way.pop()) not in found:
                found.add(node)
                way.extend(ahead.get(node, ()))
        return found

    reach = {node: reached(node) for node in "abcdef"}
    wanted = {frozenset(b for b in "abcdef" if b in reach[a] and a in reach[b]) for a in "abcdef"}
    assert circles(ahead) == wanted - {frozenset()}
