"""How many requests are under way at once: fewer while the API server says that it has too many.

Additive increase, multiplicative decrease, as TCP does it: https://en.wikipedia.org/wiki/Additive_increase/multiplicative_decrease
"""

import math
import threading

from reconcile.cluster.kubernetes.deadline import RequestDeadline

ROUNDS = 4
"""So often as many as are allowed at once are taken up before there may be one more."""

Sent = int
"""When a request was sent: how often the limit had been lowered by then."""


class Throttle:
    """At most `most` at once. Thread-safe. `taken` counts what the server took up, whatever it said to it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._lowered: Sent = 0
        self._changed = threading.Condition()
        self.taken = 0

    @property
    def limit(self) -> int:
        return int(self._limit)

    def begin(self, deadline: RequestDeadline) -> Sent | None:
        """Wait until one more may be sent; None when the deadline has passed before."""
        with self._changed:
            while self._under_way >= self.limit or deadline.passed:
                if deadline.passed:
                    return None
                left = deadline.remaining()
                self._changed.wait(None if left == math.inf else left)
            self._under_way += 1
            return self._lowered

    def end(self, sent: Sent, *, turned_away: bool | None) -> None:
        """It is over: turned away, taken up, or (None) without an answer.

        Those that were under way together when one was turned away lower the limit once.
        """
        with self._changed:
            self._under_way -= 1
            if turned_away and sent == self._lowered:
                self._limit = max(1.0, self._limit / 2)
                self._lowered += 1
            elif turned_away is False:
                self.taken += 1
                self._limit = min(float(self._most), self._limit + 1 / (ROUNDS * self._limit))
            self._changed.notify_all()
