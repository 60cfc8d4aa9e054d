"""Tab asks a real API server for the names of previews, with no more rights than a run has."""

import subprocess
import sys

from reconcile.cli.complete import SECONDS
from tests.e2e.process import environment
from tests.e2e.story import Story


def offered(story: Story, *words: str) -> list[str]:
    line = ["reconcile", "--kubeconfig", str(story.account.kubeconfig), "--api-group", story.group, *words]
    asked = {"COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    asked |= {"_RECONCILE_COMPLETE": "bash_complete", SECONDS: "100"}
    done = subprocess.run(
        [sys.executable, "-m", "reconcile"], env={**environment(), **asked}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [text.partition(",")[2] for text in done.stdout.splitlines() if text]


def test_the_names_of_a_namespace_and_the_namespaces_are_offered(story: Story) -> None:
    story.apply("pr-1")
    story.apply("pr-2")
    story.apply("kettle")
    assert offered(story, "-n", story.namespace, "pr-") == ["pr-1", "pr-2"]
    assert offered(story, "-n", story.namespace) == [story.namespace]
