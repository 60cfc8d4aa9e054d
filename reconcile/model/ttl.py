"""How long a preview is kept, and since when that counts; pure.

Only what an earlier run wrote into the status can expire a preview: a pass that finds no count, or one of
another generation or another ttl, begins it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconcile.kube.time import parse_time, time_text
from reconcile.model.duration import parse_duration
from reconcile.model.preview import PreviewEnvironment, Unreadable
from reconcile.model.settings import Settings

NEVER = timedelta()
LONGEST_NOTICE = timedelta(days=1)


@dataclass(frozen=True)
class Ttl:
    """The ttl in force, as it was written, and when its count began: "" where no earlier run began it."""

    text: str
    counts_from: str = ""

    @property
    def expires_at(self) -> str:
        """When the preview loses its children; "" while the count has not begun."""
        end = _end(self.counts_from, self.text)
        return time_text(end) if end else ""

    def ended(self, now: datetime) -> bool:
        """Whether the time is over."""
        end = _end(self.counts_from, self.text)
        return end is not None and end <= now

    def ends_soon(self, now: datetime) -> bool:
        """Whether no more than a tenth of it is left, and no more than a day."""
        end = _end(self.counts_from, self.text)
        return end is not None and now >= end - min(parse_duration(self.text) / 10, LONGEST_NOTICE)

    def begun(self, now: datetime) -> "Ttl":
        """The same, its count begun by now."""
        return self if self.counts_from else replace(self, counts_from=time_text(now))


@dataclass(frozen=True)
class Deadline:
    """When `--max-ttl` ends, which only what `--allow-protect` names outlives; `over`: whether it has."""

    at: str
    over: bool


def deadline_of(
    preview: PreviewEnvironment | Unreadable, ttl: Ttl | None, settings: Settings, now: datetime | None
) -> Deadline | None:
    """When the children of this preview go, whatever its author says; None while nobody can tell.

    Its count is that of its ttl, which may be shorter. One that is being deleted has another generation by
    that, and so no count: there it begins with the delete, which a finalizer may draw out.
    """
    begun = preview.deletion_timestamp or (ttl.counts_from if ttl else "")
    return deadline_after(begun, settings.max_ttl, now)


def deadline_after(begun: str, max_ttl: str | None, now: datetime | None) -> Deadline | None:
    """The deadline of what began then; None where there is no `--max-ttl`, no beginning or no clock."""
    if now is None or parse_duration(max_ttl or "0") == NEVER:
        return None
    end = _end(begun, max_ttl or "0")
    return Deadline(time_text(end), end <= now) if end else None


def ttl_of(preview: PreviewEnvironment | Unreadable, settings: Settings) -> Ttl | None:
    """The ttl in force and its count; None for a preview that never expires, or that cannot be read."""
    if isinstance(preview, Unreadable):
        return None
    text = _in_force(preview.spec.ttl, settings)
    if not text:
        return None
    status = preview.status
    same = (status.get("observedGeneration"), status.get("ttl")) == (preview.generation, text)
    begun = status.get("ttlCountsFrom") if same else None
    return Ttl(text, begun if isinstance(begun, str) and _counts(begun, text, preview) else "")


def _counts(begun: str, text: str, preview: PreviewEnvironment) -> bool:
    """A count that is older than its preview came with a backup: it is about one that is no more."""
    since, created = parse_time(begun), parse_time(preview.creation_timestamp)
    return _end(begun, text) is not None and not (since and created and since < created)


def _in_force(asked: str | None, settings: Settings) -> str:
    """What the author asks for, else the operator's default, and no more than the operator's most."""
    text = asked or settings.default_ttl or "0"
    length, most = parse_duration(text), parse_duration(settings.max_ttl or "0")
    if settings.max_ttl and most != NEVER and (length == NEVER or length > most):
        return settings.max_ttl
    return "" if length == NEVER else text


def _end(counts_from: str, text: str) -> datetime | None:
    begun = parse_time(counts_from)
    try:
        return begun + parse_duration(text) if begun else None
    except OverflowError:  # after the year 9999
        return None
