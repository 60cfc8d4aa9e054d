"""Many requests at once, and what becomes of them when the run is told to end."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

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
    ended = _run(function, items, concurrency, lambda: stop.asked)
    if stop.asked:
        raise Stopped("the run was stopped")
    ended.raise_first()
    return [ended.results[place] for place in range(len(items))]


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
    _run(next_one, items, concurrency, lambda: stop.out_of_patience).raise_first()


@dataclass(frozen=True)
class _Ended(Generic[R]):
    """What became of the items that were done, by their place among all."""

    results: dict[int, R] = field(default_factory=dict)
    errors: dict[int, BaseException] = field(default_factory=dict)

    def raise_first(self) -> None:
        """The error of the first item that has one."""
        if places := list(self.errors):  # those that were given up may still add theirs
            raise self.errors[min(places)]


def _run(
    function: Callable[[T], R], items: Sequence[T], concurrency: int, give_up: Callable[[], bool]
) -> _Ended[R]:
    ended, todo = _Ended[R](), deque(enumerate(items))

    def work() -> None:
        while todo and not give_up():
            _do_next(function, todo, ended)

    # Waited for are the few threads: to look at each of ten thousand items ten times a second has its price.
    threads: list[Future[None]] = []
    pool = ThreadPoolExecutor(max_workers=concurrency)
    if not start_threads(lambda: threads.append(pool.submit(work)), min(concurrency, len(items))):
        work()  # here, where a signal waits for the request that is under way
    while wait(threads, timeout=_LOOK).not_done and not give_up():
        pass
    todo.clear()
    pool.shutdown(wait=False, cancel_futures=True)
    return ended


def _do_next(function: Callable[[T], R], todo: deque[tuple[int, T]], ended: _Ended[R]) -> None:
    try:
        place, item = todo.popleft()
    except IndexError:  # another thread was faster
        return
    try:
        ended.results[place] = function(item)
    except BaseException as error:
        ended.errors[place] = error


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
