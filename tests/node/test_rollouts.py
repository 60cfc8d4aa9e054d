"""No request is lost while a preview is rolled out, whatever changes; and few while its kind of route is switched."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.node.conftest import fresh_namespace
from tests.node.story import HTTPROUTE, Story

RATE = 50
STALLED = 2.0
"""Seconds after which a visitor thinks that the page hangs."""
ROUTERS_LAG = 2.0
"""Seconds. A router that is busy tells that it has accepted a route before it serves it: Traefik takes up what
its providers send every two seconds, from each provider by itself. Mostly none is lost."""


def rolled_out(story: Story, **spec: Any) -> None:
    """Push, and wait until the pods of the version before are gone too: they serve until the routers know."""
    before = set(story.names("pods"))
    story.apply(**spec)
    story.reconcile("--wait")
    eventually(lambda: not before & set(story.names("pods")), "the pods before are gone", timeout=60)


def switched_from(story: Story) -> bool:
    """Whether a run has taken the Ingress away: it waits for the Gateway to take the HTTPRoute."""
    story.reconcile()
    return not story.names("ingress")


@pytest.fixture
def quiet(story: Story) -> Iterator[Story]:
    """A preview that nobody touches: what stalls there, a busy machine stalls."""
    with fresh_namespace(story.node) as namespace:
        found = replace(story, namespace=namespace)
        found.apply()
        found.reconcile("--wait")
        found.answers()
        yield found


@dataclass
class Visitors:
    """Requests to a preview and to the untouched one, while something is done to the first."""

    story: Story
    quiet: Story
    told: list[str] = field(default_factory=list)

    @contextmanager
    def during(self, what: str, lost: int = 0) -> Iterator[None]:
        """None stalls, and no more than so many get another answer than the page."""
        load = self.story.node.module("tests.node.load", str(RATE), self.story.url(), self.quiet.url())
        yield
        load.signal(signal.SIGTERM)
        both = json.loads(load.ended().stdout)
        told, beside = both[self.story.url()], both[self.quiet.url()]
        sent = sum(told["answers"].values())
        self.told.append(f"{sent} requests over {what}: {told}; untouched: {beside}")
        assert sent - told["answers"]["200"] <= lost, self.told
        assert told["slowest"] < max(STALLED, 2 * beside["slowest"]), self.told
        assert sent > RATE * 10, self.told


def test_no_request_is_lost_or_stalls_over_rollouts_and_few_over_a_switch_of_the_route(
    story: Story, quiet: Story, record_property: Callable[[str, object], None]
) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    visitors = Visitors(story, quiet)
    with visitors.during("three rollouts"):
        rolled_out(story, image="app:2")
        rolled_out(story, image="app:2", revision="b")
        rolled_out(story, image="app:1", revision="b", replicas=2)
    switched = replace(story, route=HTTPROUTE)
    with visitors.during("a switch of the route", lost=round(RATE * ROUTERS_LAG)):
        switched.reconcile("--wait")
        eventually(lambda: switched_from(switched), "the Ingress is gone", timeout=60)
        time.sleep(10)  # more visitors than may be lost, and whoever is lost later counts too
    with visitors.during("two rollouts behind the other route"):
        rolled_out(switched, image="app:1", revision="c", replicas=2)
        rolled_out(switched, image="app:2", revision="c", replicas=1)
    record_property("told", "; ".join(visitors.told))
