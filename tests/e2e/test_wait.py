"""`--wait` before a person, with pods that start, or fail as a kubelet would tell it."""

import pytest

from tests.e2e.process import Terminal
from tests.e2e.story import Story


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
