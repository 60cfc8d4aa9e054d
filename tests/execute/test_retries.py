"""Previews that the API server rejected before are tried again, and not all of them in each run."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.errors import NOT_TAKEN, Rejected, ServerTrouble
from reconcile.execute.retries import MOST, rejected_before
from reconcile.status.result import Run
from tests.builders import a_preview
from tests.given import a_read_preview
from tests.memory import Memory
from tests.run.test_run import a_cluster, go

MANY = [f"pr-{number}" for number in range(3 * MOST)]
NO = Rejected(f"patch Deployment: {NOT_TAKEN} (403): exceeded quota")


def rejecting(memory: Memory, namespace: str = "shop", names: list[str] = MANY) -> Memory:
    """The next try of each of these is rejected."""
    for name in names:
        memory.troubles[f"apply Deployment {namespace}/{name}"] = [NO]
    memory.log.clear()
    return memory


def rejected() -> Memory:
    """Many previews of one namespace, of which a run was told that they are not taken."""
    memory = rejecting(a_cluster(*map(a_preview, MANY)))
    assert len(tried(memory, go(memory))) == len(MANY), "what is new is tried"
    return memory


def tried(memory: Memory, done: Run) -> list[str]:
    assert {outcome.result for outcome in done.outcomes} <= {"done", "rejected", "skipped"}
    return [entry.split()[-1] for entry in memory.log if entry.startswith("apply Deployment")]


def test_a_namespace_whose_previews_are_rejected_costs_a_run_a_few_of_them() -> None:
    memory = rejecting(rejected())
    done = go(memory)
    assert len(tried(memory, done)) == MOST
    assert {status.reason for status in done.statuses.values()} == {"ApplyFailed"}
    assert [o.result for o in done.outcomes].count("rejected") == len(MANY)
    assert memory.writes() == [f"apply Deployment {place}" for place in tried(memory, done)], (
        "no status is new"
    )


def test_every_one_of_them_has_its_turn() -> None:
    memory, seen = rejected(), set[str]()
    for minute in range(30):
        rejecting(memory).time = memory.time.replace(minute=minute)
        seen |= {*tried(memory, go(memory))}
        if len(seen) == len(MANY):
            return
    pytest.fail(f"never tried: {len(MANY) - len(seen)}")


def test_while_some_are_taken_all_are_tried() -> None:
    memory = rejected()
    some = [name for number, name in enumerate(MANY) if number % 3]
    assert len(some) > MOST
    rejecting(memory, names=some)
    assert len(tried(memory, go(memory))) == len(MANY)


def test_what_is_new_and_what_was_edited_and_other_namespaces_do_not_wait() -> None:
    memory = rejected()
    memory.put(a_preview("new"))
    memory.put(a_preview("pr-7", generation=2, revision="x"))
    memory.put(a_preview("pr-1", "other"))
    rejecting(memory, names=[*MANY, "new"])
    found = tried(memory, go(memory))
    assert "other/pr-1" in found
    assert {*[place for place in found if place.startswith("shop")][:2]} == {"shop/new", "shop/pr-7"}
    assert len(found) < len(MANY)


@pytest.mark.parametrize(
    ("said", "generation", "known"),
    [(str(NO), 1, True), (str(NO), 2, False), (str(ServerTrouble("failed calling webhook")), 1, False)],
)
def test_only_a_rejection_of_the_spec_as_it_is_was_one_before(
    said: str, generation: int, known: bool
) -> None:
    condition: dict[str, Any] = {"type": "Ready", "status": "False", "reason": "ApplyFailed", "message": said}
    preview = a_read_preview(status={"conditions": [{**condition, "observedGeneration": 1}]})
    assert bool(rejected_before(replace(preview, generation=generation))) is known
