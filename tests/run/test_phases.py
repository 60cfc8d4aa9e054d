"""The line that says where the time of a run went: phases that come again are summed, requests are theirs."""

import logging

import pytest

from reconcile.cluster.port import Traffic
from reconcile.run.phases import Phases


class Past:
    """A clock and a cluster's counter, both moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.requests = 7
        self.size = 7_000

    def phases(self) -> Phases:
        return Phases(lambda: Traffic(self.requests, self.size), lambda: self.seconds)

    def goes_on(self, seconds: float, requests: int = 0, size: int = 0) -> None:
        self.seconds += seconds
        self.requests += requests
        self.size += size


def test_each_phase_has_the_time_and_the_requests_since_the_one_before() -> None:
    past = Past()
    phases = past.phases()
    past.goes_on(0.21, 13, 10_140_000)
    phases.done("read")
    past.goes_on(0.1204)
    phases.done("planned")
    assert str(phases) == "read 0.210 s (13 requests, 10.1 MB), planned 0.120 s"


def test_a_phase_that_comes_again_in_a_later_pass_is_summed() -> None:
    past = Past()
    phases = past.phases()
    for requests in (6, 7):
        past.goes_on(0.5, requests, 1_000_000)
        phases.done("read")
        past.goes_on(0.25)
        phases.done("planned")
    assert str(phases) == "read 1.000 s (13 requests, 2.0 MB), planned 0.500 s"


def test_a_run_that_ended_before_its_first_phase_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="reconcile.run.phases"):
        phases = Past().phases()
        phases.log()
        phases.done("read")
        phases.log()
    assert caplog.messages == ["read 0.000 s"]
