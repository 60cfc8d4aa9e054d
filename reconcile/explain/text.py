"""The explanation of one preview as text: the answer in two lines, then the facts behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconcile.explain.explain import ExplainedChild, Explanation, answer
from reconcile.explain.history import HistoryEvent
from reconcile.explain.managers import FieldState, Writer
from reconcile.kube.objects import maps_in
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.setup_record import record_in
from reconcile.report.safe import LONGEST_VALUE, age, ago, aligned, cut, safe_line
from reconcile.report.text import plan_text
from reconcile.status.reason import RUN_AGAIN

MOST_FIELDS = 40
"""At most so many fields that others set are listed of each child."""


def explanation_text(explained: Explanation, *, cluster: str, color: bool = False) -> str:
    """Render all of it; the same bytes for the same explanation."""
    head = [f"Preview {explained.place}, in {cluster}", "", *(f"{line}." for line in answer(explained))]
    sections = [
        _section("It requests", _requests(explained)),
        _section("Its status", _status(explained)),
        "\nWhat a run would do\n" + _indented(plan_text(explained.plan, color=color)),
        _section("Pods", _pods(explained)),
        *(_section(_title(child, explained), _child(child, explained)) for child in explained.children),
        _section("Events", _events(explained)),
        _section("Not known", explained.inquiry.notes),
    ]
    return "".join(f"{safe_line(line)}\n" for line in head) + "".join(sections)


def _section(title: str, lines: Iterable[str]) -> str:
    found = [safe_line(f"  {line}").rstrip() + "\n" for line in lines]
    return "".join([f"\n{safe_line(title)}\n", *found]) if found else ""


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    return (line.rstrip() for line in aligned(rows))


def _cut(text: str) -> str:
    return cut(text, LONGEST_VALUE)


# what it requests, and what its status reports


def _requests(explained: Explanation) -> Iterator[str]:
    yield from _table(
        [(f.path, _cut(f.there or ""), _who(f.writers, explained)) for f in explained.inquiry.fields]
    )
    if explained.desired and explained.desired.reason == "Invalid":
        yield explained.desired.message
        if writers := _who(explained.inquiry.writers, explained):
            yield f"last written by {writers}"


def _status(explained: Explanation) -> Iterator[str]:
    if not isinstance(explained.preview, PreviewEnvironment):
        return
    status = explained.preview.status
    rows = [
        (name, _cut(str(status[name])), "")
        for name in ("url", "ttl", "ttlCountsFrom", "expiresAt")
        if status.get(name)
    ]
    if setup := record_in(status):
        rows.append(("setup", f"{setup.result} (Job {setup.job})", setup.message))
    rows += [_condition(found, explained) for found in maps_in(status.get("conditions"))]
    yield from _table(rows)
    if not rows:
        yield "nothing: no run has written it"


def _condition(found: Mapping[str, Any], explained: Explanation) -> tuple[str, str, str]:
    since = _since(str(found.get("lastTransitionTime")), explained)
    said = f"{found.get('status')} ({found.get('reason')}) since {since}"
    seen = found.get("observedGeneration")
    preview = explained.preview
    old = isinstance(preview, PreviewEnvironment) and seen not in (None, preview.generation)
    return str(found.get("type")), said, f"{found.get('message')}{' (of an older spec)' if old else ''}"


def _since(time: str, explained: Explanation) -> str:
    """Write a time, and how long ago it is."""
    passed = ago(time, explained.inquiry.now)
    return f"{time} ({passed})" if passed else time


# what exists


def _pods(explained: Explanation) -> Iterator[str]:
    yield from _table(
        [(pod.name, age(pod.created, explained.inquiry.now), _cut(pod.state)) for pod in explained.pods]
    )


def _title(child: ExplainedChild, explained: Explanation) -> str:
    if not child.ownership:
        unread = any(entry.subject == child.key.kind for entry in explained.plan.skipped)
        return f"{child.key}: {'not read' if unread else 'not there'}"
    made = f", made {_since(child.created, explained)}" if child.created else ""
    return f"{child.key}: {child.ownership}{made}"


def _child(child: ExplainedChild, explained: Explanation) -> Iterator[str]:
    if not child.ownership:
        ran = explained.desired.record_of(child.key) if explained.desired else None
        yield f"not made again: it has run, by the status ({ran.result}); {RUN_AGAIN}" if ran else "wanted"
        return
    if writers := _who(child.writers, explained):
        yield f"written by {writers}"
    if child.kept:
        yield f"kept as it is: without --route {child.kept}, a run does not change its fields"
    rows = [_row("=" if field.same else "~", field, explained) for field in child.wanted]
    rows += [_row("?", field, explained) for field in child.foreign[:MOST_FIELDS]]
    yield from _table(rows)
    if len(child.foreign) > MOST_FIELDS:
        yield f"and {len(child.foreign) - MOST_FIELDS} more that others set"


def _row(mark: str, field: FieldState, explained: Explanation) -> tuple[str, str, str, str]:
    """Mark a field: `=` as desired, `~` not as desired, `?` set by others beside it."""
    who = "; ".join(_short(writer, explained.inquiry.now) for writer in field.writers)
    if field.template:
        return mark, field.path, "; ".join(filter(None, (who, f"by {field.template}"))), _values(field)
    return mark, field.path, who or ("nobody is recorded" if explained.from_server else ""), _values(field)


def _short(writer: Writer, now: datetime | None) -> str:
    """Name a writer in a table; our own manager, which is named above it, is `us`."""
    return "us" if writer.ours else _writer(writer, now)


def _values(field: FieldState) -> str:
    if field.wanted is None or field.same:
        return _cut(field.there or '""') if field.there != "(not shown)" else "as wanted (not shown)"
    if field.there is None:
        return f"not there, wanted {_cut(field.wanted)}"
    if field.there == field.wanted:
        return f"changed {field.there}"
    return f"{_cut(field.there)}, wanted {_cut(field.wanted)}"


def _who(writers: Sequence[Writer], explained: Explanation) -> str:
    return "; ".join(_writer(writer, explained.inquiry.now) for writer in writers)


def _writer(writer: Writer, now: datetime | None) -> str:
    """Write such as `kubectl-set (Update, 5m ago)`, `kube-controller-manager (Update of status, 3h ago)`."""
    name = f"us, {writer.manager}" if writer.ours else writer.manager
    part = f" of {writer.subresource}" if writer.subresource else ""
    return f"{name} ({', '.join(filter(None, (f'{writer.operation}{part}', ago(writer.time, now))))})"


# events


def _events(explained: Explanation) -> Iterator[str]:
    history = explained.inquiry.events
    if history.older:
        yield f"older ones that are not shown: {history.older}"
    yield from _table([_event(event, explained.inquiry.now) for event in history.shown])


def _event(event: HistoryEvent, now: datetime | None) -> tuple[str, ...]:
    often = f" ({event.count} times)" if event.count > 1 else ""
    about = f"{event.kind} {event.name}"
    return ago(event.time, now), event.type, event.reason, about, f"{event.message}{often}"
