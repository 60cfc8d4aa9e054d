"""Whose item is next: namespaces take turns, so that a slow one does not hold up what stands behind it."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Items, each handed out once; those of one namespace in their order, and stage by stage.

    None of a later stage is handed out before those of the earlier ones, in its namespace, are done.

    Next is an item of the namespace that has the fewest under way, and among these of the one that had the
    fewest turns. So no more workers than its share wait for a slow namespace while others have work. Which of
    equals is first depends on `seed`: with another one in each run no namespace is always the last.
    """

    def __init__(self, stages: Iterable[Iterable[T]], namespace_of: Callable[[T], str], seed: str) -> None:
        self._waiting: dict[str, deque[tuple[int, T]]] = {}
        for stage, items in enumerate(stages):
            for item in items:
                self._waiting.setdefault(namespace_of(item), deque()).append((stage, item))
        order = sorted(self._waiting, key=lambda name: sha256(f"{seed} {name}".encode()).digest())
        self._place = {namespace: place for place, namespace in enumerate(order)}
        self._under_way: Counter[str] = Counter()
        self._had: Counter[str] = Counter()
        self._stage: dict[str, int] = {}
        self._heap = [self._rank(namespace) for namespace in order]
        self._changed = Condition()

    @contextmanager
    def next(self) -> Iterator[T]:
        """The next item, which is under way until the block ends. Ask as often as there are items."""
        with self._changed:
            while not (namespace := self._first()):
                self._changed.wait()  # what is left waits for what is under way
            self._stage[namespace], item = self._waiting[namespace].popleft()
            self._had[namespace] += 1
            self._under_way[namespace] += 1
            self._rank_anew(namespace)
        try:
            yield item
        finally:
            with self._changed:
                self._under_way[namespace] -= 1
                self._rank_anew(namespace)
                self._changed.notify_all()

    def _first(self) -> str:
        """The namespace of the lowest rank, "" for none. A rank that has changed since is passed over."""
        while self._heap:
            rank = heapq.heappop(self._heap)
            if rank == self._rank(rank[-1]) and self._may_go_on(rank[-1]):
                return rank[-1]
        return ""

    def _rank_anew(self, namespace: str) -> None:
        if self._may_go_on(namespace):
            heapq.heappush(self._heap, self._rank(namespace))

    def _may_go_on(self, namespace: str) -> bool:
        """Whether there is an item, and none of an earlier stage is under way."""
        waiting = self._waiting[namespace]
        return bool(waiting) and (not self._under_way[namespace] or waiting[0][0] == self._stage[namespace])

    def _rank(self, namespace: str) -> tuple[int, int, int, str]:
        return self._under_way[namespace], self._had[namespace], self._place[namespace], namespace
