"""One pass up to its plan: only reads."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from reconcile.cluster.context import Context
from reconcile.cluster.port import Cluster
from reconcile.desire.children import CHILDREN, RESOURCES
from reconcile.desire.desire import Renderings, desire
from reconcile.desire.desired import Desired
from reconcile.errors import ClusterError, NoAnswer, UsageError
from reconcile.kube.live import Live
from reconcile.kube.objects import NamespacedName, split_place
from reconcile.kube.schema import is_native, learn
from reconcile.model.fingerprint import Fingerprints
from reconcile.model.room import Room
from reconcile.model.scope import Labels, Scope
from reconcile.model.settings import Settings
from reconcile.model.snapshot import KindList, Preview, Settled, Snapshot
from reconcile.observe import Query, look, observe
from reconcile.plan.changes import Plan
from reconcile.plan.child_policy import places_left
from reconcile.plan.plan import make_plan
from reconcile.plan.reads import reads_of
from reconcile.plan.reopen import contested, to_open
from reconcile.run.phases import Phases
from reconcile.run.program import program
from reconcile.run.request import Request
from reconcile.run.verbs import instead_of_verb


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection meanwhile.

    Each would walk through all that was read so far, which is ten thousand trees of JSON, and find nothing:
    trees have no circles, and go when nobody refers to them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Seen:
    """What a plan was made from; `settled` are the previews of the scope that were not compared."""

    snapshot: Snapshot
    all_desired: tuple[Desired, ...]
    settled: tuple[Settled, ...] = ()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def previews(self) -> tuple[Preview, ...]:
        return tuple(desired.preview for desired in self.all_desired if desired.in_scope)


Kinds = Mapping[str, KindList]


@collector_paused()
def plan_pass(
    context: Context,
    request: Request,
    phases: Phases,
    *,
    before: Kinds | None = None,
    whole: bool = False,
    about: NamespacedName | None = None,
) -> tuple[Plan, Seen]:
    """One pass up to its plan: only reads. `before` is which kinds the pass before it saw; `whole`: also what
    a fingerprint tells to be unchanged is compared. `about` is the one preview that all has to be seen of."""
    this = _Pass(context, request, about)
    snapshot = this.observe(before, whole=whole)
    phases.done("read")
    unknown, absent = _check_names(context, request.scope, snapshot)
    snapshot = this.learn(this.reopen(snapshot))
    all_desired = this.desire(snapshot)
    phases.done("desired")
    snapshot = this.look(snapshot, all_desired)
    if by_listeners := _by_listeners(snapshot):
        snapshot = snapshot.opened(by_listeners, request.settings.group)
        all_desired = this.desire(snapshot)
    phases.done("looked")
    plan = make_plan(snapshot, all_desired, request.plan_options(from_server=this.from_server, now=this.now))
    phases.done("planned")
    scope = request.scope
    settled = tuple(one for one in snapshot.settled if scope.has(one.namespace, one.name, one.labels))
    return plan, Seen(snapshot, all_desired, settled, unknown, absent)


class _Pass:
    """What one pass reads, and what is wanted by that."""

    def __init__(self, context: Context, request: Request, about: NamespacedName | None) -> None:
        self.context = context
        self.request = request
        self.about = about
        self.from_server = context.cluster.is_server
        self.renderings = Renderings(context.settings, request.scope)
        self.keep = Room(context.names).live if self.from_server else Live

    @cached_property
    def now(self) -> datetime | None:
        """The server's time, which its answers tell."""
        return time_of(self.context.cluster) if self.from_server else None

    def observe(self, before: Kinds | None, *, whole: bool) -> Snapshot:
        """The lists. What follows a first pass, or waits, needs to know the children: it compares all."""
        request, settings = self.request, self.context.settings
        return observe(
            self.context,
            _queries(settings),
            meanwhile=self.renderings.prepare if not self.custom else lambda preview: preview,
            before=before,
            keep=self.keep,
            fingerprints=Fingerprints(program(), settings) if self.from_server else None,
            whole=whole or before is not None or request.wait is not None or not request.fingerprint,
            remembering=self.is_about,
        )

    def is_about(self, namespace: str, name: str, labels: Labels) -> bool:
        """Whether all of a preview has to be seen."""
        if self.about is None:
            return self.request.scope.has(namespace, name, labels)
        return self.about.name == name and self.about.namespace in ("", namespace)

    def reopen(self, snapshot: Snapshot) -> Snapshot:
        """With those of the settled previews that others or the clock may have changed."""
        settings = self.context.settings
        return snapshot.opened(to_open(snapshot, settings, self.now), settings.group)

    @cached_property
    def custom(self) -> tuple[str, ...]:
        """The full kinds of further children whose schemas only a server knows; of Kubernetes' own groups
        these are some too, such as a GRPCRoute."""
        further = self.context.settings.further_kinds
        return tuple(one.full_kind for one in further if not is_native(one.api_version, one.kind))

    def learn(self, snapshot: Snapshot) -> Snapshot:
        """Have the schemas of custom kinds at hand, where anything is compared; of a kind whose schema cannot
        be read nothing is changed. UsageError for what documents have that their schemas have not."""
        if not (self.custom and snapshot.previews and self.from_server):
            return snapshot
        from reconcile.desire.templates.load import refused_by_schema  # what only templates need

        snapshot = self._learned(snapshot)
        if refused_by_schema(self.context.settings):  # a CRD may be another than when an earlier run asked
            snapshot = self._learned(snapshot, anew=True)
        if problems := refused_by_schema(self.context.settings):
            raise UsageError("\n".join(problems))
        return snapshot

    def _learned(self, snapshot: Snapshot, *, anew: bool = False) -> Snapshot:
        asked = [snapshot.kinds[kind] for kind in self.custom if snapshot.kinds[kind].installed]
        learned = self.context.read_all(partial(_learned, self.context.cluster, anew=anew), asked)
        return snapshot.with_kinds({one.resource.full_kind: one for one in learned if one.problem})

    def desire(self, snapshot: Snapshot) -> tuple[Desired, ...]:
        rules = self.request.rules(from_server=self.from_server)
        return desire(
            snapshot.previews,
            self.context.settings,
            self.request.scope,
            now=self.now,
            renderings=self.renderings,
            left=partial(places_left, snapshot.children.values(), rules),
            hours=snapshot.hours,
        )

    def look(self, snapshot: Snapshot, all_desired: tuple[Desired, ...]) -> Snapshot:
        return look(self.context, snapshot, reads_of(all_desired, snapshot), keep=self.keep)


def _learned(cluster: Cluster, kind: KindList, *, anew: bool) -> KindList:
    """The kind, whose schema is at hand from now on, or why it is not."""
    resource = kind.resource
    if kind.problem:
        return kind
    try:
        node = cluster.schema(resource, anew=anew)
    except ClusterError as error:
        return KindList(resource, problem=f"its schema could not be read: {error}", known=False)
    if node is None:
        return KindList(resource, problem="the server publishes no schema of it", known=False)
    learn(resource.api_version, resource.kind, node)
    return kind


def _queries(settings: Settings) -> list[Query]:
    """The kinds of children. Routes of everybody count: whoever has a hostname already keeps it."""
    label = settings.names.preview_label
    built_in = [
        Query(kind.resource, None if kind.is_route else label, optional=kind.is_route)
        for kind in CHILDREN
        if kind.resource not in settings.left_out
    ]
    further = (one for one in settings.further_kinds if one.full_kind not in RESOURCES)
    return [*built_in, *(Query(one, label, optional=True) for one in further)]


def _by_listeners(snapshot: Snapshot) -> frozenset[str]:
    """The settled previews whose hostname is a listener's, now that the Gateways were read."""
    if not snapshot.gateways or not snapshot.settled:
        return frozenset()
    asked_for = contested(snapshot)
    return frozenset(one.place for one in snapshot.settled if one.fqdn in asked_for)


@dataclass(frozen=True)
class Planned:
    """What a run would do, and what it would do it for; `notes` are those about the one preview."""

    plan: Plan
    snapshot: Snapshot
    all_desired: tuple[Desired, ...]
    settings: Settings
    place: str
    notes: tuple[str, ...] = ()

    @property
    def desired(self) -> Desired | None:
        """What the one preview desires; None where it is gone."""
        return next((desired for desired in self.all_desired if desired.place == self.place), None)


def plan_about(context: Context, request: Request, wanted: NamespacedName) -> Planned:
    """The plan of a run, with the place of one preview in it, "" where it is unknown; only reads.

    It is the plan of the whole scope, for hostnames and `--max-deletes` are decided among all.
    """
    cluster = context.cluster
    plan, seen = plan_pass(context, request, Phases(lambda: context.traffic), whole=True, about=wanted)
    place = place_of(context, wanted, seen.snapshot)
    mine = tuple(replace(desired, in_scope=desired.place == place) for desired in seen.all_desired)
    options = replace(request.plan_options(from_server=cluster.is_server, now=None), scope=_only(place))
    notes = make_plan(seen.snapshot, mine, options).notes if place else ()
    return Planned(plan, seen.snapshot, seen.all_desired, request.settings, place, notes)


def _only(place: str) -> Scope:
    return Scope(names=(split_place(place),) if place else ())


def time_of(cluster: Cluster) -> datetime | None:
    """The time where the previews live; a server behind a proxy that takes its Date away tells none."""
    try:
        return cluster.now()
    except NoAnswer:
        return None


def _check_names(
    context: Context, scope: Scope, snapshot: Snapshot
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the NAMEs answer to nothing.

    UsageError for a bare one that is in several namespaces, and for one that is a verb: whoever types
    `delete pr-1` does not want pr-1 reconciled.
    """
    unknown: list[str] = []
    absent: list[str] = []
    for wanted in scope.names:
        if not place_of(context, wanted, snapshot):
            bare = wanted.namespace in ("", scope.namespace)
            if bare and (instead := instead_of_verb(wanted.name, context.names.group)):
                raise UsageError(f"{wanted}: no such preview, and no such verb: {instead}")
            (absent if wanted.namespace else unknown).append(str(wanted))
    return tuple(unknown), tuple(absent)


def place_of(context: Context, wanted: NamespacedName, snapshot: Snapshot) -> str:
    """The `NAMESPACE/NAME` of a preview, or of what is left of one; "" where there is neither.

    UsageError for a bare NAME that is in several namespaces.
    """
    places = {(preview.namespace, preview.name) for preview in (*snapshot.previews, *snapshot.settled)}
    places |= {
        (key.namespace, owner)
        for key, live in snapshot.children.items()
        if (owner := context.names.preview_of(live))
    }
    found = sorted(ns for ns, name in places if name == wanted.name and wanted.namespace in ("", ns))
    if len(found) > 1:
        raise UsageError(_several(wanted, found))
    return f"{found[0]}/{wanted.name}" if found else ""


def _several(wanted: NamespacedName, namespaces: list[str]) -> str:
    places = ", ".join(f"{namespace}/{wanted.name}" for namespace in namespaces)
    return f"{wanted.name} is in more than one namespace; pass one of {places}"
