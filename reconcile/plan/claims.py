"""The drafts as claims on hostnames, and what the rulings leave of them; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconcile.desire.children import is_route
from reconcile.desire.desired import Desired
from reconcile.kube.hostnames import covered, hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY
from reconcile.kube.objects import Key, split_place
from reconcile.model.names import HOSTNAME_CONFLICT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Snapshot
from reconcile.model.ttl import Deadline
from reconcile.plan.changes import Change, Create, Delete, Keep, Update, Waiting
from reconcile.plan.decide import Rules, decide, may_go, with_spec_there
from reconcile.plan.hostnames import GRANTED, UNSURE, Claim, Fate, Holding, Route, Ruling
from reconcile.plan.policy import Policy
from reconcile.plan.preview import Draft, blocked
from reconcile.plan.prune import not_wanted

PROTECTED_NO_LONGER = Deadline(at="", over=True)
"""What its author protects keeps no hostname of another: only whom --allow-protect names may do that."""


def claims_of(
    desired_by_place: Mapping[str, Desired], drafts: Mapping[str, Draft], policy: Policy
) -> Iterable[Claim]:
    """The previews that would have a route; those outside the scope too, since their own run comes."""
    for place, desired in desired_by_place.items():
        frozen = place in drafts and drafts[place].frozen
        if policy.route_kind and desired.fqdn and not frozen:
            unsure = policy.gives_only_what_is_held
            yield Claim(place, desired.fqdn, desired.preview.creation_timestamp or "", unsure)


def holdings_of(desired_by_place: Mapping[str, Desired]) -> Iterable[Holding]:
    """What statuses record. One that has expired, or is being deleted, holds nothing any more."""
    for place, desired in desired_by_place.items():
        if desired.verdict not in ("Expired", "Going") and (record := desired.hostname_record):
            yield Holding(place, record.name, record.held_since, desired.fqdn in ("", record.name))


def routes_of(
    snapshot: Snapshot,
    of_preview: Mapping[str, Iterable[Live]],
    desired_by_place: Mapping[str, Desired],
    drafts: Mapping[str, Draft],
    leftovers: list[Change],
    policy: Policy,
) -> Iterable[Route]:
    """Every route that is there, with whose it is and what the plan does with it."""
    deleted = {change.key for change in leftovers if isinstance(change, Delete)}
    places = {
        live.key: place
        for place, children in of_preview.items()
        for live in children
        if is_route(live.key.kind)
    }
    claimed = frozenset(desired.fqdn for desired in desired_by_place.values() if desired.fqdn)
    for live in snapshot.children.values():
        if not is_route(live.key.kind):
            continue
        place = places.get(live.key) or live.key.place
        draft, desired = drafts.get(place), desired_by_place.get(place)
        if (draft is not None and draft.keeps_as_ours(live.key)) or _is_or_will_be_ours(
            live, split_place(place)[1], desired, policy.rules
        ):
            yield Route(live.key, hostnames(live), place, _fate(live, desired, draft, deleted))
        else:
            yield Route(live.key, covered(live, claimed, snapshot.gateways))


def _is_or_will_be_ours(live: Live, preview_name: str, desired: Desired | None, rules: Rules) -> bool:
    uid = desired.preview.uid if desired else ""
    owned = rules.ownership(live, preview_name, uid)
    return owned.ours or (rules.adopt and owned.standing == "adoptable" and desired is not None)


def _fate(live: Live, desired: Desired | None, draft: Draft | None, deleted: set[Key]) -> Fate:
    if live.going:
        return "later"
    if desired is None:
        return "goes" if live.key in deleted else "stays"
    if draft is None or desired.verdict == "Going":
        return "later"
    if draft.frozen:
        return "stays"
    match draft.on(live.key):
        case Delete():
            return "goes"
        case Waiting(for_this_run=for_this_run):
            return _fate_of_the_old(desired, draft, for_this_run=for_this_run)
        case Create() | Update() if live.key in desired.wanted:
            return "follows"
        case _:
            return "stays"


def _fate_of_the_old(desired: Desired, draft: Draft, *, for_this_run: bool) -> Fate:
    """The fate of a route of another kind, which waits for its preview's new one: where that is not made,
    since its preview does not get its hostname, the old one stays."""
    new = [draft.on(key) for key in desired.wanted if is_route(key.kind)]
    if any(isinstance(change, Create | Update) for change in new):
        return "follows"
    if for_this_run:
        return "goes"
    return "later" if any(isinstance(change, Keep) for change in new) else "stays"


def ruled(
    draft: Draft, rulings: Mapping[str, Ruling], snapshot: Snapshot, policy: Policy
) -> Iterable[Change]:
    """The draft's changes, with its route as the ruling on its hostname allows."""
    ruling = rulings.get(draft.desired.place, GRANTED)
    fqdn = draft.desired.fqdn
    for change in draft.changes:
        asks = isinstance(change, Create | Update) and change.key in draft.desired.wanted
        if change.key in ruling.gives_up:
            reason = ruling.gives_up[change.key]
            yield _given_up(change, snapshot.children[change.key], draft.desired, reason, policy)
        elif not (asks and is_route(change.key.kind)):
            yield change
        elif ruling.verdict == "waits":
            yield Waiting(change.key, change.preview, f"waits: {fqdn}: {ruling.by}", ruling.in_this_run)
        elif ruling.verdict == "granted":
            yield change
        elif isinstance(change, Update):
            yield _in_conflict(change, draft.desired, policy)
    if ruling.verdict == "blocked":
        remedy = "" if ruling.by == UNSURE else "; change spec.fqdn"
        yield blocked(draft.desired, HOSTNAME_CONFLICT, f"{fqdn}: {ruling.by}{remedy}")


def _given_up(change: Change, live: Live, desired: Desired, reason: str, policy: Policy) -> Change:
    """A route with a hostname that another holds: requests for it would go to the wrong preview."""
    if isinstance(change, Waiting | Delete):
        return change
    found = not_wanted(live, desired.preview, reason, policy, PROTECTED_NO_LONGER)
    return replace(found, reason=reason, expired_at="") if isinstance(found, Delete) else found


def ruled_leftover(
    change: Change, rulings: Mapping[str, Ruling], snapshot: Snapshot, policy: Policy
) -> Change:
    """The same of a preview that is no more: its author may have protected the route, and edits it still."""
    reason = rulings.get(change.preview, GRANTED).gives_up.get(change.key)
    if reason is None or not isinstance(change, Keep):
        return change
    live, name = snapshot.children[change.key], split_place(change.preview)[1]
    found = may_go(live, name, "", reason, policy.rules, PROTECTED_NO_LONGER)
    return replace(found, reason=reason, expired_at="") if isinstance(found, Delete) else found


def _in_conflict(change: Update, desired: Desired, policy: Policy) -> Change:
    """The route keeps its spec, and gets back what tells that it is ours: stripped of one mark after the
    other it would be nobody's."""
    assert isinstance(desired.preview, PreviewEnvironment), "only one that can be read asks for a hostname"
    if not policy.rules.ownership(change.live, desired.preview.name, desired.preview.uid).ours:
        return Keep(change.key, change.preview)
    names = policy.rules.names
    mine = change.live.applied_by(names.field_manager) or EMPTY
    as_there = with_spec_there(change.manifest, change.live, mine, names)
    again = decide(as_there, desired.preview, change.live, replace(policy.rules, keeps_edits=True))
    return replace(again, keeps_spec=True) if isinstance(again, Update) else Keep(change.key, change.preview)
