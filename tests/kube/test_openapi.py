"""What a server's OpenAPI v3 says of a field, in short."""

from typing import Any

import pytest

from reconcile.kube.openapi import Rule, rules_in, short_name

ITEM = {"type": "object", "properties": {"port": {"type": "integer", "default": 0},
                                         "protocol": {"type": "string", "default": "TCP"}}}  # fmt: skip
REFERENCE = {"$ref": "#/components/schemas/io.k8s.api.core.v1.Item"}
FIELDS = {"fields": {"port": "integer", "protocol": "string"}}
LIST = {"type": "array", "items": {"type": "string"}}
KEPT = {"x-kubernetes-preserve-unknown-fields": True}
ATOMIC = {"x-kubernetes-map-type": "atomic"}


def by(*keys: str) -> dict[str, Any]:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        pytest.param({"type": "string"}, "string", id="text"),
        pytest.param({"type": "string", "format": "date-time"}, "date-time", id="time"),
        pytest.param({"type": "integer", "format": "int32"}, "integer", id="the size of a number is not kept"),
        pytest.param({"x-kubernetes-int-or-string": True}, "int-or-string", id="a port of a CRD"),
        pytest.param({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "int-or-string", id="either"),
        pytest.param(REFERENCE, "core.v1.Item", id="another type"),
        pytest.param({"default": {}, "allOf": [REFERENCE]}, "core.v1.Item", id="another type, with a default"),
        pytest.param({**ATOMIC, "allOf": [REFERENCE]}, {"type": "core.v1.Item", "atomic": True}, id="whole here"),
        pytest.param(ITEM, FIELDS, id="fields"),
        pytest.param({**ITEM, **ATOMIC}, {**FIELDS, "atomic": True}, id="one owner for all fields"),
        pytest.param({**ITEM, **KEPT}, {**FIELDS, "rest": "any"}, id="other fields too"),
        pytest.param({"type": "object", **KEPT}, "any", id="all fields"),
        pytest.param(KEPT, "any", id="any value"),
        pytest.param({"type": "object"}, "whole", id="nothing told of an object"),
        pytest.param({}, "whole", id="nothing told"),
        pytest.param({"type": "object", "additionalProperties": {"type": "string"}}, {"rest": "string"}, id="labels"),
        pytest.param(LIST, {"items": "string", "atomic": True}, id="a list"),
        pytest.param({**LIST, "x-kubernetes-list-type": "set"}, {"items": "string"}, id="a set"),
        pytest.param({**LIST, "x-kubernetes-patch-strategy": "merge"}, {"items": "string"}, id="an old set"),
        pytest.param({"type": "array", "items": ITEM, **by("protocol", "port")},
                     {"items": FIELDS, "keys": {"port": None, "protocol": "TCP"}}, id="keys, one with a default"),
        pytest.param({"type": "array", "items": {"allOf": [REFERENCE]}, **by("port", "protocol")},
                     {"items": "core.v1.Item", "keys": {"port": None, "protocol": "TCP"}}, id="of another type"),
        pytest.param({"type": "array", "items": ITEM, "x-kubernetes-patch-strategy": "merge,retainKeys",
                      "x-kubernetes-patch-merge-key": "port"},
                     {"items": FIELDS, "keys": {"port": None}}, id="an old list by a key"),
    ],
)  # fmt: skip
def test_a_schema_becomes_a_rule(schema: dict[str, Any], rule: Rule) -> None:
    document = {"components": {"schemas": {"T": schema, "io.k8s.api.core.v1.Item": ITEM}}}
    assert rules_in(document)["T"] == rule


def test_a_quantity_is_known_by_its_name() -> None:
    name = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    schema = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    assert rules_in({"components": {"schemas": {name: schema}}}) == {"resource.Quantity": "quantity"}


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("io.k8s.api.core.v1.Container", "core.v1.Container"),
        ("#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "meta.v1.ObjectMeta"),
        ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "intstr.IntOrString"),
        ("com.example.v1.Thing", "com.example.v1.Thing"),
    ],
)
def test_a_name_is_cut_to_its_distinct_part(name: str, short: str) -> None:
    assert short_name(name) == short
