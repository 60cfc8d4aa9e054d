"""Durations as people write them: `72h`, `7d`, `1d12h`."""

import re
from datetime import timedelta
from functools import lru_cache

from reconcile.model.rules import DURATION, DURATION_UNITS, MAX_DURATION_DAYS, TOO_LONG


@lru_cache(maxsize=256)
def parse_duration(text: str) -> timedelta:
    """The length of a duration; zero for `0` (of a ttl: never).

    Units are d, h, m and s, each at most once and in this order. Raises ValueError with a sentence that
    goes on from the value, such as `has no unit; write d, h, m or s after the number`.
    """
    if problem := DURATION.problem(text):
        raise ValueError(problem)
    seconds = sum(int(number) * DURATION_UNITS[unit] for number, unit in re.findall("([0-9]+)([dhms])", text))
    if seconds > MAX_DURATION_DAYS * DURATION_UNITS["d"]:
        raise ValueError(TOO_LONG)
    return timedelta(seconds=seconds)
