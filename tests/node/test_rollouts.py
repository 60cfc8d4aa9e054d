"""No request is lost while a preview is rolled out, whatever changes, and while its kind of route is switched."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.node.conftest import fresh_namespace
from tests.node.story import HTTPROUTE, Story

RATE = 50
STALLED = 2.0
"""Seconds after which a visitor thinks that the page hangs."""


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


def test_no_request_is_lost_or_stalls_over_rollouts_and_a_switch_of_the_route(
    story: Story, quiet: Story, record_property: Callable[[str, object], None]
) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    load = story.node.module("tests.node.load", str(RATE), story.url(), quiet.url())
    rolled_out(story, image="app:2")
    rolled_out(story, image="app:2", revision="b")
    rolled_out(story, image="app:1", revision="b", replicas=2)
    switched = replace(story, route=HTTPROUTE)
    switched.reconcile("--wait")
    eventually(lambda: switched_from(switched), "the Ingress is gone", timeout=60)
    rolled_out(switched, image="app:1", revision="c", replicas=2)
    rolled_out(switched, image="app:2", revision="c", replicas=1)
    load.signal(signal.SIGTERM)
    both = json.loads(load.ended().stdout)
    told, beside = both[story.url()], both[quiet.url()]
    sent = sum(told["answers"].values())
    record_property(
        "told", f"{sent} requests over five rollouts and a switch of the route: {told}; untouched: {beside}"
    )
    assert told["answers"] == {"200": sent}
    assert told["slowest"] < max(STALLED, 2 * beside["slowest"])
    assert sent > RATE * 10
