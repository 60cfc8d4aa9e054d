"""Schemas: what server-side apply makes of a field, from the packaged table and from a server's OpenAPI."""

from collections.abc import Mapping
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.kube.objects import POD as PODS
from reconcile.kube.objects import Resource
from reconcile.kube.schema import (
    Node,
    is_native,
    learn,
    native_resource,
    native_schema,
    schema_of,
    schemas_in,
)


def at(api_version: str, kind: str, path: str) -> Node:
    """The node at a path; `[]` is the item of a list, or any other key of a map."""
    node = native_schema(api_version, kind)
    for name in path.split("."):
        assert node is not None
        node = node.element if name == "[]" else node.child(name)
    assert node is not None
    return node


POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("path", "kind", "atomic", "keys"),
    [
        (f"{POD}.containers", "list", False, {"name": None}),
        (f"{POD}.containers.[].ports", "list", False, {"containerPort": None, "protocol": "TCP"}),
        (f"{POD}.containers.[].args", "list", True, {}),
        (f"{POD}.containers.[].env.[].valueFrom.secretKeyRef", "map", True, {}),
        (f"{POD}.volumes.[].projected.sources", "list", True, {}),
        (f"{POD}.securityContext", "map", False, {}),
        (f"{POD}.nodeSelector", "map", True, {}),
        ("spec.selector", "map", True, {}),
        ("metadata.labels", "map", False, {}),
        ("metadata.finalizers", "list", False, {}),
        ("metadata.ownerReferences", "list", False, {"uid": None}),
        ("metadata.ownerReferences.[]", "map", True, {}),
    ],
)
def test_a_field_has_one_owner_or_many(path: str, kind: str, atomic: bool, keys: Mapping[str, Any]) -> None:
    node = at("apps/v1", "Deployment", path)
    assert (node.kind, node.atomic, node.keys) == (kind, atomic, keys)


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("spec.replicas", "integer"),
        ("spec.paused", "boolean"),
        ("metadata.creationTimestamp", "date-time"),
        ("metadata.labels.[]", "string"),
        (f"{POD}.containers.[].resources.limits.[]", "quantity"),
        (f"{POD}.containers.[].ports.[].containerPort", "integer"),
        (f"{POD}.containers.[].livenessProbe.httpGet.port", "int-or-string"),
    ],
)
def test_a_scalar_has_a_type(path: str, type_: str) -> None:
    assert at("apps/v1", "Deployment", path).type == type_


def test_every_kind_of_child_has_a_schema() -> None:
    assert all(native_schema(kind.resource.api_version, kind.resource.kind) for kind in CHILDREN)


def test_the_table_has_the_resource_of_every_kind_of_child() -> None:
    resources = [kind.resource for kind in CHILDREN]
    assert [native_resource(found.api_version, found.kind) for found in resources] == resources
    assert native_resource("v1", "Pod") == PODS
    assert native_resource("policy/v1", "PodDisruptionBudget") == Resource(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"
    )


@pytest.mark.parametrize(
    ("api_version", "kind", "native"),
    [
        ("rbac.authorization.k8s.io/v1", "ClusterRole", True),
        ("v1", "Namespace", True),
        ("policy/v1", "Eviction", True),  # a subresource of pods
        ("v1", "Binding", True),  # can be created only
        ("apps/v9", "Deployment", False),
        ("example.com/v1", "Thing", False),
    ],
)
def test_a_kind_that_can_be_no_child_has_no_resource_and_may_be_native(
    api_version: str, kind: str, native: bool
) -> None:
    assert native_resource(api_version, kind) is None
    assert is_native(api_version, kind) is native


@pytest.fixture
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test lets the process learn is forgotten after it."""
    monkeypatch.setattr("reconcile.kube.schema._known", {})


@pytest.mark.usefixtures("_forgotten")
def test_a_schema_that_was_learned_counts_from_then_on_but_never_for_a_native_kind() -> None:
    learned = Node("map")
    thing, deployment = (
        {"apiVersion": "example.com/v1", "kind": "Thing"},
        {"apiVersion": "apps/v1", "kind": "Deployment"},
    )
    assert schema_of(thing) is not learned
    learn("example.com/v1", "Thing", learned)
    learn("apps/v1", "Deployment", learned)
    assert schema_of(thing) is learned
    assert schema_of({**thing, "apiVersion": "example.com/v2"}) is not learned
    assert schema_of(deployment) is native_schema("apps/v1", "Deployment")


def test_a_type_that_the_document_lacks_takes_everything() -> None:
    metadata = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    schema = {
        "type": "object",
        "properties": {"metadata": metadata},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}],
    }
    node = schemas_in({"components": {"schemas": {"Thing": schema}}}).kind("example.com/v1", "Thing")
    assert node is not None
    assert node.fields["metadata"].kind == "any"


def test_a_type_that_holds_itself_has_an_end_where_nobody_asks_further() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"metadata": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
                       "below": {"$ref": "#/components/schemas/Tree"}},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Tree"}],
    }  # fmt: skip
    types = {"Tree": schema, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"type": "object"}}
    node = schemas_in({"components": {"schemas": types}}).kind("example.com/v1", "Tree")
    assert node is not None
    assert node.child("below") is node
    assert node.child("other") is None


def test_a_kind_that_is_not_known_takes_every_field_and_has_metadata_like_any_other() -> None:
    node = schema_of({"apiVersion": "example.com/v1", "kind": "Thing"})
    spec, metadata = node.child("spec"), node.child("metadata")
    assert native_schema("example.com/v1", "Thing") is None
    assert spec is not None
    assert [spec.of({}).kind, spec.of([]).kind, spec.of("").kind] == ["map", "list", "scalar"]
    assert spec.of([]).atomic
    assert metadata is at("v1", "Service", "metadata")
