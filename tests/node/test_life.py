"""The life of a preview after its first page: suspended, resumed, updated, expired, deleted."""

from tests.controlplane import eventually
from tests.node.story import COLLECTED, NO_PODS, Story

CHILDREN = "deployments,services,ingresses,pods"


def pods(story: Story) -> int:
    return len(story.names("pods"))


def test_a_suspended_preview_has_no_pods_and_answers_again_when_it_is_resumed(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    story.apply(suspend=True)
    story.reconcile()
    eventually(lambda: not pods(story), "no pod is left")
    story.answers(*NO_PODS)
    story.reconcile()
    assert story.condition() == ("False", "Suspended")
    story.apply()
    story.reconcile("--wait")
    assert story.condition() == ("True", "Available")
    story.answers()
    story.silent()


def test_a_new_image_replaces_the_pod(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    first = story.answers().text
    story.apply(image="app:2", env=[{"name": "GREETING", "value": "again"}])
    story.reconcile("--wait")
    second = eventually(lambda: next(iter(t for t in [story.answers().text] if "again" in t), ""), "new page")
    assert first.split()[2] != second.split()[2], "the hostname is the pod's"
    story.silent()


def test_an_expired_preview_keeps_no_children_and_its_link_answers_404(story: Story) -> None:
    story.apply(ttl="5s")
    story.reconcile()
    assert story.names("deployments,services,ingresses")

    def expired() -> bool:
        story.reconcile("--allow-blocked")
        return story.condition() == ("False", "Expired")

    eventually(expired, "the preview has expired", pause=1)
    story.answers(404)
    eventually(lambda: not story.names(CHILDREN), "the children are deleted", timeout=COLLECTED)
    assert story.names(story.kind), "the preview itself is its author's to delete"


def test_a_deleted_preview_takes_its_children_along_until_its_link_answers_404(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.answers()
    story.delete()
    story.answers(404, timeout=COLLECTED)
    eventually(lambda: not story.names(CHILDREN), "the children are deleted", timeout=COLLECTED)
    story.silent()


def test_a_child_that_lost_its_preview_and_its_owner_is_pruned_by_a_run(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.kubectl("delete", story.kind, "pr-1", "--cascade=orphan", "--wait=false")
    # The garbage collector takes the owner references away, as soon as it has heard of the CRD.
    eventually(lambda: not story.names(story.kind), "the preview is deleted", timeout=COLLECTED)
    assert story.names("deployments") == ["deployment.apps/pr-1"]
    story.answers()
    result = story.reconcile("--max-deletes", "100%")
    assert "3 deleted" in result.stdout
    story.answers(404)
