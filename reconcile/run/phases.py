"""Where the time of a run goes: a line of the log, phase by phase."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from reconcile.cluster.port import Traffic

log = logging.getLogger("reconcile.run.phases")


@dataclass
class Phase:
    """What all times of one phase took together."""

    seconds: float = 0.0
    requests: int = 0
    size: int = 0

    def __str__(self) -> str:
        answers = f" ({self.requests} requests, {self.size / 1e6:.1f} MB)" if self.requests else ""
        return f"{self.seconds:.3f} s{answers}"


class Phases:
    """Begins with its first phase when it is made. Durations only: what time it is, the cluster says.

    `traffic` gives what was asked and answered so far.
    """

    def __init__(self, traffic: Callable[[], Traffic], clock: Callable[[], float] = time.monotonic) -> None:
        self._traffic = traffic
        self._clock = clock
        self._phases: dict[str, Phase] = {}
        self._since = clock()
        self._before = traffic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.log()

    def done(self, name: str) -> None:
        """What was done since the last call, or since the beginning, was this."""
        now, traffic = self._clock(), self._traffic()
        phase = self._phases.setdefault(name, Phase())
        phase.seconds += now - self._since
        phase.requests += traffic.requests - self._before.requests
        phase.size += traffic.size - self._before.size
        self._since, self._before = now, traffic

    def __str__(self) -> str:
        """Such as `read 0.210 s (13 requests, 10.1 MB), planned 0.120 s`."""
        return ", ".join(f"{name} {phase}" for name, phase in self._phases.items())

    def log(self) -> None:
        """What `-v` shows."""
        if self._phases:
            log.info("%s", self)
