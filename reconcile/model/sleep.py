"""Which previews are asleep: out of their awake hours they have no pods.

The first that holds:

    it cannot be read                                       not asleep: nothing of it is changed
    no hours are in force                                   awake
    nobody tells the time, or the hours of its namespace    as its status reports it
    a window is open                                        awake
    its annotation `awake-until` keeps it up                awake
    else                                                    asleep until the next window opens
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconcile.kube.objects import NamespacedName, conditions_in
from reconcile.kube.time import parse_time, time_text
from reconcile.model.awake import asleep_until
from reconcile.model.duration import parse_duration
from reconcile.model.names import ASLEEP, PLURAL, READY, Names
from reconcile.model.preview import PreviewEnvironment, Unreadable
from reconcile.model.problems import shown

FOR_NOW = ("4h", "240m")
"""What keeps a preview awake for the evening. The same text again would change nothing, and so begin no new
count: where the first one is over, the other is proposed."""

A_TIME = "a time, such as 2026-11-30T22:00:00Z,"


@dataclass(frozen=True)
class Hours:
    """The windows of `--awake`, and of the namespaces that have their own, in whose place no others count.

    `namespaces` is None where they could not be read.
    """

    awake: tuple[str, ...] = ()
    namespaces: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)

    def of(self, namespace: str) -> tuple[str, ...] | None:
        """The windows of a namespace, none where its previews never sleep; None where nobody knows."""
        return None if self.namespaces is None else self.namespaces.get(namespace, self.awake)


ALWAYS_AWAKE = Hours()


def sleep_of(preview: PreviewEnvironment | Unreadable, hours: Hours, now: datetime | None) -> str:
    """Return until when a preview has no pods, and how to wake it, for its status; "" where it is awake."""
    windows = hours.of(preview.namespace)
    if isinstance(preview, Unreadable) or windows == ():
        return ""
    if now is None or windows is None:
        return _as_reported(preview)
    opens = asleep_until(windows, now)
    if opens is None:
        return ""
    kept_until, note = _awake_until(preview)
    if kept_until is not None and now < kept_until:
        return ""
    spent = preview.annotations.get(preview.names.awake_until_annotation, "")
    place = NamespacedName(preview.namespace, preview.name)
    return asleep_message(place, preview.names, windows, opens, note=note, spent=spent)


def asleep_message(
    place: NamespacedName,
    names: Names,
    windows: tuple[str, ...],
    opens: datetime,
    *,
    note: str = "",
    spent: str = "",
) -> str:
    """Say until when a preview sleeps, and how it is woken; the same in every run until the window opens."""
    shortly = next(text for text in FOR_NOW if text != spent)
    annotated = f"{names.awake_until_annotation}={shortly}"
    remedy = (
        f"kubectl annotate -n {place.namespace} {PLURAL}.{names.group} {place.name} {annotated} --overwrite"
    )
    parts = (f"asleep until {time_text(opens)} ({'; '.join(windows)})", note, f"to wake it now: {remedy}")
    return "; ".join(filter(None, parts))


def _as_reported(preview: PreviewEnvironment) -> str:
    ready = conditions_in(preview.status).get(READY, {})
    return str(ready.get("message") or "") if ready.get("reason") == ASLEEP else ""


def _awake_until(preview: PreviewEnvironment) -> tuple[datetime | None, str]:
    """Until when its annotation keeps it awake, None where nobody knows, and what is to be said of it."""
    annotation = preview.names.awake_until_annotation
    text = preview.annotations.get(annotation)
    if text is None:
        return None, ""
    try:
        end = parse_time(text) or _counted(parse_duration(text), preview.awake_until_set)
    except ValueError:
        return None, f"{annotation}: {shown(text)} must be {A_TIME} or a duration, such as 4h"
    if end is None:
        return None, f"{annotation}: managedFields do not tell when {shown(text)} was set; write {A_TIME}"
    return end, f"{annotation}: {shown(text)} ended at {time_text(end)}"


def _counted(length: timedelta, since: str) -> datetime | None:
    begun = parse_time(since)
    try:
        return begun + length if begun else None
    except OverflowError:  # after the year 9999
        return None
