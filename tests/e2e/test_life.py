"""A preview comes up, follows its author, and goes away."""

from dataclasses import replace

import pytest

from tests.controlplane import eventually
from tests.e2e.groups import PREVIEWS
from tests.e2e.story import ROUTES, Story, container


@pytest.fixture(params=ROUTES)
def routed(request: pytest.FixtureRequest, story: Story) -> Story:
    """The same story, with each kind of route."""
    return replace(story, route=request.param)


# comes up


def test_an_image_and_a_hostname_are_a_running_preview(routed: Story) -> None:
    routed.apply()
    result = routed.reconcile()
    place = f"{routed.namespace}/pr-1"
    assert result.changes == [
        f"+ Deployment {place} new preview",
        f"+ Service {place} new preview",
        f"+ {routed.route} {place} new preview",
    ]
    routed.silent()
    assert routed.children() == routed.all_of()
    assert routed.live("Deployment")["status"]["availableReplicas"] == 1


MERGE = "application/merge-patch+json"


def test_a_namespace_that_enforces_restricted_admits_the_pods(story: Story) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    story.ask("PATCH", f"/api/v1/namespaces/{story.namespace}", label, MERGE)
    story.apply(replicas=1)
    story.reconcile("--pod-security", "restricted")
    story.silent("--pod-security", "restricted")
    assert story.live("Deployment")["status"]["availableReplicas"] == 1


# goes away


def test_orphans_are_deleted_and_other_previews_stay(story: Story) -> None:
    story.apply()
    story.apply("pr-2")
    story.reconcile()
    before = story.settled()
    story.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", story.namespace, "--cascade=orphan")
    assert story.children() == [
        name for pair in zip(story.all_of(), story.all_of("pr-2"), strict=True) for name in pair
    ]
    result = story.reconcile()
    place = f"{story.namespace}/pr-1"
    assert result.changes == [
        f"- Deployment {place} its preview is gone",
        f"- Service {place} its preview is gone",
        f"- {story.route} {place} its preview is gone",
    ]
    deletes = [(event.verb, event.resource) for event in story.writes()][-3:]
    assert deletes == [("delete", story.plural), ("delete", "services"), ("delete", "deployments")]
    story.silent()
    assert story.children() == story.all_of("pr-2")
    assert story.versions() == {name: before[name] for name in story.all_of("pr-2")}


def test_a_recreated_preview_gets_its_children_back_in_place(story: Story) -> None:
    story.apply()
    story.reconcile()
    before = story.uids()
    story.orphan()
    uid = story.apply(image="registry.example.com/web:2")["metadata"]["uid"]
    result = story.reconcile()
    assert [line.split()[0] for line in result.changes] == ["~", "~", "~"]
    story.silent()
    assert story.uids() == before
    for kind in ("Deployment", "Service", story.route):
        assert [owner["uid"] for owner in story.live(kind)["metadata"]["ownerReferences"]] == [uid]
    assert container(story.live("Deployment"))["image"] == "registry.example.com/web:2"


def test_one_run_is_enough_while_the_garbage_collector_takes_the_old_children(story: Story) -> None:
    story.apply()
    story.reconcile()
    story.settled()
    story.delete("PreviewEnvironment")
    uid = story.apply()["metadata"]["uid"]
    story.reconcile()
    story.silent()
    assert story.children() == story.all_of()
    for kind in ("Deployment", "Service", story.route):
        assert [owner["uid"] for owner in story.live(kind)["metadata"]["ownerReferences"]] == [uid]


def test_a_deleted_preview_takes_its_children_along(story: Story) -> None:
    story.apply()
    story.apply("pr-2")
    story.reconcile()
    story.settled()
    story.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", story.namespace)
    eventually(lambda: story.children() == story.all_of("pr-2"), "the children of pr-1 are gone")
    story.silent()
    assert story.children() == story.all_of("pr-2")
