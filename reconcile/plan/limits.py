"""How many previews may lose their children in one run (`--max-deletes`).

A tool that deletes what it no longer sees deletes much when it suddenly sees little. So more than a share
is refused until a person says that it is right: all of it, but for namespaces that lose little beside it.
Otherwise whoever may write in one namespace would stop the deletes of all by leftovers that he forges.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.kube.objects import by_namespace, split_place
from reconcile.model.problems import first_of
from reconcile.plan.changes import Delete

ALWAYS_ALLOWED = 9
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
        return max(ALWAYS_ALLOWED, math.floor(int(self.text[:-1]) * with_children / 100))

    def explained(self, with_children: int) -> str:
        """The limit as a person would check it: `9 (30% of 12, at least 9)`."""
        number = self.of(with_children)
        if not self.text.endswith("%") or self.nothing:
            return str(number)
        least = f", at least {ALWAYS_ALLOWED}" if number == ALWAYS_ALLOWED else ""
        return f"{number} ({self.text} of {with_children}{least})"


DEFAULT_LIMIT = Limit()
NAMESPACES_NAMED = 5
"""So many namespaces are named in a message."""


def beyond_limit(deletes: Iterable[Delete], with_children: Counter[str], limit: Limit) -> frozenset[str]:
    """The expired previews whose children go in a later run: those beyond the limit, the latest ones.

    Each namespace has its turn before one has a second: a thousand that expired in one hold up no other.
    """
    ends = {change.preview: change.expired_at for change in deletes if change.expired_at}
    turns: Counter[str] = Counter()
    in_turn: list[tuple[int, str, str]] = []
    for preview in sorted(ends, key=lambda preview: (ends[preview], preview)):
        turns[split_place(preview).namespace] += 1
        in_turn.append((turns[split_place(preview).namespace], ends[preview], preview))
    return frozenset(preview for _, _, preview in sorted(in_turn)[limit.of(with_children.total()) :])


@dataclass(frozen=True)
class Refusal:
    """What is not to be deleted: what counts in these namespaces, and why."""

    namespaces: frozenset[str]
    message: str


def refused(deletes: Iterable[Delete], with_children: Counter[str], limit: Limit) -> Refusal | None:
    """Which of these deletes are not to be done; None when all may be. Both count previews by namespace."""
    losing = by_namespace({change.preview for change in deletes if change.counts})
    if limit.nothing:
        return Refusal(frozenset(losing), "Refusing to prune: --max-deletes is 0")
    skipped = _skipped_namespaces(losing, with_children, limit)
    if not skipped:
        return None
    number = losing.total()
    return Refusal(
        skipped,
        f"Refusing to prune {number} previews: the limit is {limit.explained(with_children.total())}; "
        f"skipped in {_named(skipped, losing)}; if this is intended, pass --max-deletes {number}",
    )


def _skipped_namespaces(losing: Counter[str], with_children: Counter[str], limit: Limit) -> frozenset[str]:
    """The namespaces that lose nothing: none within the limit, else those above an equal share of it.

    The share is the one of max-min fairness: what the small ones leave of theirs is shared by the others.
    So what goes is within the limit, what is lost equally in all namespaces goes in none, and one namespace
    stops no other that loses less. What is skipped counts on neither side for the rest: leftovers that
    somebody forged raise nobody's limit.
    """
    losing_yet, with_children_yet = losing.total(), with_children.total()
    skipped: set[str] = set()
    for namespace in sorted(losing, key=lambda namespace: (-losing[namespace], namespace)):
        if losing_yet + losing[namespace] * len(skipped) <= limit.of(with_children_yet):
            break
        skipped.add(namespace)
        losing_yet -= losing[namespace]
        with_children_yet -= with_children[namespace]
    return frozenset(skipped)


def _named(namespaces: frozenset[str], losing: Counter[str]) -> str:
    """The namespaces with how many each would lose, the largest first: `namespaces a (40), b (12)`."""
    largest_first = sorted(namespaces, key=lambda namespace: (-losing[namespace], namespace))
    named = first_of([f"{namespace} ({losing[namespace]})" for namespace in largest_first], NAMESPACES_NAMED)
    return f"namespace{'s' if len(namespaces) > 1 else ''} {named}"
