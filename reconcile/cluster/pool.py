"""Many requests at once, and what becomes of them when the run is told to end."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

from reconcile.cluster.turns import Turns
from reconcile.errors import Stopped

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

_LOOK = 0.1
"""Seconds between two looks whether the run is to end, while requests are under way."""


class Stop:
    """Whether the run was stopped, and since when. Asked by a signal's handler, read by everybody.

    A read that is under way is given up at once; a write gets `grace` seconds for its answer.
    """

    grace = 3.0

    def __init__(self) -> None:
        self.signal = 0
        self._since = 0.0

    def ask(self, signal: int) -> None:
        """End the run; the first signal counts."""
        if not self.signal:
            self._since = time.monotonic()
            self.signal = signal

    @property
    def asked(self) -> bool:
        return self.signal != 0

    @property
    def out_of_patience(self) -> bool:
        return self.asked and time.monotonic() - self._since > self.grace


def pause(seconds: float, stop: Stop) -> None:
    """Sleep, but not after the run was stopped."""
    end = time.monotonic() + seconds
    while not stop.asked and (left := end - time.monotonic()) > 0:
        time.sleep(min(_LOOK, left))


def read_at_once(function: Callable[[T], R], items: Sequence[T], concurrency: int, stop: Stop) -> list[R]:
    """The results in order; the first error is raised. `Stopped` as soon as the run is told to end."""
    futures = _run(function, items, concurrency, lambda: stop.asked)
    if stop.asked:
        raise Stopped("the run was stopped")
    return [future.result() for future in futures]


def write_at_once(
    function: Callable[[T], object],
    stages: Sequence[Sequence[T]],
    concurrency: int,
    stop: Stop,
    *,
    namespace_of: Callable[[T], str],
    seed: str,
) -> None:
    """Do this with each item of each stage, in the order of `Turns`. The first error is raised.

    What is not answered in the time that is left after a signal is given up.
    """
    turns = Turns(stages, namespace_of, seed)

    def next_one(_: T) -> None:
        with turns.next() as item:
            function(item)

    items = [item for stage in stages for item in stage]
    for future in _run(next_one, items, concurrency, lambda: stop.out_of_patience):
        if future.done() and not future.cancelled():
            future.result()


def _run(
    function: Callable[[T], R], items: Sequence[T], concurrency: int, give_up: Callable[[], bool]
) -> list[Future[R]]:
    futures = [Future[R]() for _ in items]
    todo = deque(zip(futures, items, strict=True))

    def work() -> None:
        with suppress(IndexError):
            while not give_up():
                future, item = todo.popleft()
                _settle(future, function, item)

    pool = ThreadPoolExecutor(max_workers=concurrency)
    if not start_threads(lambda: pool.submit(work), min(concurrency, len(items))):
        work()  # here, where a signal waits for the request that is under way
    pending = set(futures)
    while pending and not give_up():
        _, pending = wait(pending, timeout=_LOOK)
    for future in pending:
        future.cancel()
    pool.shutdown(wait=False, cancel_futures=True)
    return futures


def start_threads(start: Callable[[], object], wanted: int) -> int:
    """Call `start` so often; how often it did start a thread, before the machine had no more of them."""
    for started in range(wanted):
        try:
            start()
        except RuntimeError as error:  # a limit of processes (pids) or of memory
            log.warning(
                "%s after %d of %d: raise the limit of processes or of memory", error, started, wanted
            )
            return started
    return wanted


def _settle(future: Future[R], function: Callable[[T], R], item: T) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(item)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
