"""Requests at once: in order, and given up when the run is told to end."""

import signal
import threading
import time

import pytest

from reconcile.errors import Stopped
from reconcile.pool import Stop, read_at_once, write_at_once


def double(number: int) -> int:
    return 2 * number


def test_results_come_in_the_order_of_the_items() -> None:
    assert read_at_once(double, [3, 1, 2], 2, Stop()) == [6, 2, 4]
    assert read_at_once(double, [], 2, Stop()) == []


def test_the_first_error_is_raised() -> None:
    def fail(number: int) -> int:
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        read_at_once(fail, [1, 2], 2, Stop())
    with pytest.raises(ValueError, match=r"[12]"):
        write_at_once(fail, [[1, 2]], 2, Stop(), namespace_of=str, seed="")


def test_no_more_than_so_many_run_at_once() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def count(number: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1
        return number

    read_at_once(count, list(range(12)), 3, Stop())
    assert most == [3]


def test_a_read_is_given_up_at_once() -> None:
    stop, never = Stop(), threading.Event()

    def hang(number: int) -> bool:
        stop.ask(signal.SIGTERM)
        return never.wait(30)

    try:
        with pytest.raises(Stopped):
            read_at_once(hang, [1], 1, stop)
    finally:
        never.set()


def test_a_write_under_way_gets_its_time_and_no_more() -> None:
    stop, never, written = Stop(), threading.Event(), list[int]()
    stop.grace = 0.2

    def write(number: int) -> None:
        stop.ask(signal.SIGINT)
        never.wait(0.05 if number == 1 else 30)
        written.append(number)

    try:
        write_at_once(write, [[1, 2]], 2, stop, namespace_of=str, seed="")
        assert written == [1]
    finally:
        never.set()


def test_the_first_signal_counts() -> None:
    stop = Stop()
    stop.ask(signal.SIGTERM)
    stop.ask(signal.SIGINT)
    assert stop.signal == signal.SIGTERM
