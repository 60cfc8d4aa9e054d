"""From a plan to outcomes: previews beside each other, the children of one in order.

The deletes of a namespace come last in it, and wait for no other namespace.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from reconcile.cluster.context import Context
from reconcile.cluster.remember import remember, unwritten
from reconcile.desire.children import RESOURCES, apply_order
from reconcile.desire.desired import Desired
from reconcile.errors import ReconcileError
from reconcile.execute.retries import Retries, turn
from reconcile.execute.write import STOPPED, Writer
from reconcile.kube.objects import Key, Manifest, Resource, split_place
from reconcile.model.kinds_record import kinds_in, written
from reconcile.model.preview import PreviewEnvironment
from reconcile.plan.changes import Create, Delete, Outcome, Plan, Update, Write
from reconcile.plan.rules import Rules

W = TypeVar("W", bound=Write)
STAYS = "it stays until {} is applied; if it is in the way, kubectl delete it"
NOT_APPLIED = ("failed", "rejected", "blocked")
UNANSWERED = "the run was stopped before the answer came: it may or may not have been done"


@dataclass(frozen=True)
class _Turn:
    """The writes of the preview at a `NAMESPACE/NAME`: `outcomes` carries them out, one after the other."""

    place: str
    outcomes: Callable[[], Iterator[Outcome]]

    @property
    def namespace(self) -> str:
        return split_place(self.place).namespace


def execute(
    context: Context,
    plan: Plan,
    all_desired: Iterable[Desired],
    rules: Rules,
    *,
    resources: Mapping[str, Resource] = RESOURCES,
    seed: str = "",
) -> tuple[Outcome, ...]:
    """Carry out every write of the plan; what one preview meets does not hold up another.

    `resources` are what each kind is served as; `seed`, another in each run, decides which namespace is the
    first.
    """
    writer, done = Writer(context.cluster, rules, context.stop, resources), list[Outcome]()

    unapplied: dict[str, str] = {}

    def carry_out(one: _Turn) -> None:
        for outcome in one.outcomes():
            done.append(outcome)  # at once: a run that is stopped tells what was done until then
            if outcome.result in NOT_APPLIED and not isinstance(outcome.change, Delete):
                unapplied.setdefault(one.place, STAYS.format(outcome.change.key))

    desired_by_place = {desired.place: desired for desired in all_desired}
    stages = _stages(writer, plan, desired_by_place, seed, unapplied)
    context.write_all(carry_out, stages, namespace_of=lambda one: one.namespace, seed=seed)
    outcomes = {outcome.change.key: outcome for outcome in done}
    # What has no outcome was under way when patience ended.
    return tuple(outcomes.get(change.key, Outcome(change, "failed", UNANSWERED)) for change in plan.writes)


def _stages(
    writer: Writer,
    plan: Plan,
    desired_by_place: Mapping[str, Desired],
    seed: str,
    unapplied: Mapping[str, str],
) -> list[list[_Turn]]:
    """What is made and changed, and what goes after that; `unapplied` tells by then of whom not all was."""
    applies = _by_preview((c for c in plan.writes if not isinstance(c, Delete)), reverse=False)
    deletes = _by_preview((c for c in plan.writes if isinstance(c, Delete)), reverse=True)
    in_turn = sorted(applies, key=lambda place: turn(_readable(desired_by_place[place]), seed))
    retries = Retries()
    return [
        [
            _Turn(p, partial(_apply_in_order, writer, applies[p], desired_by_place[p], retries))
            for p in in_turn
        ],
        [_Turn(p, partial(_delete_all, writer, deletes[p], unapplied)) for p in deletes],
    ]


def _by_preview(changes: Iterable[W], *, reverse: bool) -> Mapping[str, list[W]]:
    """The changes by preview, in apply order or the other way."""
    found: dict[str, list[W]] = {}
    for change in changes:
        found.setdefault(change.preview, []).append(change)
    for place, mine in found.items():
        name = split_place(place).name
        found[place] = sorted(mine, key=partial(_order, name), reverse=reverse)
    return found


def _order(preview_name: str, change: Write) -> tuple[tuple[int, int], Key]:
    return apply_order(change.key, preview_name), change.key


def _apply_in_order(
    writer: Writer, changes: Sequence[Create | Update], desired: Desired, retries: Retries
) -> Iterator[Outcome]:
    """One preview's children, one after the other; the first that does not succeed stops the later ones.

    Not so an update of what it no longer wants: that holds up nothing, and nothing holds it up.
    """
    manifests: Mapping[object, Manifest] = {manifest.key: manifest for manifest in desired.children}
    stopped_by = ""
    preview = _readable(desired)
    left_out = retries.left_out(preview)
    memory = _Memory(writer, preview, [change.key.kind for change in changes])
    for change in changes:
        wanted = change.key in manifests
        if writer.stop.asked or (wanted and stopped_by):
            yield Outcome(change, "skipped", (wanted and stopped_by) or STOPPED)
            continue
        if wanted and left_out:
            outcome = Outcome(change, "rejected", left_out)
        else:
            outcome = memory.lacks(change) or _apply(
                writer, change, manifests.get(change.key, change.manifest), preview
            )
            retries.became(preview, outcome)
        yield outcome
        if wanted and outcome.result in NOT_APPLIED:
            stopped_by = f"{change.key} comes first, and was not applied"


class _Memory:
    """The kinds of a preview's further children: remembered, all at once, before one of them is made."""

    def __init__(self, writer: Writer, preview: PreviewEnvironment, kinds: Iterable[str]) -> None:
        further = {kind for kind in kinds if kind not in RESOURCES}
        known = kinds_in(preview.status)
        self._new = {kind: text for kind in further if (text := written(writer.resources[kind])) not in known}
        self._writer, self._preview = writer, preview
        self._trouble: str | None = None

    def lacks(self, change: Create | Update) -> Outcome | None:
        """Why this child is not made: no later run would find it. None where its kind is remembered."""
        if change.key.kind not in self._new:
            return None
        if self._trouble is None:
            self._trouble = self._remembered()
        return Outcome(change, "failed", self._trouble) if self._trouble else None

    def _remembered(self) -> str:
        cluster, names, new = self._writer.cluster, self._writer.rules.names, frozenset(self._new.values())
        try:
            remember(cluster, self._preview, new)
        except ReconcileError as error:
            return unwritten(error, names)
        return ""


def _apply(
    writer: Writer, change: Create | Update, manifest: Manifest, preview: PreviewEnvironment
) -> Outcome:
    as_it_is = isinstance(change, Update) and change.keeps_spec
    wanted = change.manifest if as_it_is else manifest
    return replace(writer, rules=replace(writer.rules, keeps_edits=as_it_is)).apply(change, wanted, preview)


def _delete_all(writer: Writer, changes: Iterable[Delete], unapplied: Mapping[str, str]) -> Iterator[Outcome]:
    """A further child of a living preview stays where not all of that was applied: what is to take its place
    may be among it."""
    for change in changes:
        living = change.preview_labels is not None
        why = STOPPED if writer.stop.asked else unapplied.get(change.preview, "") if living else ""
        yield Outcome(change, "skipped", why) if why else writer.delete(change)


def _readable(desired: Desired) -> PreviewEnvironment:
    assert isinstance(desired.preview, PreviewEnvironment), "only a preview that could be read has writes"
    return desired.preview
