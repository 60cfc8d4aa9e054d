"""Who gets a hostname; pure.

    somebody with it                                         who wants it
    a preview that wants it and has a route with it          is blocked by that preview
    a route of nobody's here                                 is blocked by that route
    a route of a preview that does not want it any more      waits where that route moves or goes,
                                                             else is blocked by its preview
    nobody                                                   the oldest gets it; then namespace and name

Where moves wait for each other in a circle, the oldest preview goes first. Timestamps of routes decide
nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from reconcile.objects import Key

Fate = Literal["follows", "goes", "later", "stays"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A preview that would have a route; `created` is its creationTimestamp, "" where there is none."""

    preview: str
    hostname: str
    created: str = ""

    @property
    def age(self) -> tuple[str, str]:
        """Sorts the oldest first."""
        return (self.created or "~", self.preview)


@dataclass(frozen=True, slots=True)
class Route:
    """A route that is there.

    `preview` is the preview that it belongs to, "" for a stranger's. `fate` is what the plan does with it:
    it follows its preview's hostname, it goes, it will do one of these but not in this run, or it stays.
    """

    key: Key
    hostnames: frozenset[str]
    preview: str = ""
    fate: Fate = "stays"


@dataclass(frozen=True, slots=True)
class Ruling:
    """`granted`: the route may have the hostname now. `waits`: later, `in_this_run` when this run ends the
    wait. `blocked`: not while things are as they are. `by` names what is in the way, `warning` what is
    beside a granted one."""

    verdict: Literal["granted", "waits", "blocked"]
    by: str = ""
    in_this_run: bool = False
    warning: str = ""


GRANTED = Ruling("granted")


def rulings_of(claims: Iterable[Claim], routes: Iterable[Route]) -> Mapping[str, Ruling]:
    """A ruling for every claim, by preview."""
    by_hostname: dict[str, list[Claim]] = {}
    for claim in claims:
        by_hostname.setdefault(claim.hostname, []).append(claim)
    there: dict[str, list[Route]] = {}
    for route in sorted(routes, key=lambda route: route.key):
        for hostname in route.hostnames & by_hostname.keys():
            there.setdefault(hostname, []).append(route)
    rulings: dict[str, Ruling] = {}
    queue: dict[str, tuple[Claim, list[Route]]] = {}
    for hostname, rivals in by_hostname.items():
        _rule_on_one(rivals, there.get(hostname, []), rulings, queue)
    _rule_on_moves(queue, rulings)
    return rulings


def _rule_on_one(
    rivals: list[Claim],
    routes: list[Route],
    rulings: dict[str, Ruling],
    queue: dict[str, tuple[Claim, list[Route]]],
) -> None:
    """Rule on one hostname; what depends on the moves of others is queued."""
    strangers = [route for route in routes if not route.preview]
    owners = {route.preview for route in routes}
    rivals = sorted(rivals, key=lambda claim: (claim.preview not in owners, claim.age))
    first = rivals[0]
    held = first.preview in owners
    if strangers and not held:
        rulings.update({c.preview: Ruling("blocked", f"belongs to {strangers[0].key}") for c in rivals})
        return
    warning = f"{strangers[0].key} has it too" if strangers else ""
    rulings[first.preview] = Ruling("granted", warning=warning)
    rulings.update({c.preview: Ruling("blocked", f"belongs to {first.preview}") for c in rivals[1:]})
    occupying = [route for route in routes if route.preview and route.preview != first.preview]
    if occupying and not held:
        queue[first.preview] = (first, occupying)


def _rule_on_moves(queue: Mapping[str, tuple[Claim, list[Route]]], rulings: dict[str, Ruling]) -> None:
    """Rule on those whose hostname is still on a route of another preview of ours."""
    for preview in queue:
        _block_if_it_stays(preview, queue, rulings, ())
    waiting = {
        preview: [route for route in routes if route.fate == "follows"]
        for preview, (_, routes) in queue.items()
        if rulings[preview].verdict == "granted"
    }
    goes_first = _oldest_in_circles(waiting, queue)
    for preview in waiting.keys() - goes_first:
        route = queue[preview][1][0]
        in_this_run = all(route.fate != "later" for route in queue[preview][1])
        rulings[preview] = Ruling("waits", f"{route.key} still has it", in_this_run=in_this_run)


def _block_if_it_stays(
    preview: str,
    queue: Mapping[str, tuple[Claim, list[Route]]],
    rulings: dict[str, Ruling],
    above: tuple[str, ...],
) -> None:
    if preview in above:
        return
    for route in queue[preview][1]:
        if route.fate == "follows" and route.preview in queue:
            _block_if_it_stays(route.preview, queue, rulings, (*above, preview))
        stuck = route.fate == "follows" and rulings.get(route.preview, GRANTED).verdict == "blocked"
        if route.fate == "stays" or stuck:
            rulings[preview] = Ruling("blocked", f"is still on {route.key}, which belongs to {route.preview}")
            return


def _oldest_in_circles(
    waiting: Mapping[str, list[Route]], queue: Mapping[str, tuple[Claim, list[Route]]]
) -> set[str]:
    """Of each circle of previews that wait for each other, the oldest; none where it waits for more too."""
    reached = {preview: _reachable(preview, waiting) for preview in waiting}
    circles = {
        frozenset(other for other in reached[preview] if preview in reached.get(other, ()))
        for preview in waiting
        if preview in reached[preview]
    }
    oldest = {min(circle, key=lambda preview: queue[preview][0].age) for circle in circles}
    return {preview for preview in oldest if waiting[preview] == queue[preview][1]}


def _reachable(start: str, waiting: Mapping[str, list[Route]]) -> set[str]:
    found: set[str] = set()
    ahead = [route.preview for route in waiting[start]]
    while ahead:
        preview = ahead.pop()
        if preview in waiting and preview not in found:
            found.add(preview)
            ahead.extend(route.preview for route in waiting[preview])
    return found
