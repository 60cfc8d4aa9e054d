"""One run: a pass, and another while something waits for what this run has just done, three at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster, Filled
from reconcile.errors import ReconcileError, Stopped
from reconcile.execute.execute import execute
from reconcile.execute.foreseen import unforeseen
from reconcile.plan.changes import Create, Keep, Outcome, Plan, Waiting
from reconcile.plan.plan import only
from reconcile.run.finish import Watcher, finish
from reconcile.run.gateways import missing_gateways
from reconcile.run.passes import Seen, plan_pass, time_of
from reconcile.run.phases import Phases
from reconcile.run.request import Request
from reconcile.status.facts import Facts, gather
from reconcile.status.kinds import keep_in_mind
from reconcile.status.result import Pass, Run

PASSES = 3
ShowPlan = Callable[[Plan], None]
Agree = Callable[[Plan], bool]


def run(
    cluster: Cluster,
    request: Request,
    *,
    show_plan: ShowPlan,
    agree: Agree,
    stop: Stop | None = None,
    progress: Watcher | None = None,
) -> Run:
    """Read, plan, and, unless it is a dry run or nobody agrees, execute the plan, and wait where asked to.

    `show_plan` gets each plan before it is executed; `agree` is asked once, about the first; `progress` is
    needed for a wait. Raises `Stopped` when it is told to end before anything was written.
    """
    context = request.context(cluster, stop or Stop())
    with Phases(lambda: context.traffic) as phases:
        return _Run(context, request, phases, show_plan, agree, progress).once()


@dataclass(frozen=True)
class _Executed:
    """What the passes did; the last of them saw `seen`. `trouble` is why another, which was due, is not
    there: "" where none was."""

    passes: tuple[Pass, ...]
    seen: Seen
    trouble: str = ""

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for one in self.passes for outcome in one.outcomes]


@dataclass(frozen=True)
class _Run:
    """A run under way."""

    context: Context
    request: Request
    phases: Phases
    show_plan: ShowPlan
    agree: Agree
    watcher: Watcher | None

    def once(self) -> Run:
        plan, seen = plan_pass(self.context, self.request, self.phases)
        self.show_plan(plan)
        done = self.begun(plan, seen)
        if self.request.dry_run or self.request.proposed:
            return done
        if plan.writes and not self.agree(plan):
            return replace(done, declined=True)
        self.phases.done("reported")
        executed = self.execute_all(plan, seen)
        facts = self.gather(seen, executed)
        unremembered = keep_in_mind(self.context, seen.all_desired, seen.snapshot, executed.outcomes)
        done = finish(
            self.context,
            self.request,
            self.with_passes(done, executed),
            facts,
            self.watcher,
            executed.seen.snapshot.resources,
        )
        done = replace(done, notes=(*done.notes, *unremembered))
        self.phases.done("waited" if self.request.wait else "published")
        return replace(done, stopped=self.context.stop.asked)

    def begun(self, plan: Plan, seen: Seen) -> Run:
        """The run, of which only the first plan is known."""
        request = self.request
        return Run(
            (Pass(plan),),
            seen.unknown,
            seen.absent,
            dry_run=request.dry_run,
            previews=seen.previews,
            settled=seen.settled,
            group=request.settings.group,
            now=time_of(self.context.cluster),
            url_scheme=request.settings.url_scheme if request.settings.route_resource else "",
        )

    def execute_all(self, plan: Plan, seen: Seen) -> _Executed:
        """This plan, and then those of what waited for it; they are about nothing else."""
        named = frozenset(change.key for change in plan.waits_for_this_run)
        passes = [self.execute(plan, seen)]
        while _asks_for_another(passes) and not self.context.stop.asked:
            try:
                plan, seen = plan_pass(self.context, self.request, self.phases, before=seen.snapshot.kinds)
            except Stopped:
                break
            except ReconcileError as error:  # what was done is told all the same
                return _Executed(tuple(passes), seen, f"the next pass could not begin: {error}")
            plan = only(plan, named)
            if plan.writes:
                self.show_plan(plan)
            passes.append(self.execute(plan, seen))
        return _Executed(tuple(passes), seen)

    def execute(self, plan: Plan, seen: Seen) -> Pass:
        cluster = self.context.cluster
        rules = self.request.rules(from_server=cluster.is_server)
        seed = str(time_of(cluster)) if cluster.is_server else ""
        resources = seen.snapshot.resources
        outcomes = execute(self.context, plan, seen.all_desired, rules, resources=resources, seed=seed)
        outcomes += _carry_over(cluster, plan, seen)
        self.phases.done("written")
        return Pass(plan, outcomes)

    def gather(self, first: Seen, executed: _Executed) -> tuple[Facts, ...]:
        """What the statuses are about: what the first pass planned; a spec that changed since is the next
        run's. Nothing among files, which have no status."""
        if not self.context.cluster.is_server:
            return ()
        children = executed.seen.snapshot.children
        return gather(first.all_desired, executed.passes, children, first.snapshot.observed_digests)

    def with_passes(self, begun: Run, executed: _Executed) -> Run:
        return replace(
            begun,
            passes=executed.passes,
            previews=executed.seen.previews,
            settled=executed.seen.settled,
            cut_short=bool(executed.trouble),
            notes=(
                *filter(None, [executed.trouble]),
                *_still_waiting(executed.passes),
                *missing_gateways(self.context, executed.outcomes),
                *self.unforeseen(executed.outcomes),
            ),
        )

    def unforeseen(self, outcomes: list[Outcome]) -> tuple[str, ...]:
        """What a server records otherwise than foreseen; in a folder the field sets are our own."""
        return unforeseen(outcomes, self.context.names) if self.context.cluster.is_server else ()


def _asks_for_another(passes: list[Pass]) -> bool:
    """Whether something waits for this run, and may have got what it waits for."""
    last = passes[-1]
    made_room = any(outcome.result == "done" or outcome.gone for outcome in last.outcomes)
    return len(passes) < PASSES and bool(last.plan.waits_for_this_run) and made_room


def _still_waiting(passes: tuple[Pass, ...]) -> tuple[str, ...]:
    """What waited for this run, and waits for more than this run can bring, such as an old route for the
    seconds that a router takes: the plan that says so is not printed."""
    waiting = [change for change in passes[-1].plan.changes if isinstance(change, Waiting)]
    if len(passes) == 1 or not waiting:
        return ()
    more = f", also for {len(waiting) - 1} more" if len(waiting) > 1 else ""
    return (f"{waiting[0].key} {waiting[0].message}; run again then{more}",)


def _carry_over(cluster: Cluster, plan: Plan, seen: Seen) -> tuple[Outcome, ...]:
    """A folder gets also what stays as it is; what cannot be written there is a failure like another."""
    if not isinstance(cluster, Filled):
        return ()
    wanted = {manifest.key: manifest for desired in seen.all_desired for manifest in desired.children}
    failures = []
    for change in plan.changes:
        live = seen.snapshot.children.get(change.key)
        if not isinstance(change, Keep | Waiting) or live is None:
            continue
        unchanged = isinstance(change, Keep) and not change.message
        try:
            manifest = wanted.get(change.key, live.manifest) if unchanged else live.manifest
            cluster.carry_over(seen.snapshot.kinds[change.key.kind].resource, manifest)
        except ReconcileError as error:
            failures.append(
                Outcome(Create(change.key, change.preview, live.manifest, ""), "failed", str(error))
            )
    return tuple(failures)
