"""What each child of one preview needs by itself, before any policy."""

from collections.abc import Iterator
from dataclasses import replace

from reconcile.desire.children import is_further, is_route_of
from reconcile.desire.desired import Desired
from reconcile.kube.objects import Key, Resource, conditions_in
from reconcile.model.names import ASLEEP, NAME_TAKEN, READY, REFUSED, ROUTE_NOT_ACCEPTED
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Blocked, Change, Create, Delete, Update, UpdateMessage, Waiting
from reconcile.plan.child_policy import left_until
from reconcile.plan.decide import NO_TEMPLATES_MADE, decide, prune, prune_further
from reconcile.plan.draft import Draft, World

_PODS = ("spec.replicas", "spec.suspend")
"""What differs in a child whose preview sleeps."""


def draft_of(draft: Draft, world: World) -> Draft:
    """The changes that one preview's children need, as if no other preview asked for its hostname."""
    desired = draft.desired
    if desired is None:
        until = left_until(draft.children.values(), world.options)
        gone = (prune(child, "its preview is gone", until) for child in draft.children.values())
        return replace(draft, changes=tuple(gone))
    if desired.reason == "Terminating":
        waiting = Waiting(draft.key, draft.place, desired.message)
        if desired.deadline is None or not desired.deadline.over:
            return draft.freeze(waiting)
        return replace(draft, changes=(waiting, *_outlived(draft, desired)), frozen=True)
    if desired.reason == "Expired":
        return replace(draft, changes=tuple(_outlived(draft, desired)))
    if not isinstance(desired.preview, PreviewEnvironment) or desired.reason:
        return draft.freeze(draft.blocked(desired.reason, desired.message))
    own = list(_own_changes(draft, desired, desired.preview, world))
    return _of_living(draft, own, desired.preview, world)


def _of_living(draft: Draft, own: list[Change], preview: PreviewEnvironment, world: World) -> Draft:
    """The draft with what its wanted children need; nothing changes where one of them may not be changed."""
    for reason in (NAME_TAKEN, REFUSED):
        if found := [c.message for c in own if isinstance(c, Blocked) and c.reason == reason]:
            return draft.freeze(draft.blocked(reason, "; ".join(found)))
    unwanted = [child for key, child in draft.children.items() if key not in draft.wanted]
    further = [child for child in unwanted if child.ours and is_further(child.key, draft.name)]
    if further and not world.options.rules.templates:
        return draft.freeze(draft.blocked(REFUSED, f"{further[0].key}: {NO_TEMPLATES_MADE}"))
    pruned = (
        prune_further(child, preview)
        if is_further(child.key, draft.name)
        else prune(child, "its preview does not request it")
        for child in unwanted
    )
    unread = _first_unread(draft, world)
    return replace(draft, changes=(*own, *(_after(unread, change) for change in pruned)))


def _outlived(draft: Draft, desired: Desired) -> Iterator[Change]:
    """What becomes of the children of a preview that has expired, or is being deleted for longer than the
    operator lets anything live; the preview itself stays."""
    if desired.reason == "Terminating":
        ended = desired.deadline.at if desired.deadline else ""
        message = f"its preview is being deleted, and --max-ttl ended at {ended}"
    else:
        ended = desired.ttl.expires_at if desired.ttl else ""
        message = f"its preview expired at {ended}"
    for child in draft.children.values():
        change = prune(child, message, desired.deadline)
        yield replace(change, expired_at=ended) if isinstance(change, Delete) else change


def _own_changes(
    draft: Draft, desired: Desired, preview: PreviewEnvironment, world: World
) -> Iterator[Change]:
    """What the wanted children need, in apply order; what comes after a kind that could not be read waits."""
    unread = ""
    for manifest in desired.children:
        key = manifest.key
        kind = world.snapshot.kinds[key.kind]
        if not kind.known:
            unread = unread or key.kind
            continue
        if _keeps_another_route(key, draft, world):
            return
        if not kind.installed:
            yield _not_installed(draft, key, kind.resource)
            return
        live = world.snapshot.children.get(key)
        if live is not None or desired.makes(manifest):
            child = draft.children.get(key) or (None if live is None else world.child(live, draft.place))
            yield _after(unread, _by_the_clock(decide(manifest, preview, child), desired))


def _first_unread(draft: Draft, world: World) -> str:
    """The first kind of its wanted children of which nothing is known; "" where all could be read."""
    children = draft.desired.children if draft.desired else ()
    return next((one.key.kind for one in children if not world.snapshot.kinds[one.key.kind].known), "")


def _after(unread: str, change: Change) -> Change:
    """The change, which waits where a kind that comes before it could not be read.

    Pods would start without what they need (a ConfigMap, a NetworkPolicy, a setup), or keep old values for
    ever, where they roll for a ConfigMap that is changed after them. What nothing requests any more may have
    its successor among what waits.
    """
    if not unread or not isinstance(change, Create | Update | Delete):
        return change
    return Waiting(change.key, change.preview, f"waits: {unread} comes first, and could not be read")


def _by_the_clock(change: Change, desired: Desired) -> Change:
    """The change with its reason, where it is made since its preview has fallen asleep, or has woken up."""
    ready = conditions_in(desired.preview.status).get(READY, {})
    slept, sleeps = ready.get("reason") == ASLEEP, bool(desired.asleep)
    if slept == sleeps or not isinstance(change, Update) or change.message != UpdateMessage.CHANGED:
        return change
    if not any(field.path in _PODS for field in change.fields):
        return change
    return replace(change, message=UpdateMessage.ASLEEP if sleeps else UpdateMessage.AWAKE)


def _not_installed(draft: Draft, key: Key, resource: Resource) -> Blocked:
    served = f"{resource.kind} ({resource.api_version}) is not installed in this cluster"
    if is_further(key, draft.name):
        return draft.blocked(REFUSED, f"{served}: install it, or remove the template of {key.name}")
    return draft.blocked(ROUTE_NOT_ACCEPTED, f"{served}: install it, or choose another --route")


def _keeps_another_route(key: Key, draft: Draft, world: World) -> bool:
    """Whether this is its route, it has one of another kind, and nobody said that there is to be a switch."""
    if world.options.switch or not is_route_of(key, draft.name):
        return False
    routes = [child for there, child in draft.children.items() if is_route_of(there, draft.name)]
    return all(child.key.kind != key.kind for child in routes) and any(child.ours for child in routes)
