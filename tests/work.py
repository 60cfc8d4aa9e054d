"""How much work a function does, counted in calls: a machine that is busy does not change it."""

import sys
from collections.abc import Callable
from typing import Any


def calls_of(function: Callable[[], object]) -> int:
    """How many functions are called, Python's own among them."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def grows_evenly(work: Callable[[int], Callable[[], object]], few: int = 50, times: int = 4) -> bool:
    """Whether for so many times as much no more than so many times the calls are made, and a quarter."""
    return calls_of(work(few * times)) <= calls_of(work(few)) * times * 1.25
