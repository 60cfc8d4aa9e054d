"""The report as text for people: a line for each change, its fields below it, and a last line of totals."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reconcile.model.names import (
    ASLEEP,
    PROGRESSING,
    ROLLOUT_FAILED,
    ROUTE_NOT_ACCEPTED,
    SETUP_FAILED,
    UNREAD,
)
from reconcile.model.status import Status
from reconcile.plan.changes import SYMBOLS, Blocked, Change, FieldChange, Outcome, Plan, Update, UpdateMessage
from reconcile.report.counts import WRITES, action_of, counts, few, outcome_counts
from reconcile.report.safe import LONGEST_VALUE, aligned, counted, cut, cut_pair, safe_line, short_line
from reconcile.status.result import Run, Standing

_COLORS = {"+": "32", "~": "33", "-": "31", "=": "36", ".": "36", "!": "35"}
_FAILING = frozenset({ROLLOUT_FAILED, SETUP_FAILED, ROUTE_NOT_ACCEPTED})
_COMING = frozenset({PROGRESSING, ROUTE_NOT_ACCEPTED})


def plan_text(plan: Plan, *, color: bool = False, title: str = "Plan", quiet: bool = False) -> str:
    """Render the plan, sorted, with its totals in the last line; the same bytes for the same plan."""
    shown = [c for c in plan.changes if (isinstance(c, Blocked) if quiet else action_of(c) != "unchanged")]
    lines = list(_change_lines(shown, color))
    lines += [_painted(f"! {entry.sentence}", "35", color) for entry in plan.skipped]
    lines += [f"  {short_line(note)}" for note in plan.notes]
    if lines:
        lines.append("")
    return "\n".join([*lines, f"{title}: {sums_line(plan)}", ""])


def _change_lines(changes: list[Change], color: bool) -> Iterator[str]:
    rows = [(f"{SYMBOLS[type(c)]} {c.key.kind}", c.key.place, c.message) for c in changes]
    for change, line in zip(changes, aligned(rows), strict=True):
        yield _painted(line, _COLORS[line[0]], color)
        if isinstance(change, Update):
            yield from map(_field_line, few(change.fields))


def _field_line(field: FieldChange) -> str:
    """Show a field; one that cannot be shown, by a defect of ours, hides nothing else of the plan."""
    try:
        return short_line(f"    {_field(field)}")
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
    before, after = cut_pair(field.before or '""', field.after or '""', LONGEST_VALUE)
    return f"{field.path}  {before} -> {after}"


def _cut(value: str | None) -> str:
    return cut(value or '""', LONGEST_VALUE)


def _painted(line: str, code: str, color: bool) -> str:
    text = cut(safe_line(line).rstrip())
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


def sums_line(plan: Plan) -> str:
    """Count the changes, such as `1 to create, 0 to update, 0 to delete, 3 unchanged.`, and the previews that
    an edit of a template changes: it may be all of them at once."""
    verbs = {f"to {name}" if name in WRITES else name: count for name, count in counts(plan).items()}
    edited = {
        c.preview for c in plan.changes if isinstance(c, Update) and c.message == UpdateMessage.TEMPLATE
    }
    by_template = f" Templates changed for {counted(len(edited), 'preview')}." if edited else ""
    return _totals(verbs, [*(f"to {name}" for name in WRITES), "unchanged"]) + by_template


def outcomes_text(outcomes: Iterable[Outcome], *, color: bool = False) -> str:
    """List the writes about which there is something to say, and the totals in one line."""
    outcomes = tuple(outcomes)
    lines = [
        _painted(
            f"{_MARKS[outcome.result]} {outcome.change.key}  {outcome.result}: {outcome.message}",
            "31" if outcome.result in _BAD else "36",
            color,
        )
        for outcome in outcomes
        if outcome.result != "done" or outcome.message
    ]
    return "\n".join([*lines, f"Done: {done_line(outcomes)}", ""])


def done_line(outcomes: Iterable[Outcome]) -> str:
    """Count the outcomes, such as `3 created, 0 updated, 0 deleted, 1 failed.`"""
    return _totals(outcome_counts(outcomes), [f"{name}d" for name in WRITES])


def _totals(counts: Mapping[str, int], always: Sequence[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count or word in always) + "."


def run_text(done: Run, *, cluster: str, scope: str) -> str:
    """Render the whole run as `-o text` prints it, without colour."""
    return head_text(scope, cluster) + body_text(done)


def head_text(scope: str, cluster: str, at: datetime | None = None) -> str:
    """Name the scope and the cluster, after the time in UTC if it is one of many runs; then an empty line."""
    about = f"{scope[0].upper()}{scope[1:]}, in {cluster}"
    return safe_line(about if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}  {about}") + "\n\n"


def body_text(done: Run) -> str:
    """Render every plan that was printed, and the end of the run."""
    plans = [done.plan, *(later.plan for later in done.passes[1:] if later.plan.writes)]
    printed = (plan_text(plan, title=title_of(number)) for number, plan in enumerate(plans))
    return "".join(printed) + end_text(done)


def title_of(number: int) -> str:
    """Name a plan before its totals; the first is 0."""
    return "Plan" if number == 0 else f"Then (pass {number + 1})"


def end_text(done: Run, *, color: bool = False) -> str:
    """List the names that were not found, the outcomes, the notes, and what is not ready."""
    parts = [safe_line(f"{name}: not found") + "\n" for name in done.absent]
    if done.outcomes:
        parts.append(outcomes_text(done.outcomes, color=color))
    elif done.declined:
        parts.append("Nothing was changed.\n")
    parts += [f"  {short_line(note)}\n" for note in done.notes]
    if done.waited or done.stopped:
        return "".join(parts) + waited_text(done.waited, color=color)
    return "".join(parts) + unready_text(done.statuses, color=color)


def unready_text(statuses: Mapping[str, Status], *, color: bool = False) -> str:
    """Report what a run that did not wait leaves not ready: a line for what fails, one for what may come up.

    Blocked previews are in the plan, failed ones among the writes; a suspended one is as its author wants it.
    """
    unready = {place: statuses[place] for place in sorted(statuses) if not statuses[place].ready}
    failing = [
        place
        for place, one in unready.items()
        if one.reason == UNREAD or (one.stalled and one.reason in _FAILING)
    ]
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
    """Name the first, why it is not ready, and how many more there are."""
    more = f", and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{places[0]} ({statuses[places[0]].message}){more}"


def waited_text(standings: Sequence[Standing], *, color: bool = False) -> str:
    """Report each preview that was waited for, in a line."""
    return "".join(
        f"{_painted(line, _STANDING_COLORS[one.state], color)}\n"
        for one, line in zip(standings, standing_lines(standings), strict=True)
    )


def standing_lines(standings: Sequence[Standing], *, over: bool = True) -> list[str]:
    """Report each, such as `ready  shop/pr-42  https://…`; `over` once the wait has ended."""
    words = {**_STANDING_WORDS, "waiting": "not yet" if over else "waits"}
    rows = [
        (
            "asleep" if one.reason == ASLEEP else words[one.state],
            one.place,
            one.url if one.state == "ready" else one.message or one.reason,
        )
        for one in standings
    ]
    return [safe_line(line).rstrip() for line in aligned(rows)]


_STANDING_WORDS = {"ready": "ready", "suspended": "suspended", "failed": "not ready"}
_STANDING_COLORS = {"ready": "32", "suspended": "36", "failed": "31", "waiting": "33"}
_MARKS = {"done": "~", "canceled": "=", "failed": "x", "rejected": "x", "blocked": "!", "skipped": "."}
_BAD = ("failed", "rejected", "blocked")
