"""Awake hours are parsed, or refused in plain words, and open and close as the clocks of their zone show."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.awake import DAYS, asleep_until, parse_window, windows_in
from tests.whole import drawn

WORK = "Mon-Fri 07:00-20:00 Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def until(now: str, *windows: str) -> str:
    """When the windows open, in UTC; "" where one is open."""
    found = asleep_until(windows, at(now))
    return found.strftime("%Y-%m-%d %H:%M") if found else ""


@pytest.mark.parametrize(
    ("now", "windows", "opens"),
    [
        # A Sunday night in winter: Berlin is one hour ahead.
        ("2026-11-29 22:00", (WORK,), "2026-11-30 06:00"),
        ("2026-11-30 05:59:59", (WORK,), "2026-11-30 06:00"),
        ("2026-11-30 06:00", (WORK,), ""),
        ("2026-11-30 18:59:59", (WORK,), ""),
        ("2026-11-30 19:00", (WORK,), "2026-12-01 06:00"),
        ("2026-12-04 19:00", (WORK,), "2026-12-07 06:00"),
        # In summer it is two.
        ("2026-07-01 04:59", (WORK,), "2026-07-01 05:00"),
        # Several, of several zones: awake where any is open, however they overlap.
        ("2026-11-30 19:00", (WORK, "Mon-Fri 09:00-17:00 America/New_York"), ""),
        ("2026-11-30 22:00", (WORK, "Mon-Fri 09:00-17:00 America/New_York"), "2026-12-01 06:00"),
        ("2026-11-30 22:00", ("Tue 12:00-13:00 UTC", WORK, "Tue 06:30-14:00 UTC"), "2026-12-01 06:00"),
        # Over midnight, from the day on which it opens: Tokyo is nine hours ahead.
        ("2026-12-04 10:59", ("Mon-Fri 20:00-02:00 Asia/Tokyo",), "2026-12-04 11:00"),
        ("2026-12-04 16:59", ("Mon-Fri 20:00-02:00 Asia/Tokyo",), ""),
        ("2026-12-04 17:00", ("Mon-Fri 20:00-02:00 Asia/Tokyo",), "2026-12-07 11:00"),
        # Whole days, and days over the end of the week.
        ("2026-12-04 23:59", ("Sat,Sun UTC",), "2026-12-05 00:00"),
        ("2026-12-06 23:59", ("Sat,Sun UTC",), ""),
        ("2026-12-07 00:00", ("Sat,Sun UTC",), "2026-12-12 00:00"),
        ("2026-12-07 23:59", ("Sat-Mon UTC",), ""),
        ("2026-12-08 00:00", ("Sat-Mon UTC",), "2026-12-12 00:00"),
        ("2026-12-06 23:59", ("Sun 22:00-24:00 UTC",), ""),
        ("2026-12-07 00:00", ("Mon-Sun UTC",), ""),
        # No window at all: nobody has asked for sleep.
        ("2026-12-07 00:00", (), ""),
    ],
)
def test_a_preview_sleeps_until_the_next_window_opens(now: str, windows: tuple[str, ...], opens: str) -> None:
    assert until(now, *windows) == opens


@pytest.mark.parametrize(
    ("window", "opens", "closes"),
    [
        # 2027-03-28, 01:00 UTC: from 02:00 to 03:00 in Berlin.
        ("Sun 02:30-05:00 Europe/Berlin", "2027-03-28 01:00", "2027-03-28 03:00"),
        ("Sun 01:00-02:30 Europe/Berlin", "2027-03-28 00:00", "2027-03-28 01:00"),
        # 2027-10-31, 01:00 UTC: from 03:00 back to 02:00.
        ("Sun 02:30-05:00 Europe/Berlin", "2027-10-31 00:30", "2027-10-31 04:00"),
        ("Sun 01:00-02:30 Europe/Berlin", "2027-10-30 23:00", "2027-10-31 01:30"),
        # The clocks of Cuba go on at midnight, from 00:00 to 01:00.
        ("Sun 00:00-06:00 America/Havana", "2027-03-14 05:00", "2027-03-14 10:00"),
        # Where the hour that is repeated begins with the end, it closes at the first of both.
        ("Sat America/Havana", "2027-11-06 04:00", "2027-11-07 04:00"),
        ("Sun 01:00-02:00 Europe/Berlin", "2027-10-30 23:00", "2027-10-31 00:00"),
    ],
)
def test_a_window_opens_once_when_the_clocks_change(window: str, opens: str, closes: str) -> None:
    before, last = (at(time) - timedelta(seconds=1) for time in (opens, closes))
    assert asleep_until((window,), before) == at(opens)
    for minutes in range(0, (last - at(opens)) // timedelta(minutes=1), 5):
        assert asleep_until((window,), at(opens) + timedelta(minutes=minutes)) is None, minutes
    assert asleep_until((window,), last) is None
    assert (asleep_until((window,), at(closes)) or at(closes)) > at(closes)


def test_a_window_that_the_clocks_skip_opens_a_week_later() -> None:
    assert until("2027-03-28 00:00", "Sun 02:10-02:50 Europe/Berlin") == "2027-04-04 00:10"


# Clocks that change by one hour, by half of one, by two, at midnight, not at all, and with an odd offset.
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "America/Santiago"),
    *("America/Havana", "Asia/Kathmandu", "UTC"),
)
BEGIN, DAY, MARGIN = datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=1), 30
MINUTES = 1440 * (365 + 2 * MARGIN)
QUARTER = 15
"""Minutes: the clocks of these zones change at a full quarter of an hour."""


@cache
def pieces(zone: str) -> list[tuple[int, int, int]]:
    """From one change of the clocks to the next: the first minute since BEGIN, the one after the last, and what
    the clocks are ahead by."""
    times = [(BEGIN + timedelta(minutes=at)).astimezone(ZoneInfo(zone)) for at in range(0, MINUTES, QUARTER)]
    ahead = [(time.utcoffset() or timedelta()) // timedelta(minutes=1) for time in times]
    starts = [0, *(at * QUARTER for at in range(1, len(ahead)) if ahead[at] != ahead[at - 1])]
    return [(one, end, ahead[one // QUARTER]) for one, end in pairwise([*starts, MINUTES])]


Drawn = tuple[frozenset[int], int, int, str]


def spans(window: Drawn) -> list[tuple[int, int]]:
    """When a window opens and closes: the first minute in which the clocks show its start or more, and the one
    after the last in which they show less than its end."""
    days, start, end, zone = window
    end += 1440 if end <= start else 0
    found = []
    for midnight in range(1440, MINUTES - 1440, 1440):
        if (BEGIN + timedelta(minutes=midnight)).weekday() in days:
            opens = next(
                max(one, midnight + start - ahead)
                for one, last, ahead in pieces(zone)
                if last + ahead > midnight + start
            )
            closes = next(
                min(last, midnight + end - ahead)
                for one, last, ahead in reversed(pieces(zone))
                if one + ahead < midnight + end
            )
            found.append((opens, closes))
    return [(opens, closes) for opens, closes in found if opens < closes]


def text_of(window: Drawn) -> str:
    days, start, end, zone = window
    named = ",".join(DAYS[day] for day in sorted(days))
    return f"{named} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02} {zone}"


TIMES = st.integers(0, 1439) | st.integers(0, 4 * 60)  # most clocks change in the first hours of a day
WINDOWS = st.tuples(
    st.frozensets(st.integers(0, 6), min_size=1), TIMES, TIMES | st.just(1440), st.sampled_from(ZONES)
).filter(lambda window: window[1] != window[2])


@drawn()
@given(windows=st.lists(WINDOWS, min_size=1, max_size=3), data=st.data())
def test_a_year_of_windows_is_as_the_clocks_show_minute_by_minute(
    windows: list[Drawn], data: st.DataObject
) -> None:
    year = (1440 * MARGIN, MINUTES - 1440 * MARGIN)
    near = [one for window in windows for one, _, _ in pieces(window[3]) if year[0] < one < year[1]]
    anywhere = st.integers(*year)
    about = st.builds(int.__add__, st.sampled_from(near), st.integers(-300, 300)) if near else anywhere
    open_ = [span for window in windows for span in spans(window)]
    texts = tuple(map(text_of, windows))
    for now in data.draw(st.lists(anywhere | about, min_size=10, max_size=30)):
        awake = any(opens <= now < closes for opens, closes in open_)
        expected = (
            None if awake else BEGIN + timedelta(minutes=min(opens for opens, _ in open_ if opens > now))
        )
        assert asleep_until(texts, BEGIN + timedelta(minutes=now)) == expected, (texts, now)


def test_an_image_without_zone_data_has_that_of_a_package() -> None:
    zoneinfo.reset_tzpath(to=())
    try:
        summer = datetime(2026, 7, 1, tzinfo=ZoneInfo.no_cache("Europe/Berlin"))
        assert summer.utcoffset() == timedelta(hours=2)
    finally:
        zoneinfo.reset_tzpath()


SHAPE = "must be 'DAYS HH:MM-HH:MM ZONE' or 'DAYS ZONE', such as 'Mon-Fri 07:00-20:00 Europe/Berlin'"
A_ZONE = "must be a time zone of the IANA database"
DAY_NAMES = "must be a day: Mon, Tue, Wed, Thu, Fri, Sat, Sun, or several, such as Mon-Fri or Sat,Sun"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", SHAPE),
        ("Mon-Fri 7-20", SHAPE),
        ("Mon-Fri 07:00-20:00", SHAPE),
        ("Sat,Sun", SHAPE),
        ("Mon, Tue UTC", SHAPE),
        ("07:00-20:00 Europe/Berlin", f'"07:00" {DAY_NAMES}'),
        ("Mo 07:00-20:00 UTC", f'"Mo" {DAY_NAMES}'),
        ("Mon- 07:00-20:00 UTC", f'"" {DAY_NAMES}'),
        ("Mon-Wed-Fri UTC", f'"Wed-Fri" {DAY_NAMES}'),
        ("Mon 07:00-24:30 UTC", '"24:30" must be a time from 00:00 to 24:00'),
        ("Mon 07:60-08:00 UTC", '"07:60" must be a time from 00:00 to 24:00'),
        ("Mon 07:00-07:00 UTC", "must open before it closes; for whole days, leave the hours out"),
        ("Mon 24:00-07:00 UTC", "must open before it closes; for whole days, leave the hours out"),
        ("Mon 07:00-08:00 Europe/Berlim", f'"Europe/Berlim" {A_ZONE}; did you mean Europe/Berlin?'),
        ("Mon 07:00-08:00 Qqqqqqq", f'"Qqqqqqq" {A_ZONE}, such as Europe/Berlin or UTC'),
        ("Mon 07:00-08:00 Europe/../Berlin", f'"Europe/../Berlin" {A_ZONE}; did you mean Europe/Berlin?'),
        ("Mon 07:00-08:00 Europe", f'"Europe" {A_ZONE}; did you mean Europe/Rome?'),
    ],
)
def test_what_is_not_a_window_is_refused_in_plain_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"must be|must open") as refused:
        parse_window(text)
    assert str(refused.value) == message


def test_an_annotation_holds_windows_between_semicolons() -> None:
    assert windows_in(f" {WORK} ;  Sat   UTC; ") == (WORK, "Sat UTC")


@pytest.mark.parametrize(
    "text", ["", " ; ", f"{WORK};;Sat UTC", f"{WORK}, Sat UTC", ";".join(["Sat UTC"] * 21)]
)
def test_an_annotation_that_is_not_all_windows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        windows_in(text)
