"""SIGINT and SIGTERM: the first ends the run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reconcile.cluster.pool import Stop
from reconcile.errors import Stopped

_ALARM = 0.2
"""Seconds between two alarms while a question waits for its answer."""


class Signals:
    """The first SIGINT or SIGTERM ends the run: reads at once, writes after the one that is under way."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self._asking = False
        ours = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._received) for number in ours}

    def restore(self) -> None:
        """Leave the handlers as they were: whoever calls the command as a function has their own."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        self.stop.ask(number)
        self._end_question()

    @contextmanager
    def ending_questions(self) -> Iterator[None]:
        """Raises `Stopped` out of a question, which would go on waiting for its answer.

        A signal that comes just before the answer is waited for does not end that wait; the next alarm does.
        """
        before = signal.signal(signal.SIGALRM, lambda number, frame: self._end_question())
        signal.setitimer(signal.ITIMER_REAL, _ALARM, _ALARM)
        self._asking = True
        try:
            self._end_question()  # it may have come while the plan was printed
            yield
        finally:
            self._asking = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _end_question(self) -> None:
        if self._asking and self.stop.asked:
            raise Stopped("the run was stopped")
