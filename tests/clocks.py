"""Local clocks that are wrong: all that Python tells of the time, but for what has passed."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine

DECADE = timedelta(days=3653)
CLOCKS: Mapping[str, timedelta] = {"right": timedelta(), "ten years late": -DECADE, "ten years early": DECADE}


@contextmanager
def local_clock(wrong_by: timedelta) -> Iterator[None]:
    """While this lasts, the local clock is so wrong, and goes on."""
    right = time.time()
    with time_machine.travel(right + wrong_by.total_seconds(), tick=True):
        found = (time.time() - right, datetime.now(UTC).timestamp() - right)
        assert all(abs(shift - wrong_by.total_seconds()) < 60 for shift in found), found
        yield
