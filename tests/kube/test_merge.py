"""One manifest merged into another, by the schema of its kind."""

from typing import Any

import pytest

from reconcile.kube.merge import merge
from reconcile.kube.schema import native_schema, schema_of

DEPLOYMENT = native_schema("apps/v1", "Deployment")


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "app", **fields}])


CASES = {
    "a field is added": (container(image="a"), container(tty=True), container(image="a", tty=True)),
    "a field is changed": (container(image="a"), container(image="b"), container(image="b")),
    "null removes a field": (container(image="a", tty=True), container(tty=None), container(image="a")),
    "a new map has no null": (pod(), pod(securityContext={"a": None, "b": {"c": None}}), pod(securityContext={"b": {}})),
    "a new item comes last": (
        pod(containers=({"name": "app"},)),
        pod(containers=[{"name": "log", "args": None}]),
        pod(containers=[{"name": "app"}, {"name": "log"}]),
    ),
    "a key that is left out has its default": (
        container(ports=[{"containerPort": 80, "protocol": "TCP"}]),
        container(ports=[{"containerPort": 80, "name": "http"}]),
        container(ports=[{"containerPort": 80, "protocol": "TCP", "name": "http"}]),
    ),
    "an item is deleted": (
        container(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        container(env=[{"name": "A", "$patch": "delete"}, {"name": "C", "$patch": "delete"}]),
        container(env=[{"name": "B", "value": "2"}]),
    ),
    "a new list has no deleted item": (
        container(),
        container(env=[{"name": "A", "$patch": "delete"}, {"name": "B"}]),
        container(env=[{"name": "B"}]),
    ),
    "a list without keys is replaced": (container(args=["a"]), container(args=["b"]), container(args=["b"])),
    "an atomic map is replaced": (pod(nodeSelector={"a": "b"}), pod(nodeSelector={"c": "d"}), pod(nodeSelector={"c": "d"})),
    "a set is united": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    "one arm of a union excludes the other": (
        container(env=[{"name": "A", "value": "1"}], readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1}),
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}], readinessProbe={"grpc": {"port": 81}}),
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                  readinessProbe={"periodSeconds": 1, "grpc": {"port": 81}}),
    ),
    "an arm that is removed excludes nothing": (
        container(env=[{"name": "A", "value": "1"}]),
        container(env=[{"name": "A", "valueFrom": None}]),
        container(env=[{"name": "A", "value": "1"}]),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("base", "over", "merged"), CASES.values(), ids=CASES)
def test_a_document_is_merged_by_the_schema(base: Any, over: Any, merged: Any) -> None:
    assert DEPLOYMENT is not None
    assert merge(base, over, DEPLOYMENT) == merged


def test_without_a_schema_maps_are_merged_and_lists_replaced() -> None:
    base, over = (
        {"spec": {"a": {"b": 1}, "l": [{"name": "x"}]}},
        {"spec": {"a": {"c": 2}, "l": [{"name": "y"}]}},
    )
    merged = {"spec": {"a": {"b": 1, "c": 2}, "l": [{"name": "y"}]}}
    assert merge(base, over, schema_of({"kind": "Thing"})) == merged
