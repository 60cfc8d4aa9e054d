"""One change carried out, guarded, and decided again where the cluster has moved on meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from reconcile.cluster.pool import Stop, pause
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES, is_route, missing_right
from reconcile.errors import (
    AnswerLost,
    Conflict,
    Invalid,
    NamespaceTerminating,
    ReconcileError,
    Rejected,
    internal_error,
)
from reconcile.execute.takeover import handing_back_patch, set_beside, takeover_patch
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, MISSING, FieldSet, Path, field_set_of, path_text, value_at
from reconcile.kube.objects import Key, Manifest, Resource, split_place
from reconcile.kube.redact import redacted
from reconcile.model.names import TOOL
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Blocked, Create, Delete, Keep, Outcome, Result, Update, Waiting
from reconcile.plan.child import Child, child_of
from reconcile.plan.decide import decide, prune, unless_data_is_lost
from reconcile.plan.field_conflicts import edits_are_kept, foreign_paths
from reconcile.plan.ownership import other_makers
from reconcile.plan.rules import Rules

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


@dataclass(frozen=True)
class Writer:
    """Carries out one change after the other, and begins none once the run was told to `stop`.

    Errors become outcomes; none is raised.
    """

    cluster: Cluster
    rules: Rules
    stop: Stop
    resources: Mapping[str, Resource] = field(default_factory=lambda: RESOURCES)

    @property
    def manager(self) -> str:
        return self.rules.names.field_manager

    def apply(self, change: Create | Update, manifest: Manifest, preview: PreviewEnvironment) -> Outcome:
        """Make the child as `manifest` says."""
        decided: Decided = change
        there: Live | None = None
        tries, unsure = 0, False
        try:
            while tries < TRIES or isinstance(decided, Keep | Waiting | Blocked):
                if self.stop.asked and not isinstance(decided, Merged):  # a withdrawal is the end of a write
                    return Outcome(change, "skipped", STOPPED)
                attempt = self._attempt(decided, there)
                if isinstance(attempt, Merged):
                    decided = attempt
                    continue
                if isinstance(attempt, tuple):
                    return Outcome(change, *attempt)
                lost = unsure or attempt == LOST
                unsure = isinstance(decided, Merged) or (isinstance(decided, Create) and lost)
                self._let_pass(tries)
                there = self._read(change.key)
                decided = self._decided_again(there, manifest, preview, unsure=unsure)
                tries += 1
        except NamespaceTerminating:
            return Outcome(change, "canceled", f"namespace {change.key.namespace} is being deleted")
        except Exception as error:
            return _failed(change, error, self.resources.get(change.key.kind))
        return _too_often(change)

    def _decided_again(
        self, live: Live | None, manifest: Manifest, preview: PreviewEnvironment, *, unsure: bool
    ) -> Decided:
        """`unsure` tells that a create may have been done: what it was merged into looks like ours, and only
        the other entries tell that it is not. A create that was refused was not merged into anything.
        """
        if unsure and live is not None and self._is_merged(live):
            return Merged(live)
        return decide(manifest, preview, child_of(preview, live, self.rules))

    def _is_merged(self, live: Live) -> bool:
        return live.applied_by(self.manager) is not None and bool(other_makers(live, self.manager))

    def _attempt(self, decided: Decided, there: Live | None) -> Attempt:
        match decided:
            case Create():
                return _guarded(lambda: self._create(decided))
            case Update():
                return _guarded(lambda: self._update(decided))
            case Keep():
                return ("done", "", there)
            case Waiting(message=message):
                return ("canceled", message, None)
            case Blocked(message=message):
                return ("blocked", message, None)
            case Merged(live=live):
                return _guarded(lambda: self._withdraw(live))
            case _:
                assert_never(decided)

    def _let_pass(self, tries: int) -> None:
        """After the first conflict nothing is lost by looking again at once; after more, somebody is busy."""
        if tries:
            pause(PAUSE * 2 ** (tries - 1), self.stop)

    def _read(self, key: Key) -> Live | None:
        found = self.cluster.get(self.resources[key.kind], key.namespace, key.name)
        return None if found is None else Live(found)

    def _create(self, change: Create) -> Attempt:
        resource = self.resources[change.key.kind]
        answer = self.cluster.apply(resource, change.manifest, manager=self.manager, force=False)
        live = Live(answer.manifest)
        if answer.created or not other_makers(live, self.manager):
            return ("done", "", live)  # made, or met what another run of ours had just made
        return Merged(live)

    def _withdraw(self, live: Live) -> Attempt:
        """An unmanaged object appeared since the look, and our unforced apply was merged into it: take that
        out. An apply of nothing by the same manager removes exactly what that manager had set.
        """
        metadata = {
            "name": live.key.name,
            "namespace": live.key.namespace,
            "uid": live.uid,
            "resourceVersion": live.resource_version,
        }
        kind = {"apiVersion": live.manifest["apiVersion"], "kind": live.manifest["kind"]}
        bare = {**kind, "metadata": metadata}
        self.cluster.apply(self.resources[live.key.kind], bare, manager=self.manager, force=False)
        owners = ", ".join(other_makers(live, self.manager))
        return (
            "blocked",
            f"{live.key}: was created by {owners} a moment ago and is not managed by {TOOL}; "
            "delete it, or rename the preview",
            None,
        )

    def _update(self, change: Update) -> Attempt:
        live = self._taken_over(change.live, change.takeover)
        try:
            return self._checked(change, self._applied_to(live, change.manifest))
        except Invalid:
            beside = self._beside(live, change.manifest)
            if not beside:
                raise
        return self._applied_without(live, beside, change)

    def _taken_over(self, live: Live, paths: FieldSet) -> Live:
        return self._patched(live, takeover_patch(live, paths, self.manager)) if paths else live

    def _patched(self, live: Live, patch: Sequence[Manifest]) -> Live:
        key = live.key
        return Live(
            self.cluster.patch(self.resources[key.kind], key.namespace, key.name, patch, manager=self.manager)
        )

    def _applied_to(self, live: Live, manifest: Manifest) -> Live:
        guard = {"uid": live.uid, "resourceVersion": live.resource_version}
        guarded = {**manifest, "metadata": {**manifest["metadata"], **guard}}
        answer = self.cluster.apply(self.resources[live.key.kind], guarded, manager=self.manager, force=True)
        return Live(answer.manifest)

    def _beside(self, live: Live, manifest: Manifest) -> frozenset[Path]:
        """What of others may be why ours is refused; nothing where what they have set is to stay."""
        kept = self.rules.keeps_edits or edits_are_kept(live, manifest, self.rules)
        return EMPTY if kept else set_beside(live, manifest, self.manager)

    def _applied_without(self, live: Live, beside: frozenset[Path], change: Update) -> Attempt:
        """A refusal does not name whose fields exclude ours. Where it was none of theirs, they go back."""
        paths = foreign_paths(live, beside, self.manager)
        taken = self._taken_over(live, paths)
        try:
            now = self._with_status_written(taken, lambda now: self._applied_to(now, change.manifest))
        except Rejected:
            with suppress(ReconcileError):  # the refusal is what is told
                self._with_status_written(
                    taken, lambda now: self._patched(now, handing_back_patch(now, live))
                )
            raise
        result, told, now_there = self._checked(replace(change, takeover=change.takeover | paths), now)
        removed = ", ".join(sorted(path_text(path, live.manifest) for path in beside))
        return result, told or f"removed {removed}, which the API server refused beside ours", now_there

    def _with_status_written(self, live: Live, write: Callable[[Live], Live]) -> Live:
        """A write of this version, or of a later one with the same spec and fields of ours.

        Half of a takeover must not stay because a controller has told a status meanwhile.
        """
        for _ in range(TRIES - 1):
            with suppress(Conflict):
                return write(live)
            now = self._read(live.key)
            if now is None or _but_for_status(now, self.manager) != _but_for_status(live, self.manager):
                break
            live = now
        return write(live)

    def _checked(self, change: Update, now: Live) -> tuple[Result, str, Live | None]:
        """A removal that did not happen is a failure that names the owner: the next pass could not see it."""
        before = change.live.applied_by(self.manager) or EMPTY
        for path in sorted((before | change.takeover) - field_set_of(change.manifest)):
            owners = [entry.manager for entry in now.others(self.manager) if path in entry.fields]
            kept = path in self.rules.let_go or value_at(now.manifest, path) is MISSING
            if owners and not kept:
                message = f"{path_text(path, now.manifest)}: not removed, because {owners[0]} also sets it"
                return ("failed", message, now)
        return ("done", "", now)

    def delete(self, change: Delete) -> Outcome:
        """Delete the child, if its preview, read again just before, still does not want it."""
        decided, lost = change, False
        try:
            for tries in range(TRIES):
                if reason := self._wanted_after_all(change):
                    return Outcome(change, "canceled", reason)
                if self.stop.asked:
                    return Outcome(change, "skipped", STOPPED)
                attempt = self._delete_once(decided)
                if attempt == "deleted":
                    return Outcome(change, "done")
                lost = lost or attempt == LOST
                self._let_pass(tries)
                live = None if attempt == "gone" else self._read(change.key)
                if live is None:
                    return Outcome(change, "done") if lost else self._gone(change)
                again = self._still(live, change)
                if not isinstance(again, Delete):
                    return Outcome(change, "canceled", again.message)
                decided = again
        except Exception as error:
            return _failed(change, error, self.resources.get(change.key.kind))
        return _too_often(change)

    def _delete_once(self, change: Delete) -> Literal["deleted", "gone", "again", "lost"]:
        key, guard = change.key, {"uid": change.live.uid, "resource_version": change.live.resource_version}
        try:
            deleted = self.cluster.delete(self.resources[key.kind], key.namespace, key.name, **guard)
        except Conflict:
            return AGAIN
        except AnswerLost:
            return LOST
        return "deleted" if deleted else "gone"

    def _gone(self, change: Delete) -> Outcome:
        """Nothing to delete: mostly somebody else was faster. But a list that goes on to show it is not of
        now.

        Lists come from a cache of the API server. Where etcd was put back to an earlier state under it, the
        cache shows what came later until the API server is started anew:
        https://etcd.io/docs/v3.6/op-guide/recovery/
        """
        key, name = change.key, f"metadata.name={change.key.name}"
        with suppress(ReconcileError):  # it is gone, whatever becomes of the question
            found = self.cluster.list(
                self.resources[key.kind], namespace=key.namespace, field=name, read=Live
            )
            if any(live.uid == change.live.uid for live in found.items):
                return Outcome(change, "failed", f"{key} {STALE}")
        return Outcome(change, "canceled", GONE, gone=True)

    def _still(self, live: Live, change: Delete) -> Delete | Keep:
        """What is to be done with it as it is now."""
        if why := _changed(live, change, self.manager):
            return Keep(change.key, change.preview, why)
        child = Child(live, split_place(change.preview).name, self.rules, uid=change.preview_uid or "")
        decided = prune(child, change.message, change.deadline)
        if isinstance(decided, Waiting):
            return Keep(change.key, change.preview, decided.message)
        return unless_data_is_lost(replace(change, live=live)) if isinstance(decided, Delete) else decided

    def _wanted_after_all(self, change: Delete) -> str:
        """Why not to delete after all; only the server's own word that the preview is gone counts as gone."""
        found = self.cluster.get(self.rules.names.previews, *split_place(change.preview))
        if found is None:
            return ""
        metadata = found["metadata"]
        if change.preview_uid is None:
            return "its preview was recreated"
        terminating = bool(metadata.get("deletionTimestamp"))
        if terminating != change.preview_terminating or metadata.get("uid", "") != change.preview_uid:
            return "its preview was deleted or recreated"
        protected = self.rules.names.protects(metadata.get("annotations") or {})
        changed = metadata.get("generation", 0) != change.preview_generation
        if change.preview_labels is not None and change.preview_labels != (metadata.get("labels") or {}):
            return "its preview's labels were changed"
        if changed or (protected and not self.rules.ends(change.deadline, change.preview)):
            return "its preview was changed"
        return ""


def _changed(live: Live, change: Delete, manager: str) -> str:
    """Why what is there by now is not what was to be deleted; "" where it is."""
    if live.uid != change.live.uid:
        return "it was recreated"
    if change.deadline and live.applied_at(manager) != change.live.applied_at(manager):
        return "it was applied again"
    if is_route(change.key.kind) and hostnames(live) != hostnames(change.live):
        return "its hostnames were changed"
    return ""


def _guarded(write: Callable[[], Attempt]) -> Attempt:
    """A conflict, or an answer that was lost, means: look again, then decide again."""
    try:
        return write()
    except Conflict:
        return AGAIN
    except AnswerLost:
        return LOST


def _but_for_status(live: Live, manager: str) -> tuple[object, ...]:
    """What stays the same when a status is written."""
    return live.uid, live.metadata.get("generation"), live.applied_by(manager)


def _too_often(change: Create | Update | Delete) -> Outcome:
    message = f"{change.key}: gave up after {TRIES} update conflicts; the next run will retry"
    return Outcome(change, "failed", message)


def _failed(change: Create | Update | Delete, error: Exception, resource: Resource | None) -> Outcome:
    """What a server says may quote the object that it refuses, or the one that is there."""
    if not isinstance(error, ReconcileError):
        return Outcome(change, "failed", internal_error(error))
    wanted = () if isinstance(change, Delete) else (change.manifest,)
    there = () if isinstance(change, Create) else (change.live.manifest,)
    result: Result = "rejected" if isinstance(error, Rejected) else "failed"
    return Outcome(change, result, redacted(missing_right(error, resource), *wanted, *there))
