"""A real process that runs again and again before a real API server."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.e2e.gate import Gate, gate_before, read_of, write_of
from tests.e2e.process import Process, behind
from tests.e2e.story import Story, container

AGAIN = ("--interval", "1s", "--log-format", "json", "-o", "none")
SOON = 20
"""Seconds within which a run has come, on a busy machine."""


@pytest.fixture
def gate(story: Story) -> Iterator[Gate]:
    with gate_before(story) as gate:
        yield gate


@pytest.fixture
def far(story: Story, gate: Gate, tmp_path: Path) -> Story:
    return behind(story, gate, tmp_path)


def summaries(stderr: str) -> list[dict[str, Any]]:
    return [record["summary"] for record in map(json.loads, stderr.splitlines()) if "summary" in record]


def begun(gate: Gate) -> int:
    """Runs: each lists the previews once, last of all."""
    return sum(seen.path.endswith("/previewenvironments") for seen in gate.requests)


def test_what_comes_and_changes_is_made_within_seconds_until_it_is_told_to_end(story: Story) -> None:
    process = Process.start(story, *AGAIN)
    story.apply(replicas=0)
    eventually(lambda: story.children() == story.all_of(), "its children are made", timeout=SOON)
    story.apply(replicas=0, image="registry.example.com/web:2")
    eventually(
        lambda: container(story.live("Deployment"))["image"] == "registry.example.com/web:2",
        "the new image is there",
        timeout=SOON,
    )
    story.orphan()
    story.apply("pr-2", replicas=0)
    eventually(lambda: story.children() == story.all_of("pr-2"), "the old ones are gone", timeout=SOON)
    began = time.monotonic()
    process.tell(signal.SIGTERM)
    result = process.ended()
    assert (result.code, result.stdout) == (143, "")
    assert time.monotonic() - began < 5
    runs = summaries(result.stderr)
    assert len(runs) >= 3
    assert sum(run["writes"].get("create", {}).get("done", 0) for run in runs) == 6
    assert {run["exit_code"] for run in runs} <= {0, 143}


def test_no_run_begins_before_the_last_one_has_ended(story: Story, far: Story, gate: Gate) -> None:
    story.apply(replicas=0)
    hold = gate.hold(write_of("services"))
    process = Process.start(far, *AGAIN)
    hold.reached()
    time.sleep(3)
    assert begun(gate) == 1
    hold.release()
    eventually(lambda: begun(gate) >= 3, "runs follow", timeout=SOON)
    process.tell(signal.SIGTERM)
    assert process.ended().code == 143


def test_the_signal_in_a_run_ends_it_between_two_writes(story: Story, far: Story, gate: Gate) -> None:
    process = Process.start(far, *AGAIN, "--concurrency", "1")
    eventually(lambda: begun(gate) >= 2, "it runs", timeout=SOON)
    hold = gate.hold(write_of("services"))
    story.apply(replicas=0)
    hold.reached()
    process.tell(signal.SIGINT)
    time.sleep(0.3)
    hold.release()
    result = process.ended()
    assert result.code == 130
    assert [seen.path.split("/")[-2] for seen in gate.writes] == ["deployments", "services"]
    last = summaries(result.stderr)[-1]
    assert (last["exit_code"], last["success"]) == (130, False)
    assert last["writes"] == {"create": {"done": 2, "skipped": 1}}


def test_the_signal_in_a_pause_ends_it_at_once(story: Story, far: Story, gate: Gate) -> None:
    process = Process.start(far, "--interval", "1h")
    eventually(lambda: begun(gate) == 1, "it runs", timeout=SOON)
    time.sleep(1)
    process.tell(signal.SIGTERM)
    result = process.ended(3)
    assert result.code == 143
    assert result.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 0 unchanged."


def test_each_run_has_the_whole_timeout_and_one_that_fails_is_followed_by_another(
    story: Story, far: Story, gate: Gate
) -> None:
    process = Process.start(far, *AGAIN, "--timeout", "3s")
    eventually(lambda: begun(gate) >= 4, "it runs for longer than one timeout", timeout=SOON)
    hold = gate.hold(read_of("previewenvironments"))
    hold.reached()
    time.sleep(3.5)
    hold.release()
    count = begun(gate)
    eventually(lambda: begun(gate) > count, "runs follow", timeout=SOON)
    process.tell(signal.SIGTERM)
    runs = summaries(process.ended().stderr)
    assert [run["exit_code"] for run in runs][:3] == [0, 0, 0]
    failed = [run for run in runs if run["exit_code"] == 5]
    assert len(failed) == 1
    assert "the 3 s of --timeout are over" in failed[0]["error"]
