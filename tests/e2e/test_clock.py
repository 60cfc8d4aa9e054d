"""With a local clock that is ten years wrong, a real API server is told of times by its own clock alone."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.clocks import DECADE, local_clock
from tests.controlplane import eventually
from tests.e2e.story import Story
from tests.e2e.test_status import conditions, status

TIMES = re.compile(rb'"(\d{4}-\d\d-\d\dT[0-9:.]+Z)"')


@dataclass
class Tap:
    """The bodies that go to the server."""

    bodies: list[bytes] = field(default_factory=list)

    @property
    def times(self) -> list[datetime]:
        """Every time that is in them."""
        return [datetime.fromisoformat(text.decode()) for body in self.bodies for text in TIMES.findall(body)]


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    found, send = Tap(), httpx2.HTTPTransport.handle_request

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        found.bodies.append(request.read())
        return send(transport, request)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", handle)
    return found


def test_a_preview_lives_its_ttl_by_the_servers_clock(story: Story, tap: Tap) -> None:
    def reconcile() -> None:
        for wrong_by in (DECADE, -DECADE):
            with local_clock(wrong_by):
                story.reconcile()

    began = datetime.now(UTC)
    story.apply("long", ttl="1h", replicas=0)
    story.apply("short", ttl="2s", replicas=0)
    tap.bodies.clear()
    reconcile()
    assert {*story.all_of("long")} <= {*story.children()}
    lives = datetime.fromisoformat(status(story, "short")["expiresAt"]) - timedelta(seconds=2)
    assert abs(lives - began) < timedelta(seconds=30)
    eventually(lambda: datetime.now(UTC) > lives + timedelta(seconds=3.5), "its time is over")
    reconcile()
    assert sorted(story.children()) == sorted(story.all_of("long"))
    assert conditions(story, "short")["Ready"][1] == "Expired"
    sent = tap.times
    assert len(sent) > 5
    assert [time for time in sent if abs(time - datetime.now(UTC)) > timedelta(hours=2)] == []
