"""The measuring itself: each figure several times, in turn with what stands beside it."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import wanted
from bench.asked import children_of, lists_of, replay_of, writes_of
from bench.figure import Beside, Figure, Unit
from bench.load import PREVIEWS, Load
from bench.phaselog import phases_of, to_plan
from bench.process import Ended, NotMeasured, Runner
from bench.sample import Sample
from reconcile.names import Names
from reconcile.objects import EVENTS_V1
from tests.controlplane.audit import AuditEvent
from tests.controlplane.plane import ControlPlane
from tests.controlplane.programs import program

USER = "admin"
CONCURRENCY = "8"
COMMAND = (
    *("-m", "reconcile", "--yes", "-v", "--allow-secret", "*"),
    *("--concurrency", CONCURRENCY, "--timeout", "2h"),
)
KUBECTL_ROUNDS = 3
"""It takes minutes each time."""


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

    def ours(self) -> Ended:
        """The command, over everything."""
        return self.runner.python(*COMMAND)

    def asked_by(self, before: int) -> tuple[AuditEvent, ...]:
        """What the command asked since the audit log was so long."""
        return self.plane.audit(USER, before)

    @property
    def log_size(self) -> int:
        return self.plane.audit_log.stat().st_size

    def settle(self) -> None:
        """Children made, rolled out, and told in the statuses: the next run finds nothing to do."""
        self.ours()
        self.load.roll_out()
        self.ours()

    def _silent(self) -> tuple[Ended, int]:
        """A run that finds nothing to do, and how often it asked. Raises NotMeasured when it wrote."""
        before = self.log_size
        ended = self.ours()
        events = self.asked_by(before)
        if writes := writes_of(events):
            raise NotMeasured(f"nothing had changed, and it wrote {len(writes)} times, first {writes[0]}")
        return ended, len(events)

    def _file(self, name: str, content: Any) -> Path:
        path = self.runner.folder / name
        path.write_text(json.dumps(content))
        return path

    def small(self) -> list[Figure]:
        """What a person waits for; there is one preview."""
        measured = Measured()
        for _ in range(2 * self.rounds):
            measured.add(wanted.PASS, self.runner.python("-c", "pass").seconds)
            measured.add(wanted.HELP, self.runner.python("-m", "reconcile", "--help").seconds)
            measured.add(wanted.ONE, self.ours().seconds)
        return [measured.figure(name, 1, "s", wanted.PASS) for name in (wanted.HELP, wanted.ONE)]

    def unchanged(self, previews: int) -> tuple[list[Figure], Mapping[str, float]]:
        """A run that finds nothing to do beside its lists alone; and the medians of its phases."""
        before = self.log_size
        self.ours()
        lists = self._file("lists.json", lists_of(self.asked_by(before)))
        measured, profile = Measured(), Measured()
        for _ in range(self.rounds):
            self._unchanged_once(measured, profile)
            raw = self.runner.python("-m", "bench.raw", lists).result
            measured.add(wanted.RAW, raw["seconds"])
            measured.add(wanted.PAGES, raw["requests"])
        figures = [
            measured.figure(wanted.TO_PLAN, previews, "s", wanted.RAW),
            measured.figure(wanted.REQUESTS, previews, "requests", wanted.PAGES),
            measured.figure(wanted.WRITES, previews, "requests"),
            measured.figure(wanted.MEMORY, previews, "MiB"),
            measured.figure(wanted.WHOLE, previews, "s"),
        ]
        return figures, {name: statistics.median(values) for name, values in profile.values.items()}

    def _unchanged_once(self, measured: Measured, profile: Measured) -> None:
        before = self.log_size
        ended = self.ours()
        phases = phases_of(ended.err)
        for name, seconds in phases.items():
            profile.add(name, seconds)
        events = self.asked_by(before)
        measured.add(wanted.TO_PLAN, to_plan(phases))
        measured.add(wanted.REQUESTS, len(events))
        measured.add(wanted.WRITES, len(writes_of(events)))
        measured.add(wanted.MEMORY, ended.mebibytes)
        measured.add(wanted.WHOLE, ended.seconds)

    def drift(self, previews: int) -> list[Figure]:
        """One child in a hundred was edited by hand: what mending costs beside the lists of every run."""
        measured = Measured()
        drifted = max(1, 3 * previews // 100)
        for _ in range(self.rounds):
            _, lists = self._silent()
            self.load.edit(previews, drifted)
            before = self.log_size
            self.ours()
            measured.add(wanted.DRIFT, (len(self.asked_by(before)) - lists) / drifted)
            self.load.roll_out()
            self.ours()
        return [measured.figure(wanted.DRIFT, previews, "requests")]

    def kubectl(self, previews: int) -> list[Figure]:
        """The whole process beside what people would use instead, for the same objects, unchanged."""
        children = children_of(self.previews())
        objects = self._file("children.json", {"apiVersion": "v1", "kind": "List", "items": children})
        flags = ("--server-side", f"--field-manager={Names().field_manager}", "-f", objects)
        measured = Measured()
        for _ in range(min(KUBECTL_ROUNDS, self.rounds)):
            for name, verb, beside in (
                (wanted.DIFF, "diff", wanted.KUBECTL_DIFF),
                (wanted.APPLY, "apply", wanted.KUBECTL_APPLY),
            ):
                measured.add(name, self._silent()[0].seconds)
                measured.add(beside, self.runner.run(program("kubectl"), verb, *flags).seconds)
        return [
            measured.figure(wanted.DIFF, previews, "s", wanted.KUBECTL_DIFF, faster=True),
            measured.figure(wanted.APPLY, previews, "s", wanted.KUBECTL_APPLY, faster=True),
        ]

    def previews(self) -> list[dict[str, Any]]:
        """As the server has them; a list leaves nothing out of custom resources."""
        return list(self.load.items(PREVIEWS))

    def making(self, previews: int) -> list[Figure]:
        """All children and statuses, beside a load generator that decides nothing; none is there after."""
        measured = Measured()
        for _ in range(self.rounds):
            self.load.clear()
            before = self.log_size
            measured.add(wanted.MAKING, sum(phases_of(self.ours().err).values()))
            events, told, news = self.asked_by(before), self.previews(), list(self.load.items(EVENTS_V1))
            self.load.clear()
            requests = self._file("requests.json", replay_of(events, self.previews(), told, news))
            bare = self.runner.python("-m", "bench.replay", requests, CONCURRENCY).result
            measured.add(wanted.BARE, bare["seconds"])
        self.load.clear()
        return [measured.figure(wanted.MAKING, previews, "s", wanted.BARE)]


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
