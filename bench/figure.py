"""A figure: what was measured, beside what, and what it must reach."""

from dataclasses import dataclass
from typing import Literal

from bench.sample import Ratio, Sample, ratio_of

Unit = Literal["s", "MiB", "requests"]


@dataclass(frozen=True)
class Target:
    """A bound on a figure's value, or on its ratio to what stands beside it."""

    of: Literal["value", "ratio"]
    bound: float
    at_most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True)
class Beside:
    """The counterpart, measured in turn with ours; with `faster` the ratio says how many times we are."""

    name: str
    sample: Sample
    faster: bool = False


@dataclass(frozen=True)
class Figure:
    """One line of the table, at so many previews."""

    name: str
    previews: int
    unit: Unit
    ours: Sample
    beside: Beside | None = None
    target: Target | None = None

    @property
    def ratio(self) -> Ratio | None:
        if self.beside is None:
            return None
        if self.beside.faster:
            return ratio_of(self.beside.sample, self.ours)
        return ratio_of(self.ours, self.beside.sample)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None where there is none."""
        if self.target is None:
            return None
        if self.target.of == "ratio":
            assert self.ratio is not None, "a bound on a ratio wants a counterpart"
            return self.target.met(self.ratio.value)
        return self.target.met(self.ours.median)
