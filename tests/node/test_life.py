"""The life of a preview after its first page: suspended, resumed, updated, expired, deleted."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.node.starting import assets
from tests.node.story import COLLECTED, NO_PODS, Story


def test_a_push_replaces_the_pod_and_a_suspended_preview_answers_again_when_it_is_resumed(
    story: Story,
) -> None:
    story.apply()
    story.reconcile("--wait")
    first = pod_of(story.answers().text)
    pushed: dict[str, Any] = {"image": "app:2", "env": [{"name": "GREETING", "value": "again"}]}
    story.apply(**pushed)
    story.reconcile("--wait")
    second = eventually(lambda: "again" in (page := story.visit().text) and page, "the new page is served")
    assert pod_of(second) != first
    story.silent()
    story.apply(**pushed, suspend=True)
    story.reconcile()
    eventually(lambda: not story.names("pods"), "no pod is left", pause=0.5)
    story.answers(*NO_PODS)
    story.reconcile()
    assert story.condition() == ("False", "Suspended")
    story.apply(**pushed)
    story.reconcile("--wait")
    assert story.condition() == ("True", "Available")
    story.answers()
    story.silent()


def pod_of(page: str) -> str:
    """The pod that served a page."""
    return page.removeprefix("hello from ").split()[0]


def test_the_link_of_a_preview_that_was_deleted_or_orphaned_or_has_expired_answers_404(story: Story) -> None:
    def previews() -> list[str]:
        return [one.rpartition("/")[2] for one in story.names(story.kind)]

    for name in ("deleted", "orphaned", "expired"):
        story.apply(name)
    story.reconcile("--wait")
    for name in ("deleted", "orphaned", "expired"):
        story.answers(name=name)
    story.delete("deleted")
    story.answers(404, name="deleted", timeout=COLLECTED)
    story.childless("deleted")
    story.kubectl("delete", story.kind, "orphaned", "--cascade=orphan", "--wait=false")
    # The garbage collector removes the owner references, once it has heard of the CRD.
    eventually(lambda: previews() == ["expired"], "it is orphaned", timeout=COLLECTED, pause=0.5)
    assert "deployment.apps/orphaned" in story.names("deployments")
    story.answers(name="orphaned")
    assert "3 deleted" in story.reconcile("--max-deletes", "100%").stdout
    story.answers(404, name="orphaned")
    story.apply("expired", ttl="5s")  # counted from this change

    def expired() -> bool:
        story.reconcile("--allow-blocked")
        return story.condition(name="expired") == ("False", "Expired")

    eventually(expired, "the preview has expired", pause=1)
    story.answers(404, name="expired")
    story.childless()
    assert previews() == ["expired"], "its author deletes the preview itself"
    story.silent()


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
