"""The setup Job on a real API server: it runs once for each image and revision, and says how it went."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN, render
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of, part_of
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Settings, Toleration
from tests.controlplane import allow, eventually
from tests.controlplane.rights import service_account
from tests.e2e.groups import PREVIEWS, changed_crd, without_in_status
from tests.e2e.story import CHILD_RESOURCES, STATUS, Story
from tests.e2e.test_ownership import PROTECT, went
from tests.e2e.test_status import conditions, ready, told

MIGRATE = {"command": ["migrate", "--password=hunter2hunter2"]}
FAILING = {"image": "fail.test/exit:1", **MIGRATE}
STUCK = {"image": "fail.test/pull:1", **MIGRATE}


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


@pytest.mark.usefixtures("control_plane")
def test_the_old_job_of_a_protected_preview_outlives_it(story: Story) -> None:
    story.apply("other", replicas=0)
    story.apply(setup=MIGRATE, revision="1")
    story.reconcile()
    first = the_job(story)
    ended(story, first)
    before = story.live("Job", first)["spec"]
    story.apply(setup=MIGRATE, revision="2", annotations=PROTECT)
    assert f"~ Job {story.namespace}/{first} its preview is protected" in story.reconcile().changes
    assert len(jobs(story)) == 2
    told(story, "Available")
    story.silent()
    went(story)
    story.reconcile()
    assert len(jobs(story)) == 2
    assert story.live("Job", first)["spec"] == before


@pytest.mark.usefixtures("control_plane")
def test_a_setup_that_fails_is_what_kubectl_shows_and_another_revision_tries_again(story: Story) -> None:
    story.apply(setup=FAILING)
    story.reconcile()
    name = the_job(story)
    ended(story, name)
    result = story.reconcile()
    place = f"{story.namespace}/{name}"
    message = f"exit code 1 (setup Job {place}); another spec.image or spec.revision runs a new one"
    assert conditions(story) == {
        "Ready": ("False", "SetupFailed", message),
        "Stalled": ("True", "SetupFailed", message),
    }
    shown = story.plane.kubectl("get", PREVIEWS, "-n", story.namespace).splitlines()[1].split()
    assert shown[:4] == ["pr-1", f"https://{story.host('pr-1')}", "False", "SetupFailed"]
    assert "hunter2" not in result.stdout + result.stderr
    assert STATUS not in {event.resource for event in story.asked_by_a_run()}

    story.apply(setup=MIGRATE, revision="2")
    story.reconcile()
    told(story, "Available")
    assert name not in jobs(story)
    story.silent()


@pytest.mark.usefixtures("control_plane")
def test_an_image_that_cannot_be_pulled_is_told_while_the_job_is_under_way(story: Story) -> None:
    story.apply(setup=STUCK)
    story.reconcile()
    name = the_job(story)
    message = told(story, "SetupFailed")
    assert message.startswith("ImagePullBackOff: Back-off pulling image fail.test/pull:1")
    before = story.live("Job", name)["metadata"]["uid"]

    story.apply(setup=MIGRATE, revision="2")
    waits = story.reconcile()
    place = f"{story.namespace}/{name}"
    assert f". Job {place} waits: deleted when it has ended" in waits.changes
    assert [line for line in waits.changes if f"waits: Job {place}, of another" in line]
    assert jobs(story) == [name]
    annotations = story.live("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["platform9.com/revision"] == "2"
    assert ready(story)[1:] == (
        "Progressing",
        f"waits: Job {place}, of another image or revision, has not ended (deleting it helps)",
    )
    assert story.live("Job", name)["metadata"]["uid"] == before
    story.delete("Job", name)
    eventually(lambda: not story.there("Job", name), "the stuck Job is gone", timeout=60)
    told(story, "Available")


@pytest.mark.usefixtures("control_plane")
def test_a_suspended_preview_sets_nothing_up_and_keeps_the_record_that_it_ran(story: Story) -> None:
    story.apply(setup=MIGRATE, suspend=True)
    story.reconcile()
    assert jobs(story) == []
    assert ready(story)[1] == "Suspended"
    story.silent()
    story.apply(setup=MIGRATE)
    story.reconcile()
    name = the_job(story)
    told(story, "Available")
    uid = story.live("Job", name)["metadata"]["uid"]
    story.apply(setup=MIGRATE, suspend=True)
    story.reconcile()
    story.silent()
    assert story.live("Job", name)["metadata"]["uid"] == uid


def test_a_job_that_is_there_is_mended_in_its_metadata_and_nowhere_else(story: Story) -> None:
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


def test_a_job_whose_history_was_wiped_becomes_ours_again(story: Story) -> None:
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


def test_a_preview_that_protects_its_children_protects_the_job_that_ran_too(story: Story) -> None:
    story.apply(setup=MIGRATE)
    story.reconcile()
    name = the_job(story)
    story.apply(setup=MIGRATE, annotations={"platform9.com/prune": "disabled"})
    story.reconcile()
    metadata = story.live("Job", name)["metadata"]
    assert metadata["annotations"]["platform9.com/prune"] == "disabled"
    assert "ownerReferences" not in metadata
    assert story.reconcile().changes == []


def test_a_job_of_that_name_that_is_not_ours_blocks_its_preview(story: Story) -> None:
    story.apply(setup=MIGRATE)
    name = next(
        line.split()[2].partition("/")[2]
        for line in story.reconcile("--dry-run").changes
        if line.startswith("+ Job")
    )
    container = {"name": "x", "image": "nginx:1"}
    story.create(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
        }
    )
    story.reconcile(code=1)
    assert story.children() == [f"Job/{name}"]
    assert ready(story)[1] == "NameTaken"


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


# it runs once, whatever becomes of the Job


def recorded(story: Story) -> dict[str, str]:
    """What the preview's status records of its setup."""
    found: dict[str, str] = story.live("PreviewEnvironment")["status"]["setup"]
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
@pytest.mark.parametrize("seen", [True, False], ids=["its end was seen", "its end was not seen"])
@pytest.mark.parametrize("how", ["kubectl delete", "ttlSecondsAfterFinished"])
def test_a_job_that_is_removed_after_its_end_is_not_made_again(story: Story, how: str, *, seen: bool) -> None:
    story.apply(setup=MIGRATE)
    story.reconcile()
    name = the_job(story)
    assert recorded(story) == {"job": name, "result": "Running"}
    ended(story, name)
    if seen:
        told(story, "Available")
        assert recorded(story) == {"job": name, "result": "Complete"}
    if how == "kubectl delete":
        story.delete("Job", name)
    else:
        story.patch("Job", {"spec": {"ttlSecondsAfterFinished": 0}}, name, by="policy")
    removed(story, name)
    message = "its pods are available"
    if not seen:
        message += f"; its setup Job {story.namespace}/{name} was removed before its end was seen"
    assert told(story, "Available") == message
    assert recorded(story) == {"job": name, "result": "Complete" if seen else "Unknown"}
    is_not_made_again(story)
    story.silent()

    story.apply(setup=MIGRATE, revision="2")
    story.reconcile()
    (second,) = jobs(story)
    assert second != name
    assert recorded(story) == {"job": second, "result": "Running"}


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
    explained = story.reconcile("--explain", "pr-1").stdout
    assert f"Job {story.namespace}/{name}: not there" in explained
    assert "not made again: it has run, by the status (Failed)" in explained
    waited = story.reconcile("--wait", "--wait-timeout", "30s", code=1)
    place = f"{story.namespace}/pr-1"
    assert waited.lines[-1].startswith(f"not ready {place} exit code 1 (setup Job {story.namespace}/{name})")

    story.apply(setup=MIGRATE, revision="2")
    story.reconcile()
    told(story, "Available")
    assert recorded(story)["result"] == "Complete"


UNRECORDED = (
    "that a setup has run is recorded in the status: without it a setup whose Job is removed runs again"
)


def test_a_run_that_cannot_record_it_says_what_follows(story: Story) -> None:
    account = service_account(story.plane, story.namespace, "no-status")
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com"])
    allow(story.plane, account.user, ["get", "list", "create", "patch", "delete"], CHILD_RESOURCES)
    blind = replace(story, account=account)
    story.apply(setup=MIGRATE)
    assert UNRECORDED in blind.reconcile().lines
    name = the_job(story)
    story.delete("Job", name)
    removed(story, name)
    assert [line.split()[:2] for line in blind.reconcile().changes] == [["+", "Job"]]


@pytest.fixture
def older(story: Story) -> Iterator[Story]:
    """A story with a CRD of its own group, from before a status had a place for it."""
    with changed_crd(story, lambda version: without_in_status(version, "setup")) as found:
        yield found


def test_an_older_crd_that_has_no_place_for_it_is_told(older: Story) -> None:
    older.apply(setup=MIGRATE)
    lines = older.reconcile().work
    assert "reconcile --print-crd" in lines[-2]
    assert lines[-1] == UNRECORDED


def test_a_job_that_is_there_when_its_preview_is_made_again_is_recorded(story: Story) -> None:
    story.apply(setup=MIGRATE)
    story.reconcile()
    name = the_job(story)
    story.patch("Job", {"metadata": {"ownerReferences": None}}, name)
    story.orphan()
    story.apply(setup=MIGRATE)
    story.reconcile()
    assert (jobs(story), recorded(story)["job"]) == ([name], name)


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
