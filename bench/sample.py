"""What was measured several times, in numbers: medians, spreads, ratios."""

import statistics
from dataclasses import dataclass
from itertools import starmap


@dataclass(frozen=True)
class Sample:
    """The values of one figure, in the order in which they were measured; at least one."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a sample has at least one value")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Ratio:
    """How two samples compare: their medians, and the spread among the pairs that were measured in turn.

    Samples of different length have no pairs; the spread is then what the extremes allow.
    """

    value: float
    least: float
    most: float


def ratio_of(over: Sample, under: Sample) -> Ratio:
    """`over` divided by `under`."""
    if len(over.values) == len(under.values):
        pairs = tuple(starmap(divided, zip(over.values, under.values, strict=True)))
        return Ratio(divided(over.median, under.median), min(pairs), max(pairs))
    least, most = divided(over.least, under.most), divided(over.most, under.least)
    return Ratio(divided(over.median, under.median), least, most)


def divided(over: float, under: float) -> float:
    """Nothing divided by nothing is as much as the other: 1."""
    if under:
        return over / under
    return float("inf") if over else 1.0
