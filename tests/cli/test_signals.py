"""A signal ends a question at a terminal, however it is timed."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from reconcile.cli.signals import Signals
from reconcile.cluster.pool import Stop
from reconcile.errors import Stopped


@pytest.fixture
def signals() -> Iterator[Signals]:
    signals = Signals(Stop())
    yield signals
    signals.restore()


def a_question(signals: Signals, meanwhile: Callable[[], None]) -> None:
    with signals.ending_questions():
        meanwhile()
        time.sleep(5)
        pytest.fail("the question went on")


def test_a_signal_before_the_question_ends_it_at_once(signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped), signals.ending_questions():
        pytest.fail("the question was asked")


def test_a_signal_during_the_question_ends_it(signals: Signals) -> None:
    with pytest.raises(Stopped):
        a_question(signals, lambda: os.kill(os.getpid(), signal.SIGTERM))


def test_a_signal_that_was_handled_just_before_the_wait_ends_it_too(signals: Signals) -> None:
    with pytest.raises(Stopped):
        a_question(signals, lambda: signals.stop.ask(signal.SIGTERM))  # just before the wait


def test_after_the_question_a_signal_raises_nothing_and_no_alarm_goes_off(signals: Signals) -> None:
    before = signal.getsignal(signal.SIGALRM)
    with signals.ending_questions():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.stop.asked
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
