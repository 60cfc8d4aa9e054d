"""What one run knows of each preview when it ends; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from reconcile.desire.children import is_further, is_route, is_route_of, runs_once
from reconcile.desire.desired import Desired
from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.job import is_finished, progress
from reconcile.kube.health.rollout import short_line
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.kube.objects import DEPLOYMENT, JOB, Key
from reconcile.model.names import APP_COMPONENT, COMPONENT_LABEL, NAME_TAKEN, SETUP_COMPONENT
from reconcile.model.setup_record import SetupRecord, newest, record_in
from reconcile.model.status import Kept
from reconcile.plan.changes import (
    Blocked,
    Change,
    Create,
    Keep,
    NoDelete,
    Outcome,
    Skipped,
    Update,
    Waiting,
    not_deleted,
)
from reconcile.status.result import Pass

MOST_KEPT = 2000
"""Characters of what a status says of kept children; the paths of fields may be an author's."""

Lives = Mapping[Key, Live]


@dataclass(frozen=True)
class Facts:
    """One preview: what it wants, what the passes planned and did about it, and what is there.

    `deployment`, `setup` (the Job of its image and revision) and `route` are its own, None where they are
    not there; `pods` and `setup_pods`, and the `events` about these and the Job, are asked for apart.
    `further` are its further children that are there, in apply order, and `further_pods` theirs.
    `recorded` is what its status records of a setup Job, or what this run has seen of it before.
    `unread` are the kinds of its children that could not be read: of these nobody knows.
    `observed_digest` is the digest of what was compared, the `children` among it, "" where that is not
    all that there is by now.
    """

    desired: Desired
    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    deployment: Live | None
    route: Live | None
    setup: Live | None = None
    pods: tuple[Live, ...] = ()
    setup_pods: tuple[Live, ...] = ()
    further: tuple[Live, ...] = ()
    further_pods: tuple[Live, ...] = ()
    events: tuple[PodEvent, ...] = ()
    unread: tuple[Skipped, ...] = ()
    recorded: SetupRecord | None = None
    observed_digest: str = ""
    children: tuple[Live, ...] = ()

    @property
    def blocks(self) -> tuple[Blocked, ...]:
        return tuple(change for change in self.changes if isinstance(change, Blocked))

    @property
    def is_unchanged(self) -> bool:
        """Whether the next run that sees the same objects would find nothing to do either."""
        return bool(self.observed_digest) and self._stays

    @property
    def _stays(self) -> bool:
        """Whether each child is the one that is wanted, or stays for a reason that lies in it, and the route
        has the hostname and no other."""
        if self.outcomes or self.desired.reason or self.unread:
            return False
        kept = [change for change in self.changes if isinstance(change, Keep) and change.message]
        if sum(len(change.message) for change in kept) > MOST_KEPT:
            return False
        if not all(isinstance(c, Keep) and c.no_delete is not NoDelete.PROTECTED for c in self.changes):
            return False
        changes = [change for change in self.changes if not not_deleted(change, NoDelete.HOLDS_DATA)]
        there = {_slot(change.key) for change in changes}
        wanted = {_slot(child.key): child for child in self.desired.children}
        missing = [child for slot, child in wanted.items() if slot not in there]
        return (
            len(there) == len(changes)
            and there <= wanted.keys()
            and not any(is_route(child.key.kind) or self.desired.looks_for(child) for child in missing)
            and (self.route is None or hostnames(self.route) == {self.desired.fqdn})
        )

    @property
    def changed_at(self) -> str:
        """When somebody last changed one of its children, as managedFields tell; "" where none does."""
        return max((live.changed_at for live in self.children), default="")

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Where nothing is to be done, the children that stay otherwise than wanted, and why."""
        if not self._stays:
            return ()
        return tuple(
            Kept(c.key.kind, "" if c.key.name == self.desired.preview.name else c.key.name, c.message)
            for c in self.changes
            if isinstance(c, Keep) and c.message
        )

    def is_unread(self, kind: str) -> bool:
        """Whether nobody knows what there is of a kind of its children."""
        return any(entry.subject == kind for entry in self.unread)

    def pods_of(self, live: Live) -> tuple[Live, ...]:
        """The pods of one of its further children."""
        component = live.labels.get(COMPONENT_LABEL)
        return tuple(pod for pod in self.further_pods if pod.labels.get(COMPONENT_LABEL) == component)

    @property
    def on_route(self) -> frozenset[str]:
        """The hostnames by which it is reached, as far as is known: of its route, or of what templates make
        in the place of one."""
        if self.route is not None:
            return hostnames(self.route)
        leads = any(live.key in self.desired.at_hostname for live in self.further)
        return frozenset({self.desired.fqdn}) if leads else frozenset()

    @property
    def wanted(self) -> frozenset[Key]:
        """The children that it wants."""
        return self.desired.wanted

    @property
    def sets_up(self) -> bool:
        """Whether a setup Job has to be complete before it is ready."""
        return any(runs_once(manifest["kind"]) for manifest in self.desired.children)

    @property
    def setup_key(self) -> Key | None:
        """The setup Job of its image and revision, there or not; None where there is to be none."""
        return next(
            (manifest.key for manifest in self.desired.children if manifest["kind"] == JOB.kind), None
        )

    @property
    def setup_record(self) -> SetupRecord | None:
        """What there is to record of its setup: how the Job is, or, where it is removed, how it was last.

        An object that is not ours says nothing, nor does a Job that is being deleted and was never recorded:
        it may be that of a preview of the same name that was deleted before.
        """
        key, job, before = self.setup_key, self.setup, self.recorded
        mine = before if key is not None and before is not None and before.job == key.name else None
        if key is None or self._is_taken or self.is_unread(key.kind):
            return before
        if job is None:
            lost = mine is not None and mine.result == "Running" and key not in self.awaited
            return replace(mine, result="Unknown") if lost and mine is not None else before
        if job.terminating and mine is None:
            return before
        return newest(mine, _seen(job, self.setup_pods))

    def recorded_by(self, status: Mapping[str, Any]) -> SetupRecord | None:
        """What is recorded of its setup where another run may have written this status meanwhile: that, and
        what this run has seen."""
        there, seen, key = record_in(status), self.setup_record, self.setup_key
        mine = seen is not None and key is not None and seen.job == key.name
        return newest(there, seen) if mine and seen is not None else there

    @property
    def _is_taken(self) -> bool:
        """Whether an object of a name that it needs is not ours."""
        blocks = any(block.reason == NAME_TAKEN for block in self.blocks)
        return blocks or any(outcome.result == "blocked" for outcome in self.outcomes)

    @property
    def awaited(self) -> frozenset[Key]:
        """The wanted children that this run left as they were."""
        planned = {c.key for c in self.changes if isinstance(c, Waiting) and c.key in self.wanted}
        return frozenset(planned | {o.change.key for o in self.outcomes if o.result == "canceled"})

    @property
    def waits(self) -> tuple[str, ...]:
        """Why children that it wants are not as wanted yet."""
        planned = [c.message for c in self.changes if isinstance(c, Waiting) and c.key in self.wanted]
        return (*planned, *(o.message for o in self.outcomes if o.result == "canceled"))


def _slot(key: Key) -> Key:
    """A child by what it is for: a kept route stands in the place of the wanted one of another kind."""
    return Key("route", key.namespace, key.name) if is_route(key.kind) else key


def gather(
    all_desired: Iterable[Desired],
    passes: Sequence[Pass],
    children: Lives,
    observed_digests: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Facts, ...]:
    """The facts of every preview in scope; `all_desired` and `observed_digests` are of the first pass,
    `children` of the last."""
    changes = _changes(passes)
    outcomes = _outcomes(passes)
    lives = {**children, **{o.change.key: o.live for o in passes[-1].outcomes if o.live is not None}}
    unread = tuple(dict.fromkeys(entry for one in passes for entry in one.plan.skipped))
    return tuple(
        replace(
            _facts(desired, changes.get(desired.place, ()), outcomes.get(desired.place, ()), lives, unread),
            observed_digest=observed_digests.get(desired.place, ""),
            children=tuple(lives[c.key] for c in changes.get(desired.place, ()) if c.key in lives),
        )
        for desired in all_desired
        if desired.in_scope
    )


def _changes(passes: Sequence[Pass]) -> Mapping[str, tuple[Change, ...]]:
    """The changes by preview; what a later pass says of a child stands in place of what an earlier said."""
    found: dict[str, dict[tuple[Key, str], Change]] = {}
    for change in (change for one in passes for change in one.plan.changes):
        reason = change.reason if isinstance(change, Blocked) else ""
        found.setdefault(change.preview, {})[change.key, reason] = change
    return {place: tuple(mine.values()) for place, mine in found.items()}


def _outcomes(passes: Sequence[Pass]) -> Mapping[str, tuple[Outcome, ...]]:
    """What became of creates and updates, by preview: a failed delete takes nothing from a preview."""
    found: dict[str, list[Outcome]] = {}
    for outcome in (outcome for one in passes for outcome in one.outcomes):
        if isinstance(outcome.change, Create | Update):
            found.setdefault(outcome.change.preview, []).append(outcome)
    return {place: tuple(mine) for place, mine in found.items()}


def _facts(
    desired: Desired,
    changes: Sequence[Change],
    outcomes: Sequence[Outcome],
    lives: Lives,
    unread: Sequence[Skipped],
) -> Facts:
    deployment = Key(DEPLOYMENT.kind, desired.preview.namespace, desired.preview.name)
    keys = [manifest.key for manifest in desired.children]
    kinds = {key.kind for key in keys}
    route = _route(desired, changes, lives)
    if route is None and desired.hostname_record is not None:  # it may have one of a kind that it had before
        kinds |= {entry.subject for entry in unread if is_route(entry.subject)}
    return Facts(
        desired,
        tuple(changes),
        tuple(outcome for outcome in outcomes if _is_about(outcome, desired)),
        deployment=lives.get(deployment),
        setup=next((lives[key] for key in keys if runs_once(key.kind) and key in lives), None),
        route=route,
        further=further_of(desired, lives),
        unread=tuple(entry for entry in unread if entry.subject in kinds),
        recorded=_recorded(desired, outcomes),
    )


def further_of(desired: Desired, lives: Lives) -> tuple[Live, ...]:
    """The further children that a preview wants and that are there, in apply order."""
    name = desired.preview.name
    keys = (child.key for child in desired.children if is_further(child.key, name))
    return tuple(lives[key] for key in keys if key in lives)


def _recorded(desired: Desired, outcomes: Sequence[Outcome]) -> SetupRecord | None:
    """What its status records of its setup; one that this run has made may be removed by its last pass."""
    for outcome in outcomes:
        key = outcome.change.key
        made = isinstance(outcome.change, Create) and outcome.result == "done"
        if made and key.kind == JOB.kind and key in desired.wanted:
            return newest(desired.record, SetupRecord(key.name, "Running"))
    return desired.record


def _seen(job: Live, pods: Sequence[Live]) -> SetupRecord:
    """What a Job that is there says of itself."""
    found = progress(job, pods)
    if found is None:
        return SetupRecord(job.key.name, "Complete")
    if not is_finished(job):
        return SetupRecord(job.key.name, "Running")
    return SetupRecord(job.key.name, "Failed", short_line(found.message))


def _is_about(outcome: Outcome, desired: Desired) -> bool:
    """Whether it can take anything from a preview: not what is only protected, and that nobody wants."""
    return isinstance(outcome.change, Create) or outcome.change.key in desired.wanted


def _route(desired: Desired, changes: Sequence[Change], lives: Lives) -> Live | None:
    """The route that leads to it: of the kind that it wants, else the one of another kind that it kept."""
    name = desired.preview.name
    routes = [c.key for c in changes if is_route_of(c.key, name) and isinstance(c, Keep | Create | Update)]
    there = [lives[key] for key in sorted(routes, key=lambda key: key not in desired.wanted) if key in lives]
    return there[0] if there else None


def further_by_preview(pods: Iterable[Live], label: str) -> Mapping[str, tuple[Live, ...]]:
    """The pods of each preview's further children."""
    others = [pod for pod in pods if pod.labels.get(COMPONENT_LABEL) not in (APP_COMPONENT, SETUP_COMPONENT)]
    components = {str(pod.labels.get(COMPONENT_LABEL)) for pod in others}
    found: dict[str, tuple[Live, ...]] = {}
    for component in sorted(components):
        for place, mine in by_preview(others, label, component).items():
            found[place] = (*found.get(place, ()), *mine)
    return found


def by_preview(
    pods: Iterable[Live], label: str, component: str = APP_COMPONENT
) -> Mapping[str, tuple[Live, ...]]:
    """The pods of each preview's Deployment, or of another component, by `NAMESPACE/NAME`.

    The `label` names the preview. Those that are terminating are left out."""
    found: dict[str, list[Live]] = {}
    for pod in pods:
        if pod.labels.get(COMPONENT_LABEL) == component and not pod.terminating:
            place = f"{pod.key.namespace}/{pod.labels.get(label, '')}"
            found.setdefault(place, []).append(pod)
    return {place: tuple(mine) for place, mine in found.items()}
