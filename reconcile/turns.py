"""Whose item is next: namespaces take turns, so that a slow one does not hold up what stands behind it."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Items, each handed out once; those of one namespace in their order.

    Next is an item of the namespace that has the fewest under way, and among these of the one that had the
    fewest turns. So no more workers than its share wait for a slow namespace while others have work. Which of
    equals is first depends on `seed`: with another one in each run no namespace is always the last.
    """

    def __init__(self, items: Iterable[T], namespace_of: Callable[[T], str], seed: str) -> None:
        self._waiting: dict[str, deque[T]] = {}
        for item in items:
            self._waiting.setdefault(namespace_of(item), deque()).append(item)
        order = sorted(self._waiting, key=lambda name: sha256(f"{seed} {name}".encode()).digest())
        self._place = {namespace: place for place, namespace in enumerate(order)}
        self._under_way: Counter[str] = Counter()
        self._had: Counter[str] = Counter()
        self._heap = [self._rank(namespace) for namespace in order]
        self._lock = Lock()

    @contextmanager
    def next(self) -> Iterator[T]:
        """The next item, which is under way until the block ends. Ask as often as there are items."""
        with self._lock:
            namespace = self._first()
            item = self._waiting[namespace].popleft()
            self._had[namespace] += 1
            self._under_way[namespace] += 1
            self._rank_anew(namespace)
        try:
            yield item
        finally:
            with self._lock:
                self._under_way[namespace] -= 1
                self._rank_anew(namespace)

    def _first(self) -> str:
        """The namespace of the lowest rank. What was pushed before its rank changed is passed over."""
        while True:
            rank = heapq.heappop(self._heap)
            if rank == self._rank(rank[-1]) and self._waiting[rank[-1]]:
                return rank[-1]

    def _rank_anew(self, namespace: str) -> None:
        if self._waiting[namespace]:
            heapq.heappush(self._heap, self._rank(namespace))

    def _rank(self, namespace: str) -> tuple[int, int, int, str]:
        return self._under_way[namespace], self._had[namespace], self._place[namespace], namespace
