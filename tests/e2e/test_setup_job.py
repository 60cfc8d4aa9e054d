"""The setup Job on a real API server: it runs once for each image and revision, and says how it went."""

from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.kube.live import Live
from tests.controlplane import eventually
from tests.e2e.story import Story
from tests.e2e.test_status import ready, told

MIGRATE = {"command": ["migrate", "--password=hunter2hunter2"]}


def jobs(story: Story) -> list[str]:
    """The names of the Jobs, by their age."""
    items = story.ask("GET", story.path_of("Job"))["items"]
    items.sort(key=lambda job: (job["metadata"]["creationTimestamp"], job["metadata"]["name"]))
    return [job["metadata"]["name"] for job in items]


def the_job(story: Story) -> str:
    (name,) = jobs(story)
    return name


def ended(story: Story, name: str) -> None:
    """Wait until the Job controller says that a Job has ended."""

    def says() -> bool:
        found = story.live("Job", name).get("status", {}).get("conditions", [])
        return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in found)

    eventually(says, f"{name} has ended", timeout=120)


def pods(story: Story, selector: str) -> list[str]:
    """What finds these pods, such as a Service with this selector: the names of their containers."""
    path = f"/api/v1/namespaces/{story.namespace}/pods?labelSelector={selector}"
    return [pod["spec"]["containers"][0]["name"] for pod in story.ask("GET", path)["items"]]


@pytest.mark.usefixtures("control_plane")
def test_a_setup_job_runs_once_for_each_revision_and_its_preview_is_ready_after_it(story: Story) -> None:
    story.apply(setup=MIGRATE, revision="1")
    made = story.reconcile()
    first = the_job(story)
    assert [line.split()[:2] for line in made.changes] == [
        ["+", "Job"], ["+", "Deployment"], ["+", "Service"], ["+", "Mapping"],
    ]  # fmt: skip
    assert made.changes[0] == f"+ Job {story.namespace}/{first} new preview"
    assert ready(story) == ("False", "Progressing", f"its setup Job {story.namespace}/{first} runs")
    assert told(story, "Available") == "its pods are available"
    service = story.live("Service")["spec"]["selector"]
    assert pods(story, ",".join(f"{name}%3D{value}" for name, value in service.items())) == ["app"]
    story.silent()
    assert len(story.asked_by_a_run()) == len(CHILDREN) + 1

    story.apply(setup=MIGRATE, revision="2")
    pushed = story.reconcile()
    (second,) = set(jobs(story)) - {first}
    place = story.namespace
    assert f"+ Job {place}/{second} another image or revision" in pushed.changes
    assert f"- Job {place}/{first} its preview has another image or revision" in pushed.changes
    assert jobs(story) == [second]
    assert ready(story)[1] == "Progressing"
    told(story, "Available")
    story.silent()

    story.patch("Job", {"metadata": {"ownerReferences": None}}, second)
    story.orphan()
    gone = story.reconcile("--max-deletes", "100%")
    assert f"- Job {place}/{second} its preview is gone" in gone.changes
    setups = "app.kubernetes.io/component%3Dsetup"
    eventually(lambda: pods(story, setups) == [], "the Job's pods are gone", timeout=90)
    assert jobs(story) == []


def test_an_existing_job_is_corrected_in_its_metadata_and_nowhere_else(story: Story) -> None:
    """What ran has run: another command, another resource or another option is no reason for a write."""
    env: dict[str, Any] = {"env": [{"name": "A", "value": "1"}]}
    story.apply(setup=MIGRATE, resources={"limits": {"cpu": "1.5"}}, **env)
    story.reconcile()
    name, options = the_job(story), ("--node-selector", "pool=previews", "--pod-security", "restricted")

    def spec() -> dict[str, Any]:
        return {k: v for k, v in story.live("Job", name)["spec"].items() if k != "suspend"}

    before = spec()
    story.apply(setup={"command": ["other"]}, env=[{"name": "B"}])
    result = story.reconcile(*options)
    assert not [line for line in result.changes if " Job " in line]
    labels = {"metadata": {"labels": {"app.kubernetes.io/name": "mine"}, "ownerReferences": None}}
    story.patch("Job", labels, name)
    mended = story.reconcile(*options)
    assert [line.split()[:3] for line in mended.changes] == [["~", "Job", f"{story.namespace}/{name}"]]
    metadata = story.live("Job", name)["metadata"]
    assert metadata["labels"]["app.kubernetes.io/name"] == "preview"
    assert metadata["ownerReferences"][0]["name"] == "pr-1"
    assert spec() == before
    assert story.reconcile(*options).changes == []

    story.patch("Job", {"metadata": {"managedFields": [{}]}}, name)
    story.apply(setup={"command": ["another"]}, resources={"limits": {"cpu": "1.5"}}, **env)
    story.reconcile()
    assert Live(story.live("Job", name)).applied_by(story.names.field_manager) is not None
    assert spec() == before
    assert story.reconcile().changes == []


# it runs once, whatever becomes of the Job


def recorded(story: Story, name: str = "pr-1") -> dict[str, str]:
    """What the preview's status records of its setup."""
    found: dict[str, str] = story.live("PreviewEnvironment", name)["status"]["setup"]
    return found


def removed(story: Story, name: str) -> None:
    eventually(lambda: not story.there("Job", name), "the Job is gone", timeout=60)


def is_not_made_again(story: Story) -> None:
    """Three runs plan nothing, and after the first, which may have news for the status, they only list."""
    assert story.reconcile().changes == []
    for _ in range(2):
        assert {event.verb for event in story.asked_by_a_run()} == {"list"}
    assert jobs(story) == []


@pytest.mark.usefixtures("control_plane")
def test_a_job_that_is_removed_after_its_end_is_not_recreated(story: Story) -> None:
    """By kubectl or by its ttlSecondsAfterFinished, and whether or not a run has seen its end."""
    seen, unseen = ("seen-deleted", "seen-ttl"), ("deleted", "ttl")
    for name in (*seen, *unseen):
        story.apply(name, setup=MIGRATE)
    story.reconcile()
    of = {name: recorded(story, name)["job"] for name in (*seen, *unseen)}
    assert sorted(of.values()) == sorted(jobs(story))
    for name, job in of.items():
        assert recorded(story, name) == {"job": job, "result": "Running"}
        ended(story, job)
    story.reconcile(*seen)
    assert {recorded(story, name)["result"] for name in seen} == {"Complete"}
    for name, job in of.items():
        if name.endswith("ttl"):
            story.patch("Job", {"spec": {"ttlSecondsAfterFinished": 0}}, job, by="policy")
        else:
            story.delete("Job", job)
        removed(story, job)
    for name in seen:
        assert told(story, "Available", name) == "its pods are available"
        assert recorded(story, name) == {"job": of[name], "result": "Complete"}
    for name in unseen:
        lost = f"its setup Job {story.namespace}/{of[name]} was removed before its end was seen"
        assert told(story, "Available", name) == f"its pods are available; {lost}"
        assert recorded(story, name) == {"job": of[name], "result": "Unknown"}
    is_not_made_again(story)
    story.silent()

    story.apply("ttl", setup=MIGRATE, revision="2")
    story.reconcile()
    (second,) = jobs(story)
    assert second != of["ttl"]
    assert recorded(story, "ttl") == {"job": second, "result": "Running"}
