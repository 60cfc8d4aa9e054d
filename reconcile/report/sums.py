"""How many of each: the sums that every report shows."""

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from reconcile.changes import Blocked, Change, Create, Delete, Keep, Outcome, Plan, Update, Waiting, Write


def counts(plan: Plan) -> Counter[str]:
    """The changes of a plan by what they do; the blocked ones are counted in previews."""
    found = Counter(action_of(change) for change in plan.changes if not isinstance(change, Blocked))
    found["blocked"] = len({change.preview for change in plan.blocked})
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
