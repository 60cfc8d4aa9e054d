"""What is ours, on a real API server: strangers' objects, protection, owners, what is being deleted."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.model.names import Names
from tests.controlplane import ControlPlane, eventually
from tests.e2e.story import ROUTES, Story, container
from tests.e2e.strangers import owner, stranger

NAMES = Names()
IDENTITY, PRUNE = NAMES.identity_annotation, NAMES.prune_annotation
PROTECT = {PRUNE: "disabled"}
CHILDREN = ("Deployment", "Service", "Mapping")
UNMARKED = f"no label {NAMES.preview_label} and no annotation {IDENTITY}; field managers: helm"


def references(story: Story, kind: str, name: str = "pr-1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = story.live(kind, name)["metadata"].get("ownerReferences", [])
    return found


def our_reference(story: Story, name: str = "pr-1") -> dict[str, Any]:
    """The owner reference that every child of a preview has."""
    return {
        "apiVersion": story.names.api_version,
        "kind": "PreviewEnvironment",
        "name": name,
        "uid": story.live("PreviewEnvironment", name)["metadata"]["uid"],
        "controller": True,
    }


# a name that is taken


def test_unmanaged_objects_of_the_same_names_block_the_previews_and_stay_as_they_are(story: Story) -> None:
    for kind in CHILDREN:
        story.create(stranger(kind, kind.lower()), by="helm")
        story.apply(kind.lower())
    before = story.everything()
    says = []
    for kind in sorted(CHILDREN):
        place = f"{story.namespace}/{kind.lower()}"
        taken = f"exists and is not managed by preview-reconcile ({UNMARKED})"
        says.append(f"! Preview {place} {kind} {place}: {taken}; delete it, or rename the preview")
    assert story.reconcile(code=1).changes == says
    assert story.reconcile("--dry-run", "--adopt", code=1).changes == says
    assert story.writes() == []
    assert story.everything() == before


# protection


def test_a_child_that_somebody_protects_outlives_its_preview(
    story: Story, control_plane: ControlPlane
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.patch("Service", {"metadata": {"annotations": PROTECT}}, by="kubectl-annotate")
    story.reconcile()
    service = story.live("Service")["metadata"]
    assert service["annotations"][PRUNE] == "disabled"
    assert "ownerReferences" not in service
    story.silent()
    story.delete("PreviewEnvironment")
    story.reconcile()
    kept = ["Service/pr-1", *story.all_of("other")]
    eventually(lambda: sorted(story.children()) == sorted(kept), "the other children of pr-1 are gone")
    story.silent()
    assert story.reconcile().changes == [f"= Service {story.namespace}/pr-1 protected: {PRUNE} is disabled"]


def went(story: Story) -> None:
    """The preview is deleted, and the garbage collector has been: it has taken what had its owner alone."""
    bait = {"apiVersion": "v1", "kind": "ConfigMap"}
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    story.ask("POST", path, {**bait, "metadata": {"name": "bait", "ownerReferences": [our_reference(story)]}})
    story.delete("PreviewEnvironment")
    baits = f"{path}?fieldSelector=metadata.name=bait"
    eventually(lambda: not story.ask("GET", baits)["items"], "the garbage collector has been", timeout=60)


@pytest.mark.usefixtures("control_plane")
@pytest.mark.parametrize("route", ROUTES)
def test_a_protected_preview_keeps_its_route_of_another_kind_also_once_it_is_gone(
    story: Story, route: str
) -> None:
    story.apply("other", replicas=0)
    first = replace(story, route=route)
    first.apply(replicas=0)
    first.reconcile()
    first.apply(replicas=0, annotations=PROTECT)
    switched = replace(story, route="Ingress" if route != "Ingress" else "Mapping")
    told = switched.reconcile()
    assert f"~ {route} {story.namespace}/pr-1 its preview is protected" in told.changes
    assert switched.there(switched.route)
    protected = [
        f"= {kind} {story.namespace}/pr-1 protected: {PRUNE} is disabled"
        for kind in ("Deployment", "Service", route, switched.route)
    ]
    assert switched.reconcile().changes == [protected[2]]
    switched.silent()
    before = switched.live(route)
    assert (before["metadata"]["annotations"][PRUNE], references(story, route)) == ("disabled", [])
    went(story)
    assert sorted(switched.reconcile().changes) == sorted(protected)
    assert switched.live(route)["spec"] == before["spec"]


def test_a_preview_that_is_protected_no_longer_owns_its_children_again(story: Story) -> None:
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    story.apply(replicas=0)
    story.reconcile()
    story.silent()
    for kind in CHILDREN:
        assert references(story, kind) == [our_reference(story)]
        assert PRUNE not in story.live(kind)["metadata"]["annotations"]


def test_what_somebody_protected_too_stays_protected_when_its_preview_no_longer_is(story: Story) -> None:
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    also = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pr-1", "annotations": PROTECT}}
    path = f"{story.path_of('Service', 'pr-1')}?fieldManager=somebody"
    story.ask("PATCH", path, also, "application/apply-patch+yaml")
    story.apply(replicas=0)
    story.reconcile()
    story.silent()
    service = story.live("Service")["metadata"]
    assert (service["annotations"][PRUNE], service.get("ownerReferences")) == ("disabled", None)
    assert references(story, "Deployment") == [our_reference(story)]


# owners


def test_a_reference_to_an_older_uid_of_the_preview_is_replaced(story: Story) -> None:
    # In a version of the API that is not served: so the garbage collector cannot act on it first.
    story.apply(replicas=0)
    story.reconcile()
    old = {**our_reference(story), "apiVersion": f"{NAMES.group}/v1alpha1", "uid": "an-older-uid"}
    story.patch("Service", {"metadata": {"ownerReferences": [old]}})
    assert story.reconcile().changes == [f"~ Service {story.namespace}/pr-1 drifted"]
    story.silent()
    assert references(story, "Service") == [our_reference(story)]


def test_an_additional_owner_stays(story: Story) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    uid = story.ask("POST", path, {"metadata": {"name": "friend"}})["metadata"]["uid"]
    story.apply(replicas=0)
    story.reconcile()
    friend = owner("ConfigMap", "friend", uid, controller=False)
    story.patch("Service", [{"op": "add", "path": "/metadata/ownerReferences/-", "value": friend}])
    story.silent()
    assert references(story, "Service") == [our_reference(story), friend]


# a history that is gone


def test_children_without_history_are_managed_again(story: Story) -> None:
    """Protected they lose their owner, what the preview no longer wants goes, and an edit is mended."""
    two = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    story.apply("protected", replicas=0)
    story.apply("dropped", replicas=0, env=two, command=["run"])
    story.apply("edited", replicas=0)
    story.reconcile()
    for name in ("protected", "dropped", "edited"):
        for kind in CHILDREN:
            story.patch(kind, {"metadata": {"managedFields": [{}]}}, name)
    story.apply("protected", replicas=0, annotations=PROTECT)
    story.apply("dropped", replicas=0, env=two[1:], port=8080)
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(port=8080), "edited")
    story.reconcile()
    story.silent()
    assert [references(story, kind, "protected") for kind in CHILDREN] == [[], [], []]
    app = container(story.live("Deployment", "dropped"))
    assert (app["env"], app.get("command")) == (two[1:], None)
    assert [port["containerPort"] for port in app["ports"]] == [8080]
    assert [port["port"] for port in story.live("Service", "edited")["spec"]["ports"]] == [80]
