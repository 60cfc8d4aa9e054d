"""`--wait` on a real API server, with pods that start, or fail as a kubelet would tell it."""

import time

import pytest

from tests.e2e.groups import PREVIEWS
from tests.e2e.process import Terminal
from tests.e2e.story import Story


def waited(story: Story, *arguments: str, code: int, within: float = 60.0) -> list[str]:
    """What a run says of each preview at its end; it must not take longer than so many seconds."""
    began = time.monotonic()
    lines = story.reconcile("--wait", "--wait-timeout", "90s", *arguments, code=code).lines
    assert time.monotonic() - began < within
    return lines[next(place for place, line in enumerate(lines) if line.startswith("Done:")) + 1 :]


@pytest.mark.usefixtures("control_plane")
def test_a_run_ends_when_its_previews_are_ready_and_kubectl_agrees(story: Story) -> None:
    story.apply("pr-1", replicas=2)
    story.apply("pr-2", suspend=True)
    assert waited(story, code=0) == [
        f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}",
        f"suspended {story.namespace}/pr-2 suspended (spec.suspend is true)",
    ]
    wait = ("wait", "-n", story.namespace, "--for=condition=Ready", f"{PREVIEWS}/pr-1", "--timeout=0s")
    assert "condition met" in story.plane.kubectl(*wait)
    story.silent()


@pytest.mark.usefixtures("control_plane")
def test_at_a_terminal_there_is_one_line_for_each_that_changes(story: Story) -> None:
    story.apply("pr-1")
    story.apply("pr-2", image="fail.test/dies:1")
    with Terminal.start(story, "--yes", "--wait", "--wait-timeout", "60s", "--no-color") as terminal:
        terminal.until(f"waits +{story.namespace}/pr-2 +CrashLoopBackOff: exit code 1")
        assert terminal.ended() == 1
    assert "\x1b[1A\x1b[2K" in terminal.said, "a line is written over"
    last = terminal.said.rsplit("Done:", 1)[1].replace("\r", "").split("\n")
    assert [" ".join(line.split()) for line in last[-3:-1]] == [
        f"ready {story.namespace}/pr-1 https://{story.host('pr-1')}",
        f"not ready {story.namespace}/pr-2 CrashLoopBackOff: exit code 1",
    ]
