"""Which cases a run takes: all of them, or a fixed and evenly spread few; and in which tests they lie."""

import os
from collections.abc import Iterator, Sequence
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


def chosen(cases: Sequence[T], part: int, few: int) -> list[T]:
    """The cases of one part of all, or `few` of them, evenly spread over their order and always the same."""
    if takes_all():
        return list(cases[part::PARTS])
    if few >= len(cases):
        return list(cases)
    return [cases[(2 * at + 1) * len(cases) // (2 * few)] for at in range(few)]
