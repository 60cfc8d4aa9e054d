"""What a run did, and what it found out, as Events on the previews; pure.

    Created, Updated, Deleted    children were; one Event for each preview and action
    the reason of Ready          it has changed: a Warning for what stalls or fails, else Normal
    ExpiresSoon                  the condition Expiring is new

Nothing is told of a preview that is on its way (`Progressing`), nor of what stays as it is.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Literal, NamedTuple, assert_never

from reconcile.cluster.context import Context
from reconcile.desire.children import apply_order, short_name
from reconcile.errors import Forbidden, NamespaceTerminating, NotInstalled, ReconcileError
from reconcile.kube.objects import EVENTS_V1, Manifest, conditions_in, split_place
from reconcile.model.names import (
    APPLY_FAILED,
    ASLEEP,
    AVAILABLE,
    EXPIRED,
    EXPIRING,
    KIND,
    READY,
    STALLED,
    SUSPENDED,
    UNREAD,
)
from reconcile.model.snapshot import Preview
from reconcile.plan.changes import Create, Delete, Outcome, Update, Write

LONGEST_NOTE = 1024
"""Bytes: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/"""
_ROOM_FOR_NAME = 150

_NORMAL = (AVAILABLE, SUSPENDED, ASLEEP, EXPIRED)
_FAILING = (APPLY_FAILED, UNREAD)
"""What is no good without being Stalled."""
_ACTIONS = ("Created", "Updated", "Deleted")


@dataclass(frozen=True)
class News:
    """Something to tell of a preview. `action` is what was being done (a verb), `reason` what came of it.

    `once` is what makes it, with reason and note, the same as one that was told before: the server keeps one.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str
    once: str


def of_outcomes(outcomes: Iterable[Outcome], now: datetime) -> tuple[News, ...]:
    """What was done to the children of one preview: at most one of each action."""
    done: dict[str, list[Write]] = {reason: [] for reason in _ACTIONS}
    for outcome in outcomes:
        if outcome.result == "done":
            done[_past(outcome.change)].append(outcome.change)
    return tuple(
        News("Normal", reason, reason.removesuffix("d"), _note(reason, changes), _micro_time(now))
        for reason, changes in done.items()
        if changes
    )


def _past(change: Write) -> str:
    match change:
        case Create():
            return "Created"
        case Update():
            return "Updated"
        case Delete():
            return "Deleted"
        case _:
            assert_never(change)


def _note(reason: str, changes: Iterable[Write]) -> str:
    """Such as `created Deployment, Service: new preview; Mapping: …`: the kinds of each reason together."""
    in_order = sorted(changes, key=lambda change: apply_order(change.key, split_place(change.preview).name))
    why = [
        f"{', '.join(map(_named, group))}: {because}"
        for because, group in groupby(in_order, key=lambda change: change.message)
    ]
    return f"{reason.lower()} {'; '.join(why)}"


def _named(change: Write) -> str:
    return short_name(change.key, split_place(change.preview).name)


def of_status(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[News, ...]:
    """What is new in a status that was written in the place of another."""
    return (*_of_ready(before, after), *_of_expiring(before, after))


def _of_ready(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[News]:
    """A preview that falls back and fails again with the same words, as a crash loop does, is told once."""
    if _newsworthy(before) == _newsworthy(after):
        return
    ready, stalled = conditions_in(after)[READY], STALLED in conditions_in(after)
    reason, message = ready["reason"], ready["message"]
    once = str(ready["observedGeneration"])
    if reason in _NORMAL:
        yield News("Normal", reason, "Reconcile", message, once)
    elif stalled or reason in _FAILING:
        yield News("Warning", reason, "Reconcile", message, once)


def _newsworthy(status: Mapping[str, Any]) -> tuple[object, bool, object]:
    """What of a status makes an Event where it changes: a push that fails like the last one is news."""
    conditions = conditions_in(status)
    ready, stalled = conditions.get(READY, {}), STALLED in conditions
    failing = stalled or ready.get("reason") in _FAILING
    return ready.get("reason"), stalled, ready.get("observedGeneration") if failing else None


def _of_expiring(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[News]:
    was, now = conditions_in(before).get(EXPIRING, {}), conditions_in(after).get(EXPIRING)
    if now and now["message"] != was.get("message"):
        yield News("Warning", now["reason"], "Expire", now["message"], after["expiresAt"])


def event(preview: Preview, news: News, now: datetime) -> Manifest:
    """The Event, with a name of its own: what has been told already is there under it.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    return {
        "apiVersion": EVENTS_V1.api_version,
        "kind": EVENTS_V1.kind,
        "metadata": {"name": _name(preview, news), "namespace": preview.namespace},
        "eventTime": _micro_time(now),
        "reportingController": preview.names.controller,
        "reportingInstance": preview.names.field_manager,
        "action": news.action,
        "reason": news.reason,
        "type": news.type,
        "note": _one_line(news.note),
        "regarding": {
            "apiVersion": preview.names.api_version,
            "kind": KIND,
            "namespace": preview.namespace,
            "name": preview.name,
            "uid": preview.uid,
            "resourceVersion": preview.resource_version,
        },
    }


def _name(preview: Preview, news: News) -> str:
    """The preview's name, and a hash of its uid and what is told of it."""
    identity = "\0".join((preview.uid, news.reason, news.note, news.once))
    short = preview.name[:_ROOM_FOR_NAME].rstrip("-.")
    return f"{short}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _micro_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _one_line(text: str) -> str:
    """Of plain characters, and no longer than the server takes it."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(plain.split())
    if len(line.encode()) <= LONGEST_NOTE:
        return line
    return line.encode()[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"


EVERYWHERE = ""
"""In the place of a namespace."""


class _Untold(NamedTuple):
    """Of what an Event is made when its turn comes."""

    preview: Preview
    news: News
    time: datetime


def announce(context: Context, news: Sequence[tuple[Preview, News]], now: datetime) -> tuple[str, ...]:
    """Create these Events, each once; none after a signal. The note says why one could not be created."""
    # A Date has no fractions of a second: without some, what is sorted by time is in no order.
    times = (now + timedelta(microseconds=number) for number in range(len(news)))
    items = [_Untold(preview, one, time) for (preview, one), time in zip(news, times, strict=True)]
    unsent: list[ReconcileError] = []
    for_ever: set[str] = set()

    def send(item: _Untold) -> None:
        if context.stop.asked or {EVERYWHERE, _namespace(item)} & for_ever:
            return
        try:
            context.cluster.create(EVENTS_V1, event(item.preview, item.news, item.time))
        except NamespaceTerminating:
            pass
        except ReconcileError as error:
            unsent.append(error)
            if isinstance(error, Forbidden | NotInstalled):  # the next one would get the same answer
                for_ever.add(_namespace(item) if isinstance(error, Forbidden) else EVERYWHERE)

    context.write_all(send, [items], namespace_of=_namespace, seed=str(now))
    return tuple(f"events were not created: {error}" for error in unsent[:1])


def _namespace(item: _Untold) -> str:
    return item.preview.namespace
