"""Which cases a run takes: all of them, or a fixed and evenly spread few; in which tests they lie; and their run."""

import os
from collections.abc import Callable, Iterator, Sequence
from math import gcd
from typing import TypeVar

T = TypeVar("T")
ALL = "RECONCILE_FAULTS"
"""Set to `all` by `make faults`."""
PARTS = 12
"""Of all cases of one world, so that several workers have their share."""


def takes_all() -> bool:
    return os.environ.get(ALL) == "all"


def parts_of(name: str) -> Iterator[tuple[str, int]]:
    """A world's name with each of its parts; the few are one part."""
    return ((name, part) for part in range(PARTS if takes_all() else 1))


def chosen(cases: Sequence[T], part: int, few: int, period: int) -> list[T]:
    """The cases of one part of all, or `few` of them, always the same.

    The order of the cases repeats itself every `period`: each request has the same faults. Even steps may keep
    time with that, and never meet some fault. So the few go down the requests in even steps, and each takes
    another fault than those before it, until all have had their turn.
    """
    if takes_all():
        return list(cases[part::PARTS])
    if few >= len(cases):
        return list(cases)
    # About the golden ratio of it, so that those that follow each other are unlike.
    step = next(step for step in range(round(period * 0.6), period + 2) if gcd(step, period) == 1)
    requests = len(cases) // period
    return [cases[at * requests // few * period + at * step % period] for at in range(few)]


def assert_nothing_wrong(
    cases: Sequence[T], wrong_with: Callable[[T], list[str]], record: Callable[[str, object], None]
) -> None:
    """Run the cases; `record` is pytest's `record_property`, and gets their number."""
    wrong = {str(case): found for case in cases if (found := wrong_with(case))}
    record("cases", len(cases))
    assert wrong == {}, "\n".join(f"{case}: {told}" for case, told in wrong.items())
