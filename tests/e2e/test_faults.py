"""A run whose requests fail deletes nothing wrongly, does not lie about it, and the next one mends it.

Of the thousands of cases a fixed few run here; `make faults` takes them all.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.controlplane.programs import API_PROGRAMS
from tests.e2e.conftest import API_REMEDY, skip_without
from tests.proofs.faults.kills import KILLS, kills, wrong_after
from tests.proofs.faults.spread import assert_nothing_wrong, chosen, parts_of
from tests.proofs.faults.strikes import WAYS, strikes, wrong_with
from tests.proofs.faults.worlds import SETTINGS, Worlds, worlds

RecordProperty = Callable[[str, object], None]
PARTS = [part for name in SETTINGS for part in parts_of(name)]


@pytest.fixture(scope="module")
def world_of() -> Iterator[Worlds]:
    """Each world of this worker, made when it is first asked for."""
    skip_without(API_PROGRAMS, API_REMEDY)
    with worlds(SETTINGS) as found:
        yield found


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_whatever_fails_nothing_is_deleted_wrongly_and_the_next_run_fixes_it(
    world_of: Worlds, name: str, part: int, record_property: RecordProperty
) -> None:
    world = world_of(name)
    cases = chosen(strikes(world), part, few=FEW[name], period=WAYS)
    assert_nothing_wrong(cases, partial(wrong_with, world), record_property)


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_after_a_kill_at_any_write_one_clean_run_is_enough(
    world_of: Worlds, name: str, part: int, record_property: RecordProperty
) -> None:
    world = world_of(name)
    cases = chosen(kills(world), part, few=2, period=len(KILLS))
    assert_nothing_wrong(cases, partial(wrong_after, world), record_property)


FEW = {
    "new": 8,
    "drifted": 8,
    "gone": 8,
    "switching": 8,
    "handing over": 4,
    "expiring": 4,
    "documents": 8,
    "forgetting": 4,
    "mixed, one namespace only": 4,
}
"""Fifty-six of them: what `.ci/run` has time for."""
