"""From what is and what is wanted to the changes, in order and with their reasons; pure.

draft      what each preview's own children need, one by one
leftovers  what is there and nobody wants
claims     who gets which hostname, and so which route may be written now
withhold   the deletes that this pass must not do
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from reconcile.alike import Alike
from reconcile.brake import DEFAULT_LIMIT, Limit
from reconcile.changes import (
    PREVIEW,
    SYMBOLS,
    Blocked,
    Change,
    Create,
    Delete,
    Keep,
    Plan,
    Update,
    Waiting,
)
from reconcile.children import APPLY_ORDER, is_route, runs_once
from reconcile.claims import GRANTED, Claim, Fate, Route, Ruling, settle
from reconcile.decide import Rules, decide, may_go
from reconcile.jobs import is_finished
from reconcile.names import HOSTNAME_CONFLICT, NAME_TAKEN, PRUNE_DISABLED, ROUTE_NOT_ACCEPTED
from reconcile.objects import Key, Manifest
from reconcile.ownership import claimed_preview, ownership
from reconcile.preview import PreviewEnvironment
from reconcile.routes import accepted, covered, hostnames
from reconcile.scope import Scope
from reconcile.snapshot import Live, Snapshot
from reconcile.wish import Wish
from reconcile.withhold import withhold

FEW_NAMES = 5
"""So many previews are named in a note."""


@dataclass(frozen=True)
class Policy:
    """How to plan, beside what is and what is wanted.

    `route_kind` is the kind of route that previews get, "" for none; `switch` tells whether a preview that
    has a route of another kind is switched to it. `max_deletes` is how many
    previews may lose their children.
    """

    rules: Rules
    scope: Scope
    route_kind: str
    switch: bool
    max_deletes: Limit = DEFAULT_LIMIT

    @cached_property
    def alike(self) -> Alike:
        """What is found unchanged while this plan is made."""
        return Alike(self.rules.names)


@dataclass(frozen=True)
class Draft:
    """What one preview's own children need, before hostnames are settled."""

    wish: Wish
    changes: tuple[Change, ...]
    frozen: bool = False

    def on(self, key: Key) -> Change | None:
        return next((change for change in self.changes if change.key == key), None)

    def keeps_as_ours(self, key: Key) -> bool:
        """Whether the child was found to be ours, and as it is wanted."""
        return not self.frozen and self.on(key) == Keep(key, self.wish.place)


def make_plan(snapshot: Snapshot, wishes: Iterable[Wish], policy: Policy) -> Plan:
    """The plan that leads from the snapshot to what is wished, for what the scope names."""
    wished = {wish.place: wish for wish in wishes}
    of_preview = _children_by_preview(snapshot, policy)
    drafts = {
        place: _draft(wish, of_preview.get(place, ()), snapshot, policy)
        for place, wish in wished.items()
        if wish.in_scope
    }
    leftovers = [
        change
        for place, children in of_preview.items()
        if place not in wished
        for change in _leftovers(place, children, policy)
    ]
    rulings = settle(
        _claims(wished, drafts, policy), _routes(snapshot, of_preview, wished, drafts, leftovers, policy)
    )
    changes = [change for draft in drafts.values() for change in _ruled(draft, rulings)]
    with_children = sum(
        wished[place].in_scope if place in wished else policy.scope.has_gone(*place.split("/", 1))
        for place in of_preview
    )
    kept, withheld = withhold([*changes, *leftovers], snapshot, policy.max_deletes, with_children)
    return Plan(_sorted(kept), withheld, _notes(snapshot, rulings, drafts))


def only(plan: Plan, keys: frozenset[Key]) -> Plan:
    """Of the plan only what is about these keys: what a later pass may do, and has to tell."""
    return replace(plan, changes=tuple(c for c in plan.changes if c.key in keys), notes=())


# draft


def _draft(wish: Wish, children: Iterable[Live], snapshot: Snapshot, policy: Policy) -> Draft:
    preview = wish.preview
    silent = tuple(Keep(live.key, wish.place) for live in children)
    if wish.verdict == "Going":
        waiting = Waiting(Key(PREVIEW, preview.namespace, preview.name), wish.place, wish.message)
        return Draft(wish, (waiting, *silent), frozen=True)
    if isinstance(preview, PreviewEnvironment) and wish.verdict == "Expired":
        return Draft(wish, tuple(_outlived(live, wish, preview, policy) for live in children))
    if not isinstance(preview, PreviewEnvironment) or wish.verdict:
        return Draft(wish, (_blocked(wish, wish.verdict, wish.message), *silent), frozen=True)
    changes = _own_changes(wish, preview, children, snapshot, policy)
    taken = [c.reason for c in changes if isinstance(c, Blocked) and c.verdict == NAME_TAKEN]
    if taken:
        return Draft(wish, (_blocked(wish, NAME_TAKEN, "; ".join(taken)), *silent), frozen=True)
    wanted = {change.key for change in changes} | {manifest.key for manifest in wish.children}
    unwanted = [live for live in children if live.key not in wanted]
    return Draft(wish, (*changes, *_unwanted(wish, preview, unwanted, changes, snapshot, policy)))


def _blocked(wish: Wish, verdict: str, reason: str) -> Blocked:
    return Blocked(Key(PREVIEW, wish.preview.namespace, wish.preview.name), wish.place, verdict, reason)


def _own_changes(
    wish: Wish, preview: PreviewEnvironment, children: Iterable[Live], snapshot: Snapshot, policy: Policy
) -> list[Change]:
    """What the wanted children need, in apply order, up to the first kind that could not be listed.

    What is like the unchanged children of another preview is not compared again; a file may hold what JSON
    cannot tell apart, so among files all is compared.
    """
    if not policy.rules.from_server:
        return _decided(wish, preview, children, snapshot, policy)
    there = [(snapshot.children.get(manifest.key), manifest) for manifest in wish.children]
    present = [(live, manifest) for live, manifest in there if live is not None]
    wording = policy.alike.wording(present, preview)
    if wording in policy.alike:
        return _decided(wish, preview, children, snapshot, policy, unchanged=True)
    changes = _decided(wish, preview, children, snapshot, policy)
    if changes == [Keep(live.key, wish.place) for live, _ in present]:
        policy.alike.add(wording)
    return changes


def _decided(
    wish: Wish,
    preview: PreviewEnvironment,
    children: Iterable[Live],
    snapshot: Snapshot,
    policy: Policy,
    *,
    unchanged: bool = False,
) -> list[Change]:
    """The changes one by one; `unchanged` tells that every child that is there is known to be as wanted."""
    changes: list[Change] = []
    for manifest in wish.children:
        kind = snapshot.kinds[manifest["kind"]]
        if not kind.known:
            break
        if is_route(manifest["kind"]) and (kept := _kept_routes(manifest, preview, children, policy)):
            changes.extend(kept)
            break
        if not kind.installed:
            served = f"{kind.resource.kind} ({kind.resource.api_version}) is not installed in this cluster"
            remedy = "install it, or choose another --route"
            changes.append(_blocked(wish, ROUTE_NOT_ACCEPTED, f"{served}: {remedy}"))
            break
        there = snapshot.children.get(manifest.key)
        if there is not None and unchanged:
            changes.append(Keep(there.key, wish.place))
        elif there is not None or wish.makes(manifest):
            change = decide(manifest, preview, there, policy.rules)
            changes.append(_after_the_last_one(change, preview, children, policy))
    return changes


def _after_the_last_one(
    change: Change, preview: PreviewEnvironment, children: Iterable[Live], policy: Policy
) -> Change:
    """A Job that runs once waits for one of ours that still runs: two migrations at once may harm."""
    if not (isinstance(change, Create) and runs_once(change.key.kind)):
        return change
    others = [live for live in children if live.key.kind == change.key.kind]
    for live in others:
        if _runs(live, preview, policy):
            reason = f"waits: {live.key}, of another image or revision, has not ended (deleting it helps)"
            return Waiting(change.key, change.preview, reason)
    return replace(change, reason="another image or revision") if others else change


def _runs(live: Live, preview: PreviewEnvironment, policy: Policy) -> bool:
    """Whether this Job of ours may still be at work. A file has no status, and nothing runs in a folder."""
    rules = policy.rules
    if is_finished(live) or not (rules.from_server or live.manifest.get("status")):
        return False
    return ownership(live, preview.name, preview.uid, rules.names, from_server=rules.from_server).ours


def _kept_routes(
    manifest: Manifest, preview: PreviewEnvironment, children: Iterable[Live], policy: Policy
) -> list[Change]:
    """Routes of ours of another kind, where nobody said that there is to be a switch."""
    routes = [live for live in children if is_route(live.key.kind)]
    if policy.switch or any(live.key.kind == manifest["kind"] for live in routes):
        return []
    return [
        Keep(live.key, f"{preview.namespace}/{preview.name}", _kept_reason(live, preview))
        for live in routes
        if ownership(
            live, preview.name, preview.uid, policy.rules.names, from_server=policy.rules.from_server
        ).ours
    ]


def _kept_reason(route: Live, preview: PreviewEnvironment) -> str:
    stale = "" if preview.spec.fqdn in hostnames(route) else f" without the hostname {preview.spec.fqdn}"
    return f"kept{stale}: say --route to switch"


# leftovers


def _outlived(live: Live, wish: Wish, preview: PreviewEnvironment, policy: Policy) -> Change:
    """What becomes of a child whose preview has expired; the preview itself stays."""
    ended = wish.ttl.expires_at if wish.ttl else ""
    change = may_go(live, preview.name, preview.uid, f"its preview expired at {ended}", policy.rules)
    if not isinstance(change, Delete):
        return change
    if protected := _protected_by(preview, policy):
        return Keep(live.key, wish.place, protected)
    return replace(
        change,
        preview_uid=preview.uid,
        preview_generation=preview.generation,
        counts=False,
        expired_at=ended,
    )


def _protected_by(preview: PreviewEnvironment, policy: Policy) -> str:
    """Why a living preview lets nothing of it go, also what was made before it said so; "" where it does."""
    annotation = policy.rules.names.prune_annotation
    disabled = preview.annotations.get(annotation) == PRUNE_DISABLED
    return f"protected: {annotation} is disabled on its preview" if disabled else ""


def _children_by_preview(snapshot: Snapshot, policy: Policy) -> Mapping[str, list[Live]]:
    """The children by the preview that their label names, or that has their name."""
    found: dict[str, list[Live]] = {}
    for key in sorted(snapshot.children):
        live = snapshot.children[key]
        name = claimed_preview(live, policy.rules.names)
        if name:
            found.setdefault(f"{key.namespace}/{name}", []).append(live)
    return found


def _leftovers(place: str, children: Iterable[Live], policy: Policy) -> list[Change]:
    """What becomes of the children of a preview that is no more."""
    namespace, _, name = place.partition("/")
    if not policy.scope.has_gone(namespace, name):
        return []
    return [may_go(live, name, "", "its preview is gone", policy.rules) for live in children]


def _unwanted(
    wish: Wish,
    preview: PreviewEnvironment,
    children: Iterable[Live],
    own: list[Change],
    snapshot: Snapshot,
    policy: Policy,
) -> list[Change]:
    """What becomes of children that a living preview does not want: above all, routes of another kind."""
    changes: list[Change] = []
    for live in children:
        if is_route(live.key.kind) and not policy.switch:
            changes.append(Keep(live.key, wish.place, _kept_reason(live, preview)))
            continue
        change = may_go(live, preview.name, preview.uid, "its preview does not want it", policy.rules)
        if isinstance(change, Delete):
            change = replace(
                change, preview_uid=preview.uid, preview_generation=preview.generation, counts=False
            )
            change = _after_the_switch(change, preview, own, snapshot, policy)
        if isinstance(change, Delete) and runs_once(live.key.kind):
            change = _after_its_end(change, wish, preview, policy)
        changes.append(change)
    return changes


def _after_its_end(
    old: Delete, wish: Wish, preview: PreviewEnvironment, policy: Policy
) -> Delete | Waiting | Keep:
    """A Job that runs is left to its end: nobody knows what half of it would leave behind."""
    if protected := _protected_by(preview, policy):
        return Keep(old.key, old.preview, protected)
    if _runs(old.live, preview, policy):
        return Waiting(old.key, old.preview, "waits: goes when it has ended")
    if any(runs_once(manifest["kind"]) for manifest in wish.children):
        return replace(old, reason="its preview has another image or revision")
    return old


def _after_the_switch(
    old: Delete, preview: PreviewEnvironment, own: list[Change], snapshot: Snapshot, policy: Policy
) -> Delete | Waiting:
    """The old route stays while the new one is not there; where it has the hostname, until that serves it."""
    if not is_route(old.key.kind):
        return old
    if not policy.route_kind:
        return replace(old, reason="its preview is to have no route: --route is none")
    new = Key(policy.route_kind, preview.namespace, preview.name)
    change = next((change for change in own if change.key == new), None)
    if isinstance(change, Create | Update):
        return Waiting(old.key, old.preview, f"waits: goes when {new} is there", for_this_run=True)
    there = snapshot.children.get(new)
    if not isinstance(change, Keep) or there is None:
        return Waiting(old.key, old.preview, f"waits: goes when {new} is there")
    if preview.spec.fqdn not in hostnames(old.live):
        return replace(old, reason="its preview has another hostname, and another kind of route")
    if not accepted(there):
        return Waiting(old.key, old.preview, f"waits: goes when {new} is accepted")
    return replace(old, reason=f"its preview has the {new.kind} now")


# claims


def _claims(wished: Mapping[str, Wish], drafts: Mapping[str, Draft], policy: Policy) -> Iterable[Claim]:
    """The previews that would have a route; those outside the scope too, since their own run comes."""
    for place, wish in wished.items():
        frozen = place in drafts and drafts[place].frozen
        if policy.route_kind and wish.fqdn and not frozen:
            yield Claim(place, wish.fqdn, wish.preview.creation_timestamp or "")


def _routes(
    snapshot: Snapshot,
    of_preview: Mapping[str, Iterable[Live]],
    wished: Mapping[str, Wish],
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
    claimed = frozenset(wish.fqdn for wish in wished.values() if wish.fqdn)
    for live in snapshot.children.values():
        if not is_route(live.key.kind):
            continue
        place = places.get(live.key) or live.key.place
        draft, wish = drafts.get(place), wished.get(place)
        if (draft is not None and draft.keeps_as_ours(live.key)) or _is_or_will_be_ours(
            live, place.partition("/")[2], wish, policy.rules
        ):
            yield Route(live.key, hostnames(live), place, _fate(live, wish, draft, deleted))
        else:
            yield Route(live.key, covered(live, claimed))


def _is_or_will_be_ours(live: Live, preview_name: str, wish: Wish | None, rules: Rules) -> bool:
    uid = wish.preview.uid if wish else ""
    owned = ownership(live, preview_name, uid, rules.names, from_server=rules.from_server)
    return owned.ours or (rules.adopt and owned.standing == "adoptable" and wish is not None)


def _fate(live: Live, wish: Wish | None, draft: Draft | None, deleted: set[Key]) -> Fate:
    if live.going:
        return "later"
    if wish is None:
        return "goes" if live.key in deleted else "stays"
    if draft is None or wish.verdict == "Going":
        return "later"
    if draft.frozen:
        return "stays"
    match draft.on(live.key):
        case Delete():
            return "goes"
        case Waiting(for_this_run=for_this_run):
            return "goes" if for_this_run else "later"
        case Create() | Update():
            return "follows"
        case _:
            return "stays"


def _ruled(draft: Draft, rulings: Mapping[str, Ruling]) -> Iterable[Change]:
    """The draft's changes, with its route as the ruling on its hostname allows."""
    ruling = rulings.get(draft.wish.place, GRANTED)
    fqdn = draft.wish.fqdn
    for change in draft.changes:
        if not (isinstance(change, Create | Update) and is_route(change.key.kind)):
            yield change
        elif ruling.verdict == "waits":
            yield Waiting(change.key, change.preview, f"waits: {fqdn}: {ruling.by}", ruling.in_this_run)
        elif ruling.verdict == "granted":
            yield change
        elif isinstance(change, Update):
            yield Keep(change.key, change.preview)
    if ruling.verdict == "blocked":
        yield _blocked(draft.wish, HOSTNAME_CONFLICT, f"{fqdn} {ruling.by}")


# the whole


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    rank = {kind: place for place, kind in enumerate(SYMBOLS)}
    return tuple(
        sorted(
            changes,
            key=lambda c: (rank[type(c)], *_place(c.preview), APPLY_ORDER.get(c.key.kind, -1), c.key.name),
        )
    )


def _place(preview: str) -> tuple[str, str]:
    namespace, _, name = preview.partition("/")
    return namespace, name


def _notes(snapshot: Snapshot, rulings: Mapping[str, Ruling], drafts: Mapping[str, Draft]) -> tuple[str, ...]:
    warnings = [
        f"warning: {drafts[place].wish.fqdn} of {place}: {ruling.warning}"
        for place, ruling in sorted(rulings.items())
        if ruling.warning and place in drafts
    ]
    return (*snapshot.notes, *_ttl_notes(snapshot, drafts), *warnings)


def _ttl_notes(snapshot: Snapshot, drafts: Mapping[str, Draft]) -> Iterable[str]:
    if not snapshot.from_server and any(draft.wish.ttl for draft in drafts.values()):
        yield "a ttl counts from what an earlier run wrote into a status: among files nothing expires"
    expired = sorted(place for place, draft in drafts.items() if draft.wish.verdict == "Expired")
    if expired:
        named = ", ".join(expired[:FEW_NAMES]) + (" and others" if len(expired) > FEW_NAMES else "")
        yield f"{len(expired)} expired: {named}; any change of its spec brings a preview back"
