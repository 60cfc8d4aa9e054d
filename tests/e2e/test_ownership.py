"""What is ours, on a real API server: strangers' objects, protection, owners, what is being deleted."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.model.names import Names
from tests.controlplane import ControlPlane, eventually
from tests.e2e.groups import installation
from tests.e2e.story import ROUTES, Story, container, env_of
from tests.e2e.strangers import owner, stranger

NAMES = Names()
IDENTITY, PRUNE = NAMES.identity_annotation, NAMES.prune_annotation
FINALIZER = "example.com/hold"
PROTECT = {PRUNE: "disabled"}
UNMARKED = f"no label {NAMES.preview_label} and no annotation {IDENTITY}; field managers: helm"


def on_its_route(story: Story, kind: str) -> Story:
    return replace(story, route=kind) if kind in ROUTES else story


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


def release(story: Story, kind: str, name: str = "pr-1") -> None:
    """Take the finalizer away, and wait until the object is gone."""
    story.patch(kind, {"metadata": {"finalizers": None}}, name)
    eventually(lambda: not story.there(kind, name), f"{kind} {name} is gone")


# a name that is taken


@pytest.mark.parametrize("kind", ["Deployment", "Service", *ROUTES])
def test_a_strangers_object_of_the_same_name_blocks_the_preview_and_stays_as_it_is(
    story: Story, kind: str
) -> None:
    story = on_its_route(story, kind)
    story.create(stranger(kind), by="helm")
    before = story.everything()
    story.apply()
    says = (
        f"! Preview {story.namespace}/pr-1 {kind} {story.namespace}/pr-1: exists and is not managed by preview-reconcile "
        f"({UNMARKED}); delete it, or rename the preview"
    )
    assert story.reconcile(code=1).changes == [says]
    assert story.reconcile("--dry-run", "--adopt", code=1).changes == [says]
    assert story.writes() == []
    assert story.everything() == before


@pytest.mark.parametrize("kind", ["Deployment", "Service", "Mapping"])
def test_the_owner_of_a_taken_name_is_named(story: Story, kind: str) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    uid = story.ask("POST", path, {"metadata": {"name": "release"}})["metadata"]["uid"]
    story.create(stranger(kind, ownerReferences=[owner("ConfigMap", "release", uid)]), by="helm")
    before = story.everything()
    story.apply()
    (line,) = story.reconcile(code=1).changes
    assert "(controlled by ConfigMap release; field managers: helm);" in line
    assert story.writes() == []
    assert story.everything() == before


def test_a_preview_whose_name_is_taken_holds_up_no_other(story: Story) -> None:
    story.create(stranger("Service"))
    story.apply()
    story.apply("pr-2", replicas=0)
    story.reconcile(code=1)
    assert sorted(story.children()) == sorted(["Service/pr-1", *story.all_of("pr-2")])
    story.reconcile("--allow-blocked")


def test_a_taken_name_freezes_the_other_children(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.delete("Service")
    story.create(stranger("Service"))
    story.apply(replicas=0, image="registry.example.com/web:2")
    before = story.everything()
    story.reconcile(code=1)
    assert story.everything() == before
    story.delete("Service")
    story.reconcile()
    story.silent()
    assert container(story.live("Deployment"))["image"] == "registry.example.com/web:2"


# what is being deleted


def test_a_preview_that_is_being_deleted_is_waited_for(story: Story) -> None:
    story.apply(replicas=0, finalizers=[FINALIZER])
    story.apply("other", replicas=0)
    story.reconcile()
    story.delete("PreviewEnvironment")
    story.delete("Service")
    story.edit("Deployment", lambda d: container(d).update(image="registry.example.com/edited:1"))
    before = story.everything()
    wrote = story.writes()
    waiting = f". Preview {story.namespace}/pr-1 it is being deleted, and waits for its finalizers"
    assert story.reconcile().changes == [waiting]
    assert story.everything() == before
    assert story.writes() == wrote
    release(story, "PreviewEnvironment")
    story.reconcile()
    eventually(lambda: story.children() == story.all_of("other"), "nothing of pr-1 is left")


def test_a_preview_that_is_being_deleted_gets_no_children(story: Story) -> None:
    story.apply(finalizers=[FINALIZER])
    story.delete("PreviewEnvironment")
    story.reconcile()
    assert story.writes() == []
    release(story, "PreviewEnvironment")


@pytest.mark.parametrize("kind", ["Deployment", "Service", "Mapping"])
def test_a_child_that_is_being_deleted_is_waited_for_and_made_again(story: Story, kind: str) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.patch(kind, {"metadata": {"finalizers": [FINALIZER]}})
    story.delete(kind)
    story.apply(replicas=0, port=8080)
    line = f". {kind} {story.namespace}/pr-1 waits: the old one is being deleted"
    assert line in story.reconcile().changes
    assert story.live(kind)["metadata"]["deletionTimestamp"]
    story.silent()
    release(story, kind)
    assert story.reconcile().changes == [f"+ {kind} {story.namespace}/pr-1 does not exist"]
    story.silent()


def test_an_orphan_that_is_being_deleted_is_waited_for(story: Story) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()
    story.patch("Service", {"metadata": {"finalizers": [FINALIZER]}})
    story.reconcile()
    assert story.reconcile().changes == [
        f". Service {story.namespace}/pr-1 is being deleted, and waits for its finalizers"
    ]
    story.silent()
    release(story, "Service")
    assert story.children() == story.all_of("other")


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


def test_a_child_that_is_protected_no_longer_gets_its_owner_back(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    for kind in ("Deployment", "Service", "Mapping"):
        story.patch(kind, {"metadata": {"annotations": PROTECT}})
    story.reconcile()
    assert [references(story, kind) for kind in ("Deployment", "Service", "Mapping")] == [[], [], []]
    for kind in ("Deployment", "Service", "Mapping"):
        story.patch(kind, {"metadata": {"annotations": {PRUNE: None}}})
    story.reconcile()
    story.silent()
    expected = [our_reference(story)]
    assert [references(story, kind) for kind in ("Deployment", "Service", "Mapping")] == [expected] * 3


@pytest.mark.parametrize("route", ROUTES)
def test_the_children_of_a_protected_preview_outlive_it(
    story: Story, control_plane: ControlPlane, route: str
) -> None:
    story = replace(story, route=route)
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    story.silent()
    for kind in ("Deployment", "Service", route):
        metadata = story.live(kind)["metadata"]
        assert (metadata["annotations"][PRUNE], metadata.get("ownerReferences")) == ("disabled", None)
    story.delete("PreviewEnvironment")
    eventually(lambda: not story.there("PreviewEnvironment"), "the preview is gone")
    before = story.everything()
    assert story.reconcile().changes == [
        f"= {kind} {story.namespace}/pr-1 protected: {PRUNE} is disabled"
        for kind in ("Deployment", "Service", route)
    ]
    assert story.everything() == before


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
    kept = f"= {route} {story.namespace}/pr-1 protected: {PRUNE} is disabled"
    assert switched.reconcile().changes == [kept]
    switched.silent()
    before = switched.live(route)
    assert (before["metadata"]["annotations"][PRUNE], references(story, route)) == ("disabled", [])
    went(story)
    assert kept in switched.reconcile().changes
    assert switched.live(route)["spec"] == before["spec"]


@pytest.mark.usefixtures("control_plane")
def test_a_route_that_nobody_said_to_switch_is_as_protected_as_its_preview(story: Story) -> None:
    ingress = replace(story, route="Ingress")
    ingress.apply(replicas=0)
    ingress.reconcile()
    ingress.apply(replicas=0, annotations=PROTECT)
    told = story.reconcile(route=False)
    assert f"~ Ingress {story.namespace}/pr-1 its preview is protected" in told.changes
    story.silent(route=False)
    went(story)
    assert story.there("Ingress")


def test_what_is_not_wanted_stays_protected_until_a_person_says_otherwise(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, annotations=PROTECT)
    switched = replace(story, route="Ingress")
    switched.reconcile()
    story.apply(replicas=0)
    assert f"= Mapping {story.namespace}/pr-1 protected: {PRUNE} is disabled" in switched.reconcile().changes
    switched.silent()
    story.plane.kubectl("annotate", "mapping", "pr-1", "-n", story.namespace, f"{PRUNE}-")
    told = switched.reconcile()
    assert told.changes == [f"- Mapping {story.namespace}/pr-1 its preview has the Ingress now"]
    assert not switched.there("Mapping")
    switched.silent()


@pytest.mark.usefixtures("control_plane")
def test_what_somebody_protected_and_nobody_wants_loses_its_owner_too(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.patch("Mapping", {"metadata": {"annotations": PROTECT}})
    switched = replace(story, route="Ingress")
    assert f"~ Mapping {story.namespace}/pr-1 it is protected" in switched.reconcile().changes
    switched.silent()
    went(story)
    assert switched.there("Mapping")


def test_a_preview_that_is_protected_no_longer_owns_its_children_again(story: Story) -> None:
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    story.apply(replicas=0)
    story.reconcile()
    story.silent()
    for kind in ("Deployment", "Service", "Mapping"):
        assert references(story, kind) == [our_reference(story)]
        assert PRUNE not in story.live(kind)["metadata"]["annotations"]


def test_the_children_of_a_protected_preview_go_back_to_the_one_that_is_made_again(story: Story) -> None:
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    uids = story.uids()
    story.delete("PreviewEnvironment")
    story.apply(replicas=0)
    story.reconcile()
    story.silent()
    assert story.uids() == uids
    assert references(story, "Service") == [our_reference(story)]


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


def test_an_owner_beside_ours_stays(story: Story) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    uid = story.ask("POST", path, {"metadata": {"name": "friend"}})["metadata"]["uid"]
    story.apply(replicas=0)
    story.reconcile()
    friend = owner("ConfigMap", "friend", uid, controller=False)
    story.patch("Service", [{"op": "add", "path": "/metadata/ownerReferences/-", "value": friend}])
    story.silent()
    assert references(story, "Service") == [our_reference(story), friend]


def test_a_child_that_another_controller_took_is_not_ours_any_more(story: Story) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/configmaps"
    uid = story.ask("POST", path, {"metadata": {"name": "taker"}})["metadata"]["uid"]
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    for kind in ("Deployment", "Service", "Mapping"):
        story.patch(kind, {"metadata": {"ownerReferences": [owner("ConfigMap", "taker", uid)]}})
    before = story.everything()
    (line,) = story.reconcile(code=1).changes
    assert line.count("controlled by ConfigMap taker") == 3
    story.delete("PreviewEnvironment")
    result = story.reconcile()
    assert [line.split(" kept, ")[0] for line in result.changes] == [
        f"= {kind} {story.namespace}/pr-1" for kind in ("Deployment", "Service", "Mapping")
    ]
    assert story.everything() == before


def test_a_child_whose_label_names_another_preview_is_nobodys(story: Story) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.patch("Service", {"metadata": {"labels": {NAMES.preview_label: "other"}}})
    before = story.live("Service")
    lines = story.reconcile("--adopt", code=1).changes
    assert any(f"Service {story.namespace}/pr-1: exists and is not managed by " in line for line in lines)
    story.delete("PreviewEnvironment", "other")
    story.reconcile("--adopt", code=1)
    assert story.live("Service") == before


# a preview that cannot be read


def test_children_of_an_unreadable_preview_are_kept_as_they_are(story: Story) -> None:
    with installation(story, takes_anything=True) as own:
        own.apply(replicas=0)
        own.apply("pr-2", replicas=0)
        own.reconcile()
        own.apply(replicas=0, fqdn="Foo")
        own.apply("pr-2", replicas=0, env=[{"name": "A", "value": "1"}])
        own.edit("Deployment", lambda d: container(d).update(image="registry.example.com/edited:1"))
        own.delete("Service")
        result = own.reconcile(code=1)
        assert result.changes == [
            f"~ Deployment {own.namespace}/pr-2 its preview or an option changed",
            f'! Preview {own.namespace}/pr-1 spec.fqdn: "Foo" has upper-case letters',
        ]
        assert sorted(own.children()) == sorted(["Deployment/pr-1", "Mapping/pr-1", *own.all_of("pr-2")])
        assert container(own.live("Deployment"))["image"] == "registry.example.com/edited:1"
        assert [variable["name"] for variable in env_of(own.live("Deployment", "pr-2"))] == ["A"]
        own.silent(code=1)
        own.apply(replicas=0)
        own.reconcile()
        own.silent()
        assert container(own.live("Deployment"))["image"] == "registry.example.com/web:1"
        assert own.there("Service")


# a history that is gone


def forget(story: Story) -> None:
    """Take away what is recorded of who set what."""
    for kind in ("Deployment", "Service", "Mapping"):
        story.patch(kind, {"metadata": {"managedFields": [{}]}})


def test_a_child_without_history_loses_its_owner_when_it_is_protected(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    forget(story)
    story.apply(replicas=0, annotations=PROTECT)
    story.reconcile()
    assert [references(story, kind) for kind in ("Deployment", "Service", "Mapping")] == [[], [], []]
    story.silent()


def test_a_child_without_history_loses_what_its_preview_no_longer_wants(story: Story) -> None:
    story.apply(replicas=0, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], command=["run"])
    story.reconcile()
    forget(story)
    story.apply(replicas=0, env=[{"name": "B", "value": "2"}], port=8080)
    story.reconcile()
    story.silent()
    app = container(story.live("Deployment"))
    assert (app["env"], app.get("command")) == ([{"name": "B", "value": "2"}], None)
    assert [port["containerPort"] for port in app["ports"]] == [8080]


def test_a_child_without_history_that_was_edited_is_mended(story: Story) -> None:
    story.apply(replicas=0)
    story.reconcile()
    forget(story)
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(port=8080))
    story.reconcile()
    story.silent()
    assert [port["port"] for port in story.live("Service")["spec"]["ports"]] == [80]
