"""The explanation of one preview as text: the answer in two lines, then what it rests on."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reconcile.explain.explain import Child, Explanation, answer
from reconcile.explain.history import HistoryEvent
from reconcile.explain.managers import FieldState, Writer
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.setup_record import record_in
from reconcile.report.safe import age, cut, safe_line
from reconcile.report.text import plan_text
from reconcile.status.reason import RUN_AGAIN

MOST_FIELDS = 40
"""So many fields of others are listed of each child."""
_LONGEST = 120


def explanation_text(told: Explanation, *, cluster: str, color: bool = False) -> str:
    """All of it; the same bytes for the same explanation."""
    head = [f"Preview {told.place}, in {cluster}", "", *(f"{line}." for line in answer(told))]
    sections = [
        _section("It requests", _asked(told)),
        _section("Its status", _status(told)),
        "\nWhat a run would do\n" + _indented(plan_text(told.plan, color=color)),
        _section("Pods", _pods(told)),
        *(_section(_title(child, told), _child(child, told)) for child in told.children),
        _section("Events", _events(told)),
        _section("Not known", told.inquiry.notes),
    ]
    return "".join(f"{safe_line(line)}\n" for line in head) + "".join(sections)


def _section(title: str, lines: Iterable[str]) -> str:
    found = [safe_line(f"  {line}").rstrip() + "\n" for line in lines]
    return "".join([f"\n{safe_line(title)}\n", *found]) if found else ""


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(text: str) -> str:
    return cut(text, _LONGEST)


# what it asks for, and what its status says


def _asked(told: Explanation) -> Iterator[str]:
    rows = [(f.path, _cut(f.there or ""), _who(f.writers, told)) for f in told.inquiry.fields]
    yield from _table(rows)
    if told.desired and told.desired.verdict == "Invalid":
        yield told.desired.message
        if writers := _who(told.inquiry.writers, told):
            yield f"last written by {writers}"


def _status(told: Explanation) -> Iterator[str]:
    if not isinstance(told.preview, PreviewEnvironment):
        return
    status = told.preview.status
    rows = [
        (name, _cut(str(status[name])), "")
        for name in ("url", "ttl", "ttlCountsFrom", "expiresAt")
        if status.get(name)
    ]
    if setup := record_in(status):
        rows.append(("setup", f"{setup.result} (Job {setup.job})", setup.message))
    conditions = status.get("conditions")
    for found in conditions if isinstance(conditions, list) else ():
        if isinstance(found, dict):
            rows.append(_condition(found, told))
    yield from _table(rows)
    if not rows:
        yield "nothing: no run has written it"


def _condition(found: dict[str, object], told: Explanation) -> tuple[str, str, str]:
    since = _since(str(found.get("lastTransitionTime")), told)
    said = f"{found.get('status')} ({found.get('reason')}) since {since}"
    seen = found.get("observedGeneration")
    preview = told.preview
    old = isinstance(preview, PreviewEnvironment) and seen not in (None, preview.generation)
    return str(found.get("type")), said, f"{found.get('message')}{' (of an older spec)' if old else ''}"


def _since(time: str, told: Explanation) -> str:
    """A time, and how long ago that is."""
    ago = age(time, told.inquiry.now)
    return f"{time} ({ago} ago)" if ago else time


# what is there


def _pods(told: Explanation) -> Iterator[str]:
    yield from _table([(pod.name, age(pod.created, told.inquiry.now), _cut(pod.says)) for pod in told.pods])


def _title(child: Child, told: Explanation) -> str:
    if not child.standing:
        return f"{child.key}: not there"
    made = f", made {_since(child.created, told)}" if child.created else ""
    return f"{child.key}: {child.standing}{made}"


def _child(child: Child, told: Explanation) -> Iterator[str]:
    if not child.standing:
        ran = told.desired.record_of(child.key) if told.desired else None
        yield f"not made again: it has run, by the status ({ran.result}); {RUN_AGAIN}" if ran else "wanted"
        return
    if child.writers:
        yield f"written by {_who(child.writers, told)}"
    rows = [_row(_mark(field), field, told) for field in child.wanted]
    rows += [_row("?", field, told) for field in child.foreign[:MOST_FIELDS]]
    yield from _table(rows)
    if len(child.foreign) > MOST_FIELDS:
        yield f"and {len(child.foreign) - MOST_FIELDS} more that others set"


def _row(mark: str, field: FieldState, told: Explanation) -> tuple[str, str, str, str]:
    who = "; ".join(_short(writer, told.inquiry.now) for writer in field.writers)
    return mark, field.path, who or ("nobody is recorded" if told.from_server else ""), _values(field)


def _short(writer: Writer, now: datetime | None) -> str:
    """In a table our own manager, which is told above it, is `us`."""
    return "us" if writer.ours else _writer(writer, now)


def _mark(field: FieldState) -> str:
    """`=` as wanted, `~` not as wanted; `?` is what others set beside it."""
    return "=" if field.same else "~"


def _values(field: FieldState) -> str:
    if field.wanted is None or field.same:
        return _cut(field.there or '""') if field.there != "(not shown)" else "as wanted (not shown)"
    if field.there is None:
        return f"not there, wanted {_cut(field.wanted)}"
    if field.there == field.wanted:
        return f"changed {field.there}"
    return f"{_cut(field.there)}, wanted {_cut(field.wanted)}"


def _who(writers: Sequence[Writer], told: Explanation) -> str:
    return "; ".join(_writer(writer, told.inquiry.now) for writer in writers)


def _writer(writer: Writer, now: datetime | None) -> str:
    """Such as `kubectl-set (Update, 5m ago)`, `kube-controller-manager (Update of status, 3h ago)`."""
    name = f"us, {writer.manager}" if writer.ours else writer.manager
    how = f"{writer.operation}{f' of {writer.subresource}' if writer.subresource else ''}"
    ago = age(writer.time, now)
    return f"{name} ({how}{f', {ago} ago' if ago else ''})"


# events


def _events(told: Explanation) -> Iterator[str]:
    history = told.inquiry.events
    if history.older:
        yield f"older ones that are not shown: {history.older}"
    yield from _table([_event(event, told.inquiry.now) for event in history.told])


def _event(event: HistoryEvent, now: datetime | None) -> tuple[str, ...]:
    often = f" ({event.count} times)" if event.count > 1 else ""
    ago = age(event.time, now)
    return (
        f"{ago} ago" if ago else "",
        event.type,
        event.reason,
        f"{event.kind} {event.name}",
        f"{event.message}{often}",
    )
