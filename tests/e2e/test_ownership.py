"""What is ours, on a real API server: strangers' objects, protection, owners, what is being deleted."""

from dataclasses import replace
from typing import Any

from reconcile.model.names import Names
from tests.controlplane import ControlPlane, eventually
from tests.e2e.story import Story, container
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
    expected = []
    for kind in sorted(CHILDREN):
        place = f"{story.namespace}/{kind.lower()}"
        taken = f"exists and is not managed by preview-reconcile ({UNMARKED})"
        expected.append(f"! Preview {place} {kind} {place}: {taken}; delete it, or rename the preview")
    assert story.reconcile("--adopt", code=1).changes == expected
    assert story.writes() == []
    assert story.everything_now() == before


# protection


def test_a_protected_preview_keeps_its_route_of_another_kind_also_once_it_is_gone(
    story: Story, control_plane: ControlPlane
) -> None:
    """So does a child of `beside` that somebody protected."""
    first, switched = replace(story, route="HTTPRoute"), replace(story, route="Ingress")
    for name in ("other", "beside", "pr-1"):
        first.apply(name, replicas=0)
    first.reconcile()
    first.apply(replicas=0, annotations=PROTECT)
    story.patch("Service", {"metadata": {"annotations": PROTECT}}, "beside", by="kubectl-annotate")
    result = switched.reconcile()
    assert f"~ HTTPRoute {story.namespace}/pr-1 its preview is protected" in result.changes
    assert switched.there("Ingress")
    switched.silent()
    before = switched.live("HTTPRoute")
    assert (before["metadata"]["annotations"][PRUNE], references(story, "HTTPRoute")) == ("disabled", [])
    assert references(story, "Service", "beside") == []
    for name in ("beside", "pr-1"):
        story.delete("PreviewEnvironment", name)
    kept = {*(f"{kind}/pr-1" for kind in ("Deployment", "Service", "HTTPRoute", "Ingress")), "Service/beside"}
    eventually(
        lambda: {*story.children()} == {*kept, *switched.all_of("other")},
        "the other children of `beside` are gone",
    )
    assert sorted(switched.reconcile().changes) == sorted(
        f"= {child.replace('/', f' {story.namespace}/')} protected: {PRUNE} is disabled" for child in kept
    )
    assert switched.live("HTTPRoute")["spec"] == before["spec"]


def test_a_preview_that_is_protected_no_longer_owns_its_children_again(story: Story) -> None:
    """But for one that somebody else protected too, which stays protected."""
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    also = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pr-1", "annotations": PROTECT}}
    path = f"{story.path_of('Service', 'pr-1')}?fieldManager=somebody"
    story.ask("PATCH", path, also, "application/apply-patch+yaml")
    story.apply(replicas=0)
    story.reconcile()
    story.silent()
    for kind in ("Deployment", "Mapping"):
        assert references(story, kind) == [our_reference(story)]
        assert PRUNE not in story.live(kind)["metadata"]["annotations"]
    assert references(story, "Service") == []
    assert story.live("Service")["metadata"]["annotations"][PRUNE] == "disabled"


# owners


def test_a_reference_to_an_older_uid_of_the_preview_is_replaced_and_an_additional_owner_stays(
    story: Story,
) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    uid = story.ask("POST", path, {"metadata": {"name": "friend"}})["metadata"]["uid"]
    story.apply(replicas=0)
    story.reconcile()
    # In a version of the API that is not served: so the garbage collector cannot act on it first.
    old = {**our_reference(story), "apiVersion": f"{NAMES.group}/v1alpha1", "uid": "an-older-uid"}
    friend = owner("ConfigMap", "friend", uid, controller=False)
    story.patch("Service", {"metadata": {"ownerReferences": [old]}})
    story.patch("Deployment", [{"op": "add", "path": "/metadata/ownerReferences/-", "value": friend}])
    assert story.reconcile().changes == [f"~ Service {story.namespace}/pr-1 drifted"]
    story.silent()
    assert references(story, "Service") == [our_reference(story)]
    assert references(story, "Deployment") == [our_reference(story), friend]


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
