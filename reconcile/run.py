"""One run: a pass, and another while something waits for what this run has just done, three at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from reconcile.around import Around
from reconcile.brake import DEFAULT_LIMIT, Limit
from reconcile.changes import Create, Keep, Outcome, Plan, Waiting
from reconcile.cluster.port import Cluster
from reconcile.collector import collector_paused
from reconcile.decide import Rules
from reconcile.desire import Renderings, desire
from reconcile.ending import Progress, WaitRequest, ended
from reconcile.errors import NoAnswer, ReconcileError, Stopped, UsageError
from reconcile.execute import execute
from reconcile.facts import gather
from reconcile.names import Names
from reconcile.observe import look, observe
from reconcile.ownership import claimed_preview
from reconcile.phases import Phases
from reconcile.plan import make_plan, only
from reconcile.policy import Policy
from reconcile.pool import Stop
from reconcile.result import Pass, Run
from reconcile.scope import Name, Scope
from reconcile.settings import Settings
from reconcile.snapshot import Preview, Snapshot
from reconcile.wish import Wish

PASSES = 3


@dataclass(frozen=True)
class Request:
    """What one run is asked to do."""

    scope: Scope
    settings: Settings
    adopt: bool = False
    dry_run: bool = False
    max_deletes: Limit = DEFAULT_LIMIT
    concurrency: int = 8
    wait: WaitRequest | None = None

    @property
    def names(self) -> Names:
        return self.settings.names

    @property
    def namespace(self) -> str | None:
        """The only namespace that is asked; None for all."""
        return self.scope.namespace if self.scope.namespace_only else None


Tell = Callable[[Plan], None]
Agree = Callable[[Plan], bool]


def run(
    cluster: Cluster,
    request: Request,
    *,
    tell: Tell,
    agree: Agree,
    stop: Stop | None = None,
    progress: Progress | None = None,
) -> Run:
    """Read, plan, tell, and, unless it is a dry run or nobody agrees, carry out, and wait where asked to.

    `tell` gets each plan before it is carried out; `agree` is asked once, about the first; `progress` is
    needed for a wait. Raises `Stopped` when it is told to end before anything was written.
    """
    phases = Phases(lambda: cluster.traffic)
    try:
        return _run(cluster, request, phases, tell, agree, stop or Stop(), progress)
    finally:
        phases.tell()


def _run(
    cluster: Cluster,
    request: Request,
    phases: Phases,
    tell: Tell,
    agree: Agree,
    stop: Stop,
    progress: Progress | None,
) -> Run:
    plan, seen = _plan(cluster, request, stop, phases)
    tell(plan)
    done = _begun(cluster, request, plan, seen)
    if request.dry_run:
        return done
    if plan.writes and not agree(plan):
        return replace(done, declined=True)
    phases.done("told")
    first = seen
    passes = [_carry_out(cluster, request, plan, seen, stop)]
    phases.done("written")
    named = frozenset(change.key for change in plan.waits_for_this_run)
    notes: tuple[str, ...] = ()
    cut_short = False
    while plan.waits_for_this_run and _got_something_done(passes[-1]) and not stop.asked:
        if len(passes) == PASSES:
            break
        try:
            plan, seen = _plan(cluster, request, stop, phases, before=seen.snapshot)
        except Stopped:
            break
        except ReconcileError as error:  # what was done is told all the same
            notes = (f"the next pass could not begin: {error}",)
            cut_short = True
            break
        plan = only(plan, named)
        if plan.writes:
            tell(plan)
        passes.append(_carry_out(cluster, request, plan, seen, stop))
        phases.done("written")
    done = replace(done, passes=tuple(passes), previews=seen.previews, cut_short=cut_short)
    # The statuses are of what the first pass planned: a spec that changed since is the next run's.
    facts = gather(first.wishes, passes, seen.snapshot.children) if cluster.is_server else ()
    done = ended(done, facts, _around(cluster, request, stop), request.wait, progress)
    phases.done("waited" if request.wait else "published")
    return replace(done, stopped=stop.asked, notes=(*notes, *done.notes))


def _around(cluster: Cluster, request: Request, stop: Stop) -> Around:
    return Around(
        cluster=cluster,
        settings=request.settings,
        rules=_rules(cluster, request),
        namespace=request.namespace,
        concurrency=request.concurrency,
        stop=stop,
    )


def _begun(cluster: Cluster, request: Request, plan: Plan, seen: "_Seen") -> Run:
    """The run, of which only the first plan is known."""
    return Run(
        (Pass(plan),),
        seen.unknown,
        seen.absent,
        dry_run=request.dry_run,
        previews=seen.previews,
        now=time_of(cluster),
        url_scheme=request.settings.url_scheme if request.settings.route_resource else "",
    )


def time_of(cluster: Cluster) -> datetime | None:
    """The time where the previews live; a server behind a proxy that takes its Date away tells none."""
    try:
        return cluster.now()
    except NoAnswer:
        return None


def _got_something_done(one: Pass) -> bool:
    return any(outcome.result == "done" for outcome in one.outcomes)


def _carry_out(cluster: Cluster, request: Request, plan: Plan, seen: "_Seen", stop: Stop) -> Pass:
    rules = _rules(cluster, request)
    outcomes = execute(plan, seen.wishes, cluster, rules, concurrency=request.concurrency, stop=stop)
    if not cluster.is_server:
        outcomes += _carry_over(cluster, plan, seen)
    return Pass(plan, outcomes)


def _carry_over(cluster: Cluster, plan: Plan, seen: "_Seen") -> tuple[Outcome, ...]:
    """A folder gets also what stays as it is; what cannot be written there is a failure like another."""
    wanted = {manifest.key: manifest for wish in seen.wishes for manifest in wish.children}
    failures = []
    for change in plan.changes:
        live = seen.snapshot.children.get(change.key)
        if not isinstance(change, Keep | Waiting) or live is None:
            continue
        unchanged = isinstance(change, Keep) and not change.reason
        try:
            cluster.carry_over(wanted.get(change.key, live.manifest) if unchanged else live.manifest)
        except ReconcileError as error:
            failures.append(
                Outcome(Create(change.key, change.preview, live.manifest, ""), "failed", str(error))
            )
    return tuple(failures)


@dataclass(frozen=True)
class _Seen:
    """What a plan was made from."""

    snapshot: Snapshot
    wishes: tuple[Wish, ...]
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def previews(self) -> tuple[Preview, ...]:
        return tuple(wish.preview for wish in self.wishes if wish.in_scope)


@collector_paused()
def _plan(
    cluster: Cluster, request: Request, stop: Stop, phases: Phases, *, before: Snapshot | None = None
) -> tuple[Plan, _Seen]:
    """One pass up to its plan: only reads. `before` is what the pass before it saw."""
    renderings = Renderings(request.settings, request.scope)
    snapshot = observe(
        cluster,
        request.names,
        namespace=request.namespace,
        concurrency=request.concurrency,
        stop=stop,
        meanwhile=renderings.prepare,
        before=before,
    )
    phases.done("read")
    unknown, absent = _check_names(request.scope, snapshot, request.names)
    now = time_of(cluster) if cluster.is_server else None
    wishes = desire(snapshot.previews, request.settings, request.scope, now=now, renderings=renderings)
    phases.done("desired")
    snapshot = look(cluster, snapshot, wishes, concurrency=request.concurrency, stop=stop)
    phases.done("looked")
    plan = make_plan(snapshot, wishes, _policy(cluster, request))
    phases.done("planned")
    return plan, _Seen(snapshot, wishes, unknown, absent)


@dataclass(frozen=True)
class Planned:
    """What a run would do, and what it would do it for; `notes` are those about the one preview."""

    plan: Plan
    snapshot: Snapshot
    wishes: tuple[Wish, ...]
    place: str
    notes: tuple[str, ...] = ()


def plan_about(cluster: Cluster, request: Request, wanted: Name, stop: Stop) -> Planned:
    """The plan of a run, with the place of one preview in it, "" where it is unknown; only reads.

    It is the plan of the whole scope, for hostnames and the brake are decided among all.
    """
    plan, seen = _plan(cluster, request, stop, Phases(lambda: cluster.traffic))
    place = place_of(wanted, seen.snapshot, request.names)
    mine = tuple(replace(wish, in_scope=wish.place == place) for wish in seen.wishes)
    only_it = Scope(names=(Name(*place.split("/")),) if place else ())
    narrow = replace(_policy(cluster, request), scope=only_it)
    notes = make_plan(seen.snapshot, mine, narrow).notes if place else ()
    return Planned(plan, seen.snapshot, seen.wishes, place, notes)


def _rules(cluster: Cluster, request: Request) -> Rules:
    return Rules(request.names, from_server=cluster.is_server, adopt=request.adopt)


def _policy(cluster: Cluster, request: Request) -> Policy:
    route = request.settings.route_resource
    return Policy(
        rules=_rules(cluster, request),
        scope=request.scope,
        route_kind=route.kind if route else "",
        switch=request.settings.route_given,
        max_deletes=request.max_deletes,
    )


def _check_names(scope: Scope, snapshot: Snapshot, names: Names) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the NAMEs answer to nothing. UsageError for a bare one that is in several namespaces."""
    unknown: list[str] = []
    absent: list[str] = []
    for wanted in scope.names:
        if not place_of(wanted, snapshot, names):
            (absent if wanted.namespace else unknown).append(str(wanted))
    return tuple(unknown), tuple(absent)


def place_of(wanted: Name, snapshot: Snapshot, names: Names) -> str:
    """The `NAMESPACE/NAME` of a preview, or of what is left of one; "" where there is neither.

    UsageError for a bare NAME that is in several namespaces.
    """
    places = {(preview.namespace, preview.name) for preview in snapshot.previews}
    places |= {
        (key.namespace, owner)
        for key, live in snapshot.children.items()
        if (owner := claimed_preview(live, names))
    }
    found = sorted(ns for ns, name in places if name == wanted.name and wanted.namespace in ("", ns))
    if len(found) > 1:
        raise UsageError(_several(wanted, found))
    return f"{found[0]}/{wanted.name}" if found else ""


def _several(wanted: Name, namespaces: list[str]) -> str:
    places = ", ".join(f"{namespace}/{wanted.name}" for namespace in namespaces)
    return f"{wanted.name} is in more than one namespace: say which of {places}"
