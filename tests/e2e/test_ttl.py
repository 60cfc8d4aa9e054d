"""A preview lives its ttl on a real API server, by that server's clock."""

import time

import pytest

from tests.controlplane import eventually
from tests.e2e.story import Story
from tests.e2e.test_status import conditions, status


def expired(story: Story, name: str = "pr-1") -> None:
    """Runs, one after the other, until it has expired; it was given seconds."""

    def once() -> bool:
        story.reconcile()
        return conditions(story, name)["Ready"][1] == "Expired"

    eventually(once, f"{name} expires", timeout=60, pause=0.5)


def test_an_expired_preview_loses_its_children_stays_and_comes_back(story: Story) -> None:
    story.apply(ttl="3s")
    story.reconcile()
    assert story.children() == story.all_of()
    ends = status(story)["expiresAt"]
    expired(story)
    eventually(lambda: not story.children(), "its children are gone")
    message = (
        f"its ttl of 3s ended at {ends}: any change of its spec brings it back, such as another spec.revision"
    )
    assert conditions(story) == {
        "Ready": ("False", "Expired", message),
        "Stalled": ("True", "Expired", message),
    }
    assert (status(story)["expiresAt"], "url" in status(story)) == (ends, False)
    story.silent()
    story.apply(ttl="3s")  # the same again: its generation stays
    story.silent()
    story.apply(ttl="1h", revision="b")
    story.reconcile()
    assert story.children() == story.all_of()
    assert status(story)["ttl"] == "1h"


def test_the_deletes_of_expiry_name_when_and_are_guarded(story: Story) -> None:
    story.apply(ttl="2s")
    story.reconcile()
    ends = status(story)["expiresAt"]
    time.sleep(2.1)
    plan = eventually(
        lambda: [line for line in story.reconcile("--dry-run").changes if line[0] == "-"], "it has expired"
    )
    assert plan == [
        f"- {kind} {story.namespace}/pr-1 its preview expired at {ends}"
        for kind in ("Deployment", "Service", "Mapping")
    ]
    assert story.children() == story.all_of()


def test_a_run_that_finds_an_old_preview_without_a_status_expires_nothing(story: Story) -> None:
    story.apply(ttl="1s")
    time.sleep(2.1)
    story.reconcile()
    assert story.children() == story.all_of()


def test_an_operators_default_counts_from_the_run_that_sees_it_first(story: Story) -> None:
    story.apply()
    story.reconcile()
    assert "expiresAt" not in status(story)
    time.sleep(1.1)
    story.reconcile("--default-ttl", "1s")
    assert story.children() == story.all_of()
    begun = status(story)["ttlCountsFrom"]
    story.reconcile("--default-ttl", "7d", "--max-ttl", "2d")
    assert (status(story)["ttl"], status(story)["ttlCountsFrom"] >= begun) == ("2d", True)
    assert story.children() == story.all_of()


@pytest.mark.parametrize("limit", ["0", "1"])
def test_the_brake_holds_what_expires(story: Story, limit: str) -> None:
    for name in ("pr-1", "pr-2"):
        story.apply(name, ttl="1s")
    story.reconcile()
    time.sleep(2.1)
    story.reconcile("--max-deletes", limit, code=4 if limit == "0" else 0)
    left = {child.partition("/")[2] for child in story.children()}
    assert left == ({"pr-1", "pr-2"} if limit == "0" else {"pr-2"})
    story.reconcile()
    assert story.children() == []


def test_what_is_protected_outlives_its_preview(story: Story) -> None:
    story.apply(ttl="1s", annotations={"platform9.com/prune": "disabled"})
    story.reconcile()
    time.sleep(2.1)
    result = story.reconcile()
    assert result.changes == [
        f"= {kind} {story.namespace}/pr-1 protected: platform9.com/prune is disabled"
        for kind in ("Deployment", "Service", "Mapping")
    ]
    assert conditions(story)["Ready"][1] == "Expired"
    assert story.children() == story.all_of()
