"""From a plan to outcomes: previews beside each other, the children of one in order.

The deletes of a namespace come last in it, and wait for no other namespace.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster
from reconcile.desire.children import APPLY_ORDER
from reconcile.desire.desired import Desired
from reconcile.execute.retries import Retries, turn
from reconcile.execute.write import STOPPED, put, remove
from reconcile.kube.objects import Key, Manifest, place_namespace
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Create, Delete, Outcome, Plan, Update, Write
from reconcile.plan.decide import Rules

W = TypeVar("W", bound=Write)
Job = tuple[Callable[[str], None], str]
"""What is to be done for a preview, and its `NAMESPACE/NAME`."""
UNANSWERED = "the run was stopped before the answer came: it may or may not have been done"


def execute(
    context: Context, plan: Plan, all_desired: Iterable[Desired], rules: Rules, *, seed: str = ""
) -> tuple[Outcome, ...]:
    """Carry out every write of the plan; what one preview meets does not hold up another.

    `seed`, another in each run, decides which namespace is the first.
    """
    desired_by_place = {desired.place: desired for desired in all_desired}
    puts = _by_preview((c for c in plan.writes if not isinstance(c, Delete)), reverse=False)
    removals = _by_preview((c for c in plan.writes if isinstance(c, Delete)), reverse=True)

    cluster, stop = context.cluster, context.stop
    outcomes: dict[Key, Outcome] = {}
    retries = Retries()

    def put_all(place: str) -> None:
        for outcome in _put_in_order(puts[place], desired_by_place[place], cluster, rules, stop, retries):
            outcomes[outcome.change.key] = outcome

    def remove_all(place: str) -> None:
        for change in removals[place]:
            outcomes[change.key] = _remove(change, cluster, rules, stop)

    in_turn = sorted(puts, key=lambda place: turn(_readable(desired_by_place[place]), seed))
    jobs = [[(put_all, place) for place in in_turn], [(remove_all, place) for place in removals]]
    context.write_all(_do, jobs, namespace_of=_namespace, seed=seed)
    # What has no outcome was under way when patience ended.
    return tuple(outcomes.get(change.key, Outcome(change, "failed", UNANSWERED)) for change in plan.writes)


def _do(job: Job) -> None:
    write_all, place = job
    write_all(place)


def _namespace(job: Job) -> str:
    return place_namespace(job[1])


def _by_preview(changes: Iterable[W], *, reverse: bool) -> Mapping[str, list[W]]:
    """The changes by preview, in apply order or the other way."""
    found: dict[str, list[W]] = {}
    for change in changes:
        found.setdefault(change.preview, []).append(change)
    for mine in found.values():
        mine.sort(key=lambda change: APPLY_ORDER[change.key.kind], reverse=reverse)
    return found


def _put_in_order(
    changes: Iterable[Create | Update],
    desired: Desired,
    cluster: Cluster,
    rules: Rules,
    stop: Stop,
    retries: Retries,
) -> Iterator[Outcome]:
    """One preview's children, one after the other; the first that does not succeed stops the later ones.

    Not so an update of what it no longer wants: that holds up nothing, and nothing holds it up.
    """
    manifests: Mapping[object, Manifest] = {manifest.key: manifest for manifest in desired.children}
    stopped_by = ""
    preview = _readable(desired)
    left_out = retries.left_out(preview)
    for change in changes:
        wanted = change.key in manifests
        if stop.asked or (wanted and stopped_by):
            yield Outcome(change, "skipped", (wanted and stopped_by) or STOPPED)
            continue
        if wanted and left_out:
            outcome = Outcome(change, "rejected", left_out)
        else:
            as_it_is = isinstance(change, Update) and change.keeps_spec
            manifest = change.manifest if as_it_is else manifests.get(change.key, change.manifest)
            outcome = put(cluster, change, manifest, preview, replace(rules, keeps_edits=as_it_is), stop)
            retries.became(preview, outcome)
        yield outcome
        if wanted and outcome.result in ("failed", "rejected", "blocked"):
            stopped_by = f"{change.key} comes first, and was not applied"


def _readable(desired: Desired) -> PreviewEnvironment:
    assert isinstance(desired.preview, PreviewEnvironment), "only a preview that could be read has writes"
    return desired.preview


def _remove(change: Delete, cluster: Cluster, rules: Rules, stop: Stop) -> Outcome:
    if stop.asked:
        return Outcome(change, "skipped", STOPPED)
    return remove(cluster, change, rules, stop)
