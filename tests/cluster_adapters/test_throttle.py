"""How many requests are under way at once, before a server that says that it has too many."""

import threading
import time

import pytest

from reconcile.cluster.kubernetes.deadline import RequestDeadline
from reconcile.cluster.kubernetes.throttle import ROUNDS, Sent, Throttle

FOREVER = RequestDeadline(None)


def sent(throttle: Throttle) -> Sent:
    number = throttle.begin(FOREVER)
    assert number is not None
    return number


def turn_away(throttle: Throttle, together: int = 1) -> None:
    """So many requests that are under way together are turned away."""
    for number in [sent(throttle) for _ in range(together)]:
        throttle.end(number, turned_away=True)


def take_up(throttle: Throttle, times: int) -> None:
    for _ in range(times):
        throttle.end(sent(throttle), turned_away=False)


def test_those_that_are_turned_away_together_halve_the_limit_once() -> None:
    throttle = Throttle(8)
    limits = []
    for together in (8, 4, 1, 1):
        turn_away(throttle, together)
        limits.append(throttle.limit)
    assert limits == [4, 2, 1, 1]


def test_a_server_that_takes_up_gets_one_more_after_some_rounds_until_all_are_allowed() -> None:
    throttle = Throttle(4)
    turn_away(throttle, 4)
    take_up(throttle, 2 * ROUNDS)
    assert throttle.limit == 2, "its part is not complete yet"
    take_up(throttle, ROUNDS)
    assert throttle.limit == 3
    take_up(throttle, 10 * ROUNDS)
    assert throttle.limit == 4


def test_a_missing_answer_does_not_change_the_limit() -> None:
    throttle = Throttle(4)
    throttle.end(sent(throttle), turned_away=None)
    assert (throttle.limit, throttle.taken) == (4, 0)


def test_one_that_may_not_be_sent_waits_for_another_to_end() -> None:
    throttle = Throttle(1)
    first, order = sent(throttle), []

    def second() -> None:
        sent(throttle)
        order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    time.sleep(0.05)
    order.append("first")
    throttle.end(first, turned_away=False)
    waiting.join(5)
    assert order == ["first", "second"]


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_nobody_waits_beyond_the_deadline(seconds: float) -> None:
    throttle = Throttle(1)
    sent(throttle)
    began = time.monotonic()
    assert throttle.begin(RequestDeadline(seconds)) is None
    assert time.monotonic() - began < 2
