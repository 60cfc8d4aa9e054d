"""What one preview's own children need, before hostnames are settled; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from reconcile.desire.children import is_route, runs_once
from reconcile.desire.desired import Desired
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest
from reconcile.model.names import NAME_TAKEN, ROUTE_NOT_ACCEPTED
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Snapshot
from reconcile.plan.changes import PREVIEW, Blocked, Change, Create, Delete, Keep, Waiting
from reconcile.plan.decide import decide
from reconcile.plan.policy import Policy
from reconcile.plan.prune import at_work, kept_reason, outlived, protection_of, unwanted_of


@dataclass(frozen=True)
class Draft:
    """What one preview's own children need, before hostnames are settled."""

    desired: Desired
    changes: tuple[Change, ...]
    frozen: bool = False

    def on(self, key: Key) -> Change | None:
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> Mapping[Key, Change]:
        """The first change of each key: anybody may give thousands of objects the label of one preview."""
        return {change.key: change for change in reversed(self.changes)}

    def keeps_as_ours(self, key: Key) -> bool:
        """Whether the child was found to be ours, and as it is wanted."""
        return not self.frozen and self.on(key) == Keep(key, self.desired.place)


def draft_of(desired: Desired, children: Iterable[Live], snapshot: Snapshot, policy: Policy) -> Draft:
    """The changes that one preview's children need, as if no other preview asked for its hostname."""
    preview = desired.preview
    if desired.verdict == "Going":
        waiting = Waiting(Key(PREVIEW, preview.namespace, preview.name), desired.place, desired.message)
        over = desired.deadline is not None and desired.deadline.over
        own = [outlived(live, desired, policy) for live in children] if over else _silent(desired, children)
        return Draft(desired, (waiting, *own), frozen=True)
    if isinstance(preview, PreviewEnvironment) and desired.verdict == "Expired":
        changes = [outlived(live, desired, policy) for live in children]
        return Draft(desired, _protected_first(changes, children, desired, preview, policy))
    if not isinstance(preview, PreviewEnvironment) or desired.verdict:
        return frozen(desired, children, desired.verdict, desired.message)
    changes = _own_changes(desired, preview, children, snapshot, policy)
    taken = [c.reason for c in changes if isinstance(c, Blocked) and c.verdict == NAME_TAKEN]
    if taken:
        return frozen(desired, children, NAME_TAKEN, "; ".join(taken))
    wanted = {change.key for change in changes} | desired.wanted
    unwanted = [live for live in children if live.key not in wanted]
    changes += unwanted_of(desired, preview, unwanted, changes, snapshot, policy)
    return Draft(desired, _protected_first(changes, children, desired, preview, policy))


def _protected_first(
    changes: Iterable[Change],
    children: Iterable[Live],
    desired: Desired,
    preview: PreviewEnvironment,
    policy: Policy,
) -> tuple[Change, ...]:
    """The changes; an unwanted child that stays is as protected as it has to be."""
    unwanted = {live.key: live for live in children if live.key not in desired.wanted}
    return tuple(
        (
            change.key in unwanted
            and not isinstance(change, Delete)
            and protection_of(unwanted[change.key], preview, policy.rules)
        )
        or change
        for change in changes
    )


def _own_changes(
    desired: Desired,
    preview: PreviewEnvironment,
    children: Iterable[Live],
    snapshot: Snapshot,
    policy: Policy,
) -> list[Change]:
    """What the wanted children need, in apply order, up to the first kind that could not be listed."""
    changes: list[Change] = []
    for manifest in desired.children:
        kind = snapshot.kinds[manifest["kind"]]
        if not kind.known:
            break
        if is_route(manifest["kind"]) and (kept := _kept_routes(manifest, preview, children, policy)):
            changes.extend(kept)
            break
        if not kind.installed:
            served = f"{kind.resource.kind} ({kind.resource.api_version}) is not installed in this cluster"
            remedy = "install it, or choose another --route"
            changes.append(blocked(desired, ROUTE_NOT_ACCEPTED, f"{served}: {remedy}"))
            break
        there = snapshot.children.get(manifest.key)
        if there is not None or desired.makes(manifest):
            change = decide(manifest, preview, there, policy.rules)
            changes.append(_after_the_last_one(_once(change, desired), preview, children, policy))
    return changes


def _once(change: Change, desired: Desired) -> Change:
    """A setup Job that is recorded, and is being deleted, is not waited for: no other takes its place."""
    ran = isinstance(change, Waiting) and desired.record_of(change.key) is not None
    return Keep(change.key, change.preview) if ran else change


def _after_the_last_one(
    change: Change, preview: PreviewEnvironment, children: Iterable[Live], policy: Policy
) -> Change:
    """A Job that runs once waits for one of ours that still runs: two migrations at once may harm."""
    if not (isinstance(change, Create) and runs_once(change.key.kind)):
        return change
    others = [live for live in children if live.key.kind == change.key.kind]
    for live in others:
        if at_work(live, preview, policy):
            reason = f"waits: {live.key}, of another image or revision, has not ended (deleting it helps)"
            return Waiting(change.key, change.preview, reason)
    return replace(change, reason="another image or revision") if others else change


def _kept_routes(
    manifest: Manifest, preview: PreviewEnvironment, children: Iterable[Live], policy: Policy
) -> list[Change]:
    """Routes of ours of another kind, where nobody said that there is to be a switch."""
    routes = [live for live in children if is_route(live.key.kind)]
    if policy.switch or any(live.key.kind == manifest["kind"] for live in routes):
        return []
    return [
        Keep(live.key, preview.key.place, kept_reason(live, preview))
        for live in routes
        if policy.rules.ownership(live, preview.name, preview.uid).ours
    ]


def frozen(desired: Desired, children: Iterable[Live], verdict: str, reason: str) -> Draft:
    """Nothing of the preview is changed, and a person has to decide."""
    return Draft(desired, (blocked(desired, verdict, reason), *_silent(desired, children)), frozen=True)


def _silent(desired: Desired, children: Iterable[Live]) -> Iterable[Keep]:
    return (Keep(live.key, desired.place) for live in children)


def blocked(desired: Desired, verdict: str, reason: str) -> Blocked:
    return Blocked(
        Key(PREVIEW, desired.preview.namespace, desired.preview.name), desired.place, verdict, reason
    )
