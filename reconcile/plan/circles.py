"""Circles in who waits for whom; pure, without recursion, in time that grows with the number of arrows."""

from collections.abc import Collection, Iterator, Mapping

Arrows = Mapping[str, Collection[str]]


def circles_in(ahead: Arrows) -> Iterator[frozenset[str]]:
    """The largest sets in which each waits, maybe through others, for each; one alone waits for itself.

    They are the strongly connected components, by Kosaraju's algorithm. What waits for nothing need not be
    a key.
    """
    behind: dict[str, list[str]] = {}
    for one, others in ahead.items():
        for other in others:
            behind.setdefault(other, []).append(one)
    seen: set[str] = set()
    last_first = [node for start in ahead for node in _finished(start, ahead, seen)][::-1]
    seen.clear()
    for start in last_first:
        circle = frozenset(_finished(start, behind, seen))
        if len(circle) > 1 or (circle and start in ahead.get(start, ())):
            yield circle


def _finished(start: str, arrows: Arrows, seen: set[str]) -> Iterator[str]:
    """What is reached from the start and was not seen before, each after all that is reached from it."""
    if start in seen:
        return
    seen.add(start)
    way = [(start, iter(arrows.get(start, ())))]
    while way:
        node, others = way[-1]
        following = next((other for other in others if other not in seen), None)
        if following is None:
            way.pop()
            yield node
        else:
            seen.add(following)
            way.append((following, iter(arrows.get(following, ()))))
