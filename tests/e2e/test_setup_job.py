"""The setup Job on a real API server: it runs once for each image and revision, and says how it went."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN, render
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of, part_of
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Settings, Toleration
from tests.controlplane import allow, eventually, service_account
from tests.e2e.story import CHILD_RESOURCES, Story
from tests.e2e.test_status import conditions, ready, told

MIGRATE = {"command": ["migrate", "--password=hunter2hunter2"]}
FAILING = {"image": "fail.test/exit:1", **MIGRATE}


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

    story.apply(revision="2")
    switched_off = story.reconcile()
    assert switched_off.changes == [f"- Job {place}/{second} its preview does not request it"]
    assert jobs(story) == []
    story.silent()


def test_an_existing_job_is_corrected_in_its_metadata_and_nowhere_else(story: Story) -> None:
    """What ran has run: another command, another resource or another option is no reason for a write."""
    story.apply(setup=MIGRATE, env=[{"name": "A", "value": "1"}], resources={"limits": {"cpu": "1.5"}})
    story.reconcile()
    name = the_job(story)
    spec = story.live("Job", name)["spec"]
    other: dict[str, Any] = {"setup": {"command": ["other"]}, "env": [{"name": "B"}]}
    story.apply(**other)
    result = story.reconcile("--node-selector", "pool=previews", "--pod-security", "restricted")
    assert not [line for line in result.changes if " Job " in line]
    labels = {"metadata": {"labels": {"app.kubernetes.io/name": "mine"}, "ownerReferences": None}}
    story.patch("Job", labels, name)
    mended = story.reconcile("--node-selector", "pool=previews", "--pod-security", "restricted")
    assert [line.split()[:3] for line in mended.changes] == [["~", "Job", f"{story.namespace}/{name}"]]
    job = story.live("Job", name)
    assert job["metadata"]["labels"]["app.kubernetes.io/name"] == "preview"
    assert job["metadata"]["ownerReferences"][0]["name"] == "pr-1"
    assert {k: v for k, v in job["spec"].items() if k != "suspend"} == {
        k: v for k, v in spec.items() if k != "suspend"
    }
    again = story.reconcile("--node-selector", "pool=previews", "--pod-security", "restricted")
    assert again.changes == []


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


@pytest.mark.usefixtures("control_plane")
def test_a_setup_that_failed_stays_so_when_its_job_is_deleted_and_another_revision_runs_it(
    story: Story,
) -> None:
    story.apply(setup=FAILING)
    story.reconcile()
    name = the_job(story)
    ended(story, name)
    told(story, "SetupFailed")
    before = conditions(story)
    assert recorded(story) == {"job": name, "result": "Failed", "message": "exit code 1"}
    story.delete("Job", name)
    removed(story, name)
    is_not_made_again(story)
    assert conditions(story) == before
    story.apply(setup=MIGRATE, revision="2")
    story.reconcile()
    told(story, "Available")
    assert recorded(story)["result"] == "Complete"


@pytest.mark.usefixtures("control_plane")
def test_a_preview_that_is_gone_takes_its_job_and_the_jobs_pods_with_it(story: Story) -> None:
    story.apply(setup=MIGRATE)
    story.apply("pr-2")
    story.reconcile()
    name = the_job(story)
    told(story, "Available")
    story.patch("Job", {"metadata": {"ownerReferences": None}}, name)
    story.orphan()
    result = story.reconcile()
    assert f"- Job {story.namespace}/{name} its preview is gone" in result.changes
    setups = "app.kubernetes.io/component%3Dsetup"
    eventually(lambda: pods(story, setups) == [], "the Job's pods are gone", timeout=90)
    assert jobs(story) == []
    story.silent()


def test_the_server_owns_of_a_job_what_we_foresaw_and_the_second_run_is_silent(story: Story) -> None:
    """Every field that a Job's pods can have: the table of merge keys holds for it too."""
    story.apply(
        setup={"image": "registry.example.com/tools:1", "command": ["sh", "-c"], "args": ["migrate", ""]},
        env=[
            {"name": "B", "value": "1"},
            {"name": "A", "value": ""},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
            {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        envFrom=[{"prefix": "P_", "configMapRef": {"name": "c", "optional": True}}],
        imagePullSecrets=[{"name": "b"}, {"name": "a"}],
        resources={"limits": {"cpu": "0.5", "memory": "1024Mi"}, "requests": {"cpu": "100m"}},
        replicas=0,
    )
    options = (
        "--pod-security", "restricted", "--node-selector", "pool=previews",
        "--toleration", "pool=previews:NoSchedule", "--toleration", "other",
    )  # fmt: skip
    story.reconcile(*options)
    job = Live(story.live("Job", the_job(story)))
    preview = parse_preview(story.live("PreviewEnvironment"), group=story.group)
    assert isinstance(preview, PreviewEnvironment)
    settings = Settings(
        pod_security="restricted",
        node_selector=(("pool", "previews"),),
        tolerations=(
            Toleration(key="pool", operator="Equal", value="previews", effect="NoSchedule"),
            Toleration(key="other", operator="Exists"),
        ),
    )
    (wanted,) = [manifest for manifest in render(preview, settings) if manifest["kind"] == "Job"]
    ours = job.applied_by(story.names.field_manager)
    assert ours is not None
    assert ours == field_set_of(wanted)
    assert part_of(job.manifest, ours) == wanted
    assert story.reconcile(*options).changes == []


def test_a_job_whose_history_was_wiped_is_managed_again(story: Story) -> None:
    story.apply(setup=MIGRATE)
    story.reconcile()
    name = the_job(story)
    spec = story.live("Job", name)["spec"]
    story.patch("Job", {"metadata": {"managedFields": [{}]}}, name)
    story.apply(setup={"command": ["other"]})
    story.reconcile()
    job = Live(story.live("Job", name))
    assert job.applied_by(story.names.field_manager) is not None
    assert job.manifest["spec"] == spec
    assert story.reconcile().changes == []


def test_without_the_right_to_list_jobs_a_preview_with_a_setup_stands_still_and_the_others_do_not(
    story: Story,
) -> None:
    account = service_account(story.plane, story.namespace, "partial")
    others = [one for one in CHILD_RESOURCES if one != "jobs.batch"]
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com"])
    allow(story.plane, account.user, ["get", "list", "create", "patch", "delete"], others)
    story.apply(setup=MIGRATE)
    story.apply("pr-2")
    result = replace(story, account=account).reconcile(code=4)
    assert any(line.startswith("! Job: the list of jobs is incomplete") for line in result.lines)
    assert sorted(story.children()) == sorted(story.all_of("pr-2"))
