"""No request is lost while a preview is rolled out or its kind of route is switched, whatever else changes."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.node.conftest import fresh_namespace
from tests.node.story import HTTPROUTE, INGRESS, Story

RATE = 50
STALLED = 2.0
"""Seconds after which a visitor thinks that the page hangs."""


def rolled_out(story: Story, **spec: Any) -> None:
    """Push, and wait until the pods of the version before are gone too: they serve until the routers know."""
    before = set(story.names("pods"))
    story.apply(**spec)
    story.reconcile("--wait")
    eventually(lambda: not before & set(story.names("pods")), "the pods before are gone", timeout=60)


def is_gone(story: Story, route: str) -> bool:
    """Whether a run has taken the old route away."""
    story.reconcile()
    return not story.kubectl("get", route, "--ignore-not-found", "-o", "name")


def switched(story: Story, route: tuple[str, ...], old: str) -> Story:
    """Switch to this kind of route, with as many runs as it takes until the old one is gone."""
    found = replace(story, route=route)
    found.reconcile("--wait")
    eventually(lambda: is_gone(found, old), f"{old} is gone", timeout=60)
    time.sleep(3)  # whoever is lost later counts too
    return found


@pytest.fixture
def quiet(story: Story) -> Iterator[Story]:
    """A preview that nobody touches: what stalls there, a busy machine stalls."""
    with fresh_namespace(story.node) as namespace:
        found = replace(story, namespace=namespace)
        found.apply()
        found.reconcile("--wait")
        found.answers()
        yield found


def routes_of_others(story: Story, host: str) -> dict[str, Any]:
    """An Ingress and an HTTPRoute that no preview has, to the preview's pods."""
    service = {"name": "pr-1", "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    ingress = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    parent = {"namespace": "gateway", "name": "shared"}
    rule = {"backendRefs": [{"name": "pr-1", "port": 80}]}
    httproute = {"parentRefs": [parent], "hostnames": [f"other-{host}"], "rules": [rule]}
    kinds = (
        ("networking.k8s.io/v1", "Ingress", ingress),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", httproute),
    )
    items = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": "other"}, "spec": spec}
        for version, kind, spec in kinds
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


@contextmanager
def changing_routes(story: Story) -> Iterator[None]:
    """Meanwhile other routes change all the time: Traefik then hears of a new one up to two seconds late, and
    of Ingresses and HTTPRoutes at different moments."""
    stop = threading.Event()

    def change() -> int:
        count = 0
        while not stop.wait(0.2):
            count += 1
            routes = routes_of_others(story, f"{count}.{story.host('other')}")
            story.kubectl("apply", "--server-side", "-f", "-", input=routes)
        return count

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change)
        try:
            yield
        finally:
            stop.set()
        assert changes.result() > 10


@dataclass
class Visitors:
    """Requests to a preview and to the untouched one, while something is done to the first."""

    story: Story
    quiet: Story
    told: list[str] = field(default_factory=list)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """None stalls, and each gets the page."""
        load = self.story.node.module("tests.node.load", str(RATE), self.story.url(), self.quiet.url())
        yield
        load.signal(signal.SIGTERM)
        both = json.loads(load.ended().stdout)
        told, beside = both[self.story.url()], both[self.quiet.url()]
        sent = sum(told["answers"].values())
        self.told.append(f"{sent} requests over {what}: {told}; untouched: {beside}")
        assert told["answers"] == {"200": sent}, self.told
        assert told["slowest"] < max(STALLED, 2 * beside["slowest"]), self.told
        assert sent > RATE * 10, self.told


def test_no_request_is_lost_or_stalls_over_rollouts_and_switches_of_the_route(
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
    with changing_routes(story):
        with visitors.during("a switch to HTTPRoute"):
            behind_gateway = switched(story, HTTPROUTE, "ingress/pr-1")
        with visitors.during("two rollouts behind it"):
            rolled_out(behind_gateway, image="app:1", revision="c", replicas=2)
            rolled_out(behind_gateway, image="app:2", revision="c", replicas=1)
        with visitors.during("a switch back"):
            switched(behind_gateway, INGRESS, "httproute/pr-1")
    record_property("told", "; ".join(visitors.told))
