"""Real processes that are told to end, or killed, in the midst of their requests to a real API server."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.gate import Gate, Match, any_write, read_of, write_of
from tests.e2e.process import Process, Terminal
from tests.e2e.story import Result, Story

LIMIT = 5.0
"""Seconds from the signal to the end."""


def previews(story: Story, count: int) -> None:
    for number in range(1, count + 1):
        story.apply(f"pr-{number:02}", replicas=0)


def told(process: Process, meanwhile: Callable[[], None] = lambda: None) -> Result:
    """Send SIGTERM, let something happen a moment later, and see it end in time."""
    began = time.monotonic()
    process.tell(signal.SIGTERM)
    time.sleep(0.3)
    meanwhile()
    result = process.ended(LIMIT + 1)
    assert time.monotonic() - began < LIMIT
    return result


def paths(gate: Gate) -> list[str]:
    """The writes that went through, such as `PATCH services/pr-01`."""
    return [f"{seen.method} {'/'.join(seen.path.split('/')[-2:])}" for seen in gate.writes]


# told to end


def test_the_writes_under_way_end_and_no_other_is_begun(story: Story, far: Story, gate: Gate) -> None:
    previews(story, 3)
    hold = gate.hold(any_write, every=True)
    process = Process.start(far, "--concurrency", "2")
    hold.reached(2)
    result = told(process, hold.release)
    assert result.code == 143, result.stderr
    assert sorted(paths(gate)) == ["PATCH deployments/pr-01", "PATCH deployments/pr-02"]
    assert "Plan: 9 to create, 0 to update, 0 to delete, 0 unchanged." in result.lines
    assert result.lines[-1] == "Done: 2 created, 0 updated, 0 deleted, 7 skipped."
    assert f". Mapping {story.namespace}/pr-01 skipped: the run was stopped before this" in result.lines
    assert sorted(story.children()) == ["Deployment/pr-01", "Deployment/pr-02"]


@pytest.mark.parametrize("where", [read_of("services"), read_of("services", "pr-01")], ids=["list", "look"])
def test_a_read_that_hangs_is_given_up(story: Story, far: Story, gate: Gate, where: Match) -> None:
    previews(story, 1)
    hold = gate.hold(where)
    process = Process.start(far)
    hold.reached()
    result = told(process)
    assert (result.code, result.stdout, gate.writes) == (143, "", [])
    assert result.stderr == "Error: the run was stopped: nothing was changed\n"


def test_a_write_that_hangs_is_reported_as_unknown(story: Story, far: Story, gate: Gate) -> None:
    previews(story, 2)
    hold = gate.hold(write_of("services", "pr-01"), answer=True)
    process = Process.start(far, "--concurrency", "1")
    hold.reached()
    result = told(process)
    assert result.code == 143, result.stderr
    place = f"{story.namespace}/pr-01"
    unknown = "the run was stopped before the answer came: it may or may not have been done"
    assert f"x Service {place} failed: {unknown}" in result.lines
    assert result.lines[-1].startswith("Done: 1 created, 0 updated, 0 deleted, ")
    before = story.uids()
    assert list(before) == ["Deployment/pr-01", "Service/pr-01"]
    story.reconcile()
    assert before.items() <= story.uids().items()
    story.silent()


# told to end, while a person is asked


def test_a_question_that_nobody_answers_ends_with_the_signal(story: Story) -> None:
    story.apply(replicas=0)
    with Terminal.start(story) as terminal:
        terminal.until(r"Apply these changes\? \[y/N\]")
        terminal.tell(signal.SIGINT)
        assert terminal.ended(LIMIT) == 130
    assert "the run was stopped: nothing was changed" in terminal.said
    assert story.children() == []


# killed


def test_the_run_after_a_kill_converges_without_churn(story: Story, far: Story, gate: Gate) -> None:
    """In the midst of a Service whose port somebody edited: two requests correct it."""
    previews(story, 2)
    story.reconcile()
    before = story.uids()
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(name="web"), "pr-01")
    hold = gate.hold(write_of("services", "pr-01"), answer=True)
    process = Process.start(far)
    hold.reached()
    process.tell(signal.SIGKILL)
    assert process.ended().code == -signal.SIGKILL
    story.reconcile()
    assert story.uids() == before
    assert story.live("Service", "pr-01")["spec"]["ports"][0]["name"] == "http"
    story.silent()
