"""From what is and what is wanted to the changes, in order and with their reasons; pure.

`preview` says what each child needs by itself; then the policies, one after the other, make of that what may
be done.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from reconcile.desire.children import apply_order
from reconcile.desire.desired import Desired
from reconcile.kube.objects import Key, split_place
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Settled, Snapshot
from reconcile.plan.changes import PREVIEW, SYMBOLS, Change, Keep, NoDelete, Plan, not_deleted
from reconcile.plan.child_policy import keep_old_route, protect, wait_for_job, wait_for_new_route
from reconcile.plan.delete_policy import (
    keep_of_incomplete_kinds,
    keep_while_previews_are_unknown,
    limit_expired,
    limit_previews,
)
from reconcile.plan.draft import Draft, Proposal, World
from reconcile.plan.hostname_policy import give_hostnames
from reconcile.plan.name_policy import make_each_once
from reconcile.plan.options import PlanOptions
from reconcile.plan.preview import draft_of

PREVIEWS_NAMED = 5
"""So many previews are named in a note."""

OfAll = Callable[[Proposal, World], Proposal]
OfOne = Callable[[PreviewEnvironment, Draft, World, Change], Change]


def each(*policies: OfOne, reasons: Collection[str] = ("",)) -> OfAll:
    """Policies on each change of a preview that is there, has one of these reasons and is not frozen."""

    def of_draft(draft: Draft, world: World) -> Draft:
        desired = draft.desired
        if draft.frozen or draft.as_wanted or desired is None or desired.reason not in reasons:
            return draft
        preview = desired.preview
        if isinstance(preview, PreviewEnvironment):
            for policy in policies:
                draft = draft.mapped(partial(policy, preview, draft, world))
        return draft

    return lambda proposal, world: proposal.with_drafts(lambda draft: of_draft(draft, world))


POLICIES: tuple[OfAll, ...] = (
    make_each_once,
    each(keep_old_route, wait_for_new_route, wait_for_job),
    each(protect, reasons=("", "Expired")),
    give_hostnames,
    keep_while_previews_are_unknown,
    keep_of_incomplete_kinds,
    limit_previews,
    limit_expired,
)
"""What comes between what children need and what a pass does, in this order."""


def make_plan(snapshot: Snapshot, all_desired: Iterable[Desired], options: PlanOptions) -> Plan:
    """The plan that leads from the snapshot to the desired state, for what the scope names."""
    world = World(snapshot, options, {desired.place: desired for desired in all_desired})
    proposal = Proposal({draft.place: draft for draft in world.drafts()})
    proposal = proposal.with_drafts(lambda draft: draft_of(draft, world))
    for apply in POLICIES:
        proposal = apply(proposal, world)
    changes = [*proposal.changes, *(change for one in world.settled for change in _kept_as_before(one))]
    unchanged = sum(len(one.children) - len(one.kept) for one in world.settled)
    return Plan(_sorted(changes), proposal.skipped, tuple(_notes(proposal, world)), unchanged)


def _kept_as_before(one: Settled) -> Iterable[Keep]:
    """Why children of a settled preview stay otherwise than wanted."""
    return (
        Keep(Key(kept.kind, one.namespace, kept.name or one.name), one.place, kept.reason)
        for kept in one.kept
    )


def only(plan: Plan, keys: frozenset[Key]) -> Plan:
    """Of the plan only what is about these keys: what a later pass may do, and has to tell."""
    return replace(plan, changes=tuple(c for c in plan.changes if c.key in keys), notes=(), settled=0)


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    rank = {kind: place for place, kind in enumerate(SYMBOLS)}
    return tuple(
        sorted(
            changes,
            key=lambda c: (
                rank[type(c)],
                *split_place(c.preview),
                apply_order(c.key, split_place(c.preview).name) if c.key.kind != PREVIEW else (-1, -1),
                c.key.kind,
                c.key.name,
            ),
        )
    )


def _notes(proposal: Proposal, world: World) -> Iterable[str]:
    there = {place: draft.desired for place, draft in proposal.drafts.items() if draft.desired}
    yield from world.snapshot.notes
    yield from _ttl_notes(world.snapshot, there)
    yield from proposal.warnings
    yield from _protection_notes(proposal.changes, there, world.options)


def _ttl_notes(snapshot: Snapshot, there: Mapping[str, Desired]) -> Iterable[str]:
    if not snapshot.from_server and any(desired.ttl for desired in there.values()):
        yield "a ttl counts from what an earlier run wrote into a status: among files nothing expires"
    expired = sorted(place for place, desired in there.items() if desired.reason == "Expired")
    if expired:
        yield f"{_counted(expired, 'expired')}; any change of its spec brings a preview back"


def _protection_notes(
    changes: Iterable[Change], there: Mapping[str, Desired], options: PlanOptions
) -> Iterable[str]:
    """Who is protected, gone previews too, and by which right, where the operator gives or ends it."""
    rules = options.rules
    found = {change.preview for change in changes if not_deleted(change, NoDelete.PROTECTED)}
    found |= {p for p, desired in there.items() if rules.names.protects(desired.preview.annotations)}
    allowed = sorted(filter(rules.may_protect, found))
    limited = sorted(found.difference(allowed))
    if limited and options.max_ttl:
        yield f"{_counted(limited, 'protected')}; no longer than --max-ttl {options.max_ttl}"
    if allowed:
        yield f"{_counted(allowed, 'protected')}; from --max-ttl too, as --allow-protect names them"


def _counted(places: list[str], what: str) -> str:
    named = ", ".join(places[:PREVIEWS_NAMED]) + (" and others" if len(places) > PREVIEWS_NAMED else "")
    return f"{len(places)} {what}: {named}"
