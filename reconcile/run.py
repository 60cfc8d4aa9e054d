"""One run: a pass, and another while something waits for what this run has just done, three at most."""

from collections.abc import Callable
from dataclasses import replace

from reconcile.changes import Create, Keep, Outcome, Plan, Waiting
from reconcile.cluster.port import Cluster
from reconcile.ending.around import Around
from reconcile.ending.end import Progress, ended
from reconcile.errors import ReconcileError, Stopped
from reconcile.execute import execute
from reconcile.facts import gather
from reconcile.phases import Phases
from reconcile.plan import only
from reconcile.planning import Seen, plan_pass, time_of
from reconcile.pool import Stop
from reconcile.request import Request
from reconcile.result import Pass, Run

PASSES = 3
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
    plan, seen = plan_pass(cluster, request, stop, phases)
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
            plan, seen = plan_pass(cluster, request, stop, phases, before=seen.snapshot)
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
        rules=request.rules(from_server=cluster.is_server),
        namespace=request.namespace,
        concurrency=request.concurrency,
        stop=stop,
    )


def _begun(cluster: Cluster, request: Request, plan: Plan, seen: Seen) -> Run:
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


def _got_something_done(one: Pass) -> bool:
    return any(outcome.result == "done" for outcome in one.outcomes)


def _carry_out(cluster: Cluster, request: Request, plan: Plan, seen: Seen, stop: Stop) -> Pass:
    rules = request.rules(from_server=cluster.is_server)
    outcomes = execute(plan, seen.wishes, cluster, rules, concurrency=request.concurrency, stop=stop)
    if not cluster.is_server:
        outcomes += _carry_over(cluster, plan, seen)
    return Pass(plan, outcomes)


def _carry_over(cluster: Cluster, plan: Plan, seen: Seen) -> tuple[Outcome, ...]:
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
