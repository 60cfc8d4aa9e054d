"""What a list does not show is neither deleted nor taken for gone; the next run, which sees it, mends the rest.

Of the hundreds of cases a fixed few run here; `make faults` takes them all.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.controlplane.programs import API_PROGRAMS
from tests.e2e.conftest import API_REMEDY, skip_without
from tests.proofs.faults.lists import SETTINGS_OF_LISTS, WAYS, in_small_pages, shorts, wrong_with_list
from tests.proofs.faults.spread import assert_nothing_wrong, chosen, parts_of, takes_all
from tests.proofs.faults.worlds import Worlds, worlds

RecordProperty = Callable[[str, object], None]
FEW = ("gone", "drifted", "switching")
PARTS = [part for name in (SETTINGS_OF_LISTS if takes_all() else FEW) for part in parts_of(name)]


@pytest.fixture(scope="module")
def world_of() -> Iterator[Worlds]:
    """Each world of this worker, whose lists come in pages of one object."""
    skip_without(API_PROGRAMS, API_REMEDY)
    with in_small_pages(), worlds(SETTINGS_OF_LISTS) as found:
        yield found


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_what_a_list_does_not_show_is_neither_deleted_nor_taken_for_gone(
    world_of: Worlds, name: str, part: int, record_property: RecordProperty
) -> None:
    world = world_of(name)
    cases = chosen(shorts(world), part, few=5, period=len(WAYS))
    assert_nothing_wrong(cases, partial(wrong_with_list, world), record_property)
