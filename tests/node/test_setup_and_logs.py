"""The setup Job of a preview, and what `--logs` prints of a container that does not come up."""

from tests.node.story import Story


def test_a_setup_job_runs_before_the_preview_is_ready(story: Story) -> None:
    story.apply(setup={"args": ["once", "1"]}, env=[{"name": "GREETING", "value": "shop"}])
    story.reconcile("--wait")
    assert story.condition() == ("True", "Available")
    (job,) = story.node.get("-n", story.namespace, "jobs")["items"]
    assert job["status"]["succeeded"] == 1
    log = story.kubectl("logs", f"job/{job['metadata']['name']}")
    assert log.splitlines() == ["migrating shop", "done"]
    (ready,) = (c for c in story.get(story.kind)["status"]["conditions"] if c["type"] == "Ready")
    assert job["status"]["completionTime"] <= ready["lastTransitionTime"]
    story.answers()
    story.silent()


def test_a_setup_whose_job_is_removed_has_run(story: Story) -> None:
    story.apply(setup={"args": ["once", "1"]})
    story.reconcile("--wait")
    story.kubectl("delete", "jobs", "--all")
    for _ in range(2):
        story.silent()
        assert story.names("jobs") == []
        assert story.condition() == ("True", "Available")
    story.apply(setup={"args": ["once", "1"]}, revision="again")
    story.reconcile("--wait")
    assert len(story.names("jobs")) == 1


def test_a_preview_whose_setup_job_fails_does_not_become_ready(story: Story) -> None:
    story.apply(setup={"args": ["crash", "3"]})
    result = story.reconcile("--wait", "--logs", code=1)
    assert "fatal: no database" in result.stderr
    assert story.condition() == ("False", "SetupFailed")


def test_logs_prints_the_lines_of_a_container_that_crashes(story: Story) -> None:
    story.apply(args=["crash", "3", "1"])
    result = story.reconcile("--wait", "--logs", "--wait-timeout", "60s", code=1)
    for line in ("line 1 before the crash", "line 3 before the crash", "fatal: no database"):
        assert line in result.stderr
        assert line not in result.stdout
