"""What an author cannot do to the others, with the rights of an author alone, on a real API server."""

import json
import time
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.e2e.author import Author
from tests.e2e.story import Story
from tests.e2e.strangers import marks, stranger

# leftovers that somebody forged


def forged(story: Story, number: int) -> list[dict[str, Any]]:
    """Services as we would have made them for previews that never were."""
    names = [f"forged-{n:02}" for n in range(number)]
    made = [stranger("Service", name, **marks("Service", story.namespace, name)) for name in names]
    for one in made:
        one["metadata"] = json.loads(json.dumps(one["metadata"]).replace("platform9.com", story.group))
    return made


def test_forged_orphans_of_one_namespace_stop_no_delete_in_another(alone: Story, elsewhere: Story) -> None:
    author = Author(alone, "Service")
    for name in ("lives", "gone"):
        elsewhere.apply(name, replicas=0)
    elsewhere.reconcile()
    elsewhere.orphan("gone")
    manager = f"--field-manager={alone.names.field_manager}"
    author.kubectl("apply", "--server-side", manager, "-f", "-", manifests=forged(alone, 40))
    result = alone.reconcile(everywhere=True, code=4)
    assert [line for line in result.lines if line.startswith("! ")] == [
        "! Refusing to prune 41 previews: the limit is 12 (30% of 42); "
        f"skipped in namespace {alone.namespace} (40); if this is intended, pass --max-deletes 41"
    ]
    assert sorted(elsewhere.children()) == sorted(elsewhere.all_of("lives"))
    assert len(alone.children()) == 40
    alone.silent(everywhere=True, code=4)


# limits of the operator


FINALIZER = "example.com/hold"


MOST = ("--max-ttl", "3s")


@pytest.fixture
def protected(story: Story) -> Author:
    """An author whose preview is protected, and has run."""
    author = Author(story, "Service")
    author.apply(annotations={story.names.prune_annotation: "disabled"}, ttl="0")
    story.reconcile(*MOST)
    assert sorted(story.children()) == sorted(story.all_of())
    return author


def named(story: Story) -> list[str]:
    """The children of pr-1 as a plan names them."""
    return [child.replace("/", f" {story.namespace}/") for child in story.all_of()]


@pytest.mark.parametrize("gone", [False, True], ids=["expired", "gone"])
def test_what_an_author_protects_does_not_outlive_the_operators_most(
    protected: Author, story: Story, gone: bool
) -> None:
    story.apply("pr-2", fqdn=story.host("pr-1"), ttl="0")
    if gone:
        protected.kubectl("delete", protected.previews, "pr-1")
        told = story.reconcile(*MOST, code=1).changes
        assert [line for line in told if line[0] == "-"] == []
        assert f"which belongs to {story.namespace}/pr-1" in told[-1]
    time.sleep(3.1)
    allowed = ("--allow-protect", f"{story.namespace}/pr-*", "--dry-run")
    spared = story.reconcile(*MOST, *allowed, "pr-1").changes
    by = f"platform9.com/prune is disabled, and --allow-protect names {story.namespace}/pr-1"
    assert spared == [f"= {child} protected: {by}" for child in named(story)]
    changes = story.reconcile(*MOST, "pr-1").changes
    assert [line.partition(";")[2][:23] for line in changes] == [" it was protected until"] * 3
    assert not set(story.all_of()) & set(story.children())
    story.apply("pr-2", fqdn=story.host("pr-1"), ttl="0", revision="b")
    story.reconcile(*MOST)
    assert story.children() == story.all_of("pr-2")


def test_nor_does_a_child_that_an_author_protects(story: Story) -> None:
    author = Author(story, "Service")
    author.apply()
    story.reconcile()
    author.kubectl("annotate", "service", "pr-1", f"{story.names.prune_annotation}=disabled")
    story.reconcile()
    author.kubectl("delete", author.previews, "pr-1")
    author.apply("other")
    until = [line for line in story.reconcile("--max-ttl", "1h").changes if line[0] == "="]
    assert [line.partition(" until ")[0] for line in until] == [f"= Service {story.namespace}/pr-1 protected"]
    left = sorted(["Service/pr-1", *story.all_of("other")])
    eventually(lambda: sorted(story.children()) == left, "the others are gone")
    time.sleep(3.1)
    story.reconcile(*MOST)
    assert sorted(story.children()) == sorted(story.all_of("other"))


def test_what_is_left_of_gone_previews_counts_among_those_of_their_namespace(
    protected: Author, story: Story
) -> None:
    protected.kubectl("delete", protected.previews, "pr-1")
    protected.apply("pr-2")
    refused = story.reconcile("--max-previews", "1", code=1).lines
    assert [line for line in refused if line.startswith("! ")] == [
        f"! Preview {story.namespace}/pr-2 namespace {story.namespace} has 1 preview and the children of 1 "
        "that are gone, and may have 1 in all: delete some, or what is left of those "
        "(label platform9.com/preview), or raise --max-previews"
    ]
    assert sorted(story.children()) == sorted(story.all_of())
    story.reconcile("--max-previews", "2")
    assert sorted(story.children()) == sorted([*story.all_of(), *story.all_of("pr-2")])


def test_a_finalizer_keeps_no_child_longer_than_the_operators_most(story: Story) -> None:
    author = Author(story)
    author.apply(finalizers=[FINALIZER])
    story.reconcile(*MOST)
    author.kubectl("delete", author.previews, "pr-1", "--wait=false")
    waits = f". Preview {story.namespace}/pr-1 it is being deleted, and waits for its finalizers"
    assert story.reconcile(*MOST).changes == [waits]
    time.sleep(3.1)
    assert story.reconcile().changes == [waits]
    assert sorted(story.children()) == sorted(story.all_of())
    story.reconcile(*MOST)
    assert story.children() == []
    assert story.there("PreviewEnvironment")
    story.silent(*MOST)
    author.patch(f"{author.previews}/pr-1", {"metadata": {"finalizers": None}})
