"""From a plan to outcomes: previews beside each other, the children of one in order, deletes last."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reconcile.changes import Create, Delete, Outcome, Plan, Update, Write
from reconcile.children import APPLY_ORDER
from reconcile.cluster.port import Cluster
from reconcile.decide import Rules
from reconcile.objects import Manifest, key_of
from reconcile.preview import PreviewEnvironment
from reconcile.wish import Wish
from reconcile.write import put, remove

W = TypeVar("W", bound=Write)
Stopping = Callable[[], bool]
STOPPED = "the run was told to end before this"


def never() -> bool:
    """A run that nobody ends."""
    return False


def execute(
    plan: Plan,
    wishes: Iterable[Wish],
    cluster: Cluster,
    rules: Rules,
    *,
    concurrency: int = 8,
    stopping: Stopping = never,
) -> tuple[Outcome, ...]:
    """Carry out every write of the plan; what one preview meets does not hold up another."""
    wished = {wish.place: wish for wish in wishes}
    puts = _by_preview((c for c in plan.writes if not isinstance(c, Delete)), reverse=False)
    removals = _by_preview((c for c in plan.writes if isinstance(c, Delete)), reverse=True)

    def put_all(place: str) -> list[Outcome]:
        return _put_in_order(puts[place], wished[place], cluster, rules, stopping)

    def remove_all(place: str) -> list[Outcome]:
        return [_remove(change, cluster, rules, stopping) for change in removals[place]]

    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="execute") as pool:
        made = [outcome for outcomes in pool.map(put_all, puts) for outcome in outcomes]
        gone = [outcome for outcomes in pool.map(remove_all, removals) for outcome in outcomes]
    return (*made, *gone)


def _by_preview(changes: Iterable[W], *, reverse: bool) -> Mapping[str, list[W]]:
    """The changes by preview, in apply order or the other way."""
    found: dict[str, list[W]] = {}
    for change in changes:
        found.setdefault(change.preview, []).append(change)
    for mine in found.values():
        mine.sort(key=lambda change: APPLY_ORDER[change.key.kind], reverse=reverse)
    return found


def _put_in_order(
    changes: Iterable[Create | Update], wish: Wish, cluster: Cluster, rules: Rules, stopping: Stopping
) -> list[Outcome]:
    """One preview's children, one after the other; the first that does not succeed stops the later ones."""
    manifests: Mapping[object, Manifest] = {key_of(manifest): manifest for manifest in wish.children}
    outcomes: list[Outcome] = []
    stopped_by = ""
    assert isinstance(wish.preview, PreviewEnvironment), "only a preview that could be read has writes"
    for change in changes:
        if stopped_by or stopping():
            outcomes.append(Outcome(change, "skipped", stopped_by or STOPPED))
            continue
        outcome = put(cluster, change, manifests[change.key], wish.preview, rules)
        outcomes.append(outcome)
        if outcome.result in ("failed", "blocked"):
            stopped_by = f"{change.key} comes before it, and was not made"
    return outcomes


def _remove(change: Delete, cluster: Cluster, rules: Rules, stopping: Stopping) -> Outcome:
    if stopping():
        return Outcome(change, "skipped", STOPPED)
    return remove(cluster, change, rules)
