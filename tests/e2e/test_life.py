"""A preview comes up, follows its author, and is deleted, where pods run and the garbage collector works."""

from typing import Any

import pytest

from tests.controlplane import eventually
from tests.e2e.groups import PREVIEWS
from tests.e2e.story import Story, container

MERGE = "application/merge-patch+json"
RESTRICTED = ("--pod-security", "restricted")
pytestmark = pytest.mark.usefixtures("control_plane")


def owners(story: Story, kind: str, name: str = "pr-1") -> list[Any]:
    return [owner["uid"] for owner in story.live(kind, name)["metadata"]["ownerReferences"]]


def test_an_image_and_a_hostname_are_a_running_preview_also_where_pods_are_restricted(story: Story) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    story.ask("PATCH", f"/api/v1/namespaces/{story.namespace}", label, MERGE)
    story.apply()
    place = f"{story.namespace}/pr-1"
    assert story.reconcile(*RESTRICTED).changes == [
        f"+ {kind} {place} new preview" for kind in ("Deployment", "Service", story.route)
    ]
    story.silent(*RESTRICTED)
    assert story.children() == story.all_of()
    assert story.live("Deployment")["status"]["availableReplicas"] == 1


def test_a_recreated_preview_gets_its_children_back_in_place(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    before = story.uids()
    story.orphan()
    uid = story.apply(replicas=0, image="registry.example.com/web:2")["metadata"]["uid"]
    assert [line.split()[0] for line in story.reconcile().changes] == ["~", "~", "~"]
    story.silent()
    assert story.uids() == before
    assert [owners(story, kind) for kind in ("Deployment", "Service", story.route)] == [[uid]] * 3
    assert container(story.live("Deployment"))["image"] == "registry.example.com/web:2"


def test_the_garbage_collector_takes_the_children_of_the_old_preview_and_no_others(story: Story) -> None:
    """One run is enough beside it, and it needs none."""
    story.apply(replicas=0)
    story.apply("pr-2", replicas=0)
    story.reconcile()
    story.settled()
    story.delete("PreviewEnvironment")
    uid = story.apply(replicas=0)["metadata"]["uid"]
    story.reconcile()
    story.silent()
    assert sorted(story.children()) == sorted([*story.all_of(), *story.all_of("pr-2")])
    assert [owners(story, kind) for kind in ("Deployment", "Service", story.route)] == [[uid]] * 3
    story.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", story.namespace)
    eventually(lambda: story.children() == story.all_of("pr-2"), "the children of pr-1 are gone")
