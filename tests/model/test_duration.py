"""Durations as people write them."""

from datetime import timedelta

import pytest

from reconcile.model.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0", timedelta()),
        ("0h", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("72h", timedelta(hours=72)),
        ("7d", timedelta(days=7)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


NO_DURATION = "is no duration, such as 30m, 72h, 7d or 1d12h (d, h, m and s in this order; 0 is never)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("72", "has no unit; write d, h, m or s after the number"),
        ("1.5h", "has a fraction; use the next smaller unit"),
        ("-1h", "is negative"),
        ("1h1d", NO_DURATION),
        ("1h1h", NO_DURATION),
        ("1w", NO_DURATION),
        ("1h ", NO_DURATION),
        ("1h\n", NO_DURATION),
        ("\u0661h", NO_DURATION),
        ("3650d1s", "is more than ten years; 0 is never"),
        ("9" * 41, "has 41 characters; at most 40 are allowed"),
    ],
)
def test_an_invalid_duration_is_reported(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        parse_duration(text)
    assert str(caught.value) == problem
