"""The life of a preview after its first page: suspended, resumed, updated, expired, deleted."""

import io
import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.controlplane import eventually
from tests.node.starting import assets
from tests.node.story import COLLECTED, NO_PODS, Story


def greeted(story: Story) -> str:
    """The page, if it has the greeting of the newer pod."""
    page = story.visit().text
    return page if "again" in page else ""


def hostname(page: str) -> str:
    """The pod that served a page."""
    return page.removeprefix("hello from ").split()[0]


def test_a_suspended_preview_has_no_pods_and_answers_again_when_it_is_resumed(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    story.apply(suspend=True)
    story.reconcile()
    eventually(lambda: not story.names("pods"), "no pod is left", pause=0.5)
    story.answers(*NO_PODS)
    story.reconcile()
    assert story.condition() == ("False", "Suspended")
    story.apply()
    story.reconcile("--wait")
    assert story.condition() == ("True", "Available")
    story.answers()
    story.silent()


def test_a_preview_has_no_pods_out_of_hours_and_answers_again_when_it_is_awake(story: Story) -> None:
    another_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a")
    closed = ("--awake", f"{another_day} UTC")

    def asleep() -> bool:
        story.reconcile(*closed)
        return not story.names("pods")

    story.apply()
    story.reconcile("--wait", "--awake", "Mon-Sun UTC")
    story.answers()
    story.reconcile(*closed)
    eventually(lambda: not story.names("pods"), "no pod is left", pause=0.5)
    story.answers(*NO_PODS)
    assert story.condition() == ("False", "Asleep")
    assert story.reconcile("--wait", *closed).stdout.splitlines()[-1].startswith("asleep  ")
    story.kubectl("annotate", story.kind, "pr-1", "platform9.com/awake-until=4h", "--overwrite")
    story.reconcile("--wait", *closed)
    assert story.condition() == ("True", "Available")
    story.answers()
    story.kubectl("annotate", story.kind, "pr-1", "platform9.com/awake-until=1s", "--overwrite")
    eventually(asleep, "no pod is left once the second is over", pause=0.5)
    story.reconcile("--wait", "--awake", "Mon-Sun UTC")
    story.answers()
    story.silent()


def test_a_new_image_replaces_the_pod(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    first = story.answers().text
    story.apply(image="app:2", env=[{"name": "GREETING", "value": "again"}])
    story.reconcile("--wait")
    second = eventually(lambda: greeted(story), "the new page is served")
    assert hostname(first) != hostname(second)
    story.silent()


def test_an_expired_preview_keeps_no_children_and_its_link_answers_404(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    story.apply(ttl="5s")  # counted from this change

    def expired() -> bool:
        story.reconcile("--allow-blocked")
        return story.condition() == ("False", "Expired")

    eventually(expired, "the preview has expired", pause=1)
    story.answers(404)
    story.childless()
    assert story.names(story.kind), "its author deletes the preview itself"


def test_the_children_of_a_deleted_preview_are_deleted_and_its_link_answers_404(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    story.delete()
    story.answers(404, timeout=COLLECTED)
    story.childless()
    story.silent()


def test_orphaned_children_are_pruned_and_their_link_answers_404(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.kubectl("delete", story.kind, "pr-1", "--cascade=orphan", "--wait=false")
    # The garbage collector removes the owner references, once it has heard of the CRD.
    eventually(lambda: not story.names(story.kind), "the preview is deleted", timeout=COLLECTED, pause=0.5)
    assert story.names("deployments") == ["deployment.apps/pr-1"]
    story.answers()
    result = story.reconcile("--max-deletes", "100%")
    assert "3 deleted" in result.stdout
    story.answers(404)


def another_image(archive: Path, into: Path, name: str) -> None:
    """The same image with another label, and so another id: a kubelet knows by their ids what it has pulled."""
    with tarfile.open(archive) as old, tarfile.open(into, "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            data = content.read() if content else b""
            if member.name == "config.json":
                data = json.dumps({**json.loads(data), "author": name}).encode()
            if member.name == "manifest.json":
                data = json.dumps([{**json.loads(data)[0], "RepoTags": [name]}]).encode()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))


def test_an_image_that_is_on_the_node_alone_runs_where_it_need_not_be_pulled(
    story: Story, tmp_path: Path
) -> None:
    """As `kind load docker-image` leaves it: no registry has it."""
    folder = assets()
    if story.node.is_named or folder is None:
        pytest.skip("images are loaded into a node of ours only")
    name, archive = f"{story.namespace}:1", tmp_path / "image.tar"
    another_image(folder / "app-1.tar", archive, f"docker.io/library/{name}")
    story.node.call("ctr", "-n", "k8s.io", "images", "import", archive)
    story.apply("loaded", image=name, imagePullPolicy="IfNotPresent")
    story.apply("pulled", image=name)
    result = story.reconcile("--wait", code=1)
    assert story.condition(name="loaded") == ("True", "Available"), result.stdout
    assert f"not ready {story.namespace}/pulled ImagePullBackOff: " in "\n".join(result.lines)
    story.reconcile("--wait", "--allow-pull-policy", "IfNotPresent")
    assert story.condition(name="pulled") == ("True", "Available")
