"""Who gets a hostname; pure.

    somebody with it                                         who wants it
    a preview whose status records that it holds it          is blocked by that preview
    a preview that wants it and has a route with it          is blocked by that preview
    a route of nobody's here                                 is blocked by that route
    a route of a preview that does not want it any more      waits where that route moves or goes,
                                                             else is blocked by its preview
    nobody                                                   the oldest gets it; then namespace and name

A record counts while its preview wants the hostname or still has a route with it; of two records the
earlier. Where not all routes could be listed its preview may have one, and nobody gets the hostname. A route
alone says less: whoever may edit routes in one namespace could write any hostname into them. Where moves
wait for each other in a circle, the oldest preview goes first. Timestamps of routes decide nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from reconcile.kube.objects import Key
from reconcile.plan.circles import circles_in

Fate = Literal["follows", "goes", "later", "stays"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A preview that would have a route; `created` is its creationTimestamp, "" where there is none.

    `unsure` tells that not all routes and previews were seen, so that it gets only what it holds.
    """

    preview: str
    hostname: str
    created: str = ""
    unsure: bool = False

    @property
    def age(self) -> tuple[str, str]:
        """Sorts the oldest first."""
        return (self.created or "~", self.preview)


@dataclass(frozen=True, slots=True)
class Holding:
    """That a preview's status records a hostname as its own, `since` a time.

    `wanted` is False where it is known that it asks for another by now."""

    preview: str
    hostname: str
    since: str
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """A route that is there.

    `preview` is the preview that it belongs to, "" for an unmanaged one. `fate` is what the plan does with
    it: it follows its preview's hostname, it goes, it will do one of these but not in this run, or it stays.
    """

    key: Key
    hostnames: frozenset[str]
    preview: str = ""
    fate: Fate = "stays"


@dataclass(frozen=True, slots=True)
class Ruling:
    """`granted`: the route may have the hostname now. `waits`: later, `in_this_run` when this run ends the
    wait. `blocked`: not while things are as they are. `by` names what is in the way, where it is not that
    this is `unsure`; `warning` what is beside a granted one. `gives_up` are routes of a blocked one that have
    a hostname, which another's status records: why, by route."""

    decision: Literal["granted", "waits", "blocked"]
    by: str = ""
    in_this_run: bool = False
    warning: str = ""
    gives_up: Mapping[Key, str] = field(default_factory=dict)
    unsure: bool = False


GRANTED = Ruling("granted")
UNSEEN = "not all routes could be listed"


H = TypeVar("H", Claim, Holding)
Rulings = dict[str, Ruling]
Queue = dict[str, tuple[Claim, list[Route]]]


def rulings_of(
    claims: Iterable[Claim],
    routes: Iterable[Route],
    holdings: Iterable[Holding] = (),
    *,
    unseen: bool = False,
) -> Mapping[str, Ruling]:
    """A ruling for every claim, by preview, and for who has a route to give up without one.

    `unseen` tells that there may be more routes. In time that grows with their number."""
    claimed, recorded = _by_hostname(claims), _by_hostname(holdings)
    there = _routes_by_hostname(routes, claimed.keys() | recorded.keys())
    rulings: Rulings = {}
    queue: Queue = {}
    holders: dict[str, str] = {}
    for hostname, rivals in claimed.items():
        holder = _holder(recorded.get(hostname, ()), rivals, there.get(hostname, ()))
        held = any(claim.preview == holder for claim in rivals)
        if holder:
            holders[hostname] = holder
        sure = [claim for claim in rivals if held or not claim.unsure]
        rulings.update({claim.preview: Ruling("blocked", unsure=True) for claim in rivals if claim.unsure})
        if sure:
            _rule_on_one(sure, there.get(hostname, []), holder, rulings, queue)
            if unseen:
                _wait_for_a_whole_list(sure, recorded.get(hostname, ()), there.get(hostname, ()), rulings)
    _rule_on_moves(queue, rulings)
    for hostname in recorded.keys() - claimed.keys():
        if holder := _holder(recorded[hostname], (), there.get(hostname, ())):
            holders[hostname] = holder
    _have_given_up(holders, claimed, there, rulings)
    return rulings


def _by_hostname(found: Iterable[H]) -> dict[str, list[H]]:
    by_hostname: dict[str, list[H]] = {}
    for one in found:
        by_hostname.setdefault(one.hostname, []).append(one)
    return by_hostname


def _routes_by_hostname(routes: Iterable[Route], claimed: Collection[str]) -> dict[str, list[Route]]:
    """The routes with each claimed hostname; of unmanaged ones the first, for many may take all hostnames."""
    found: dict[str, list[Route]] = {}
    claimed, without_unmanaged = frozenset(claimed), set(claimed)
    for route in sorted(routes, key=lambda route: route.key):
        hostnames = route.hostnames & (claimed if route.preview else without_unmanaged)
        if not route.preview:
            without_unmanaged -= hostnames
        for hostname in hostnames:
            found.setdefault(hostname, []).append(route)
    return found


def _holder(recorded: Iterable[Holding], rivals: Iterable[Claim], routes: Iterable[Route]) -> str:
    """The preview whose record counts, the earliest of those that want it still; "" where none does."""
    heard = {claim.preview for claim in rivals} | {route.preview for route in routes}
    standing = [(not one.wanted, one.since, one.preview) for one in recorded if one.preview in heard]
    return min(standing)[2] if standing else ""


def _rule_on_one(
    rivals: list[Claim], routes: list[Route], holder: str, rulings: Rulings, queue: Queue
) -> None:
    """Rule on one hostname; what depends on the moves of others is queued."""
    unmanaged = [route for route in routes if not route.preview]
    with_route = {route.preview for route in routes}
    owners = {holder} if holder else with_route
    rivals = sorted(rivals, key=lambda claim: (claim.preview not in owners, claim.age))
    first = rivals[0]
    held = first.preview in owners
    if unmanaged and not (held and first.preview in with_route):
        rulings.update({c.preview: Ruling("blocked", f"belongs to {unmanaged[0].key}") for c in rivals})
        return
    names = {claim.preview for claim in rivals}
    occupying = [route for route in routes if route.preview and route.preview != first.preview]
    stays = [r for r in occupying if held and holder and r.fate == "stays" and r.preview not in names]
    beside = [*unmanaged, *stays]
    warning = f"{beside[0].key} has it too" if beside else ""
    by = f"belongs to {first.preview}"
    rulings[first.preview] = Ruling("granted", warning=warning)
    rulings.update({claim.preview: Ruling("blocked", by) for claim in rivals[1:]})
    if occupying and not held:
        queue[first.preview] = (first, occupying)


def _wait_for_a_whole_list(
    rivals: Iterable[Claim], recorded: Collection[Holding], routes: Collection[Route], rulings: Rulings
) -> None:
    """Who has the hostname on record may have a route with it that no list shows: it does not lose it, and
    nobody else gets it."""
    with_route = {route.preview for route in routes}
    if not (absent := {one.preview for one in recorded} - with_route):
        return
    holder = _holder(recorded, rivals, routes)
    for claim in rivals:
        ruling = rulings[claim.preview]
        if claim.preview == holder and ruling.decision == "blocked":
            rulings[claim.preview] = Ruling("waits", f"{ruling.by}, but {UNSEEN}")
        elif ruling.decision == "granted" and claim.preview not in {holder, *with_route}:
            rulings[claim.preview] = Ruling("waits", f"{min(absent)} may have it, because {UNSEEN}")


def _have_given_up(
    holders: Mapping[str, str],
    claimed: Mapping[str, list[Claim]],
    there: Mapping[str, list[Route]],
    rulings: Rulings,
) -> None:
    """What stays as it is, such as a blocked preview's route, stays not with what another has on record."""
    for hostname, holder in sorted(holders.items()):
        rivals = {claim.preview for claim in claimed.get(hostname, ())}
        if holder in rivals and rulings[holder].decision != "granted":
            continue
        reason = f"it has {hostname}, which belongs to {holder}"
        for route in there.get(hostname, ()):
            ruling = rulings.get(route.preview, GRANTED)  # one without a claim is frozen, and so is its route
            if not route.preview or route.preview == holder:
                continue
            stays = route.fate in ("stays", "later")  # later may be never: a finalizer keeps its preview
            if ruling.decision == "blocked" or (stays and route.preview not in rivals):
                rulings[route.preview] = replace(ruling, gives_up={**ruling.gives_up, route.key: reason})


def _rule_on_moves(queue: Queue, rulings: Rulings) -> None:
    """Rule on those whose hostname is still on a route of another preview of ours."""
    _block_behind_what_stays(queue, rulings)
    waiting = {
        preview: [route.preview for route in routes if route.fate == "follows"]
        for preview, (_, routes) in queue.items()
        if rulings[preview].decision == "granted"
    }
    goes_first = _oldest_in_circles(waiting, queue)
    for preview in waiting.keys() - goes_first:
        route = queue[preview][1][0]
        in_this_run = all(route.fate != "later" for route in queue[preview][1])
        rulings[preview] = Ruling("waits", f"{route.key} still has it", in_this_run=in_this_run)


def _block_behind_what_stays(queue: Queue, rulings: Rulings) -> None:
    """Block who waits for a route that stays, and whoever waits for one of these, and so on."""
    blocked = {preview for preview, ruling in rulings.items() if ruling.decision == "blocked"}
    behind: dict[str, list[str]] = {}
    for preview, (_, routes) in queue.items():
        for route in routes:
            behind.setdefault(route.preview, []).append(preview)
    ahead = [preview for preview, (_, routes) in queue.items() if _first_stuck(routes, blocked)]
    while ahead:
        preview = ahead.pop()
        if preview not in blocked:
            blocked.add(preview)
            ahead.extend(p for p in behind.get(preview, ()) if _first_stuck(queue[p][1], blocked))
    for preview in queue.keys() & blocked:
        if stuck := _first_stuck(queue[preview][1], blocked):
            by = f"is still on {stuck.key}, which belongs to {stuck.preview}"
            rulings[preview] = Ruling("blocked", by)


def _first_stuck(routes: Iterable[Route], blocked: Collection[str]) -> Route | None:
    """The first of these routes that will not give up its hostname: one that stays, or else follows a
    preview that is blocked."""
    stuck = [r for r in routes if r.fate == "stays" or (r.fate == "follows" and r.preview in blocked)]
    return next((route for route in stuck if route.fate == "stays"), stuck[0] if stuck else None)


def _oldest_in_circles(waiting: Mapping[str, list[str]], queue: Queue) -> set[str]:
    """Of each circle of previews that wait for each other, the oldest; none where it waits for more too."""
    oldest = (min(circle, key=lambda preview: queue[preview][0].age) for circle in circles_in(waiting))
    return {preview for preview in oldest if all(route.fate == "follows" for route in queue[preview][1])}
