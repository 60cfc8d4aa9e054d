"""What becomes of children that nobody wants: gone, expired, switched or renamed previews; pure."""

from collections.abc import Iterable
from dataclasses import replace

from reconcile.desire.children import is_route, runs_once
from reconcile.desire.desired import Wish
from reconcile.kube.health.job import is_finished
from reconcile.kube.hostnames import hostnames
from reconcile.kube.objects import Key
from reconcile.kube.routes import accepted
from reconcile.kube.time import parse_time, time_text
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Live, Preview, Snapshot
from reconcile.model.ttl import Deadline, deadline_after
from reconcile.plan.changes import Change, Create, Delete, Keep, Update, Waiting
from reconcile.plan.decide import may_go, past, protection
from reconcile.plan.policy import Policy


def leftovers_of(place: str, children: Iterable[Live], policy: Policy) -> list[Change]:
    """What becomes of the children of a preview that is no more."""
    namespace, _, name = place.partition("/")
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


def outlived(live: Live, wish: Wish, policy: Policy) -> Change:
    """What becomes of a child whose preview has expired, or is being deleted for longer than the operator
    lets anything live; the preview itself stays."""
    preview = wish.preview
    if wish.verdict == "Going":
        ended = wish.deadline.at if wish.deadline else ""
        reason = f"its preview is being deleted, and --max-ttl ended at {ended}"
    else:
        ended = wish.ttl.expires_at if wish.ttl else ""
        reason = f"its preview expired at {ended}"
    change = may_go(live, preview.name, preview.uid, reason, policy.rules, wish.deadline)
    if isinstance(change, Delete):
        change = _of_the_living(change, preview, policy, wish.deadline)
    return replace(change, expired_at=ended) if isinstance(change, Delete) else change


def unwanted_of(
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
            changes.append(Keep(live.key, wish.place, kept_reason(live, preview)))
            continue
        change = not_wanted(live, preview, "its preview does not want it", policy)
        if isinstance(change, Delete):
            change = _after_the_switch(change, preview, own, snapshot, policy)
        if isinstance(change, Delete) and runs_once(live.key.kind):
            change = _after_its_end(change, wish, preview, policy)
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


def _after_its_end(old: Delete, wish: Wish, preview: PreviewEnvironment, policy: Policy) -> Delete | Waiting:
    """A Job that runs is left to its end: nobody knows what half of it would leave behind."""
    if at_work(old.live, preview, policy):
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


def kept_reason(route: Live, preview: PreviewEnvironment) -> str:
    stale = "" if preview.spec.fqdn in hostnames(route) else f" without the hostname {preview.spec.fqdn}"
    return f"kept{stale}: say --route to switch"


def at_work(live: Live, preview: PreviewEnvironment, policy: Policy) -> bool:
    """Whether this Job of ours may still be at work. A file has no status, and nothing runs in a folder."""
    rules = policy.rules
    if is_finished(live) or not (rules.from_server or live.manifest.get("status")):
        return False
    return rules.ownership(live, preview.name, preview.uid).ours
