"""Two runs at once, as real processes on a real API server: they end in the state of one.

Both have made the same plan before either writes; then they race. In which order, is for `test_schedules.py`.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.e2e.gate import any_write, gate_before
from tests.e2e.process import Process, behind
from tests.e2e.story import Story

NAMES = [f"pr-{number}" for number in range(6)]
SWAPPED = [f"pr-{number ^ 1}" for number in range(4)]
NEWER: dict[str, Any] = {"image": "registry.example.com/web:2", "port": 8080, "replicas": 0}


def both(
    story: Story, folder: Path, names: list[str], before: dict[str, str], *, stays: str = ""
) -> dict[str, str]:
    """Both succeed, everything is there once, what was there is still the same object; gives the uids.

    `stays` is the kind of an old route that routers may still need.
    """
    with ExitStack() as stack:
        gates = [stack.enter_context(gate_before(story)) for _ in range(2)]
        holds = [gate.hold(any_write, every=True) for gate in gates]
        processes = [Process.start(behind(story, gate, folder)) for gate in gates]
        for hold in holds:
            hold.reached()
        for hold in holds:
            hold.release()
        for result in [process.ended() for process in processes]:
            assert result.code == 0, result.stdout + result.stderr
    after = story.uids()
    old = [f"{stays}/{name}" for name in names if stays]
    assert sorted(after) == sorted([*old, *(child for name in names for child in story.all_of(name))])
    assert {name: uid for name, uid in before.items() if name in after}.items() <= after.items()
    return after


def test_two_runs_end_in_the_state_of_one(story: Story, tmp_path: Path) -> None:
    for name in NAMES:
        story.apply(name, replicas=0)
    created = both(story, tmp_path, NAMES, {})
    made = Counter((event.resource, event.name) for event in story.writes() if event.code == 201)
    assert (len(made), set(made.values())) == (3 * len(NAMES), {1})

    wanted = dict(zip(NAMES, [*SWAPPED, *NAMES[4:]], strict=True))
    for name, other in wanted.items():
        story.apply(name, fqdn=story.host(other), **NEWER)
    both(story, tmp_path, NAMES, created)
    assert [story.route_hosts(name) for name in NAMES] == [[story.host(other)] for other in wanted.values()]

    ingress = replace(story, route="Ingress")
    switched = both(ingress, tmp_path, NAMES, created, stays="Mapping")
    ingress.reconcile()
    gone, left = NAMES[:3], NAMES[3:]
    for name in gone:
        story.orphan(name)
    before = len(story.writes())
    both(ingress, tmp_path, left, switched)
    deleted = {(e.resource, e.name) for e in story.writes()[before:] if (e.verb, e.code) == ("delete", 200)}
    assert deleted == {(plural, name) for name in gone for plural in ("deployments", "services", "ingresses")}
    ingress.silent()
