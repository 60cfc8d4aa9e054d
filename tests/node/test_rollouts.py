"""No request is lost while a preview is rolled out, whatever changes, and while its kind of route is switched."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.controlplane import eventually
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


def test_no_request_is_lost_or_stalls_over_rollouts_and_a_switch_of_the_route(
    story: Story, record_property: Callable[[str, object], None]
) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    load = story.node.module("tests.node.load", story.url(), str(RATE))
    rolled_out(story, image="app:2")
    rolled_out(story, image="app:2", revision="b")
    rolled_out(story, image="app:1", revision="b", replicas=2)
    switched = replace(story, route=HTTPROUTE)
    switched.reconcile("--wait")
    eventually(lambda: switched_from(switched), "the Ingress is gone", timeout=60)
    rolled_out(switched, image="app:1", revision="c", replicas=2)
    rolled_out(switched, image="app:2", revision="c", replicas=1)
    load.signal(signal.SIGTERM)
    told = json.loads(load.ended().stdout)
    sent = sum(told["answers"].values())
    record_property("told", f"{sent} requests over five rollouts and a switch of the route: {told}")
    assert told["answers"] == {"200": sent}
    assert told["slowest"] < STALLED
    assert sent > RATE * 10
