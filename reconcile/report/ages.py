"""Points in time for people: how long ago, how long until, and when, all by the time of the run."""

from datetime import datetime

from reconcile.kube.time import parse_time

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def moment(text: str) -> str:
    """Such as `2026-01-05 10:30 UTC`; "" where it is no time."""
    found = parse_time(text)
    return found.strftime("%Y-%m-%d %H:%M UTC") if found else ""


def age(created: str, now: datetime | None) -> str:
    """As kubectl tells ages, in one unit: `45s`, `5m`, `3h`, `2d`; "" where nobody knows."""
    since = parse_time(created)
    return "" if since is None or now is None else _span(max(0, int((now - since).total_seconds())))


def until(end: str, now: datetime | None) -> str:
    """Such as `in 2d` or `3h ago`; "" where nobody knows."""
    at = parse_time(end)
    if at is None or now is None:
        return ""
    seconds = int((at - now).total_seconds())
    return f"in {_span(seconds)}" if seconds > 0 else f"{_span(-seconds)} ago"


def _span(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length or unit == "s")
    return f"{seconds // length}{unit}"
