"""The setup Job of a preview, and what `--logs` prints of a container that does not come up."""

from typing import Any

from tests.node.story import Story


def test_a_setup_job_runs_once_and_before_the_preview_is_ready(story: Story) -> None:
    spec: dict[str, Any] = {"setup": {"args": ["once", "1"]}, "env": [{"name": "GREETING", "value": "shop"}]}
    story.apply(**spec)
    story.reconcile("--wait")
    assert story.condition() == ("True", "Available")
    (job,) = story.node.get("-n", story.namespace, "jobs")["items"]
    assert job["status"]["succeeded"] == 1
    log = story.kubectl("logs", f"job/{job['metadata']['name']}")
    assert log.splitlines() == ["migrating shop", "done"]
    (ready,) = (c for c in story.get(story.kind)["status"]["conditions"] if c["type"] == "Ready")
    assert job["status"]["completionTime"] <= ready["lastTransitionTime"]
    story.answers()
    story.kubectl("delete", "jobs", "--all")
    for _ in range(2):
        story.silent()
        assert story.names("jobs") == []
        assert story.condition() == ("True", "Available")
    story.apply(**spec, revision="again")
    story.reconcile("--wait")
    assert len(story.names("jobs")) == 1


CRASHES = "CrashLoopBackOff: exit code 3"


def test_wait_ends_early_with_what_fails_and_shows_what_each_container_wrote(story: Story) -> None:
    story.apply("crashes", args=["crash", "3", "12"])
    story.apply("crashes-at-once", args=["crash", "3", "1"])
    story.apply("ends-well", args=["once", "1"])
    story.apply("never-started", image="app:9")
    story.apply("setup-fails", setup={"args": ["crash", "3"]})
    result = story.reconcile("--wait", "--logs", "--wait-timeout", "10m", code=1)
    assert f"not ready {story.namespace}/crashes {CRASHES}" in result.lines
    assert story.condition(name="setup-fails") == ("False", "SetupFailed")

    def log(name: str) -> str:
        place = f"{story.namespace}/{name}"
        return "\n".join(
            one for one in result.stderr.splitlines() if one.startswith((f"{place}:", f"{place} |"))
        )

    for name in ("crashes", "crashes-at-once", "setup-fails"):
        for line in ("line 1 before the crash", "line 3 before the crash", "fatal: no database"):
            assert line in log(name)
            assert line not in result.stdout
    assert "migrating" in log("ends-well")
    assert "it has not started" in log("never-started")
    assert "400" not in log("never-started")
