"""Each hostname for one preview: the drafts as claims, and what the rulings leave of them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconcile.desire.children import is_route, is_route_of
from reconcile.desire.desired import Desired
from reconcile.kube.hostnames import covered, hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY
from reconcile.model.names import HOSTNAME_CONFLICT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.ttl import Deadline
from reconcile.plan.changes import Change, Create, Delete, Keep, Update, Waiting
from reconcile.plan.child import Child
from reconcile.plan.decide import decide, prune, with_spec_there
from reconcile.plan.draft import Draft, Proposal, World
from reconcile.plan.hostname_rulings import GRANTED, Claim, Fate, Holding, Route, Ruling, rulings_of

PROTECTED_NO_LONGER = Deadline(at="", over=True)
"""What its author protects keeps no hostname of another: only whom --allow-protect names may do that."""

UNSURE = (
    "is not assigned while only this namespace is read, because others may use it; "
    "pass --allow-fqdn with the hostnames of this namespace"
)


def give_hostnames(proposal: Proposal, world: World) -> Proposal:
    """A route gets its hostname where it may have it, waits, or is left as it is; and what another holds, no
    route keeps."""
    unseen = any(is_route(name) and not kind.whole for name, kind in world.snapshot.kinds.items())
    rulings = rulings_of(_claims(proposal, world), _routes(proposal, world), _holdings(world), unseen=unseen)
    warnings = (
        f"warning: {world.desired[place].fqdn} of {place}: {ruling.warning}"
        for place, ruling in sorted(rulings.items())
        if ruling.warning and place in proposal.drafts
    )
    ruled = proposal.with_drafts(lambda draft: _ruled(draft, rulings.get(draft.place, GRANTED), world))
    return replace(ruled, warnings=tuple(warnings))


def _claims(proposal: Proposal, world: World) -> Iterator[Claim]:
    """The previews that would have a route; those outside the scope too, since their own run comes."""
    for place, desired in world.desired.items():
        draft = proposal.drafts.get(place)
        asks = world.options.route_kind or desired.at_hostname
        if asks and desired.fqdn and not (draft and draft.frozen):
            unsure = world.options.gives_only_what_is_held
            yield Claim(place, desired.fqdn, desired.preview.creation_timestamp or "", unsure)


def _holdings(world: World) -> Iterator[Holding]:
    """What statuses record. One that has expired, or is being deleted, holds nothing any more."""
    for place, desired in world.desired.items():
        if desired.reason not in ("Expired", "Terminating") and (record := desired.hostname_record):
            yield Holding(place, record.name, record.held_since, desired.fqdn in ("", record.name))


def _routes(proposal: Proposal, world: World) -> Iterator[Route]:
    """Every route that is there, with whose it is and what the plan does with it."""
    claimed = frozenset(desired.fqdn for desired in world.desired.values() if desired.fqdn)
    places = {key: place for place, children in world.children.items() for key in children}
    for live in world.snapshot.children.values():
        if not is_route(live.key.kind):
            continue
        place = places.get(live.key) or live.key.place
        draft, desired = proposal.drafts.get(place), world.desired.get(place)
        if (draft is not None and draft.keeps_as_ours(live.key)) or _is_or_will_be_ours(live, place, world):
            yield Route(live.key, hostnames(live), place, _fate(live, desired, draft))
        else:
            yield Route(live.key, covered(live, claimed, world.snapshot.gateways))


def _is_or_will_be_ours(live: Live, place: str, world: World) -> bool:
    child = world.children.get(place, {}).get(live.key) or world.child(live, place)
    return child.ours or (child.adoptable and child.preview is not None)


def _fate(live: Live, desired: Desired | None, draft: Draft | None) -> Fate:
    if live.terminating:
        return "later"
    change = draft.on(live.key) if draft else None
    if desired is None:
        return "goes" if isinstance(change, Delete) else "stays"
    if draft is None or desired.reason == "Terminating":
        return "later"
    if draft.frozen:
        return "stays"
    match change:
        case Delete():
            return "goes"
        case Waiting(for_this_run=for_this_run):
            return _fate_of_the_old(draft, for_this_run=for_this_run)
        case Create() | Update() if live.key in draft.wanted:
            return "follows"
        case _:
            return "stays"


def _fate_of_the_old(draft: Draft, *, for_this_run: bool) -> Fate:
    """The fate of a route of another kind, which waits for its preview's new one: where that is not made,
    since its preview does not get its hostname, the old one stays."""
    new = [draft.on(key) for key in draft.wanted if is_route_of(key, draft.name)]
    if any(isinstance(change, Create | Update) for change in new):
        return "follows"
    if for_this_run:
        return "goes"
    return "later" if any(isinstance(change, Keep) for change in new) else "stays"


def _ruled(draft: Draft, ruling: Ruling, world: World) -> Draft:
    """The draft, with its route as the ruling on its hostname allows."""
    return draft if ruling is GRANTED else replace(draft, changes=tuple(_changes(draft, ruling, world)))


def _changes(draft: Draft, ruling: Ruling, world: World) -> Iterable[Change]:
    fqdn = draft.desired.fqdn if draft.desired else ""
    at_hostname = draft.desired.at_hostname if draft.desired else frozenset()
    for change in draft.changes:
        asks = isinstance(change, Create | Update) and change.key in draft.wanted
        if change.key in ruling.gives_up:
            yield _given_up(change, draft.children[change.key], ruling.gives_up[change.key])
        elif not (asks and change.key in at_hostname):
            yield change
        elif ruling.decision == "waits":
            yield Waiting(change.key, change.preview, f"waits: {fqdn}: {ruling.by}", ruling.in_this_run)
        elif ruling.decision == "granted":
            yield change
        elif isinstance(change, Update):
            yield _in_conflict(change, draft, world)
    if ruling.decision == "blocked":
        why = UNSURE if ruling.unsure else f"{ruling.by}; change spec.fqdn"
        yield draft.blocked(HOSTNAME_CONFLICT, f"{fqdn}: {why}")


def _given_up(change: Change, child: Child, message: str) -> Change:
    """A route with a hostname that another holds: requests for it would go to the wrong preview.

    Of a preview that is no more too: its author may have protected the route, and edits it still. Nor does
    one stay that waits for a new route: whether that is accepted is its author's doing."""
    if isinstance(change, Delete):
        return change
    found = prune(child, message, PROTECTED_NO_LONGER)
    return replace(found, message=message, expired_at="") if isinstance(found, Delete) else found


def _in_conflict(change: Update, draft: Draft, world: World) -> Change:
    """The route keeps its spec, and gets back what tells that it is ours: stripped of one mark after the
    other it would be nobody's."""
    child = draft.children.get(change.key) or world.child(change.live, draft.place)
    assert isinstance(child.preview, PreviewEnvironment), "only one that can be read asks for a hostname"
    if not child.ours:
        return Keep(change.key, change.preview)
    keeping = replace(child, live=change.live, rules=replace(child.rules, keeps_edits=True))
    as_there = with_spec_there(change.manifest, keeping, child.applied or EMPTY)
    again = decide(as_there, child.preview, keeping)
    return replace(again, keeps_spec=True) if isinstance(again, Update) else Keep(change.key, change.preview)
