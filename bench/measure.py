"""The measuring itself: each figure several times, in turn with what stands beside it."""

import json
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import wanted
from bench.asked import lists_of, writes_of
from bench.figure import Beside, Figure, Unit
from bench.load import PREVIEWS, Load
from bench.phaselog import phases_of, to_plan
from bench.process import Ended, NotMeasured, Runner
from bench.sample import Sample
from reconcile.status.publish import SETTLING
from tests.controlplane.audit import AuditEvent
from tests.controlplane.plane import ControlPlane

USER = "admin"
CONCURRENCY = "8"
OPTIONS = (
    *("--yes", "-v", "--allow-secret", "*"),
    *("--concurrency", CONCURRENCY, "--timeout", "2h"),
)
LONG_ROUNDS = 3
"""Of what takes minutes each time."""
MOST_RUNS = 100
"""Until one is silent. A run may put off statuses that say nothing new."""

Asked = tuple[AuditEvent, ...]
"""What one run has asked."""


def say(what: str) -> None:
    """Progress."""
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


@dataclass
class Measured:
    """Values by figure and by counterpart, in the order in which they came."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def sample(self, name: str) -> Sample:
        return Sample(tuple(self.values[name]))

    def figure(
        self, name: str, previews: int, unit: Unit, beside: str | None = None, *, faster: bool = False
    ) -> Figure:
        """The figure of this name beside the counterpart of that one."""
        counterpart = Beside(beside, self.sample(beside), faster) if beside else None
        target = wanted.target_of(name, previews)
        return Figure(name, previews, unit, self.sample(name), counterpart, target)


@dataclass(frozen=True)
class Bench:
    """A control plane, who writes into it, and who runs programs beside it."""

    plane: ControlPlane
    load: Load
    runner: Runner
    rounds: int
    options: tuple[str, ...] = ()

    def ours(self, *more: str) -> Ended:
        """The command with these options and more, over everything."""
        return self.runner.python("-m", "reconcile", *OPTIONS, *self.options, *more)

    def run(self) -> tuple[Ended, Asked]:
        """The same, and what it asked."""
        before = self.plane.audit_log.stat().st_size
        ended = self.ours()
        return ended, self.plane.audit(USER, before)

    def silent(self) -> Ended:
        """A run that finds nothing to do. Raises NotMeasured when it wrote."""
        ended, asked = self.run()
        if writes := writes_of(asked):
            raise NotMeasured(f"nothing had changed, and it wrote {len(writes)} times, first {writes[0]}")
        return ended

    def settle(self) -> list[Asked]:
        """What each run asked until all was made, rolled out, and told: the last one wrote nothing.

        Raises NotMeasured when each of many runs wrote.
        """
        runs = [self.run()[1]]
        self.load.roll_out()
        while len(runs) < MOST_RUNS:
            runs.append(self.run()[1])
            if not writes_of(runs[-1]):
                return runs
        writes = writes_of(runs[-1])
        raise NotMeasured(f"{MOST_RUNS} runs, and the last wrote {len(writes)} times, first {writes[0]}")

    def mark_all(self) -> None:
        """Each preview that is unchanged gets its fingerprint, in one run."""
        self.runner.python("-m", "bench.unbounded", *OPTIONS, *self.options)

    def rest(self) -> None:
        """Until nobody has changed a child for so long that previews are marked as unchanged, and all are."""
        time.sleep(SETTLING.total_seconds() + 1)
        self.mark_all()
        self.settle()

    def raw(self) -> Ended:
        """The lists of the last settled run, raw."""
        return self.runner.python("-m", "bench.raw", self.runner.folder / "lists.json")

    def file(self, name: str, content: Any) -> Path:
        """Something for a program to read."""
        path = self.runner.folder / name
        path.write_text(json.dumps(content))
        return path

    def previews(self) -> list[dict[str, Any]]:
        """As the server has them; a list leaves nothing out of custom resources."""
        return list(self.load.items(PREVIEWS))

    def small(self) -> list[Figure]:
        """What a person waits for; there is one preview."""
        self.settle()
        measured = Measured()
        for _ in range(2 * self.rounds):
            measured.add(wanted.PASS, self.runner.python("-c", "pass").seconds)
            measured.add(wanted.HELP, self.runner.python("-m", "reconcile", "--help").seconds)
            measured.add(wanted.ONE, self.silent().seconds)
        return [measured.figure(name, 1, "s", wanted.PASS) for name in (wanted.HELP, wanted.ONE)]

    def unchanged(self, previews: int) -> tuple[list[Figure], Mapping[str, float]]:
        """A run that finds nothing to do beside its lists alone; and the medians of its phases."""
        self.file("lists.json", lists_of(self.settle()[-1]))
        measured, profile = Measured(), Measured()
        for _ in range(self.rounds):
            self._unchanged_once(measured, profile)
            raw = self.raw()
            measured.add(wanted.RAW, raw.result["seconds"])
            measured.add(wanted.RAW_CPU, raw.cpu)
            measured.add(wanted.PAGES, raw.result["requests"])
        figures = [
            measured.figure(wanted.TO_PLAN, previews, "s", wanted.RAW),
            measured.figure(wanted.REQUESTS, previews, "requests", wanted.PAGES),
            measured.figure(wanted.WRITES, previews, "requests"),
            measured.figure(wanted.MEMORY, previews, "MiB"),
            measured.figure(wanted.WHOLE, previews, "s"),
            measured.figure(wanted.CPU, previews, "s", wanted.RAW_CPU),
        ]
        return figures, {name: statistics.median(values) for name, values in profile.values.items()}

    def _unchanged_once(self, measured: Measured, profile: Measured) -> None:
        ended, asked = self.run()
        phases = phases_of(ended.err)
        for name, seconds in phases.items():
            profile.add(name, seconds)
        measured.add(wanted.TO_PLAN, to_plan(phases))
        measured.add(wanted.REQUESTS, len(asked))
        measured.add(wanted.WRITES, len(writes_of(asked)))
        measured.add(wanted.MEMORY, ended.mebibytes)
        measured.add(wanted.WHOLE, ended.seconds)
        measured.add(wanted.CPU, ended.cpu)


def growth(figures: list[Figure], sizes: list[int]) -> list[Figure]:
    """How much longer it takes for so many more previews, from each size to the next."""
    samples = {figure.previews: figure.ours for figure in figures if figure.name == wanted.TO_PLAN}
    return [
        Figure(
            wanted.GROWTH,
            more,
            "s",
            samples[more],
            Beside(f"the same at {fewer:,}", samples[fewer]),
            wanted.target_of(wanted.GROWTH, more),
        )
        for fewer, more in pairwise(sizes)
    ]
