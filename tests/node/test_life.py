"""The life of a preview after its first page: suspended, resumed, updated, expired, deleted."""

from tests.controlplane import eventually
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
