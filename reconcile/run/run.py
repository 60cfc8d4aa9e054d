"""One run: a pass, and another while something waits for what this run has just done, three at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES
from reconcile.errors import ReconcileError, Stopped
from reconcile.execute.execute import execute
from reconcile.execute.write import GONE
from reconcile.plan.changes import Create, Keep, Outcome, Plan, Waiting
from reconcile.plan.plan import only
from reconcile.run.finish import Progress, finish
from reconcile.run.passes import Seen, plan_pass, time_of
from reconcile.run.phases import Phases
from reconcile.run.request import Request
from reconcile.status.facts import gather
from reconcile.status.result import Pass, Run

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
    context = request.context(cluster, stop or Stop())
    phases = Phases(lambda: cluster.traffic)
    try:
        return _run(context, request, phases, tell, agree, progress)
    finally:
        phases.tell()


def _run(
    context: Context,
    request: Request,
    phases: Phases,
    tell: Tell,
    agree: Agree,
    progress: Progress | None,
) -> Run:
    plan, seen = plan_pass(context, request, phases)
    tell(plan)
    done = _begun(context.cluster, request, plan, seen)
    if request.dry_run:
        return done
    if plan.writes and not agree(plan):
        return replace(done, declined=True)
    phases.done("told")
    carried = _carry_out_all(context, request, plan, seen, phases, tell)
    done = replace(
        done,
        passes=carried.passes,
        previews=carried.seen.previews,
        settled=carried.seen.settled,
        cut_short=bool(carried.trouble),
        notes=(carried.trouble,) if carried.trouble else (),
    )
    # The statuses are of what the first pass planned: a spec that changed since is the next run's.
    children, looked_at = carried.seen.snapshot.children, seen.snapshot.looked_at
    is_server = context.cluster.is_server
    facts = gather(seen.all_desired, carried.passes, children, looked_at) if is_server else ()
    told = finish(context, done, facts, request.rules(from_server=is_server), request.wait, progress)
    phases.done("waited" if request.wait else "published")
    return replace(told, stopped=context.stop.asked, notes=(*done.notes, *told.notes))


@dataclass(frozen=True)
class _CarriedOut:
    """What the passes did; the last of them saw `seen`. `trouble` is why another, which was due, is not
    there: "" where none was."""

    passes: tuple[Pass, ...]
    seen: Seen
    trouble: str = ""


def _carry_out_all(
    context: Context, request: Request, plan: Plan, seen: Seen, phases: Phases, tell: Tell
) -> _CarriedOut:
    """This plan, and then those of what waited for it; they are about nothing else."""
    named = frozenset(change.key for change in plan.waits_for_this_run)
    passes = [_carry_out(context, request, plan, seen)]
    phases.done("written")
    while _asks_for_another(passes) and not context.stop.asked:
        try:
            plan, seen = plan_pass(context, request, phases, before=seen.snapshot.kinds)
        except Stopped:
            break
        except ReconcileError as error:  # what was done is told all the same
            return _CarriedOut(tuple(passes), seen, f"the next pass could not begin: {error}")
        plan = only(plan, named)
        if plan.writes:
            tell(plan)
        passes.append(_carry_out(context, request, plan, seen))
        phases.done("written")
    return _CarriedOut(tuple(passes), seen)


def _asks_for_another(passes: list[Pass]) -> bool:
    """Whether something waits for this run, and may have got what it waits for."""
    last = passes[-1]
    made_room = any(outcome.result == "done" or outcome.message == GONE for outcome in last.outcomes)
    return len(passes) < PASSES and bool(last.plan.waits_for_this_run) and made_room


def _begun(cluster: Cluster, request: Request, plan: Plan, seen: Seen) -> Run:
    """The run, of which only the first plan is known."""
    return Run(
        (Pass(plan),),
        seen.unknown,
        seen.absent,
        dry_run=request.dry_run,
        previews=seen.previews,
        settled=seen.settled,
        group=request.settings.group,
        now=time_of(cluster),
        url_scheme=request.settings.url_scheme if request.settings.route_resource else "",
    )


def _carry_out(context: Context, request: Request, plan: Plan, seen: Seen) -> Pass:
    cluster = context.cluster
    rules = request.rules(from_server=cluster.is_server)
    seed = str(time_of(cluster)) if cluster.is_server else ""
    outcomes = execute(context, plan, seen.all_desired, rules, seed=seed)
    if not cluster.is_server:
        outcomes += _carry_over(cluster, plan, seen)
    return Pass(plan, outcomes)


def _carry_over(cluster: Cluster, plan: Plan, seen: Seen) -> tuple[Outcome, ...]:
    """A folder gets also what stays as it is; what cannot be written there is a failure like another."""
    wanted = {manifest.key: manifest for desired in seen.all_desired for manifest in desired.children}
    failures = []
    for change in plan.changes:
        live = seen.snapshot.children.get(change.key)
        if not isinstance(change, Keep | Waiting) or live is None:
            continue
        unchanged = isinstance(change, Keep) and not change.reason
        try:
            manifest = wanted.get(change.key, live.manifest) if unchanged else live.manifest
            cluster.carry_over(RESOURCES[change.key.kind], manifest)
        except ReconcileError as error:
            failures.append(
                Outcome(Create(change.key, change.preview, live.manifest, ""), "failed", str(error))
            )
    return tuple(failures)
