"""Namespaces take turns: in the order of the writes, and in a run with a namespace that is slow."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st

from reconcile.cluster.port import Applied
from reconcile.cluster.turns import Turns
from reconcile.errors import ServerTrouble
from reconcile.kube.objects import Manifest, Resource
from reconcile.model.names import KIND
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.plan.limits import Limit
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import Run
from tests.builders import a_preview
from tests.given import key
from tests.memory import Memory
from tests.proofs.fuzz.fuzzing import fuzz

Item = tuple[str, int]
"""A namespace, and the number of an item in it."""


def turns(items: list[Item], seed: str = "") -> Turns[Item]:
    return Turns([items], lambda item: item[0], seed)


def order(items: list[Item], seed: str = "") -> list[Item]:
    """The items as one worker takes them."""
    taken = turns(items, seed)

    def one() -> Iterator[Item]:
        for _ in items:
            with taken.next() as item:
                yield item

    return list(one())


def some(**numbers: int) -> list[Item]:
    return [(namespace, number) for namespace, most in numbers.items() for number in range(most)]


# the order

ITEMS = st.lists(st.sampled_from("abcde"), max_size=30).map(
    lambda names: [(name, number) for number, name in enumerate(names)]
)
SEEDS = st.integers(0, 99).map(str)


@fuzz(items=ITEMS, seed=SEEDS)
def test_namespaces_take_turns_and_the_items_of_each_keep_their_order(items: list[Item], seed: str) -> None:
    taken = order(items, seed)
    assert sorted(taken) == sorted(items)
    for namespace in "abcde":
        mine = [item for item in items if item[0] == namespace]
        assert [item for item in taken if item[0] == namespace] == mine
    for number, (namespace, _) in enumerate(taken):
        had = [name for name, _ in taken[:number]]
        waiting = {name for name, _ in taken[number:]}
        assert had.count(namespace) == min(had.count(name) for name in waiting)


@fuzz(items=ITEMS, seed=SEEDS, workers=st.integers(1, 8))
def test_of_those_that_have_items_no_namespace_has_two_more_under_way_than_another(
    items: list[Item], seed: str, workers: int
) -> None:
    """All workers wait for what they have taken."""
    taken, under_way = turns(items, seed), list[str]()
    with ExitStack() as waiting:
        for _ in items[:workers]:
            under_way.append(waiting.enter_context(taken.next())[0])
            for left in {name for name, _ in items}:
                if [name for name, _ in items].count(left) > under_way.count(left):
                    assert under_way.count(under_way[-1]) <= under_way.count(left) + 1


def test_a_worker_that_is_free_takes_of_the_namespace_that_nobody_waits_for() -> None:
    taken = turns(some(slow=9, quick=9))
    found = [taken.next() for _ in range(10)]
    first = [turn.__enter__()[0] for turn in found[:2]]
    assert sorted(first) == ["quick", "slow"]
    found[first.index("quick")].__exit__(None, None, None)
    for turn in found[2:]:
        namespace, _ = turn.__enter__()
        assert namespace == "quick"
        turn.__exit__(None, None, None)


def test_a_later_stage_of_a_namespace_waits_for_the_earlier_ones_and_for_no_other_namespace() -> None:
    first, second = some(a=2, b=1), [("a", 10), ("b", 10)]
    taken, log = Turns([first, second], lambda item: item[0], ""), list[str]()

    def work() -> None:
        with taken.next() as (namespace, number):
            log.append(f"{namespace}{number} begins")
            if (namespace, number) == ("a", 1):
                assert b_is_done.wait(20)
            log.append(f"{namespace}{number} ends")
            if (namespace, number) == ("b", 10):
                b_is_done.set()

    b_is_done = threading.Event()
    threads = [threading.Thread(target=work, daemon=True) for _ in (*first, *second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert log[-4:] == ["b10 ends", "a1 ends", "a10 begins", "a10 ends"]


@pytest.mark.parametrize("seconds", [60, 300, 3600])
def test_each_namespace_is_the_first_in_some_run(seconds: int) -> None:
    """Runs come at even times, such as each five minutes: what is counted from them must not be even."""
    start, names = datetime(2026, 1, 1, tzinfo=UTC), [f"team-{number}" for number in range(20)]
    times = [start + timedelta(seconds=seconds * number) for number in range(288)]
    first = {order([(name, 0) for name in names], str(time))[0][0] for time in times}
    assert first == set(names)


# a run

SLOW = [(f"pr-{number}", "a-slow") for number in range(20)]
QUICK = [(f"pr-{number}", namespace) for namespace in ("b", "c") for number in range(5)]
SOME = [(f"pr-{number}", namespace) for namespace in ("a", "b", "c") for number in range(2)]


@dataclass
class WithASlowNamespace(Memory):
    """No write of `a-slow` is answered before the others have written all children, or deleted all; `seconds` is
    how long it waits for them, and then fails."""

    seconds: float = 20
    others_done: threading.Event = field(default_factory=threading.Event)
    left: Any = field(default_factory=lambda: count(3 * len(QUICK) - 1, -1))

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        if manifest["metadata"]["namespace"] != "a-slow":
            applied = super().apply(resource, manifest, manager=manager, force=force)
            self.one_is_done()
            return applied
        if not self.others_done.wait(self.seconds):
            self.seconds = 0
            raise ServerTrouble("the webhook of a-slow does not answer")
        return super().apply(resource, manifest, manager=manager, force=force)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        deleted = super().delete(*args, **kwargs)
        self.one_is_done()
        return deleted

    def one_is_done(self) -> None:
        if next(self.left) == 0:
            self.others_done.set()


def filled(memory: Memory, *previews: tuple[str, str]) -> Memory:
    for name, namespace in previews or (*SLOW, *QUICK):
        memory.put(a_preview(name, namespace, fqdn=f"{name}.{namespace}.example.com"))
    return memory


def go(memory: Memory, concurrency: int, **asked: Any) -> Run:
    request = Request(
        **{"scope": make_scope(None, (), None), "settings": Settings(), "concurrency": concurrency, **asked}
    )
    return run(memory, request, show_plan=lambda plan: None, agree=lambda plan: True)


def test_a_namespace_that_hangs_does_not_hold_up_the_others() -> None:
    memory = WithASlowNamespace()
    filled(memory)
    done = go(memory, concurrency=4)
    assert {(o.change.key.namespace, o.result) for o in done.outcomes} == {
        (namespace, "done") for namespace in ("a-slow", "b", "c")
    }


def test_the_deletes_of_a_namespace_do_not_wait_for_one_that_hangs() -> None:
    """Its writes hang until the last delete of the others is done."""
    memory = filled(Memory())
    go(memory, concurrency=4)
    hung = WithASlowNamespace(memory.objects, time=memory.time)
    for name, namespace in SLOW:
        hung.put(
            a_preview(name, namespace, fqdn=f"{name}.{namespace}.example.com", image="example.com/web:2")
        )
    for name, namespace in QUICK:
        hung.forget(key(KIND, name, namespace))
    done = go(hung, concurrency=4, max_deletes=Limit("100%"))
    assert {(o.change.key.namespace, o.result) for o in done.outcomes} == {
        (namespace, "done") for namespace in ("a-slow", "b", "c")
    }


def applied_first(memory: Memory) -> str:
    return memory.writes()[0].split()[2].partition("/")[0]


def test_another_namespace_is_the_first_at_another_time_of_the_server_and_the_plan_is_the_same() -> None:
    found, plans, reported = set(), set(), set()
    for minute in range(20):
        memory = filled(Memory(time=datetime(2026, 1, 1, 0, minute, tzinfo=UTC)), *SOME)
        done = go(memory, concurrency=1)
        found.add(applied_first(memory))
        plans.add(str(done.plan))
        reported.add(tuple(str(outcome.change.key) for outcome in done.outcomes))
    assert found == {"a", "b", "c"}
    assert (len(plans), len(reported)) == (1, 1)


def test_statuses_and_events_take_turns_as_well() -> None:
    memory = filled(Memory(), *SOME)
    go(memory, concurrency=1)
    for told in ("status", "event"):
        written = [line.split()[-1].partition("/")[0] for line in memory.log if line.startswith(told)]
        assert sorted(written[:3]) == ["a", "b", "c"]
