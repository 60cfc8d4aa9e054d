"""Awake hours: the windows of the week in which previews have pods: `Mon-Fri 07:00-20:00 Europe/Berlin`.

A window opens at the first moment at which the clocks of its zone show its start, and closes after the last
one at which they show a time before its end. So one that touches the hour which a change of the clocks skips
or repeats is open once, without a break:

    02:30-05:00, 02:00 to 03:00 skipped     opens at 03:00, the moment at which 02:30 is over
    00:00-02:30, 02:00 to 03:00 repeated    closes at the second 02:30
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from reconcile.model.problems import shown

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "Mon-Fri 07:00-20:00 Europe/Berlin"
SEPARATOR = ";"
"""Between the windows of one annotation."""
MOST_WINDOWS = 20
"""Of one annotation, which the owner of a namespace writes: a run reads each of them."""

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_AHEAD = 15
"""Days in which every window opens: in one week a change of the clocks may skip all of it."""
_WINDOW = re.compile(
    r"(?P<days>\S+)(\s+(?P<start>[0-9]{2}:[0-9]{2})-(?P<end>[0-9]{2}:[0-9]{2}))?\s+(?P<zone>[A-Za-z]\S*)"
)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


@dataclass(frozen=True)
class Window:
    """Some hours on some days of each week; `days` count from 0, Monday, and are those on which it opens.

    `start` and `end` are counted from the midnight before it opens: one over midnight ends after 24 hours.
    """

    days: frozenset[int]
    start: timedelta
    end: timedelta
    zone: tzinfo

    def around(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When it opens and closes, in order: what is open now, and all of the days ahead."""
        today = now.astimezone(self.zone).date()
        for day in (today + _DAY * number for number in range(-2, _AHEAD + 1)):
            if day.weekday() in self.days:
                opens, closes = self._moment(day, self.start), self._moment(day, self.end, last=True)
                if opens < closes:
                    yield opens, closes

    def _moment(self, day: date, after_midnight: timedelta, *, last: bool = False) -> datetime:
        """The first moment at which the clocks show this time, or the last one."""
        wall = datetime.combine(day, time()) + after_midnight
        early, late = sorted(wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if self._shown(early) == wall:
            # A repeated hour that begins with the end shows no time before it a second time.
            return late if last and self._shown(late - _MINUTE) < wall else early
        skipped = range((late - early) // _MINUTE)
        return early + _MINUTE * bisect_left(
            skipped, True, key=lambda minute: self._shown(early + _MINUTE * minute) >= wall
        )

    def _shown(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)


@lru_cache(maxsize=256)  # all previews of a run have few windows, and one time
def asleep_until(windows: tuple[str, ...], now: datetime) -> datetime | None:
    """Return when the first of these windows opens; None where one is open, or there is none."""
    spans = [span for text in windows for span in parse_window(text).around(now)]
    if any(opens <= now < closes for opens, closes in spans):
        return None
    return min((opens for opens, _ in spans if opens > now), default=None)


def windows_in(annotation: str) -> tuple[str, ...]:
    """Return the windows of an annotation. Raises ValueError as `parse_window` does."""
    texts = tuple(" ".join(text.split()) for text in annotation.strip(f"{SEPARATOR} ").split(SEPARATOR))
    if len(texts) > MOST_WINDOWS:
        raise ValueError(f"must be at most {MOST_WINDOWS} windows")
    for text in texts:
        parse_window(text)
    return texts


@lru_cache(maxsize=256)
def parse_window(text: str) -> Window:
    """Read a window. Raises ValueError with a sentence that goes on from the value."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"must be 'DAYS HH:MM-HH:MM ZONE' or 'DAYS ZONE', such as '{EXAMPLE}'")
    days, zone = _days(match["days"]), _zone(match["zone"])
    start, end = _time(match["start"] or "00:00"), _time(match["end"] or "24:00")
    if start in (end, _DAY):
        raise ValueError("must open before it closes; for whole days, leave the hours out")
    return Window(days, start, end if end > start else end + _DAY, zone)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, end = _day(first), _day(last if dash else first)
        found.update((begin + number) % 7 for number in range((end - begin) % 7 + 1))
    return frozenset(found)


def _day(text: str) -> int:
    if text not in DAYS:
        raise ValueError(
            f"{shown(text)} must be a day: {', '.join(DAYS)}, or several, such as Mon-Fri or Sat,Sun"
        )
    return DAYS.index(text)


def _time(text: str) -> timedelta:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{shown(text)} must be a time from 00:00 to 24:00")
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, available_timezones  # what only windows need

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # not in the data, a folder of it, or outside of it
        from difflib import get_close_matches

        near = get_close_matches(name, available_timezones(), 1)
        hint = f"; did you mean {near[0]}?" if near else ", such as Europe/Berlin or UTC"
        raise ValueError(f"{shown(name)} must be a time zone of the IANA database{hint}") from None
