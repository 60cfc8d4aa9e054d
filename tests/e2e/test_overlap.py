"""Two runs at once, as real processes on a real API server: they end in the state of one."""

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.gate import Gate, any_write, gate_before
from tests.e2e.process import Process, behind
from tests.e2e.story import Result, Story

COUNT = 20
NAMES = [f"pr-{number:02}" for number in range(COUNT)]
SWAPPED = [f"pr-{number ^ 1:02}" for number in range(10)]


class Side:
    """One of the two: a gate of its own, and the process behind it once it is started."""

    def __init__(self, story: Story, gate: Gate, folder: Path) -> None:
        self.story = behind(story, gate, folder)
        self.gate = gate
        self.process: Process | None = None

    def start(self) -> Process:
        self.process = Process.start(self.story)
        return self.process


Meet = Callable[[Side, Side], None]


def together(one: Side, other: Side) -> None:
    """Both have made the same plan before either writes; then they race."""
    holds = [side.gate.hold(any_write, every=True) for side in (one, other)]
    one.start(), other.start()
    for hold in holds:
        hold.reached()
    for hold in holds:
        hold.release()


def one_late(late: Side, prompt: Side) -> None:
    """One has made its plan, and begins to carry it out when the other has done everything."""
    hold = late.gate.hold(any_write, every=True)
    late.start()
    hold.reached()
    prompt.start().popen.wait()
    hold.release()


def halfway(late: Side, prompt: Side) -> None:
    """One is held up after four of its writes until the other has done everything."""
    count = itertools.count()
    hold = late.gate.hold(lambda seen: seen.writes and next(count) >= 4, every=True)
    late.start()
    hold.reached()
    prompt.start().popen.wait()
    hold.release()


def both(story: Story, meet: Meet, folder: Path) -> list[Result]:
    """How the two ended."""
    with ExitStack() as stack:
        sides = [Side(story, stack.enter_context(gate_before(story)), folder) for _ in range(2)]
        meet(*sides)
        return [side.process.ended() for side in sides if side.process]


def check(story: Story, results: list[Result], names: list[str], before: dict[str, str]) -> None:
    """Both succeed, everything is there once, what was there is still the same object."""
    for result in results:
        assert result.code == 0, result.stdout + result.stderr
    after = story.uids()
    assert sorted(after) == sorted(child for name in names for child in story.all_of(name))
    kept = before.keys() & after.keys()
    assert {name: before[name] for name in kept} == {name: after[name] for name in kept}


@pytest.mark.parametrize("meet", [together, one_late, halfway])
def test_two_runs_end_in_the_state_of_one(story: Story, tmp_path: Path, meet: Meet) -> None:
    ingress = replace(story, route="Ingress")

    for name in NAMES:
        story.apply(name, replicas=0)
    check(story, both(story, meet, tmp_path), NAMES, {})
    created = story.uids()
    made = Counter((event.resource, event.name) for event in story.writes() if event.code == 201)
    assert (len(made), set(made.values())) == (3 * COUNT, {1})

    for name in NAMES:
        story.apply(name, replicas=0, image="registry.example.com/web:2", port=8080)
    check(story, both(story, meet, tmp_path), NAMES, created)

    for name, other in zip(NAMES[:10], SWAPPED, strict=True):
        story.apply(name, replicas=0, image="registry.example.com/web:2", port=8080, fqdn=story.host(other))
    check(story, both(story, meet, tmp_path), NAMES, created)
    assert [story.route_hosts(name) for name in NAMES[:10]] == [[story.host(name)] for name in SWAPPED]

    check(ingress, both(ingress, meet, tmp_path), NAMES, created)
    switched = ingress.uids()

    gone, left = NAMES[:9], NAMES[9:]
    for name in gone:
        story.orphan(name)
    before = len(story.writes())
    check(ingress, both(ingress, meet, tmp_path), left, switched)
    deleted = Counter(
        (e.resource, e.name) for e in story.writes()[before:] if e.verb == "delete" and e.code == 200
    )
    assert set(deleted) == {
        (plural, name) for name in gone for plural in ("deployments", "services", "ingresses")
    }
    ingress.silent()
