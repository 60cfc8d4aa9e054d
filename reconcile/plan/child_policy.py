"""Routes and Jobs that are replaced, what is protected, and what gone previews have left; pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from reconcile.desire.children import identity_of, is_route_of, runs_once
from reconcile.desire.children.metadata import without_owner
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import part_of
from reconcile.kube.objects import Key, Manifest, without_servers_own
from reconcile.kube.routes import objection
from reconcile.kube.time import parse_time, time_text
from reconcile.model.names import PRUNE_DISABLED
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.ttl import Deadline, deadline_after
from reconcile.plan.changes import Change, Create, Delete, Keep, Update, UpdateMessage, Waiting
from reconcile.plan.child import Child
from reconcile.plan.decide import decide
from reconcile.plan.draft import Draft, World
from reconcile.plan.limits import ALWAYS_ALLOWED
from reconcile.plan.options import PlanOptions
from reconcile.plan.rules import Rules

ROUTERS_LAG = timedelta(seconds=10)
"""How long a router may answer by what it knew before. Traefik takes up the news of each of its sources every
two seconds, so it may drop one route before it serves another that was created or accepted earlier."""


def left_until(children: Collection[Child], options: PlanOptions) -> Deadline | None:
    """When what a gone preview has left behind is no longer protected: it counts from our last change of it.

    A time that somebody wrote into managedFields and that is still to come counts for nothing.
    """
    if options.max_ttl is None or options.now is None:
        return None
    ours = [child.live for child in children if child.ours]
    written = [live.applied_at(options.rules.names.field_manager) for live in ours]
    written += [str(live.metadata.get("creationTimestamp")) for live in ours]
    times = [time for time in map(parse_time, written) if time and time <= options.now]
    return deadline_after(time_text(max(times)), options.max_ttl, options.now) if times else None


def keep_old_route(preview: PreviewEnvironment, draft: Draft, world: World, change: Change) -> Change:
    """A route of another kind stays while nobody said that there is to be a switch."""
    if world.options.switch or not is_route_of(change.key, preview.name) or change.key in draft.wanted:
        return change
    stale = preview.spec.fqdn not in hostnames(draft.children[change.key].live)
    without = f" without the hostname {preview.spec.fqdn}" if stale else ""
    return Keep(change.key, change.preview, f"kept{without}; pass --route to switch")


def wait_for_new_route(preview: PreviewEnvironment, draft: Draft, world: World, change: Change) -> Change:
    """The old route stays while the new one is not there; where it has the hostname, until that serves it.

    Nobody tells when a router does: some seconds have to do.
    """
    if not (isinstance(change, Delete) and is_route_of(change.key, preview.name)):
        return change
    if not world.options.route_kind:  # nothing takes its place, for any preview
        return replace(change, message="its preview has no route (--route is none)", counts=True)
    new = Key(world.options.route_kind, preview.namespace, preview.name)
    own, there = draft.on(new), world.snapshot.children.get(new)
    if not isinstance(own, Keep) or there is None:
        made = isinstance(own, Create | Update)
        return Waiting(change.key, change.preview, f"waits: deleted when {new} exists", for_this_run=made)
    if preview.spec.fqdn not in hostnames(change.live):
        return replace(change, message="its preview has another hostname, and another kind of route")
    if preview.spec.fqdn not in hostnames(there):
        message = f"waits: deleted when {new} has the hostname {preview.spec.fqdn}"
        return Waiting(change.key, change.preview, message)
    seconds = round(ROUTERS_LAG.total_seconds())
    if objection(there):
        message = f"waits: deleted {seconds} seconds after {new} is accepted"
        return Waiting(change.key, change.preview, message)
    if _too_new(there, world.options):
        message = f"waits: deleted {seconds} seconds after {new} is in place"
        return Waiting(change.key, change.preview, message)
    return replace(change, message=f"its preview has the {new.kind} now")


def _too_new(route: Live, options: PlanOptions) -> bool:
    """Whether a router may not serve it yet: it, or what its parents say of it, changed a moment ago.

    A time that is far off on either side is nobody's clock: somebody wrote it.
    """
    changed = parse_time(route.changed_at)
    return options.now is not None and changed is not None and abs(options.now - changed) < ROUTERS_LAG


def wait_for_job(preview: PreviewEnvironment, draft: Draft, world: World, change: Change) -> Change:
    """A Job that runs is left to its end: nobody knows what half of it would leave behind, and two migrations
    at once may harm. One that is recorded, and is being deleted, is not waited for: no other takes its place.
    """
    if not runs_once(change.key.kind):
        return change
    match change:
        case Create():
            return _after_the_last_one(change, draft)
        case Waiting() if change.key in draft.wanted and draft.records(change.key):
            return Keep(change.key, change.preview)
        case Delete() if draft.children[change.key].at_work:
            return Waiting(change.key, change.preview, "waits: deleted when it has ended")
        case Delete() if any(runs_once(key.kind) for key in draft.wanted):
            return replace(change, message="its preview has another image or revision")
        case _:
            return change


def _after_the_last_one(change: Create, draft: Draft) -> Change:
    others = [child for key, child in draft.children.items() if key.kind == change.key.kind]
    for child in others:
        if child.at_work:
            message = f"waits: {child.key} of another image or revision has not ended; delete it to go on"
            return Waiting(change.key, change.preview, message)
    return replace(change, message="another image or revision") if others else change


def protect(preview: PreviewEnvironment, draft: Draft, world: World, change: Change) -> Change:
    """An unwanted child of ours that stays gets the annotation where its preview has it, and loses its owner.

    It never loses the annotation: that it is no longer protected is for a person to say. Nor is it written
    where a server has no record of what we applied: then nobody knows which fields are ours.
    """
    child = draft.children.get(change.key)
    if isinstance(change, Delete) or child is None or change.key in draft.wanted:
        return change
    if child.live.terminating or not _needs_protection(child) or not child.ours:
        return change
    manifest = _protected(child)
    update = manifest and decide(manifest, preview, child)
    message = UpdateMessage.PREVIEW_PROTECTED if child.preview_protects else UpdateMessage.PROTECTED
    return replace(update, message=message) if isinstance(update, Update) else change


def _needs_protection(child: Child) -> bool:
    if not child.protected:
        return child.preview_protects
    return any(child.names.refers_to(owner, child.owner) for owner in child.live.owner_references)


def _protected(child: Child) -> Manifest | None:
    """What is ours of the child, as it is there, with our marks, protected, and without an owner.

    Without a record: None on a server; in a file all of it.
    """
    live, names, applied = child.live, child.names, child.applied
    if applied is None and child.rules.from_server:
        return None
    made = without_servers_own(live.manifest) if applied is None else part_of(live.manifest, applied)
    metadata = made["metadata"]
    marks = {names.identity_annotation: identity_of(live.key, child.owner)}
    if child.preview_protects:
        marks[names.prune_annotation] = PRUNE_DISABLED
    marked = {
        "labels": {**(metadata.get("labels") or {}), names.preview_label: child.owner},
        "annotations": {**(metadata.get("annotations") or {}), **marks},
    }
    return without_owner({**made, "metadata": {**metadata, **marked}}, names)


def places_left(children: Iterable[Live], rules: Rules, living: Collection[str]) -> frozenset[str]:
    """The previews beside the living ones, expired and gone, that still have children of ours to count.

    That is what is protected, and what is left of more previews of a namespace than always go in a run: a
    few others are about to go. Otherwise whoever makes previews, and lets them go without their children,
    would have as many as he likes.
    """
    protected: set[str] = set()
    others: dict[str, set[str]] = {}
    for live in children:
        place = rules.names.place_of(live)
        if not place or place in living:
            continue
        child = Child(live, rules.names.preview_of(live), rules)
        if not child.ours:
            continue
        if child.protected:
            protected.add(place)
        else:
            others.setdefault(live.key.namespace, set()).add(place)
    return frozenset(protected.union(*(places for places in others.values() if len(places) > ALWAYS_ALLOWED)))
