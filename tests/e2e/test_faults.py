"""A run whose requests fail, whose lists are short, or that is killed, does no harm; the next one mends it.

Of the thousands of cases a fixed few run here; `make faults` takes them all.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import gcd
from typing import TypeVar

import pytest

from tests.controlplane.programs import API_PROGRAMS
from tests.e2e.conftest import API_REMEDY, skip_without
from tests.proofs.faults.lists import LISTED, SHORT, shorts, wrong_with_list
from tests.proofs.faults.strikes import KILLS, WAYS, kills, strikes, wrong_after, wrong_with
from tests.proofs.faults.worlds import SETTINGS, World, Worlds, worlds

T = TypeVar("T")
TAKES_ALL = os.environ.get("RECONCILE_FAULTS") == "all"
"""Set by `make faults`."""
PARTS = 12 if TAKES_ALL else 1
"""Of all cases of one world, so that several workers have their share; the few are one part."""
FEW = {
    **dict.fromkeys(("new", "drifted", "gone", "switching", "documents"), 6),
    **dict.fromkeys(("handing over", "expiring", "forgetting", "mixed, one namespace only"), 3),
}
"""Each way of a request to fail once, in one of the worlds: what `.ci/run` has time for."""
FEW_KILLED = dict.fromkeys(("new", "gone", "switching", "documents"), 2)
FEW_LISTED = {"gone": 5, "drifted": 5, "switching": 4}
"""Each way of a list to be short once."""


@pytest.fixture(scope="module")
def world_of() -> Iterator[Worlds]:
    """Each world of this worker, made when it is first asked for."""
    skip_without(API_PROGRAMS, API_REMEDY)
    with worlds({**SETTINGS, **LISTED}) as found:
        yield found


def chosen(cases: Sequence[T], part: int, few: Mapping[str, int], name: str, period: int) -> list[T]:
    """The cases of one part of all, or the few of this world, always the same.

    The order of the cases repeats itself every `period`: each request has the same faults. The few go down the
    requests in even steps, and each takes another fault than those before it, in the worlds before it too, until
    all have had their turn.
    """
    if TAKES_ALL:
        return list(cases[part::PARTS])
    # About the golden ratio of it, so that those that follow each other are unlike.
    step = next(step for step in range(round(period * 0.6), period + 2) if gcd(step, period) == 1)
    requests, number = len(cases) // period, few[name]
    start = sum(few[world] for world in list(few)[: list(few).index(name)])
    return [cases[at * requests // number * period + (start + at) * step % period] for at in range(number)]


@pytest.fixture
def nothing_wrong(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    def check(world: World, cases: Sequence[T], wrong_with: Callable[[World, T], list[str]]) -> None:
        wrong = {str(case): found for case in cases if (found := wrong_with(world, case))}
        record_property("cases", len(cases))
        assert wrong == {}, "\n".join(f"{case}: {told}" for case, told in wrong.items())

    return check


def parts_of(names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, part) for name in names for part in range(PARTS)]


@pytest.mark.parametrize(("name", "part"), parts_of(SETTINGS))
def test_whatever_fails_nothing_is_deleted_wrongly_and_the_next_run_fixes_it(
    world_of: Worlds, name: str, part: int, nothing_wrong: Callable[..., None]
) -> None:
    world = world_of(name)
    nothing_wrong(world, chosen(strikes(world), part, FEW, name, WAYS), wrong_with)


@pytest.mark.parametrize(("name", "part"), parts_of(SETTINGS if TAKES_ALL else FEW_KILLED))
def test_after_a_kill_at_any_write_one_clean_run_is_enough(
    world_of: Worlds, name: str, part: int, nothing_wrong: Callable[..., None]
) -> None:
    world = world_of(name)
    nothing_wrong(world, chosen(kills(world), part, FEW_KILLED, name, len(KILLS)), wrong_after)


@pytest.mark.parametrize(("name", "part"), parts_of(LISTED if TAKES_ALL else FEW_LISTED))
def test_what_a_list_does_not_show_is_neither_deleted_nor_taken_for_gone(
    world_of: Worlds, name: str, part: int, nothing_wrong: Callable[..., None]
) -> None:
    """In pages of one object; the next run, which sees all, mends the rest."""
    world = world_of(name)
    nothing_wrong(world, chosen(shorts(world), part, FEW_LISTED, name, len(SHORT)), wrong_with_list)
