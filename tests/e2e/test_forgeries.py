"""What only looks like ours is neither written nor deleted, on a real API server.

Each forgery stands where what is ours would be deleted: under the name of a preview that is gone, and, as a
route of another kind, under that of a preview that lives.
"""

from typing import Any

import pytest

from reconcile.model.names import Names
from tests.e2e.story import Story
from tests.e2e.strangers import export, marks, owner, stranger

NAMES = Names()
KINDS = ("Deployment", "Service", "Mapping")
# Not served: the garbage collector leaves references to it alone, whatever their uid.
UNSERVED = f"{NAMES.group}/v1alpha1"


@pytest.fixture
def living(story: Story) -> Story:
    """Two previews: `pr-1`, and one that keeps the list of previews from being empty."""
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    return story


def config_map(story: Story, name: str = "owner") -> str:
    """The uid of an object that may own others."""
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    return str(story.ask("POST", path, {"metadata": {"name": name}})["metadata"]["uid"])


def as_us(story: Story, manifest: dict[str, Any]) -> None:
    """Apply an object under the name of our field manager."""
    path = (
        f"{story.path_of(manifest['kind'], manifest['metadata']['name'])}?fieldManager={NAMES.field_manager}"
    )
    story.ask("PATCH", path, manifest, "application/apply-patch+yaml")


def forgeries(story: Story, kind: str, prefix: str, uid: str) -> list[tuple[bool, dict[str, Any]]]:
    """Every forgery of one kind, by its name; and whether it was applied under our field manager's name."""

    def marked(what: str) -> dict[str, Any]:
        return marks(kind, story.namespace, f"{prefix}-{what}")

    def labels(what: str) -> dict[str, Any]:
        return {"labels": marked(what)["labels"]}

    def annotations(what: str) -> dict[str, Any]:
        return {"annotations": marked(what)["annotations"]}

    copied = marks(kind, story.namespace, "pr-1")
    protection = {**marked("protected")["annotations"], NAMES.prune_annotation: "disabled"}
    wrong = owner("PreviewEnvironment", f"{prefix}-wrong-uid", "a-wrong-uid", api_version=UNSERVED)
    older = owner("PreviewEnvironment", f"{prefix}-older", "an-older-uid", api_version=UNSERVED)
    second = owner("ConfigMap", "owner", uid, controller=False)
    another = owner("PreviewEnvironment", "pr-99", "another", api_version=UNSERVED)
    found: list[tuple[bool, str, dict[str, Any]]] = [
        (False, "label", labels("label")),
        (False, "identity", annotations("identity")),
        (False, "copied", copied),
        (False, "restored", marked("restored")),
        (False, "wrong-uid", {**marked("wrong-uid"), "ownerReferences": [wrong]}),
        (False, "second-owner", {**marked("second-owner"), "ownerReferences": [second]}),
        (True, "copied-by-us", copied),
        (True, "label-by-us", labels("label-by-us")),
        (True, "other-identity", {**labels("other-identity"), "annotations": copied["annotations"]}),
        (True, "other-label", {**annotations("other-label"), "labels": copied["labels"]}),
        (True, "older", {**labels("older"), "ownerReferences": [older]}),
        (True, "other-kind", {**marked("other-kind"), "ownerReferences": [owner("ConfigMap", "owner", uid)]}),
        (True, "other-preview", {**marked("other-preview"), "ownerReferences": [another]}),
        (True, "protected", {**marked("protected"), "annotations": protection}),
    ]
    return [(ours, stranger(kind, f"{prefix}-{what}", **metadata)) for ours, what, metadata in found]


def put_down(story: Story, forged: list[tuple[bool, dict[str, Any]]]) -> None:
    for ours, manifest in forged:
        if ours:
            as_us(story, manifest)
        else:
            story.create(manifest)


def test_what_only_looks_managed_is_neither_written_nor_deleted(living: Story) -> None:
    """Beside it what is clearly managed is deleted: the same objects, with all that makes them ours."""
    uid = config_map(living)
    unwanted = forgeries(living, "Ingress", "live", uid)
    for _, manifest in unwanted:
        living.apply(manifest["metadata"]["name"], replicas=0)
    living.reconcile()
    put_down(living, unwanted)
    put_down(living, forgeries(living, "Service", "gone", uid))
    before = living.everything()
    assert len(before) == 3 * 2 + 4 * 14 + 14
    as_us(living, stranger("Service", "gone", **marks("Service", living.namespace, "gone")))
    as_us(living, stranger("Ingress", "pr-1", **marks("Ingress", living.namespace, "pr-1")))
    wrote = living.writes()
    living.reconcile()
    deleted = [("delete", "ingresses", "pr-1"), ("delete", "services", "gone")]
    new = living.writes()[len(wrote) :]
    assert sorted((event.verb, event.resource, event.name) for event in new) == deleted
    living.reconcile("--adopt")
    assert living.writes() == [*wrote, *new]
    assert living.everything() == before


def test_a_clone_with_its_history_is_unmanaged(living: Story) -> None:
    """The server gives the whole of what is POSTed to who does so, but that is not what we go by alone."""
    for kind in KINDS:
        clone = export(living.live(kind), managed_fields=True, name="pr-1-clone", ownerReferences=[])
        assert NAMES.field_manager in [entry["manager"] for entry in clone["metadata"]["managedFields"]]
        living.create(clone)
    before = living.everything()
    living.orphan()
    living.reconcile()
    left = [f"{kind}/pr-1-clone" for kind in KINDS]
    assert living.everything_now() == {
        key: found for key, found in before.items() if key in [*left, *living.all_of("other")]
    }


def test_a_second_installation_is_left_alone(living: Story, alone: Story) -> None:
    """In the same namespace, by the same user."""
    alone.apply("pr-2", replicas=0)
    alone.reconcile()
    living.silent()
    assert sorted(alone.children()) == sorted(
        [name for p in ("pr-1", "other", "pr-2") for name in living.all_of(p)]
    )
    theirs = keep(living, "pr-2")
    living.orphan()
    living.reconcile("--adopt")
    assert sorted(living.children()) == sorted([*living.all_of("other"), *alone.all_of("pr-2")])
    assert keep(living, "pr-2") == theirs
    ours = keep(living, "other")
    alone.orphan("pr-2")
    alone.reconcile("--adopt", "--max-deletes", "100%")
    assert sorted(alone.children()) == sorted(living.all_of("other"))
    assert keep(living, "other") == ours


def keep(story: Story, name: str) -> dict[str, dict[str, Any]]:
    """All objects of this name, whole."""
    return {key: found for key, found in story.everything().items() if key.endswith(f"/{name}")}
