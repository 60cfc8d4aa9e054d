"""How many of each: the totals that every report shows, and how many of many it lists."""

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

WRITES = ("create", "update", "delete")
_ACTIONS = (*WRITES, "kept", "waiting", "blocked", "unchanged")
_RESULTS = ("created", "updated", "deleted", "canceled", "failed", "rejected", "blocked", "skipped")

MOST_FIELDS = 100
"""At most so many fields of one change are listed."""


def counts(plan: Plan) -> dict[str, int]:
    """Count the changes of a plan by what they do; the blocked ones are counted in previews."""
    found = Counter(action_of(change) for change in plan.changes if not isinstance(change, Blocked))
    found["blocked"] = len({change.preview for change in plan.blocked})
    found["unchanged"] += plan.settled
    return {action: found[action] for action in _ACTIONS}


def action_of(change: Change) -> str:
    """Name in one word what a change does."""
    match change:
        case Create():
            return "create"
        case Update():
            return "update"
        case Delete():
            return "delete"
        case Keep():
            return "kept" if change.message else "unchanged"
        case Waiting():
            return "waiting"
        case Blocked():
            return "blocked"
        case _:
            assert_never(change)


def outcome_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count the outcomes by what was done, or why not."""
    found = Counter(map(result_word, outcomes))
    return {result: found[result] for result in _RESULTS}


def result_word(outcome: Outcome) -> str:
    """Name in one word what was done, or why not."""
    return done_word(outcome.change) if outcome.result == "done" else outcome.result


def done_word(change: Write) -> str:
    """Name a write that is done, such as `created`."""
    return f"{action_of(change)}d"


def few(fields: Sequence[FieldChange]) -> Sequence[FieldChange]:
    """Return the fields, or the first of them and how many more there are."""
    rest = len(fields) - MOST_FIELDS
    return fields if rest <= 0 else (*fields[:MOST_FIELDS], FieldChange("…", None, None, f"and {rest} more"))
