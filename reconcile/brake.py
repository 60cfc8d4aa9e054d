"""How many previews may lose their children in one run; pure.

A tool that deletes what it no longer sees deletes much when it suddenly sees little. So more than a share
is refused, all of it, until a person says that it is right.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.changes import Delete

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
        """The limit as a person would check it: `9 (30% of the 12 that have children, at least 9)`."""
        number = self.of(with_children)
        if not self.text.endswith("%") or self.nothing:
            return str(number)
        least = f", at least {FEW}" if number == FEW else ""
        return f"{number} ({self.text} of the {with_children} previews that have children{least})"


DEFAULT_LIMIT = Limit()


def postponed(deletes: Iterable[Delete], with_children: int, limit: Limit) -> frozenset[str]:
    """The expired previews whose children go in a later run: those beyond the limit, the latest ones."""
    ends = {change.preview: change.expired_at for change in deletes if change.expired_at}
    longest_first = sorted(ends, key=lambda preview: (ends[preview], preview))
    return frozenset(longest_first[limit.of(with_children) :])


def refused(deletes: Iterable[Delete], with_children: int, limit: Limit) -> str:
    """Why these deletes are not to be done; "" when they may be."""
    losing = {change.preview for change in deletes if change.counts}
    if limit.nothing:
        return "nothing is deleted: --max-deletes is 0"
    if len(losing) <= limit.of(with_children):
        return ""
    return (
        f"{len(losing)} previews would lose their children, and the limit is "
        f"{limit.explained(with_children)}: none does; if that is right, say --max-deletes {len(losing)}"
    )
