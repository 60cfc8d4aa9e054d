"""How many of each: the sums that every report shows, and how many of many it lists."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

from reconcile.plan.changes import (
    Blocked,
    Change,
    Create,
    Delete,
    FieldChange,
    Keep,
    Outcome,
    Plan,
    Update,
    Waiting,
    Write,
)

MOST_FIELDS = 100
"""So many fields of one change are listed."""


def counts(plan: Plan) -> Counter[str]:
    """The changes of a plan by what they do; the blocked ones are counted in previews."""
    found = Counter(action_of(change) for change in plan.changes if not isinstance(change, Blocked))
    found["blocked"] = len({change.preview for change in plan.blocked})
    found["unchanged"] += plan.settled
    return found


def action_of(change: Change) -> str:
    """What a change does, in one word."""
    match change:
        case Create():
            return "create"
        case Update():
            return "update"
        case Delete():
            return "delete"
        case Keep():
            return "kept" if change.reason else "unchanged"
        case Waiting():
            return "waiting"
        case Blocked():
            return "blocked"
        case _:
            assert_never(change)


def outcome_counts(outcomes: Iterable[Outcome]) -> Counter[str]:
    """The outcomes by what was done, or why not."""
    return Counter(
        done_word(outcome.change) if outcome.result == "done" else outcome.result for outcome in outcomes
    )


def done_word(change: Write) -> str:
    """What a write is called once it is done."""
    match change:
        case Create():
            return "created"
        case Update():
            return "updated"
        case Delete():
            return "deleted"
        case _:
            assert_never(change)


def few(fields: Sequence[FieldChange]) -> Sequence[FieldChange]:
    """The fields, or the first of them and how many more there are."""
    rest = len(fields) - MOST_FIELDS
    return fields if rest <= 0 else (*fields[:MOST_FIELDS], FieldChange("…", None, None, f"and {rest} more"))
