"""Two runs at once, in every order of their requests, over a small model of the API server.

`PROOF=whole` (`make races`) takes every world and 10,000 schedules; else it is a spread of them.
"""

import sys

import pytest

from tests.proofs.model.interleavings import Alone, Everything, Judge, schedule
from tests.proofs.model.worlds import SMALL, large
from tests.whole import WHOLE

WORLDS = list(SMALL) if WHOLE else ["gone"]
BLOCKS, SEEDS = (20, 500) if WHOLE else (1, 2)


@pytest.mark.parametrize("name", WORLDS)
def test_every_interleaving_of_two_runs_ends_in_the_state_of_one(alone: Alone, name: str) -> None:
    world = SMALL[name](alone.settled)
    everything = Everything(world, alone, Judge(world, alone))
    found = everything.count()
    sys.stdout.write(f"{name}: {found:,} interleavings, {len(everything.known):,} states\n")
    assert sorted(set(everything.wrong)) == []
    assert found > 10_000


@pytest.mark.parametrize("block", range(BLOCKS))
def test_two_runs_in_an_order_that_a_seed_chooses_end_in_the_state_of_one(alone: Alone, block: int) -> None:
    world = large(alone.settled)
    judge = Judge(world, alone)
    seeds = range(block * SEEDS, (block + 1) * SEEDS)
    wrong = {seed: found for seed in seeds if (found := schedule(world, alone, judge, seed))}
    assert wrong == {}
