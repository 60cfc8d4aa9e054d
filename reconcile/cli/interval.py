"""Runs one after the other, with a pause between them, until the process is told to end."""

import random
from collections.abc import Callable
from datetime import timedelta

from reconcile.cluster.pool import Stop, pause
from reconcile.errors import ReconcileError, Stopped, UsageError

JITTER = 0.1
"""Up to so much of a pause is added to it, so that many installations do not ask at once."""
LONGEST = 300.0
"""Seconds that the pauses after failures grow to, unless the interval itself is longer."""
_DOUBLINGS = 30


def again_and_again(
    once: Callable[[], bool],
    *,
    failed: Callable[[ReconcileError], None],
    interval: timedelta,
    stop: Stop,
    chance: Callable[[], float] = random.random,
) -> None:
    """Call `once`, which tells whether the run did all that it could, until the process is told to end.

    `failed` is told of a run that got nowhere. A UsageError of the first run ends it: what was asked wrongly
    stays wrong. Later it is what came up in the cluster, such as a second preview of a bare NAME.
    Raises `Stopped` where the signal came while a run was only reading.
    """
    failures, ran = 0, False
    while not stop.asked:
        try:
            went_well = once()
            ran = True
        except Stopped:
            raise
        except ReconcileError as error:
            if isinstance(error, UsageError) and not ran:
                raise
            failed(error)
            went_well = False
        failures = 0 if went_well else failures + 1
        pause(pause_after(failures, interval.total_seconds(), chance()), stop)


def pause_after(failures: int, interval: float, chance: float) -> float:
    """Seconds until the next run, after so many failed ones in a row: doubled with each, to 5 minutes."""
    longest = max(interval, LONGEST)
    return min(interval * 2.0 ** min(failures, _DOUBLINGS), longest) * (1 + JITTER * chance)
