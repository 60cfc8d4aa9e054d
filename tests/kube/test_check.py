"""Mistakes in a manifest that a server would answer with 500, found before anything is sent."""

from typing import Any

import pytest

from reconcile.kube.check import check
from reconcile.kube.schema import native_schema

DEPLOYMENT = native_schema("apps/v1", "Deployment")
APP = ("spec", "template", "spec", "containers", 0)


def deployment(spec: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "app", **container}]}
    return {"kind": "Deployment", "spec": {"replicas": None, "template": {"spec": {**pod, **(spec or {})}}}}


MISTAKES = {
    "an unknown field": (deployment(imge="a"), (*APP, "imge"), "is not a known field; did you mean image?"),
    "like no other": (deployment(zzz=1), (*APP, "zzz"), "is not a known field"),
    "no string": (deployment(image=5), (*APP, "image"), "is not a string; put it in quotes"),
    "no whole number": ({"spec": {"replicas": "2"}}, ("spec", "replicas"), "is not a whole number"),
    "true is no number": ({"spec": {"replicas": True}}, ("spec", "replicas"), "is not a whole number"),
    "neither true nor false": (deployment(tty="yes"), (*APP, "tty"), "is not true or false"),
    "no port": (deployment(livenessProbe={"tcpSocket": {"port": True}}),
                (*APP, "livenessProbe", "tcpSocket", "port"), "is not a whole number or a string"),
    "no quantity": (deployment(resources={"limits": {"cpu": "1 core"}}), (*APP, "resources", "limits", "cpu"),
                    "is not a valid quantity, such as 500m, 0.5 or 256Mi"),
    "no time": ({"metadata": {"creationTimestamp": "today"}}, ("metadata", "creationTimestamp"),
                "is not a time, such as 2026-01-01T00:00:00Z"),
    "no object": (deployment(resources=["a"]), (*APP, "resources"), "is not an object, with fields of its own"),
    "no list": (deployment(args="a b"), (*APP, "args"), "is not a list"),
    "a mistake in a list": (deployment(args=[1]), (*APP, "args", 0), "is not a string; put it in quotes"),
    "no item": (deployment(env=[None]), (*APP, "env", 0), "is empty; remove the item"),
    "no object in a list by keys": (deployment(env=["A"]), (*APP, "env", 0), "is not an object, with fields of its own"),
    "no key": (deployment(env=[{"value": "a"}]), (*APP, "env", 0, "name"),
               "is missing; it tells the items of this list apart"),
    "twice": (deployment(env=[{"name": "A"}, {"name": "A", "value": ""}]), (*APP, "env", 1),
              "has the same name as another item"),
    "twice by a default": (deployment(ports=[{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]),
                           (*APP, "ports", 1), "has the same containerPort and protocol as another item"),
    "twice in a set": ({"metadata": {"finalizers": ["a", "a"]}}, ("metadata", "finalizers", 1),
                       "has the value of another item"),
    "a directive that is none": (deployment({"$patch": "replace"}), (*APP[:3], "$patch"), "is not delete"),
}  # fmt: skip


@pytest.mark.parametrize(("manifest", "location", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_place(manifest: Any, location: Any, sentence: str) -> None:
    assert DEPLOYMENT is not None
    assert check(manifest, DEPLOYMENT) == [(location, sentence)]


def test_what_a_server_takes_is_no_mistake() -> None:
    assert DEPLOYMENT is not None
    right = deployment(
        image="a", tty=False, args=[], env=[{"name": "A", "$patch": "delete"}, {"name": "B"}], livenessProbe=None,
        ports=[{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}],
        resources={"limits": {"cpu": 0.5, "memory": "1.5Gi", "x.io/y": 1}},
        readinessProbe={"httpGet": {"port": "http"}}, startupProbe={"tcpSocket": {"port": 80}},
    )  # fmt: skip
    assert check(right, DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("data", "right"),
    [("", True), ("eA==", True), ("eHh4\neHh4\n", True), ("eA", False), ("plain text", False), (5, False)],
)
def test_bytes_are_in_base64(data: Any, right: bool) -> None:
    secret = native_schema("v1", "Secret")
    assert secret is not None
    mistakes = [] if right else [(("data", "a"), "is not in base64")]
    assert check({"data": {"a": data}}, secret) == mistakes
