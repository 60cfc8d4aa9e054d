"""What becomes of children that nobody wants: gone, expired, switched or renamed previews; pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconcile.desire.children import is_route, runs_once
from reconcile.desire.children.metadata import without_owner
from reconcile.desire.desired import Desired
from reconcile.kube.health.job import is_finished
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import part_of
from reconcile.kube.objects import Key, Manifest, split_place, without_servers_own
from reconcile.kube.routes import accepted
from reconcile.kube.time import parse_time, time_text
from reconcile.model.names import PRUNE_DISABLED, Names
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Preview, Snapshot, claimed_place, claimed_preview
from reconcile.model.ttl import Deadline, deadline_after
from reconcile.plan.changes import Change, Create, Delete, Keep, Update, Waiting
from reconcile.plan.decide import PROTECTED, Rules, decide, may_go, past, protection
from reconcile.plan.limits import FEW
from reconcile.plan.ownership import is_preview_reference, is_protected
from reconcile.plan.policy import Policy


def leftovers_of(place: str, children: Iterable[Live], policy: Policy) -> list[Change]:
    """What becomes of the children of a preview that is no more."""
    namespace, name = split_place(place)
    if not policy.scope.has_gone(namespace, name):
        return []
    children = list(children)
    deadline = _deadline(children, name, policy)
    return [may_go(live, name, "", "its preview is gone", policy.rules, deadline) for live in children]


def _deadline(children: Iterable[Live], name: str, policy: Policy) -> Deadline | None:
    """When what a preview has left behind is no longer protected: it counts from our last change of it.

    A time that somebody wrote into managedFields and that is still to come counts for nothing.
    """
    if policy.max_ttl is None or policy.now is None:
        return None
    manager = policy.rules.names.field_manager
    ours = [live for live in children if policy.rules.ownership(live, name, "").ours]
    told = [live.applied_at(manager) for live in ours]
    told += [str(live.metadata.get("creationTimestamp")) for live in ours]
    times = [time for time in map(parse_time, told) if time and time <= policy.now]
    return deadline_after(time_text(max(times)), policy.max_ttl, policy.now) if times else None


def outlived(live: Live, desired: Desired, policy: Policy) -> Change:
    """What becomes of a child whose preview has expired, or is being deleted for longer than the operator
    lets anything live; the preview itself stays."""
    preview = desired.preview
    if desired.verdict == "Going":
        ended = desired.deadline.at if desired.deadline else ""
        reason = f"its preview is being deleted, and --max-ttl ended at {ended}"
    else:
        ended = desired.ttl.expires_at if desired.ttl else ""
        reason = f"its preview expired at {ended}"
    change = may_go(live, preview.name, preview.uid, reason, policy.rules, desired.deadline)
    if isinstance(change, Delete):
        change = _of_the_living(change, preview, policy, desired.deadline)
    return replace(change, expired_at=ended) if isinstance(change, Delete) else change


def unwanted_of(
    desired: Desired,
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
            changes.append(Keep(live.key, desired.place, kept_reason(live, preview)))
            continue
        change = not_wanted(live, preview, "its preview does not request it", policy)
        if isinstance(change, Delete):
            change = _after_the_switch(change, preview, own, snapshot, policy)
        if isinstance(change, Delete) and runs_once(live.key.kind):
            change = _after_its_end(change, desired, preview, policy)
        changes.append(change)
    return changes


def not_wanted(
    live: Live, preview: Preview, reason: str, policy: Policy, deadline: Deadline | None = None
) -> Change:
    """What becomes of a child that its preview, which is there, is not to have."""
    change = may_go(live, preview.name, preview.uid, reason, policy.rules, deadline)
    return _of_the_living(change, preview, policy, deadline) if isinstance(change, Delete) else change


def _of_the_living(
    change: Delete, preview: Preview, policy: Policy, deadline: Deadline | None = None
) -> Delete | Keep:
    """The delete of a child whose preview is there, which may let nothing go but past the deadline."""
    rules = policy.rules
    if rules.names.protects(preview.annotations):
        if not rules.ends(deadline, change.preview):
            told = protection(change.preview, deadline, rules, " on its preview")
            return Keep(change.key, change.preview, told)
        change = change if change.deadline or deadline is None else past(change, deadline)
    return replace(
        change,
        preview_uid=preview.uid,
        preview_generation=preview.generation,
        preview_going=bool(preview.deletion_timestamp),
        counts=False,
    )


def _after_its_end(
    old: Delete, desired: Desired, preview: PreviewEnvironment, policy: Policy
) -> Delete | Waiting:
    """A Job that runs is left to its end: nobody knows what half of it would leave behind."""
    if at_work(old.live, preview, policy):
        return Waiting(old.key, old.preview, "waits: deleted when it has ended")
    if any(runs_once(manifest["kind"]) for manifest in desired.children):
        return replace(old, reason="its preview has another image or revision")
    return old


def _after_the_switch(
    old: Delete, preview: PreviewEnvironment, own: list[Change], snapshot: Snapshot, policy: Policy
) -> Delete | Waiting:
    """The old route stays while the new one is not there; where it has the hostname, until that serves it."""
    if not is_route(old.key.kind):
        return old
    if not policy.route_kind:
        return replace(old, reason="its preview has no route (--route is none)")
    new = Key(policy.route_kind, preview.namespace, preview.name)
    change = next((change for change in own if change.key == new), None)
    if isinstance(change, Create | Update):
        return Waiting(old.key, old.preview, f"waits: deleted when {new} exists", for_this_run=True)
    there = snapshot.children.get(new)
    if not isinstance(change, Keep) or there is None:
        return Waiting(old.key, old.preview, f"waits: deleted when {new} exists")
    if preview.spec.fqdn not in hostnames(old.live):
        return replace(old, reason="its preview has another hostname, and another kind of route")
    if not accepted(there):
        return Waiting(old.key, old.preview, f"waits: deleted when {new} is accepted")
    return replace(old, reason=f"its preview has the {new.kind} now")


def kept_reason(route: Live, preview: PreviewEnvironment) -> str:
    stale = "" if preview.spec.fqdn in hostnames(route) else f" without the hostname {preview.spec.fqdn}"
    return f"kept{stale}; pass --route to switch"


def at_work(live: Live, preview: PreviewEnvironment, policy: Policy) -> bool:
    """Whether this Job of ours may still be at work. A file has no status, and nothing runs in a folder."""
    rules = policy.rules
    if is_finished(live) or not (rules.from_server or live.manifest.get("status")):
        return False
    return rules.ownership(live, preview.name, preview.uid).ours


def protection_of(live: Live, preview: PreviewEnvironment, rules: Rules) -> Update | None:
    """The update that protects an unwanted child of ours; None where it needs none.

    It gets the annotation where its preview has it, and loses the owner reference. It never loses the
    annotation: that it is no longer protected is for a person to say. None too where a server has no record
    of what we applied: then nobody knows which fields are ours.
    """
    if live.going or not _needs(live, preview, rules.names):
        return None
    if not rules.ownership(live, preview.name, preview.uid).ours:
        return None
    manifest = _protected(live, preview, rules)
    change = manifest and decide(manifest, preview, live, rules)
    reason = PROTECTED if rules.names.protects(preview.annotations) else "it is protected"
    return replace(change, reason=reason) if isinstance(change, Update) else None


def _needs(live: Live, preview: PreviewEnvironment, names: Names) -> bool:
    if not is_protected(live, names):
        return names.protects(preview.annotations)
    return any(is_preview_reference(owner, preview.name, names) for owner in live.owner_references)


def _protected(live: Live, preview: PreviewEnvironment, rules: Rules) -> Manifest | None:
    """What is ours of the child, as it is there, with our marks, protected, and without an owner.

    Without a record: None on a server; in a file all of it.
    """
    names, applied = rules.names, live.applied_by(rules.names.field_manager)
    if applied is None and rules.from_server:
        return None
    made = without_servers_own(live.manifest) if applied is None else part_of(live.manifest, applied)
    metadata = made["metadata"]
    marks = {names.identity_annotation: live.key.identity}
    if names.protects(preview.annotations):
        marks[names.prune_annotation] = PRUNE_DISABLED
    marked = {
        "labels": {**(metadata.get("labels") or {}), names.preview_label: preview.name},
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
        place = claimed_place(live, rules.names)
        if not place or place in living:
            continue
        if not rules.ownership(live, claimed_preview(live, rules.names), "").ours:
            continue
        if is_protected(live, rules.names):
            protected.add(place)
        else:
            others.setdefault(live.key.namespace, set()).add(place)
    return frozenset(protected.union(*(places for places in others.values() if len(places) > FEW)))
