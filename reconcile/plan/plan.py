"""From what is and what is wanted to the changes, in order and with their reasons; pure.

preview    what each preview's own children need, one by one
prune      what exists and nobody wants
claims     the drafts as claims on hostnames, which `hostnames` rules on
limits     the deletes that this pass must skip
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconcile.desire.children import APPLY_ORDER, is_route
from reconcile.desire.desired import Desired
from reconcile.errors import internal_error
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, by_namespace, split_place
from reconcile.model.names import INTERNAL_ERROR
from reconcile.model.snapshot import Settled, Snapshot, claimed_place
from reconcile.plan.changes import SYMBOLS, Change, Keep, Plan
from reconcile.plan.claims import claims_of, holdings_of, routes_of, ruled, ruled_leftover
from reconcile.plan.decide import keeps_protected
from reconcile.plan.hostnames import Ruling, rulings_of
from reconcile.plan.limits import skip_deletes
from reconcile.plan.policy import Policy
from reconcile.plan.preview import Draft, blocked, draft_of, frozen
from reconcile.plan.prune import leftovers_of

FEW_NAMES = 5
"""So many previews are named in a note."""


def make_plan(snapshot: Snapshot, all_desired: Iterable[Desired], policy: Policy) -> Plan:
    """The plan that leads from the snapshot to the desired state, for what the scope names."""
    desired_by_place = {desired.place: desired for desired in all_desired}
    of_preview = _children_by_preview(snapshot, desired_by_place, policy)
    drafts = {
        place: _draft(desired, of_preview.get(place, ()), snapshot, policy)
        for place, desired in desired_by_place.items()
        if desired.in_scope
    }
    leftovers = [
        change
        for place, children in of_preview.items()
        if place not in desired_by_place and not snapshot.may_be_left_out(place)
        for change in _leftovers(place, children, policy)
    ]
    rulings = rulings_of(
        claims_of(desired_by_place, drafts, policy),
        routes_of(snapshot, of_preview, desired_by_place, drafts, leftovers, policy),
        holdings_of(desired_by_place),
    )
    changes = [change for draft in drafts.values() for change in _ruled(draft, rulings, snapshot, policy)]
    leftovers = [ruled_leftover(change, rulings, snapshot, policy) for change in leftovers]
    with_children = by_namespace(
        place
        for place in of_preview
        if (
            desired_by_place[place].in_scope
            if place in desired_by_place
            else policy.scope.has_gone(*split_place(place)) and not snapshot.may_be_left_out(place)
        )
    )
    settled = [one for one in snapshot.settled if policy.scope.has(one.namespace, one.name, one.labels)]
    with_children += by_namespace(one.place for one in settled)
    changes += [change for one in settled for change in _kept_as_before(one)]
    kept, withheld = skip_deletes([*changes, *leftovers], snapshot, policy.max_deletes, with_children)
    notes = (*_notes(snapshot, rulings, drafts), *_protection_notes(kept, drafts, policy))
    unchanged = sum(len(one.children) - len(one.kept) for one in settled)
    return Plan(_sorted(kept), withheld, notes, unchanged)


def _kept_as_before(one: Settled) -> Iterable[Keep]:
    """Why children of a settled preview stay otherwise than wanted."""
    return (Keep(Key(kind, one.namespace, one.name), one.place, reason) for kind, reason in one.kept)


def _draft(desired: Desired, children: Iterable[Live], snapshot: Snapshot, policy: Policy) -> Draft:
    try:
        return draft_of(desired, children, snapshot, policy)
    except Exception as error:
        return frozen(desired, children, INTERNAL_ERROR, internal_error(error))


def _ruled(
    draft: Draft, rulings: Mapping[str, Ruling], snapshot: Snapshot, policy: Policy
) -> Iterable[Change]:
    try:
        return tuple(ruled(draft, rulings, snapshot, policy))
    except Exception as error:
        return (blocked(draft.desired, INTERNAL_ERROR, internal_error(error)),)


def _leftovers(place: str, children: Iterable[Live], policy: Policy) -> Iterable[Change]:
    try:
        return leftovers_of(place, children, policy)
    except Exception as error:
        return [Keep(live.key, place, f"kept: {internal_error(error)}") for live in children]


def only(plan: Plan, keys: frozenset[Key]) -> Plan:
    """Of the plan only what is about these keys: what a later pass may do, and has to tell."""
    return replace(plan, changes=tuple(c for c in plan.changes if c.key in keys), notes=(), settled=0)


def _children_by_preview(
    snapshot: Snapshot, desired_by_place: Mapping[str, Desired], policy: Policy
) -> Mapping[str, list[Live]]:
    """The children by the preview that their label names; a route without it, by the one whose it is."""
    found: dict[str, list[Live]] = {}
    for key in sorted(snapshot.children):
        live = snapshot.children[key]
        if place := claimed_place(live, policy.rules.names) or _place_without_label(
            live, desired_by_place, policy
        ):
            found.setdefault(place, []).append(live)
    return found


def _place_without_label(live: Live, desired_by_place: Mapping[str, Desired], policy: Policy) -> str:
    desired = desired_by_place.get(live.key.place)
    if desired is None or not is_route(live.key.kind):
        return ""
    ours = policy.rules.ownership(live, desired.preview.name, desired.preview.uid).ours
    return live.key.place if ours else ""


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    rank = {kind: place for place, kind in enumerate(SYMBOLS)}
    return tuple(
        sorted(
            changes,
            key=lambda c: (
                rank[type(c)],
                *split_place(c.preview),
                APPLY_ORDER.get(c.key.kind, -1),
                c.key.name,
            ),
        )
    )


def _notes(snapshot: Snapshot, rulings: Mapping[str, Ruling], drafts: Mapping[str, Draft]) -> tuple[str, ...]:
    warnings = [
        f"warning: {drafts[place].desired.fqdn} of {place}: {ruling.warning}"
        for place, ruling in sorted(rulings.items())
        if ruling.warning and place in drafts
    ]
    return (*snapshot.notes, *_ttl_notes(snapshot, drafts), *warnings)


def _ttl_notes(snapshot: Snapshot, drafts: Mapping[str, Draft]) -> Iterable[str]:
    if not snapshot.from_server and any(draft.desired.ttl for draft in drafts.values()):
        yield "a ttl counts from what an earlier run wrote into a status: among files nothing expires"
    expired = sorted(place for place, draft in drafts.items() if draft.desired.verdict == "Expired")
    if expired:
        yield f"{_counted(expired, 'expired')}; any change of its spec brings a preview back"


def _protection_notes(
    changes: Iterable[Change], drafts: Mapping[str, Draft], policy: Policy
) -> Iterable[str]:
    """Who is protected, gone previews too, and by which right, where the operator gives or ends it."""
    rules = policy.rules
    found = {change.preview for change in changes if keeps_protected(change)}
    found |= {p for p, draft in drafts.items() if rules.names.protects(draft.desired.preview.annotations)}
    allowed = sorted(filter(rules.may_protect, found))
    limited = sorted(found.difference(allowed))
    if limited and policy.max_ttl:
        yield f"{_counted(limited, 'protected')}; no longer than --max-ttl {policy.max_ttl}"
    if allowed:
        yield f"{_counted(allowed, 'protected')}; from --max-ttl too, as --allow-protect names them"


def _counted(places: list[str], what: str) -> str:
    named = ", ".join(places[:FEW_NAMES]) + (" and others" if len(places) > FEW_NAMES else "")
    return f"{len(places)} {what}: {named}"
