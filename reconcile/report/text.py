"""The report as text for people: one line a change, field changes under it, one line of sums at the end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reconcile.model.names import PROGRESSING, ROLLOUT_FAILED, ROUTE_NOT_ACCEPTED, SETUP_FAILED
from reconcile.model.status import Status
from reconcile.plan.changes import (
    SYMBOLS,
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
)
from reconcile.report.counts import action_of, counts, few, outcome_counts
from reconcile.report.safe import cut, safe_line
from reconcile.status.result import Run, Standing

_COLORS = {Create: "32", Update: "33", Delete: "31", Keep: "36", Waiting: "36", Blocked: "35"}
_LONGEST_VALUE = 120
_FAILING = frozenset({ROLLOUT_FAILED, SETUP_FAILED, ROUTE_NOT_ACCEPTED})
_COMING = frozenset({PROGRESSING, ROUTE_NOT_ACCEPTED})


def plan_text(plan: Plan, *, color: bool = False, title: str = "Plan", quiet: bool = False) -> str:
    """The plan, sorted, ending in one line of sums; the same bytes for the same plan."""
    shown = [change for change in plan.changes if _is_shown(change, quiet)]
    lines = list(_change_lines(shown, color))
    lines += [_painted(f"! {entry.sentence}", "35", color) for entry in plan.withheld]
    lines += [f"  {cut(safe_line(note))}" for note in plan.notes]
    if lines:
        lines.append("")
    return "\n".join([*lines, f"{title}: {sums_line(plan)}", ""])


def _is_shown(change: Change, quiet: bool) -> bool:
    if quiet:
        return isinstance(change, Blocked)
    return action_of(change) != "unchanged"


def _change_lines(changes: list[Change], color: bool) -> Iterator[str]:
    kind_width = max((len(change.key.kind) for change in changes), default=0)
    place_width = max((len(change.key.place) for change in changes), default=0)
    for change in changes:
        place = f"{change.key.kind:<{kind_width}}  {change.key.place:<{place_width}}"
        yield _painted(f"{SYMBOLS[type(change)]} {place}  {change.reason}", _COLORS[type(change)], color)
        if isinstance(change, Update):
            yield from map(_field_line, few(change.fields))


def _field_line(field: FieldChange) -> str:
    """What cannot be shown of one field, by a defect of ours, hides none of the plan."""
    try:
        return cut(safe_line(f"    {_field(field)}"))
    except Exception as error:  # its text may hold what an author wrote
        return f"    (cannot be shown: {type(error).__name__}; this is a bug)"


def _field(field: FieldChange) -> str:
    if field.note:
        return f"{field.path}  {field.note}"
    if field.before == field.after:
        return f"{field.path}  changed {field.after}"
    if field.before is None:
        return f"{field.path}  + {_cut(field.after)}"
    if field.after is None and not field.path.endswith("]"):
        # Not `- 0`: the server may have a default in its place, as it has for replicas.
        return f"{field.path}  {_cut(field.before)} -> (unset)"
    if field.after is None:  # an item of a list, a label, an annotation
        return f"{field.path}  - {_cut(field.before)}"
    return f"{field.path}  {_cut(field.before)} -> {_cut(field.after)}"


def _cut(value: str | None) -> str:
    return cut(value or '""', _LONGEST_VALUE)


def _painted(line: str, code: str, color: bool) -> str:
    text = cut(safe_line(line).rstrip())
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


def sums_line(plan: Plan) -> str:
    """How much of each, such as `1 to create, 0 to update, 0 to delete, 3 unchanged.`"""
    count = counts(plan)
    always = [f"{count[name]} to {name}" for name in ("create", "update", "delete")]
    others = [f"{count[name]} {name}" for name in ("kept", "waiting", "blocked") if count[name]]
    return ", ".join([*always, *others, f"{count['unchanged']} unchanged"]) + "."


def outcomes_text(outcomes: Iterable[Outcome], *, color: bool = False) -> str:
    """What became of the writes: a line for each that was not simply done, and one line of sums."""
    outcomes = tuple(outcomes)
    lines = [
        _painted(
            f"{_MARKS[outcome.result]} {outcome.change.key}  {outcome.result}: {outcome.message}",
            "31" if outcome.result in _BAD else "36",
            color,
        )
        for outcome in outcomes
        if outcome.result != "done"
    ]
    return "\n".join([*lines, f"Done: {done_line(outcomes)}", ""])


def done_line(outcomes: Iterable[Outcome]) -> str:
    """What became of the writes, such as `3 created, 0 updated, 0 deleted, 1 failed.`"""
    count = outcome_counts(outcomes)
    done = [f"{count[name]} {name}" for name in ("created", "updated", "deleted")]
    rest = [f"{count[name]} {name}" for name in _REST if count[name]]
    return ", ".join([*done, *rest]) + "."


def run_text(done: Run, *, cluster: str, scope: str) -> str:
    """The whole run, as it stands on stdout of a call with `-o text`, without colour."""
    return head_text(scope, cluster) + body_text(done)


def head_text(scope: str, cluster: str, at: datetime | None = None) -> str:
    """What the run is about, and an empty line; first the time, in UTC, of one of many runs."""
    about = f"{scope[0].upper()}{scope[1:]}, in {cluster}"
    return safe_line(about if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}  {about}") + "\n\n"


def body_text(done: Run) -> str:
    """Every plan that was told, and what became of it."""
    plans = [one.plan for number, one in enumerate(done.passes) if number == 0 or one.plan.writes]
    told = (plan_text(plan, title=title_of(number)) for number, plan in enumerate(plans))
    return "".join(told) + end_text(done)


def title_of(number: int) -> str:
    """What the sums of a plan begin with; the first is 0."""
    return "Plan" if number == 0 else f"Then (pass {number + 1})"


def end_text(done: Run, *, color: bool = False) -> str:
    """The names under which there is nothing, what became of the writes, the notes, what is not ready."""
    parts = [safe_line(f"{name}: not found") + "\n" for name in done.absent]
    if done.outcomes:
        parts.append(outcomes_text(done.outcomes, color=color))
    elif done.declined:
        parts.append("Nothing was changed.\n")
    parts += [f"  {cut(safe_line(note))}\n" for note in done.notes]
    if done.waited or done.stopped:
        return "".join(parts) + waited_text(done.waited, color=color)
    return "".join(parts) + unready_text(done.statuses, color=color)


def unready_text(statuses: Mapping[str, Status], *, color: bool = False) -> str:
    """What a run that did not wait leaves not ready: a line for what fails, a last one for what may come up.

    What is blocked stands in the plan, what failed among the writes, and what is suspended is as its author
    wants it.
    """
    unready = {place: statuses[place] for place in sorted(statuses) if not statuses[place].ready}
    failing = [place for place, one in unready.items() if one.stalled and one.reason in _FAILING]
    coming = [place for place, one in unready.items() if not one.stalled and one.reason in _COMING]
    lines = []
    if failing:
        remedy = f"reconcile --explain {failing[0]} has more"
        lines.append(_painted(f"Not ready: {_first(failing, unready)}; {remedy}", "31", color))
    if coming:
        remedy = "pass --wait to wait for it, or run again"
        lines.append(_painted(f"Not ready yet: {_first(coming, unready)}; {remedy}", "33", color))
    return "".join(f"{line}\n" for line in lines)


def _first(places: Sequence[str], statuses: Mapping[str, Status]) -> str:
    """The first, why, and how many more there are."""
    more = f", and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{places[0]} ({statuses[places[0]].message}){more}"


def waited_text(standings: Sequence[Standing], *, color: bool = False) -> str:
    """One line for each preview that was waited for."""
    return "".join(
        f"{_painted(line, _STANDING_COLORS[one.state], color)}\n"
        for one, line in zip(standings, standing_lines(standings), strict=True)
    )


def standing_lines(standings: Sequence[Standing], *, over: bool = True) -> list[str]:
    """How each stands, such as `ready  shop/pr-42  https://…`; `over` when it is waited for no longer."""
    words = {**_STANDING_WORDS, "waiting": "not yet" if over else "waits"}
    width = max((len(words[one.state]) for one in standings), default=0)
    place_width = max((len(one.place) for one in standings), default=0)
    return [
        safe_line(f"{words[one.state]:<{width}}  {one.place:<{place_width}}  {_standing(one)}").rstrip()
        for one in standings
    ]


def _standing(one: Standing) -> str:
    return one.url if one.state == "ready" else one.message or one.reason


_STANDING_WORDS = {"ready": "ready", "suspended": "suspended", "failed": "not ready"}
_STANDING_COLORS = {"ready": "32", "suspended": "36", "failed": "31", "waiting": "33"}
_MARKS = {"kept": "=", "failed": "x", "rejected": "x", "blocked": "!", "skipped": "."}
_BAD = ("failed", "rejected", "blocked")
_REST = ("kept", "failed", "rejected", "blocked", "skipped")
