"""`python -m bench.adverse`: what a run over a world that authors made costs, beside an ordinary one.

Nothing is asked of a server: the lists lie in memory. No preview has a fingerprint, so that each is compared,
in the ordinary world too. Each world is a process of its own. The exit code is 1 when a ratio is above the
limit.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from bench.sample import divided
from bench.worlds import ORDINARY, WORLDS, World
from reconcile.cluster.context import Context
from reconcile.cluster.port import Listing, Traffic, as_it_is
from reconcile.kube.objects import Manifest, Resource
from reconcile.kube.rawjson import SentObject
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.report.formats import FORMATS, ReportContext
from reconcile.run.passes import plan_pass
from reconcile.run.phases import Phases
from reconcile.run.request import Request
from reconcile.status.facts import gather
from reconcile.status.publish import publish
from reconcile.status.result import Pass, Run

MOST = 3.0
"""No world may cost more than so many ordinary ones."""
PATIENCE = 20.0
"""So many ordinary ones, and a process is ended."""
ROUNDS = 3
PARTS = ("plan", "statuses", "reports")
NOW = datetime(2026, 2, 1, tzinfo=UTC)


class Shelf:
    """A world as a cluster: lists are what an adapter makes of JSON, and what is written is forgotten."""

    is_server = True
    description = "memory"

    def __init__(self, world: World) -> None:
        self._world = world

    def list(
        self, resource: Resource, *, read: Callable[[Manifest], Any] = as_it_is, **_: Any
    ) -> Listing[Any]:
        known = {"apiVersion": resource.api_version, "kind": resource.kind}
        texts = self._world.objects.get(resource.kind, ())
        return Listing(tuple(read(SentObject(text, known).opened()) for text in texts))

    def get(self, resource: Resource, namespace: str, name: str) -> None:
        return None

    def apply_status(self, manifest: Manifest, *, manager: str) -> Manifest:
        return manifest

    def create(self, manifest: Manifest) -> bool:
        return True

    def now(self) -> datetime:
        return NOW


def a_run(world: World) -> Callable[[], dict[str, float]]:
    """One run over a world, as a function that gives the seconds of each of its parts."""
    cluster: Any = Shelf(world)
    request = Request(scope=Scope(), settings=Settings(**world.settings), dry_run=True)

    context = Context(cluster, request.settings, concurrency=1)

    def once() -> dict[str, float]:
        clock = [time.process_time()]
        plan, seen = plan_pass(context, request, Phases(lambda: Traffic()))
        clock.append(time.process_time())
        passes = (Pass(plan),)
        found = publish(context, gather(seen.all_desired, passes, seen.snapshot.children))
        clock.append(time.process_time())
        done = Run(passes, dry_run=True, previews=seen.previews, now=NOW, statuses=found.statuses)
        for report in FORMATS.values():
            report(done, ReportContext("memory", "every preview", 0))
        clock.append(time.process_time())
        return dict(zip(PARTS, (after - before for before, after in pairwise(clock)), strict=True))

    return once


def measured(name: str, previews: int) -> dict[str, float]:
    """The least seconds of each part, and the peak of memory while a run goes on, in MiB."""
    once = a_run(WORLDS[name](previews))
    gc.collect()
    runs = [once() for _ in range(ROUNDS)]
    found = {part: min(run[part] for run in runs) for part in PARTS}
    gc.collect()
    tracemalloc.start()
    once()
    return {**found, "MiB": tracemalloc.get_traced_memory()[1] / 2**20}


def in_a_process(name: str, previews: int, seconds: float | None) -> dict[str, float] | None:
    """The same in a process of its own; None where that failed, or took too long."""
    command = [sys.executable, "-m", "bench.adverse", "--previews", str(previews), "--world", name]
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=seconds, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        print(f"{name}: {str(error).partition('returned')[2] or 'too slow'}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def row(name: str, found: Mapping[str, float] | None, ordinary: Mapping[str, float]) -> tuple[str, float]:
    """A line of the table, and the largest ratio in it."""
    if found is None:
        return f"{name:40}  not in {PATIENCE:.0f} times the time", float("inf")
    ratios = {part: divided(found[part], ordinary[part]) for part in found}
    cells = (f"{found[part]:8.3f} ({ratios[part]:5.2f})" for part in found)
    return f"{name:40}  {'  '.join(cells)}", max(ratios.values())


def compare(previews: int, names: list[str]) -> list[str]:
    """Print the table for so many previews; which of the worlds are above the limit."""
    began = time.perf_counter()
    ordinary = in_a_process(ORDINARY, previews, None)
    patience = PATIENCE * (time.perf_counter() - began)
    head = "  ".join(f"{part:>16}" for part in (*PARTS, "MiB"))
    print(f"\n{previews:,} previews{'':26}  {head}", flush=True)
    above = []
    for name in names:
        found = ordinary if name == ORDINARY else in_a_process(name, previews, patience)
        line, most = row(name, found, ordinary or {})
        above += [f"{name} ({previews:,})"] if most > MOST else []
        print(f"{line}{'  ABOVE' if most > MOST else ''}", flush=True)
    return above


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.adverse", description=__doc__)
    parser.add_argument("--previews", type=int, action="append", help="so many; 1,000 and 10,000")
    parser.add_argument("--world", choices=WORLDS, help="measure this one alone, as JSON")
    parser.add_argument("--only", choices=WORLDS, action="append", help="compare these alone")
    options = parser.parse_args()
    sizes = options.previews or [1_000, 10_000]
    if options.world:
        print(json.dumps(measured(options.world, sizes[0])))
        return 0
    above = [world for previews in sizes for world in compare(previews, options.only or list(WORLDS))]
    if above:
        print(f"\nAbove {MOST:g} times an ordinary one: {', '.join(above)}", file=sys.stderr)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
