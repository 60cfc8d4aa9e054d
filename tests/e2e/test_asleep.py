"""On a real API server previews fall asleep and wake by the server's clock, and a run between writes nothing.

A server cannot be told another time, so its answers are: all that a run knows of the time is their Date.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx2
import pytest

from tests.controlplane import allow
from tests.e2e.story import Story
from tests.e2e.test_fingerprint import fingerprint, read
from tests.e2e.test_status import conditions

NAMESPACES = "/api/v1/namespaces"
MERGE = "application/merge-patch+json"


@dataclass
class Clock:
    """What the server's answers are ahead of its clock."""

    ahead: timedelta = timedelta()

    def at(self, hours: float) -> None:
        self.ahead = timedelta(hours=hours)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found, send = Clock(), httpx2.HTTPTransport.handle_request

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        response = send(transport, request)
        told = parsedate_to_datetime(response.headers["Date"]) + found.ahead
        response.headers["Date"] = format_datetime(told.astimezone(UTC), usegmt=True)
        return response

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", handle)
    # A child that was changed a moment ago is marked too: nobody waits for a minute here.
    monkeypatch.setattr("reconcile.status.publish.SETTLING", timedelta(hours=-24))
    return found


DAY, NIGHT, MORNING = 0, 6, 24
"""Hours from now on, by the windows below."""


def around_now() -> str:
    """A window of each day that opened an hour ago and closes in an hour."""
    now = datetime.now(UTC)
    opens, closes = ((now + timedelta(hours=hours)).strftime("%H:%M") for hours in (-1, 1))
    return f"Mon-Sun {opens}-{closes} UTC"


def next_opening(window: str) -> datetime:
    """When a window of each day opens after the one that is open now."""
    hour, minute = window.split()[1].partition("-")[0].split(":")
    opens = datetime.now(UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return opens + timedelta(days=0 if opens > datetime.now(UTC) else 1)


def replicas(story: Story) -> int:
    found: int = story.live("Deployment")["spec"]["replicas"]
    return found


def ready(story: Story) -> tuple[str, ...]:
    return tuple(conditions(story)["Ready"][:2])


def settles(story: Story, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Once it is marked, a run writes nothing, and compares nothing."""
    for _ in range(4):  # a controller may come between two runs
        story.settled()
        before = len(written(story))
        _, compared = read(story, monkeypatch, *arguments)
        if not compared:
            assert len(written(story)) == before
            return
    raise AssertionError(f"{compared} are compared again and again; {conditions(story)}")


def written(story: Story) -> list[Any]:
    return [event for event in story.requests() if event.verb not in ("get", "list")]


def test_pods_go_and_come_at_the_edges_and_both_sides_are_silent(
    alone: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = around_now()
    options = ("--awake", window)
    alone.apply("pr-1", replicas=0)  # without a node there are no pods: only so it is settled by day
    alone.reconcile(*options, everywhere=True)
    settles(alone, monkeypatch, *options)
    by_day = fingerprint(alone)
    assert ready(alone) == ("False", "Suspended")

    clock.at(NIGHT)
    result, compared = read(alone, monkeypatch, *options)
    assert (result.code, compared) == (0, ["pr-1"])
    settles(alone, monkeypatch, *options)
    clock.at(MORNING - 2)
    settles(alone, monkeypatch, *options)
    assert ready(alone) == ("False", "Asleep")
    message = conditions(alone)["Ready"][2]
    until = next_opening(window).strftime("%Y-%m-%dT%H:%M:00Z")
    assert message.startswith(f"asleep until {until} ({window}); to wake it now: kubectl annotate")
    assert fingerprint(alone) not in ("", by_day)

    clock.at(MORNING)
    _, compared = read(alone, monkeypatch, *options)
    assert compared == ["pr-1"]
    assert ready(alone) == ("False", "Suspended")
    settles(alone, monkeypatch, *options)


def annotate(story: Story, text: str | None) -> None:
    story.patch(
        "PreviewEnvironment",
        {"metadata": {"annotations": {"platform9.com/awake-until": text}}},
        by="kubectl-annotate",
    )


def test_an_annotation_keeps_it_awake_from_when_it_was_set(story: Story, clock: Clock) -> None:
    options = ("--awake", around_now())
    story.allow_no_pods()
    story.apply(replicas=2)
    annotate(story, "8h")
    story.reconcile(*options)
    others = {name: found for name, found in story.versions().items() if not name.startswith("Deployment")}
    for hours, pods in ((NIGHT, 2), (7.9, 2), (8.1, 0)):
        clock.at(hours)
        story.reconcile(*options)
        assert replicas(story) == pods, hours
    assert '"8h" ended at ' in conditions(story)["Ready"][2]
    assert "Asleep: asleep until" in story.reconcile("--explain", "pr-1", *options).stdout
    assert story.reconcile("--wait", *options).stdout.splitlines()[-1].startswith("asleep ")
    assert others.items() <= story.versions().items()
    annotate(story, "tonight")
    story.reconcile(*options)
    assert replicas(story) == 0
    assert '"tonight" must be a time, such as' in conditions(story)["Ready"][2]
    annotate(story, (datetime.now(UTC) + timedelta(hours=9)).isoformat())
    story.reconcile(*options)
    assert replicas(story) == 2
    clock.at(9.1)
    story.reconcile(*options)
    assert replicas(story) == 0
    annotate(story, None)
    story.reconcile(*options)
    assert "awake-until: " not in conditions(story)["Ready"][2]


def hours_of_namespace(story: Story, text: str | None) -> None:
    body = {"metadata": {"annotations": {f"{story.group}/awake": text}}}
    story.ask("PATCH", f"{NAMESPACES}/{story.namespace}", body, MERGE)


@pytest.fixture
def allowed(alone: Story) -> Iterator[Story]:
    allow(alone.plane, alone.account.user, ["list"], ["namespaces"])
    yield alone
    hours_of_namespace(alone, None)


def test_a_namespace_has_hours_of_its_own_which_reach_what_is_settled(
    allowed: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--awake", around_now(), "--awake-by-namespace")
    allowed.apply("pr-1", replicas=0)
    clock.at(NIGHT)
    allowed.reconcile(*options, everywhere=True)
    settles(allowed, monkeypatch, *options)
    assert ready(allowed) == ("False", "Asleep")
    hours_of_namespace(allowed, "Mon-Sun UTC")
    allowed.reconcile(*options, everywhere=True)
    assert ready(allowed) == ("False", "Suspended")
    settles(allowed, monkeypatch, *options)
    hours_of_namespace(allowed, "by night")
    result = allowed.reconcile(*options, everywhere=True)
    assert (
        f'Namespace {allowed.namespace}: annotation {allowed.group}/awake: "by night": "by" must be a day'
        in result.stdout
    )
    assert ready(allowed) == ("False", "Suspended")
