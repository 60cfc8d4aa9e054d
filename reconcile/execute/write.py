"""One change carried out, guarded, and decided again where the cluster has moved on meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from reconcile.cluster.pool import Stop, pause
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES, is_route
from reconcile.errors import (
    AnswerLost,
    Conflict,
    NamespaceGoing,
    ReconcileError,
    Rejected,
    internal_error,
)
from reconcile.execute.takeover import takeover_patch
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, MISSING, field_set_of, path_text, value_at
from reconcile.kube.objects import Key, Manifest, split_place
from reconcile.kube.redact import redacted
from reconcile.model.names import TOOL
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Blocked, Create, Delete, Keep, Outcome, Result, Update, Waiting
from reconcile.plan.decide import Rules, decide, may_go
from reconcile.plan.diff import let_go
from reconcile.plan.ownership import other_makers

TRIES = 5
"""How often one change is tried; a rollout's status writes cause most of the conflicts."""

PAUSE = 0.1
"""Seconds before the third look, twice as many before each later one: status writes come in bursts."""

STOPPED = "the run was stopped before this"
GONE = "already deleted, not by this run"
STALE = (
    "is listed and does not exist: the lists of the API server are of another time than what it stores, "
    "such as after etcd was restored under it; restart the API server"
)


@dataclass(frozen=True)
class Merged:
    """An unmanaged object that appeared after the look, and that our create was merged into."""

    live: Live


Decided = Create | Update | Keep | Waiting | Blocked | Merged

AGAIN: Literal["again"] = "again"
LOST: Literal["lost"] = "lost"
Attempt = tuple[Result, str, Live | None] | Literal["again", "lost"] | Merged


def put(
    cluster: Cluster,
    change: Create | Update,
    manifest: Manifest,
    preview: PreviewEnvironment,
    rules: Rules,
    stop: Stop,
) -> Outcome:
    """Make the child as `manifest` says. Errors become outcomes; none is raised."""
    decided: Decided = change
    there: Live | None = None
    tries, unsure = 0, False
    try:
        while tries < TRIES or isinstance(decided, Keep | Waiting | Blocked):
            if stop.asked and not isinstance(decided, Merged):  # a withdrawal is the end of a write
                return Outcome(change, "skipped", STOPPED)
            attempt = _attempt(cluster, decided, there, rules)
            if isinstance(attempt, Merged):
                decided = attempt
                continue
            if isinstance(attempt, tuple):
                return Outcome(change, *attempt)
            lost = unsure or attempt == LOST
            unsure = isinstance(decided, Merged) or (isinstance(decided, Create) and lost)
            _let_pass(tries, stop)
            there = _read(cluster, change.key)
            decided = _decided_again(there, manifest, preview, rules, unsure=unsure)
            tries += 1
    except NamespaceGoing:
        return Outcome(change, "kept", f"namespace {change.key.namespace} is being deleted")
    except ReconcileError as error:
        return _failed(change, error)
    except Exception as error:
        return Outcome(change, "failed", internal_error(error))
    return _too_often(change)


def _too_often(change: Create | Update | Delete) -> Outcome:
    return Outcome(
        change, "failed", f"{change.key}: gave up after {TRIES} update conflicts; the next run will retry"
    )


def _failed(change: Create | Update | Delete, error: ReconcileError) -> Outcome:
    """What a server says may quote the object that it refuses, or the one that is there."""
    wanted = () if isinstance(change, Delete) else (change.manifest,)
    there = () if isinstance(change, Create) else (change.live.manifest,)
    result: Result = "rejected" if isinstance(error, Rejected) else "failed"
    return Outcome(change, result, redacted(str(error), *wanted, *there))


def _decided_again(
    live: Live | None, manifest: Manifest, preview: PreviewEnvironment, rules: Rules, *, unsure: bool
) -> Decided:
    """`unsure` tells that a create may have been done: what it was merged into looks like ours, and only the
    other entries tell that it is not. A create that was refused was not merged into anything.
    """
    if unsure and live is not None and _is_merged(live, rules):
        return Merged(live)
    return decide(manifest, preview, live, rules)


def _is_merged(live: Live, rules: Rules) -> bool:
    return live.applied_by(rules.names.field_manager) is not None and bool(other_makers(live, rules.names))


def _attempt(cluster: Cluster, decided: Decided, there: Live | None, rules: Rules) -> Attempt:
    match decided:
        case Create():
            return _guarded(lambda: _create(cluster, decided, rules))
        case Update():
            return _guarded(lambda: _update(cluster, decided, rules))
        case Keep():
            return ("done", "", there)
        case Waiting(reason=reason):
            return ("kept", reason, None)
        case Blocked(reason=reason):
            return ("blocked", reason, None)
        case Merged(live=live):
            return _guarded(lambda: _withdraw(cluster, live, rules))
        case _:
            assert_never(decided)


def _guarded(write: Callable[[], Attempt]) -> Attempt:
    """A conflict, or an answer that was lost, means: look again, then decide again."""
    try:
        return write()
    except Conflict:
        return AGAIN
    except AnswerLost:
        return LOST


def _let_pass(tries: int, stop: Stop) -> None:
    """After the first conflict nothing is lost by looking again at once; after more, somebody is busy."""
    if tries:
        pause(PAUSE * 2 ** (tries - 1), stop)


def _read(cluster: Cluster, key: Key) -> Live | None:
    found = cluster.get(RESOURCES[key.kind], key.namespace, key.name)
    return None if found is None else Live(found)


def _create(cluster: Cluster, change: Create, rules: Rules) -> Attempt:
    resource, manager = RESOURCES[change.key.kind], rules.names.field_manager
    answer = cluster.apply(resource, change.manifest, manager=manager, force=False)
    live = Live(answer.manifest)
    if answer.created or not other_makers(live, rules.names):
        return ("done", "", live)  # made, or met what another run of ours had just made
    return Merged(live)


def _withdraw(cluster: Cluster, live: Live, rules: Rules) -> Attempt:
    """An unmanaged object appeared since the look, and our unforced apply was merged into it: take that out.

    An apply of nothing by the same manager removes exactly what that manager had set.
    """
    metadata = {
        "name": live.key.name,
        "namespace": live.key.namespace,
        "uid": live.uid,
        "resourceVersion": live.resource_version,
    }
    bare = {"apiVersion": live.manifest["apiVersion"], "kind": live.key.kind, "metadata": metadata}
    cluster.apply(RESOURCES[live.key.kind], bare, manager=rules.names.field_manager, force=False)
    owners = ", ".join(other_makers(live, rules.names))
    return (
        "blocked",
        f"{live.key}: was created by {owners} a moment ago and is not managed by {TOOL}; "
        "delete it, or rename the preview",
        None,
    )


def _update(cluster: Cluster, change: Update, rules: Rules) -> Attempt:
    live, resource = change.live, RESOURCES[change.key.kind]
    manager = rules.names.field_manager
    if change.takeover:
        patch = takeover_patch(live, change.takeover, manager)
        live = Live(cluster.patch(resource, change.key.namespace, change.key.name, patch, manager=manager))
    metadata = {
        **change.manifest["metadata"],
        "uid": live.uid,
        "resourceVersion": live.resource_version,
    }
    manifest = {**change.manifest, "metadata": metadata}
    answer = cluster.apply(resource, manifest, manager=manager, force=True)
    return _checked(change, Live(answer.manifest), rules)


def _checked(change: Update, now: Live, rules: Rules) -> Attempt:
    """A removal that did not happen is a failure that names the owner: the next pass could not see it."""
    before = change.live.applied_by(rules.names.field_manager) or EMPTY
    for path in sorted((before | change.takeover) - field_set_of(change.manifest)):
        owners = [e.manager for e in now.others(rules.names.field_manager) if path in e.fields]
        if owners and path not in let_go(rules.names) and value_at(now.manifest, path) is not MISSING:
            return (
                "failed",
                f"{path_text(path, now.manifest)}: not removed, because {owners[0]} also sets it",
                now,
            )
    return ("done", "", now)


def remove(cluster: Cluster, change: Delete, rules: Rules, stop: Stop) -> Outcome:
    """Delete the child, if its preview, read again just before, still does not want it."""
    decided, lost = change, False
    try:
        for tries in range(TRIES):
            if reason := _wanted_after_all(cluster, change, rules):
                return Outcome(change, "kept", reason)
            if stop.asked:
                return Outcome(change, "skipped", STOPPED)
            attempt = _delete(cluster, decided)
            if attempt == "deleted":
                return Outcome(change, "done")
            lost = lost or attempt == LOST
            _let_pass(tries, stop)
            live = None if attempt == "gone" else _read(cluster, change.key)
            if live is None:
                return Outcome(change, "done") if lost else _gone(cluster, change)
            if live.uid != change.live.uid:
                return Outcome(change, "kept", "it was recreated")
            again = _still(live, change, rules)
            if not isinstance(again, Delete):
                return Outcome(change, "kept", again.reason)
            decided = again
    except ReconcileError as error:
        return _failed(change, error)
    except Exception as error:
        return Outcome(change, "failed", internal_error(error))
    return _too_often(change)


def _delete(cluster: Cluster, change: Delete) -> Literal["deleted", "gone", "again", "lost"]:
    key, live = change.key, change.live
    try:
        deleted = cluster.delete(
            RESOURCES[key.kind], key.namespace, key.name, uid=live.uid, resource_version=live.resource_version
        )
    except Conflict:
        return AGAIN
    except AnswerLost:
        return LOST
    return "deleted" if deleted else "gone"


def _gone(cluster: Cluster, change: Delete) -> Outcome:
    """Nothing to delete: mostly somebody else was faster. But a list that goes on to show it is not of now.

    Lists come from a cache of the API server. Where etcd was put back to an earlier state under it, the cache
    shows what came later until the API server is started anew: https://etcd.io/docs/v3.6/op-guide/recovery/
    """
    key = change.key
    with suppress(ReconcileError):  # it is gone, whatever becomes of the question
        listing = cluster.list(
            RESOURCES[key.kind], namespace=key.namespace, field=f"metadata.name={key.name}", read=Live
        )
        if any(live.uid == change.live.uid for live in listing.items):
            return Outcome(change, "failed", f"{key} {STALE}")
    return Outcome(change, "kept", GONE)


def _still(live: Live, change: Delete, rules: Rules) -> Delete | Keep:
    name = split_place(change.preview)[1]
    manager = rules.names.field_manager
    if change.deadline and live.applied_at(manager) != change.live.applied_at(manager):
        return Keep(change.key, change.preview, "it was applied again")
    if is_route(change.key.kind) and hostnames(live) != hostnames(change.live):
        return Keep(change.key, change.preview, "its hostnames were changed")
    decided = may_go(live, name, change.preview_uid or "", change.reason, rules, change.deadline)
    if isinstance(decided, Waiting):
        return Keep(change.key, change.preview, decided.reason)
    return replace(change, live=live) if isinstance(decided, Delete) else decided


def _wanted_after_all(cluster: Cluster, change: Delete, rules: Rules) -> str:
    """Why not to delete after all; only the server's own word that the preview is gone counts as gone."""
    namespace, name = split_place(change.preview)
    found = cluster.get(rules.names.previews, namespace, name)
    if found is None:
        return ""
    metadata = found["metadata"]
    if change.preview_uid is None:
        return "its preview was recreated"
    going = bool(metadata.get("deletionTimestamp"))
    if going != change.preview_going or metadata.get("uid", "") != change.preview_uid:
        return "its preview was deleted or recreated"
    protected = rules.names.protects(metadata.get("annotations") or {})
    if protected and not rules.ends(change.deadline, change.preview):
        return "its preview was changed"
    if metadata.get("generation", 0) != change.preview_generation:
        return "its preview was changed"
    return ""
