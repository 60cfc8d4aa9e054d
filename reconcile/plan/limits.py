"""Which deletes a run must not do: not all was seen, or too many previews would lose their children.

A tool that deletes what it no longer sees deletes much when it suddenly sees little. So more than a share
is refused until a person says that it is right: all of it, but for namespaces that lose little beside it.
Otherwise whoever may write in one namespace would stop the deletes of all by leftovers that he forges.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconcile.kube.objects import by_namespace, place_namespace
from reconcile.model.snapshot import Snapshot
from reconcile.plan.changes import DELETES, Change, Delete, Keep, Waiting, Withheld

FEW = 9
"""A share of a small number would stop every clean-up; so many previews may always go."""


@dataclass(frozen=True)
class Limit:
    """`N` previews, or `P%` of those in scope that have children; written as `--max-deletes` takes it."""

    text: str = "30%"

    @property
    def everything(self) -> bool:
        return self.text == "100%"

    @property
    def nothing(self) -> bool:
        return self.text in ("0", "0%")

    def of(self, with_children: int) -> int:
        """How many previews may lose their children, of so many that have some."""
        if self.nothing:
            return 0
        if not self.text.endswith("%"):
            return int(self.text)
        return max(FEW, math.floor(int(self.text[:-1]) * with_children / 100))

    def explained(self, with_children: int) -> str:
        """The limit as a person would check it: `9 (30% of 12, at least 9)`."""
        number = self.of(with_children)
        if not self.text.endswith("%") or self.nothing:
            return str(number)
        least = f", at least {FEW}" if number == FEW else ""
        return f"{number} ({self.text} of {with_children}{least})"


DEFAULT_LIMIT = Limit()
FEW_NAMES = 5
"""So many namespaces are named in a message."""


def postponed(deletes: Iterable[Delete], with_children: Counter[str], limit: Limit) -> frozenset[str]:
    """The expired previews whose children go in a later run: those beyond the limit, the latest ones.

    Each namespace has its turn before one has a second: a thousand that expired in one hold up no other.
    """
    ends = {change.preview: change.expired_at for change in deletes if change.expired_at}
    turns: Counter[str] = Counter()
    in_turn: list[tuple[int, str, str]] = []
    for preview in sorted(ends, key=lambda preview: (ends[preview], preview)):
        turns[place_namespace(preview)] += 1
        in_turn.append((turns[place_namespace(preview)], ends[preview], preview))
    return frozenset(preview for _, _, preview in sorted(in_turn)[limit.of(with_children.total()) :])


@dataclass(frozen=True)
class Refusal:
    """What is not to be deleted: what counts in these namespaces, and why."""

    namespaces: frozenset[str]
    reason: str


def refused(deletes: Iterable[Delete], with_children: Counter[str], limit: Limit) -> Refusal | None:
    """Which of these deletes are not to be done; None when all may be. Both count previews by namespace."""
    losing = by_namespace({change.preview for change in deletes if change.counts})
    if limit.nothing:
        return Refusal(frozenset(losing), "Refusing to prune: --max-deletes is 0")
    held = _held(losing, with_children, limit)
    if not held:
        return None
    number = losing.total()
    return Refusal(
        held,
        f"Refusing to prune {number} previews: the limit is {limit.explained(with_children.total())}; "
        f"skipped in {_named(held, losing)}; if this is intended, pass --max-deletes {number}",
    )


def _held(losing: Counter[str], with_children: Counter[str], limit: Limit) -> frozenset[str]:
    """The namespaces that lose nothing: none within the limit, else those above an equal share of it.

    The share is the one of max-min fairness: what the small ones leave of theirs is shared by the others.
    So what goes is within the limit, what is lost equally in all namespaces goes in none, and one namespace
    stops no other that loses less. What is held counts on neither side for the rest: leftovers that somebody
    forged raise nobody's limit.
    """
    losing_yet, with_children_yet = losing.total(), with_children.total()
    held: set[str] = set()
    for namespace in sorted(losing, key=lambda namespace: (-losing[namespace], namespace)):
        if losing_yet + losing[namespace] * len(held) <= limit.of(with_children_yet):
            break
        held.add(namespace)
        losing_yet -= losing[namespace]
        with_children_yet -= with_children[namespace]
    return frozenset(held)


def _named(held: frozenset[str], losing: Counter[str]) -> str:
    """The namespaces with how many each would lose, the largest first: `namespaces a (40), b (12)`."""
    largest_first = sorted(held, key=lambda namespace: (-losing[namespace], namespace))
    named = ", ".join(f"{namespace} ({losing[namespace]})" for namespace in largest_first[:FEW_NAMES])
    more = f" and {len(held) - FEW_NAMES} more" if len(held) > FEW_NAMES else ""
    return f"namespace{'s' if len(held) > 1 else ''} {named}{more}"


DELETE_WITHHELD = "delete skipped"
"""How the reason of a child begins that would be deleted if this pass might."""


def skip_deletes(
    changes: Sequence[Change], snapshot: Snapshot, limit: Limit, with_children: Counter[str]
) -> tuple[list[Change], tuple[Withheld, ...]]:
    """The changes without the deletes that this pass must not do, and why it must not.

    `with_children` counts the previews in scope that have children, the gone ones included, by namespace.
    Expired previews are counted apart: as many as the limit go, whatever becomes of the others, and the rest
    wait.
    """
    withheld = [
        Withheld(kind.resource.kind, f"{kind.problem}; all changes of this kind are skipped")
        for kind in snapshot.kinds.values()
        if not kind.whole and not (kind.known and snapshot.previews_problem)
    ]
    deletes = [change for change in changes if isinstance(change, Delete)]
    if reason := _not_seen(deletes, snapshot, limit):
        return [_kept(c) for c in changes], (*withheld, Withheld(DELETES, reason))
    changes = [_kept(change) if _kind_not_whole(change, snapshot) else change for change in changes]
    deletes = [change for change in changes if isinstance(change, Delete)]
    refusal = refused(deletes, with_children, limit) if deletes else None
    if refusal:
        others = not limit.nothing and bool(with_children.keys() - refusal.namespaces)
        withheld.append(Withheld(DELETES, refusal.reason, partly=others))
        changes = [_kept(c) if limit.nothing or _counts(c, refusal.namespaces) else c for c in changes]
    return _expiring(changes, limit, with_children), tuple(withheld)


def _expiring(changes: Sequence[Change], limit: Limit, with_children: Counter[str]) -> list[Change]:
    later = postponed((c for c in changes if isinstance(c, Delete)), with_children, limit)
    reason = f"expired; waits: the limit is {limit.explained(with_children.total())} per run (--max-deletes)"
    return [
        Waiting(c.key, c.preview, reason)
        if isinstance(c, Delete) and c.expired_at and c.preview in later
        else c
        for c in changes
    ]


def _not_seen(deletes: Sequence[Delete], snapshot: Snapshot, limit: Limit) -> str:
    if snapshot.previews_problem:
        return f"Refusing to prune: {snapshot.previews_problem}"
    if deletes and not snapshot.previews_sent and not limit.everything:
        return (
            f"Refusing to delete {len(deletes)} children: the list of previews is empty; "
            "if this is intended, pass --max-deletes 100%"
        )
    return ""


def _kind_not_whole(change: Change, snapshot: Snapshot) -> bool:
    kind = snapshot.kinds.get(change.key.kind)
    return kind is not None and not kind.whole


def _counts(change: Change, namespaces: frozenset[str]) -> bool:
    return isinstance(change, Delete) and change.counts and place_namespace(change.preview) in namespaces


def _kept(change: Change) -> Change:
    if isinstance(change, Delete):
        return Keep(change.key, change.preview, f"{DELETE_WITHHELD} ({change.reason})")
    return change


def is_withheld(change: Change) -> bool:
    """Whether it stands in the place of a delete that this pass must not do."""
    return isinstance(change, Keep) and change.reason.startswith(DELETE_WITHHELD)
