"""Field sets: what a manifest would own, what managedFields say, and the way between the two."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.managedfields import (
    MISSING,
    FieldSet,
    Path,
    below,
    covers,
    field_set_of,
    from_fields_v1,
    leaves,
    part_of,
    path_text,
    to_fields_v1,
    value_at,
)
from reconcile.kube.nesting import MAX_DEPTH
from reconcile.kube.objects import maps_in
from reconcile.kube.schema import item_element
from tests.given import CONTAINER, a_read_preview, children_of
from tests.whole import drawn

SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "pr-1",
        "namespace": "shop",
        "labels": {"a.example.com/b": "c"},
        "ownerReferences": [{"uid": "u-1", "kind": "X"}],
    },
    "spec": {
        "selector": {"app": "x"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
    },
}
PORT = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}')
OWNED: FieldSet = frozenset(
    {
        ("f:metadata", "f:labels", "f:a.example.com/b"),
        ("f:metadata", "f:ownerReferences", 'k:{"uid":"u-1"}'),
        ("f:spec", "f:selector"),
        PORT,
        (*PORT, "f:name"),
        (*PORT, "f:port"),
        (*PORT, "f:protocol"),
        (*PORT, "f:targetPort"),
    }
)


def test_a_manifest_owns_its_leaves_and_its_list_items_but_not_its_name_and_kind() -> None:
    assert field_set_of(SERVICE) == OWNED


def test_a_server_writes_the_same_set_as_a_tree() -> None:
    """As a real API server wrote it, with its own order of keys."""
    tree = {
        "f:metadata": {
            "f:labels": {"f:a.example.com/b": {}},
            "f:ownerReferences": {'k:{"uid":"u-1"}': {}},
        },
        "f:spec": {
            "f:ports": {
                'k:{"protocol":"TCP", "port":80}': {
                    ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {},
                }
            },
            "f:selector": {},
        },
    }  # fmt: skip
    assert from_fields_v1(tree) == OWNED


def test_each_leaf_comes_with_its_value() -> None:
    found = dict(leaves(SERVICE))
    assert found[(*PORT, "f:targetPort")] == "http"
    assert found["f:spec", "f:selector"] == {"app": "x"}
    assert found[PORT] == SERVICE["spec"]["ports"][0]


ROWS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an empty list by key or set owns nothing": (
        {"metadata": {"finalizers": []}, "spec": {"template": {"spec": {"containers": [], "tolerations": []}}}},
        {"spec.template.spec.tolerations"},
    ),
    "null and an empty map are leaves": (
        {"metadata": {"labels": {}}, "spec": {"replicas": None, "template": {"spec": {"volumes": None}}}},
        {"metadata.labels", "spec.replicas", "spec.template.spec.volumes"},
    ),
    "a key that is left out has its default": (
        {"spec": {"template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}}}},
        {f"spec.template.spec.containers[a]{path}" for path in ("", ".name", ".ports[80/TCP]", ".ports[80/TCP].containerPort")},
    ),
    "the values of a set are told one by one": (
        {"metadata": {"finalizers": ["x/y", "z"]}}, {'metadata.finalizers."x/y"', 'metadata.finalizers."z"'},
    ),
    "what only a server writes is nobody's": (
        {"metadata": {"name": "a", "namespace": "b", "uid": "u", "generation": 3, "creationTimestamp": None}}, set(),
    ),
    "a field that is not in the schema is told, with what is below": (
        {"spec": {"new": {"a": {"b": 1}, "l": [{"name": "x"}]}}},
        {"spec.new", "spec.new.a", "spec.new.a.b", "spec.new.l"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("manifest", "owned"), ROWS.values(), ids=ROWS)
def test_an_apply_owns_what_the_schema_defines(manifest: dict[str, Any], owned: set[str]) -> None:
    found = field_set_of({"apiVersion": "apps/v1", "kind": "Deployment", **manifest})
    assert {path_text(path) for path in found} == owned


def test_an_item_is_found_and_kept_also_where_a_key_has_its_default() -> None:
    spec = {"ports": [{"port": 80, "name": "a"}, {"port": 80, "protocol": "UDP"}]}
    manifest = {
        **SERVICE,
        "metadata": {"name": "x", "namespace": "y", "finalizers": ["a", "b"]},
        "spec": spec,
    }
    assert value_at(manifest, PORT) == spec["ports"][0]
    assert value_at(manifest, ("f:metadata", "f:finalizers", 'v:"b"')) == "b"
    kept = part_of(manifest, frozenset({PORT, (*PORT, "f:port"), ("f:metadata", "f:finalizers", 'v:"b"')}))
    assert (kept["spec"], kept["metadata"]["finalizers"]) == ({"ports": [{"port": 80}]}, ["b"])


IN_A_CONTAINER = (
    "|name|image|imagePullPolicy|args|envFrom|env[S]|env[S].name|env[S].valueFrom.secretKeyRef|env[E]|env[E].name"
    "|ports[80/TCP]|ports[80/TCP].name|ports[80/TCP].containerPort|ports[80/TCP].protocol"
    "|startupProbe.tcpSocket.port|startupProbe.periodSeconds|startupProbe.timeoutSeconds"
    "|startupProbe.failureThreshold|readinessProbe.tcpSocket.port|readinessProbe.periodSeconds"
    "|readinessProbe.timeoutSeconds|lifecycle.preStop.sleep.seconds|securityContext.allowPrivilegeEscalation"
)
"""The paths below a container; the first is the item itself."""


def test_in_a_container_the_references_are_atomic() -> None:
    preview = a_read_preview(
        env=[{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"name": "E"}],
        args=["a"],
        envFrom=[{"secretRef": {"name": "s"}}],
    )
    found = below(field_set_of(children_of(preview)["Deployment"]), CONTAINER)
    assert sorted(path_text(path[len(CONTAINER) :]) for path in found) == sorted(IN_A_CONTAINER.split("|"))


NAMES = st.sampled_from(["a", "b", "spec", "a.b/c", "v", ""])
KEYS = st.dictionaries(NAMES, st.one_of(st.integers(0, 9), st.text(max_size=3)), min_size=1, max_size=2)
ELEMENTS = st.one_of(
    NAMES.map(lambda name: f"f:{name}"),
    KEYS.map(lambda keys: item_element(**keys)),
    st.integers(0, 9).map(lambda value: f"v:{value}"),
)
PATHS = st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple)


@drawn()
@given(st.frozensets(PATHS, max_size=12))
def test_a_field_set_survives_the_way_to_a_tree_and_back(paths: frozenset[Path]) -> None:
    assert from_fields_v1(json.loads(json.dumps(to_fields_v1(paths)))) == paths


@drawn()
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=3)),
        lambda below: st.one_of(
            st.lists(below, max_size=2),
            st.dictionaries(ELEMENTS | st.sampled_from([".", "k:", "k:5", "k:{", "x"]), below, max_size=3),
        ),
        max_leaves=8,
    )
)  # fmt: skip
def test_any_tree_can_be_read_and_its_paths_shown(tree: Any) -> None:
    for path in from_fields_v1(tree if isinstance(tree, dict) else {}):
        assert isinstance(path_text(path, SERVICE), str)
        value_at(SERVICE, path)


def test_a_null_value_is_not_a_missing_one() -> None:
    manifest: dict[str, Any] = {"spec": {"a": None, "b": [], "items": 5}}
    assert value_at(manifest, ("f:spec", "f:a")) is None
    assert value_at(manifest, ("f:spec", "f:b")) == []
    assert value_at(manifest, ("f:spec", "f:c")) is MISSING
    assert value_at(manifest, ("f:spec", "f:a", "f:b")) is MISSING
    assert value_at(manifest, ("f:spec", "f:items", 'k:{"name":"x"}')) is MISSING
    assert value_at(SERVICE, (*PORT, "f:targetPort")) == "http"
    assert value_at(SERVICE, ("f:spec", "f:ports", 'k:{"port":81,"protocol":"TCP"}')) is MISSING


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((*PORT, "f:targetPort"), "spec.ports[http].targetPort"),
        (("f:spec", "f:ports", 'k:{"port":81,"protocol":"UDP"}'), "spec.ports[81/UDP]"),
        (("f:metadata", "f:labels", "f:a.example.com/b"), "metadata.labels[a.example.com/b]"),
        (("f:metadata", "f:ownerReferences", 'k:{"uid":"u-1"}'), "metadata.ownerReferences[u-1]"),
        (("f:metadata", "f:finalizers", 'v:"x"'), 'metadata.finalizers."x"'),
    ],
)
def test_paths_are_shown_as_people_write_them(path: Path, text: str) -> None:
    assert path_text(path, SERVICE) == text


def test_an_item_is_called_by_the_name_that_the_first_manifest_gives_it() -> None:
    other = {"spec": {"ports": [{"name": "web", "port": 80, "protocol": "TCP"}]}}
    assert path_text(PORT, other, SERVICE) == "spec.ports[web]"
    assert path_text(PORT, {}, SERVICE) == "spec.ports[http]"
    assert path_text(PORT) == "spec.ports[80/TCP]"


def test_a_path_covers_itself_and_what_lies_below() -> None:
    assert covers(("f:spec",), ("f:spec",))
    assert covers(("f:spec",), ("f:spec", "f:a"))
    assert not covers(("f:spec", "f:a"), ("f:spec",))
    assert below(OWNED, PORT) == {path for path in OWNED if path[:3] == PORT}


@pytest.mark.parametrize("ports", [[80, None], 5, "x", {"a": 1}, None])
def test_a_list_that_holds_no_items_is_one_leaf_and_no_exception(ports: Any) -> None:
    assert field_set_of({**SERVICE, "metadata": {"name": "x"}, "spec": {"ports": ports}}) == {PORT[:2]}
    assert maps_in(ports) == ()


def test_keys_without_an_end_are_no_keys() -> None:
    deep = "k:" + "[" * 100_000
    assert from_fields_v1({"f:a": {}, deep: {}}) == {("f:a",)}


@pytest.mark.parametrize("depth", [900, 50_000])
def test_a_tree_without_an_end_is_cut_where_no_object_is_so_deep(depth: int) -> None:
    tree: dict[str, Any] = {}
    for _ in range(depth):
        tree = {"f:a": tree}
    assert from_fields_v1({"f:b": {}, **tree}) == {("f:b",), ("f:a",) * MAX_DEPTH}
