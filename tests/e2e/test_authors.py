"""What an author cannot do to the others, with the rights of an author alone, on a real API server."""

import json
import time
from typing import Any

from tests.controlplane import ControlPlane, eventually
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
    author.kubectl("apply", "--server-side", manager, "-f", "-", manifests=forged(alone, 12))
    result = alone.reconcile(everywhere=True, code=4)
    assert [line for line in result.lines if line.startswith("! ")] == [
        "! Refusing to prune 13 previews: the limit is 9 (30% of 14, at least 9); "
        f"skipped in namespace {alone.namespace} (12); if this is intended, pass --max-deletes 13"
    ]
    assert sorted(elsewhere.children()) == sorted(elsewhere.all_of("lives"))
    assert len(alone.children()) == 12


# limits of the operator


MOST = ("--max-ttl", "3s")
PROTECT = "platform9.com/prune"


def test_what_an_author_protects_or_holds_does_not_outlive_the_operators_most(
    story: Story, control_plane: ControlPlane
) -> None:
    """`kept` lives past its ttl, `gone` does not live, of `child` the Service alone is protected, and `held` has a finalizer."""
    author = Author(story, "Service")
    author.apply("kept", annotations={PROTECT: "disabled"}, ttl="2s", replicas=0)
    author.apply("gone", annotations={PROTECT: "disabled"}, replicas=0)
    author.apply("child", replicas=0)
    author.apply("held", finalizers=["example.com/hold"], replicas=0)
    author.apply("other", fqdn=story.host("gone"), replicas=0)
    story.reconcile(code=1)
    author.kubectl("annotate", "service", "child", f"{PROTECT}=disabled")
    story.reconcile(code=1)
    author.kubectl("delete", author.previews, "gone", "child", "held", "--wait=false")
    protected = {*story.all_of("kept"), *story.all_of("gone"), "Service/child", *story.all_of("held")}
    bare = {"Deployment/other", "Service/other"}
    eventually(lambda: {*story.children()} == {*protected, *bare}, "the children of `child` are gone")
    # What is left of those that are gone counts among the previews of their namespace.
    refused = story.reconcile("--max-previews", "2", "--dry-run", code=1).stdout
    assert " and the children of 2 that are gone, and may have 2 in all" in refused

    changes = story.reconcile("--max-ttl", "1h", code=1).changes
    assert [line for line in changes if line[0] == "-"] == []
    assert f"which belongs to {story.namespace}/gone" in changes[-1]
    time.sleep(3.1)
    allowed = ("--allow-protect", f"{story.namespace}/*", "--dry-run")
    spared = story.reconcile(*MOST, *allowed, code=1).changes
    assert [line for line in spared if line[0] == "-" and "/held " not in line] == []
    by = f"{PROTECT} is disabled, and --allow-protect names {story.namespace}/"
    assert sum(line[0] == "=" and by in line for line in spared) == 7
    story.reconcile(*MOST, "kept", "gone", "child", "held")
    assert {*story.children()} == bare
    story.reconcile("--max-ttl", "1h", "other")
    assert {*story.children()} == {*story.all_of("other")}
    assert story.there("PreviewEnvironment", "held")
    author.patch(f"{author.previews}/held", {"metadata": {"finalizers": None}})
