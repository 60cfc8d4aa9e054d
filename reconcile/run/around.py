"""What is around the end of a run: the cluster, how it is asked, and who is told."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.cluster.pool import Stop, pause
from reconcile.cluster.port import Cluster
from reconcile.model.settings import Settings
from reconcile.plan.decide import Rules
from reconcile.status.result import Standing

Tell = Callable[[Sequence[Standing], str], None]
"""Told after each look: how all stand, and why the look did not work, or ""."""

Probe = Callable[[Sequence[str], float], Mapping[str, str]]
"""Asks for URLs, in at most so many seconds; what is wrong with each, "" where it answers."""


@dataclass(frozen=True)
class Pace:
    """Time, so that tests need none."""

    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float, Stop], None] = pause


PACE = Pace()


@dataclass(frozen=True)
class Around:
    """What every look needs."""

    cluster: Cluster
    settings: Settings
    rules: Rules
    namespace: str | None
    concurrency: int
    stop: Stop
    tell: Tell = lambda standings, trouble: None
    probe: Probe | None = None
    pace: Pace = PACE
