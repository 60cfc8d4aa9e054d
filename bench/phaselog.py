"""The line in which the command says where its time went, read back."""

import re
from collections.abc import Mapping

from bench.process import NotMeasured

LINE = re.compile(r"^INFO reconcile\.run\.phases: (.*)$", re.MULTILINE)
PHASE = re.compile(r"([a-z]+) (\d+\.\d+) s(?: \(\d+ requests, \d+\.\d+ MB\))?(?:, |$)")
TO_PLAN = ("read", "desired", "looked", "planned")
"""From the first request to the plan."""


def phases_of(log: str) -> dict[str, float]:
    """Seconds by phase, in their order, from what `reconcile -v` said on stderr. Raises NotMeasured."""
    line = LINE.search(log)
    if line is None:
        raise NotMeasured(f"the command did not say where its time went:\n{log[-2000:]}")
    return {name: float(seconds) for name, seconds in PHASE.findall(line[1])}


def to_plan(phases: Mapping[str, float]) -> float:
    """Seconds from the first request to the plan."""
    return sum(phases[name] for name in TO_PLAN)
