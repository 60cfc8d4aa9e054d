"""A real process that runs again and again before a real API server."""

import json
import signal
import time
from typing import Any

from tests.controlplane import eventually
from tests.e2e.gate import Gate, read_of
from tests.e2e.process import Process
from tests.e2e.story import Story, container

AGAIN = ("--interval", "1s", "--log-format", "json", "-o", "none")
SOON = 20
"""Seconds within which a run has come, on a busy machine."""


def summaries(stderr: str) -> list[dict[str, Any]]:
    return [record["summary"] for record in map(json.loads, stderr.splitlines()) if "summary" in record]


def begun(gate: Gate) -> int:
    """Runs: each lists the previews once, last of all."""
    return sum(seen.path.endswith("/previewenvironments") for seen in gate.requests)


def test_what_comes_and_changes_is_made_within_seconds_until_it_is_stopped(story: Story) -> None:
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
