"""Real processes that are told to end, or killed, in the midst of their requests to a real API server."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.gate import Gate, Match, any_write, read_of, write_of
from tests.e2e.process import Process, Terminal
from tests.e2e.story import Result, Story

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
LIMIT = 5.0
"""Seconds from the signal to the end."""


def previews(story: Story, count: int) -> None:
    for number in range(1, count + 1):
        story.apply(f"pr-{number:02}", replicas=0)


def told(process: Process, number: signal.Signals, meanwhile: Callable[[], None] = lambda: None) -> Result:
    """Send the signal, let something happen a moment later, and see it end in time."""
    began = time.monotonic()
    process.tell(number)
    time.sleep(0.3)
    meanwhile()
    result = process.ended(LIMIT + 1)
    assert time.monotonic() - began < LIMIT
    return result


def paths(gate: Gate) -> list[str]:
    """The writes that went through, such as `PATCH services/pr-01`."""
    return [f"{seen.method} {'/'.join(seen.path.split('/')[-2:])}" for seen in gate.writes]


# told to end, by a server that answers


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_write_under_way_ends_and_no_other_is_begun(
    story: Story, far: Story, gate: Gate, number: signal.Signals, code: int
) -> None:
    previews(story, 3)
    hold = gate.hold(write_of("services", "pr-01"))
    process = Process.start(far, "--concurrency", "1")
    hold.reached()
    result = told(process, number, hold.release)
    assert result.code == code, result.stderr
    assert paths(gate) == ["PATCH deployments/pr-01", "PATCH services/pr-01"]
    assert "Plan: 9 to create, 0 to update, 0 to delete, 0 unchanged." in result.lines
    assert result.lines[-1] == "Done: 2 created, 0 updated, 0 deleted, 7 skipped."
    place = f"{story.namespace}/pr-01"
    assert f". Mapping {place} skipped: the run was stopped before this" in result.lines
    before = story.uids()
    assert list(before) == ["Deployment/pr-01", "Service/pr-01"]
    story.reconcile()
    assert before.items() <= story.uids().items()
    story.silent()


def test_every_write_that_is_under_way_ends(story: Story, far: Story, gate: Gate) -> None:
    previews(story, 12)
    hold = gate.hold(any_write, every=True)
    process = Process.start(far, "-o", "json")
    hold.reached(8)
    result = told(process, signal.SIGTERM, hold.release)
    assert result.code == 143
    assert len(gate.writes) == len(story.children()) == 8
    report = result.report
    assert report["exit_code"] == 143
    (one,) = report["passes"]
    assert (one["outcomes"]["summary"]["created"], one["outcomes"]["summary"]["skipped"]) == (8, 28)


# told to end, by a server that hangs


@pytest.mark.parametrize("where", [read_of("services"), read_of("services", "pr-01")], ids=["list", "look"])
def test_a_read_that_hangs_is_given_up(story: Story, far: Story, gate: Gate, where: Match) -> None:
    previews(story, 1)
    hold = gate.hold(where)
    process = Process.start(far)
    hold.reached()
    result = told(process, signal.SIGTERM)
    assert (result.code, result.stdout, gate.writes) == (143, "", [])
    assert result.stderr == "Error: the run was stopped: nothing was changed\n"


@pytest.mark.parametrize("answer", [False, True], ids=["before-it-was-done", "after-it-was-done"])
def test_a_write_that_hangs_is_reported_as_unknown(
    story: Story, far: Story, gate: Gate, answer: bool
) -> None:
    previews(story, 2)
    hold = gate.hold(write_of("services", "pr-01"), answer=answer)
    process = Process.start(far, "--concurrency", "1")
    hold.reached()
    result = told(process, signal.SIGTERM)
    assert result.code == 143, result.stderr
    place = f"{story.namespace}/pr-01"
    unknown = "the run was stopped before the answer came: it may or may not have been done"
    assert f"x Service {place} failed: {unknown}" in result.lines
    assert result.lines[-1].startswith("Done: 1 created, 0 updated, 0 deleted, ")
    before = story.uids()
    assert list(before) == ["Deployment/pr-01", *(["Service/pr-01"] if answer else [])]
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


def takeover(story: Story) -> None:
    """A Service whose port somebody edited: two requests mend it."""
    story.reconcile()
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(name="web"), "pr-01")


def gone(story: Story) -> None:
    story.reconcile()
    story.orphan("pr-01")


@pytest.mark.parametrize(
    ("prepare", "where", "answer"),
    [
        (lambda story: None, write_of("deployments", "pr-01"), True),
        (lambda story: None, write_of("services", "pr-01"), False),
        (takeover, write_of("services", "pr-01"), True),
        (gone, write_of("services", "pr-01"), True),
    ],
    ids=["create-done", "create-not-done", "takeover-done", "delete-done"],
)
def test_the_run_after_a_kill_converges_without_churn(
    story: Story, far: Story, gate: Gate, prepare: Callable[[Story], None], where: Match, answer: bool
) -> None:
    previews(story, 2)
    prepare(story)
    hold = gate.hold(where, answer=answer)
    process = Process.start(far)
    hold.reached()
    process.tell(signal.SIGKILL)
    assert process.ended().code == -signal.SIGKILL
    before = story.uids()
    story.reconcile()
    after = story.uids()
    names = [name for name in ("pr-01", "pr-02") if story.there("PreviewEnvironment", name)]
    assert sorted(after) == sorted(child for name in names for child in story.all_of(name))
    assert {name: uid for name, uid in before.items() if name in after}.items() <= after.items()
    story.silent()
