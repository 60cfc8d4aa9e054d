"""What of others cannot stand beside ours, and how it is made ours before an apply removes it."""

from typing import Any

import pytest

from reconcile.execute.takeover import takeover_patch
from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path, beside, from_fields_v1
from reconcile.kube.objects import Manifest
from reconcile.plan.field_conflicts import added_by_hand, collisions, foreign_paths, owned_by_others
from tests.given import (
    CONTAINER,
    MANAGER,
    a_read_preview,
    as_child,
    children_of,
    edited,
    entry,
    live,
    untracked,
)

APP = ("spec", "template", "spec", "containers", 0)
CHILDREN = children_of(a_read_preview(env=[{"name": "A", "value": "1"}, {"name": "E"}]))
DEPLOYMENT, SERVICE = CHILDREN["Deployment"], CHILDREN["Service"]
ENV_A: Path = (*CONTAINER, "f:env", 'k:{"name":"A"}')
ENV_E: Path = (*CONTAINER, "f:env", 'k:{"name":"E"}')
PROBE: Path = (*CONTAINER, "f:readinessProbe")
FIELD_REF = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
SOURCED = edited(DEPLOYMENT, *APP, "env", 0, to={"name": "A", "valueFrom": FIELD_REF})


def owner(uid: str, **other: Any) -> dict[str, Any]:
    preview = {"apiVersion": "platform9.com/v1", "kind": "PreviewEnvironment", "name": "pr-1"}
    return {**preview, "uid": uid, "controller": True, **other}


@pytest.mark.parametrize(
    ("wanted", "there", "tops"),
    [
        pytest.param(
            SERVICE,
            edited(SERVICE, "spec", "ports", 0, "port", to=81),
            {("f:spec", "f:ports", 'k:{"port":81,"protocol":"TCP"}')},
            id="a Service port of our name",
        ),
        pytest.param(
            SERVICE,
            edited(SERVICE, "spec", "ports", 0, "protocol", to="UDP"),
            {("f:spec", "f:ports", 'k:{"port":80,"protocol":"UDP"}')},
            id="our port by another protocol",
        ),
        pytest.param(
            DEPLOYMENT,
            edited(DEPLOYMENT, *APP, "ports", 0, "containerPort", to=81),
            {(*CONTAINER, "f:ports", 'k:{"containerPort":81,"protocol":"TCP"}')},
            id="a containerPort of our name",
        ),
        pytest.param(DEPLOYMENT, SOURCED, {(*ENV_A, "f:valueFrom")}, id="value against valueFrom"),
        pytest.param(SOURCED, DEPLOYMENT, {(*ENV_A, "f:value")}, id="valueFrom against value"),
        pytest.param(
            SOURCED,
            edited(SOURCED, *APP, "env", 0, "valueFrom", to={"secretKeyRef": {"name": "s", "key": "k"}}),
            {(*ENV_A, "f:valueFrom", "f:secretKeyRef")},
            id="one source against another",
        ),
        pytest.param(
            DEPLOYMENT,
            edited(DEPLOYMENT, *APP, "env", 1, to={"name": "E", "value": "x"}),
            {(*ENV_E, "f:value")},
            id="an empty value against a value",
        ),
        pytest.param(
            DEPLOYMENT,
            edited(DEPLOYMENT, *APP, "readinessProbe", to={"exec": {"command": ["x"]}, "grpc": {"port": 1}}),
            {(*PROBE, "f:exec"), (*PROBE, "f:grpc")},
            id="other handlers of the probe",
        ),
        pytest.param(
            SERVICE,
            edited(SERVICE, "metadata", "ownerReferences", to=[owner("older"), owner("x", kind="Other")]),
            {("f:metadata", "f:ownerReferences", 'k:{"uid":"older"}')},
            id="an owner reference to an older uid",
        ),
    ],
)
def test_what_collides_is_named_by_its_top(wanted: Manifest, there: Manifest, tops: set[Path]) -> None:
    assert collisions(as_child(live(there)), wanted, beside(wanted, there)) == tops


@pytest.mark.parametrize(
    "there",
    [
        SERVICE,
        edited(SERVICE, "spec", "ports", to=[{"name": "more", "port": 81}, SERVICE["spec"]["ports"][0]]),
        edited(SERVICE, "metadata", "ownerReferences", to=[owner("u", name="pr-2")]),
        edited(SERVICE, "spec", "ports", to="none"),
    ],
)
def test_what_others_add_elsewhere_does_not_collide(there: Manifest) -> None:
    assert collisions(as_child(live(there)), SERVICE, beside(SERVICE, there)) == frozenset()


def test_beside_the_top_goes_everything_of_others_below_it() -> None:
    top = (*PROBE, "f:exec")
    theirs = {(*top, "f:command"), (*PROBE, "f:periodSeconds")}
    there = live(DEPLOYMENT, entry("kubectl-edit", theirs))
    assert foreign_paths(there, frozenset({top}), MANAGER) == {top, (*top, "f:command")}
    assert owned_by_others(there, frozenset({top}), MANAGER) == {(*top, "f:command")}


# the takeover


def test_a_takeover_is_guarded_by_uid_and_version_and_changes_only_who_owns_what() -> None:
    port = ("f:spec", "f:ports", 'k:{"port":81,"protocol":"TCP"}')
    other = entry("other", {("f:metadata", "f:labels", "f:team")})
    theirs = entry("kubectl-edit", {port, (*port, "f:port"), ("f:spec", "f:type")})
    there = live(SERVICE, theirs, other, uid="u-9", resourceVersion="42")
    patch = takeover_patch(there, frozenset({port, (*port, "f:port")}), MANAGER)
    ours = entry(MANAGER, SERVICE, "Apply")["fieldsV1"]
    assert patch[:2] == [
        {"op": "replace", "path": "/metadata/uid", "value": "u-9"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "42"},
    ]
    step = patch[2]
    assert (len(patch), step["op"], step["path"]) == (3, "add", "/metadata/managedFields")
    left, untouched, mine = step["value"]
    assert left == entry("kubectl-edit", {("f:spec", "f:type")})
    assert untouched == other
    assert (mine["manager"], mine["operation"], mine["apiVersion"]) == (MANAGER, "Apply", "v1")
    assert from_fields_v1(mine["fieldsV1"]) == from_fields_v1(ours) | {port, (*port, "f:port")}


def test_an_entry_of_which_nothing_is_left_goes() -> None:
    top = ("f:spec", "f:selector")
    step = takeover_patch(live(SERVICE, entry("kubectl-edit", {top})), frozenset({top}), MANAGER)[2]
    assert [raw["manager"] for raw in step["value"]] == [MANAGER]


def test_where_we_have_no_entry_one_is_made() -> None:
    there = untracked(SERVICE, managedFields=[entry("kubectl", SERVICE), {}])
    step = takeover_patch(there, frozenset({("f:spec", "f:selector")}), MANAGER)[2]
    assert [raw["manager"] for raw in step["value"]] == ["kubectl", MANAGER]
    assert from_fields_v1(step["value"][1]["fieldsV1"]) == {("f:spec", "f:selector")}


def test_another_entry_of_our_name_is_somebody_elses() -> None:
    """An Update by our manager, or its status, is not what our next apply decides about."""
    update = entry(MANAGER, {("f:spec", "f:selector")}, "Update")
    step = takeover_patch(live(SERVICE, update), frozenset({("f:spec", "f:selector")}), MANAGER)[2]
    assert [(raw["manager"], raw["operation"]) for raw in step["value"]] == [(MANAGER, "Apply")]


def test_a_reference_to_an_older_uid_is_found_on_a_job_too_whose_name_is_its_own() -> None:
    wanted = children_of(a_read_preview(uid="new", setup={"command": ["migrate"]}))["Job"]
    older = {**wanted["metadata"]["ownerReferences"][0], "uid": "old"}
    there = live(wanted, ownerReferences=[*wanted["metadata"]["ownerReferences"], older])
    assert collisions(as_child(there), wanted, beside(wanted, there.manifest)) == {
        ("f:metadata", "f:ownerReferences", 'k:{"uid":"old"}')
    }


# what somebody added with kubectl

DEBUG: Path = (*CONTAINER, "f:env", 'k:{"name":"DEBUG"}')
ITEM: tuple[Path, ...] = (DEBUG, (*DEBUG, "f:name"), (*DEBUG, "f:value"))
DEBUGGED = edited(DEPLOYMENT, *APP, "env", 1, to={"name": "DEBUG", "value": "1"})


@pytest.mark.parametrize("manager", ["kubectl", "kubectl-set", "kubectl-edit", "kubectl-client-side-apply"])
def test_what_kubectl_added_where_only_we_write_is_found(manager: str) -> None:
    there = live(DEBUGGED, entry(manager, ITEM), applied=DEPLOYMENT)
    assert DEBUG in added_by_hand(as_child(there), DEPLOYMENT)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(live(DEBUGGED, entry("istio-injector", ITEM)), id="an injector's"),
        pytest.param(live(DEPLOYMENT, entry("kubectl-set", ITEM)), id="taken out again"),
        pytest.param(live(DEPLOYMENT, entry("kubectl-edit", [(*ENV_A, "f:value")])), id="shared with us"),
        pytest.param(
            live(DEPLOYMENT, entry("kubectl-annotate", [("f:metadata", "f:annotations", "f:x")])),
            id="where others write too",
        ),
    ],
)
def test_nothing_else_is_an_edit_by_hand(there: Live) -> None:
    assert added_by_hand(as_child(there), DEPLOYMENT) == frozenset()
