"""Runs that have different documents of `--templates`, as an old and a new pod of the CronJob, over the model.

`PROOF=whole` (`make races`) takes every world and 1,000 schedules; else it is a spread of them.
"""

import sys
from collections.abc import Callable

import pytest

from tests.proofs.model.documents import SMALL, Judge, killed, large, made
from tests.proofs.model.interleavings import Alone, Everything, schedule
from tests.proofs.model.worlds import Settled, World
from tests.whole import WHOLE

WORLDS = list(SMALL) if WHOLE else ["given_up"]
BLOCKS, SEEDS = (10, 100) if WHOLE else (1, 1)


@pytest.mark.parametrize("name", WORLDS)
def test_after_two_runs_with_different_documents_in_every_order_a_run_of_the_new_leaves_exactly_its_children(
    alone: Alone, name: str
) -> None:
    world = SMALL[name](alone.settled)
    everything = Everything(world, alone, Judge(world, alone))
    found = everything.count()
    sys.stdout.write(f"{name}: {found:,} interleavings, {len(everything.known):,} states\n")
    assert sorted(set(everything.wrong)) == []
    assert found > 10_000


@pytest.mark.parametrize("block", range(BLOCKS))
def test_after_two_runs_in_an_order_that_a_seed_chooses_too(alone: Alone, block: int) -> None:
    world = large(alone.settled)
    judge = Judge(world, alone)
    seeds = range(block * SEEDS, (block + 1) * SEEDS)
    wrong = {seed: found for seed in seeds if (found := schedule(world, alone, judge, seed))}
    assert wrong == {}


@pytest.mark.parametrize("of", [made, large] if WHOLE else [made])
def test_after_a_kill_at_any_write_a_run_with_other_documents_finds_all_that_was_made(
    alone: Alone, of: Callable[[Settled], World]
) -> None:
    world = of(alone.settled)
    judge = Judge(world, alone)
    states = list(killed(world, alone))
    assert len(states) > 8
    assert [found for state in states for found in judge.of_later_runs(state)] == []
    sys.stdout.write(f"killed after each of {len(states)} writes\n")
