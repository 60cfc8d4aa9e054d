"""Points in time as Kubernetes writes them: `2026-01-01T00:00:00Z`."""

from datetime import UTC, datetime


def time_text(time: datetime) -> str:
    """A time in UTC, to the second."""
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: object) -> datetime | None:
    """The time that a status holds; None for none, without a zone, or off the calendar in UTC."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
