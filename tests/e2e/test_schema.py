"""The schemas, held against a real API server: what an apply owns there, and what it makes of each value.

A double of ours would prove nothing here, since it would share our table.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

import pytest
import yaml

from kit import schemas
from reconcile.desire.children import render
from reconcile.desire.children.metadata import with_hash, without_owner
from reconcile.kube.check import check
from reconcile.kube.live import Live
from reconcile.kube.managedfields import (
    FieldSet,
    field_set_of,
    leaves_beside,
    path_text,
)
from reconcile.kube.objects import Manifest
from reconcile.kube.rawjson import plain
from reconcile.kube.same import same_value
from reconcile.kube.schema import Node, native_schema, schemas_in
from reconcile.model.names import Names
from reconcile.plan.diff import Difference, difference
from tests.controlplane import ControlPlane
from tests.controlplane.install import REPOSITORY
from tests.e2e import specs
from tests.e2e.further import shapes_in
from tests.given import a_read_preview, as_child

pytestmark = pytest.mark.usefixtures("gateway_api")

NAMES = Names()
MANAGER = NAMES.field_manager
APPLY = "application/apply-patch+yaml"
KINDS: list[dict[str, Any]] = list(yaml.safe_load_all((File(__file__).parent / "kinds.yaml").read_text()))
NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods"},
    "spec": {"hard": {"pods": "0"}},
}
PLURALS = {"Endpoints": "endpoints", "NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


def built_in() -> Iterator[Manifest]:
    """Every built-in child with every field; without an owner, which the garbage collector would look for."""
    for route in ("mapping", "ingress", "httproute"):
        operator = replace(specs.ALL_SETTINGS, route=route)
        fields = {**specs.ALL_FIELDS, "setup": {"command": ["migrate"]}}
        yield from (
            plain(without_owner(m, NAMES)) for m in render(a_read_preview(f"all-{route}", **fields), operator)
        )


def marked(manifest: Manifest, namespace: str) -> Manifest:
    """The manifest in this namespace, with the marks by which a later look knows it."""
    metadata = {"labels": {}, "annotations": {}, **manifest["metadata"], "namespace": namespace}
    metadata["labels"] = {**metadata["labels"], NAMES.preview_label: metadata["name"]}
    found: Manifest = plain(with_hash({**manifest, "metadata": metadata}, NAMES))
    return found


def is_native(manifest: Manifest) -> bool:
    return native_schema(manifest["apiVersion"], manifest["kind"]) is not None


def named(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@dataclass(frozen=True)
class Bench:
    """A namespace in which manifests of any kind are applied, as somebody who may do everything."""

    plane: ControlPlane
    namespace: str

    def schema(self, manifest: Manifest) -> Node:
        """From the packaged table, or from the server's own document."""
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        if native := native_schema(api_version, kind):
            return native
        found = self.plane.ask("GET", schemas.INDEX)["paths"][f"apis/{api_version}"]
        # Without the hash: with one that is old by then the server redirects.
        url = found["serverRelativeURL"].partition("?")[0]
        node = schemas_in(self.plane.ask("GET", url)).kind(api_version, kind)
        assert node is not None, named(manifest)
        return node

    def path(self, manifest: Manifest) -> str:
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        root = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
        plural = PLURALS.get(kind, f"{kind.lower()}s")
        return f"/{root}/namespaces/{self.namespace}/{plural}/{manifest['metadata']['name']}"

    def apply(self, manifest: Manifest) -> Live:
        path = f"{self.path(manifest)}?fieldManager={MANAGER}&force=true"
        return Live(self.plane.ask("PATCH", path, manifest, content_type=APPLY))

    def read(self, manifest: Manifest) -> Live:
        return Live(self.plane.ask("GET", self.path(manifest)))

    def differing(self, manifest: Manifest, live: Live) -> set[str]:
        """What is not as foreseen: the fields that only one side owns, and those that have another value."""
        schema = self.schema(manifest)
        owned: FieldSet = live.applied_by(MANAGER) or frozenset()
        others = {
            path
            for path, value, there, node in leaves_beside(manifest, live.manifest, schema)
            if not same_value(value, there, node, served=True)
        }
        return {path_text(path, manifest) for path in (owned ^ field_set_of(manifest, schema)) | others}


@pytest.fixture
def bench(api_server: ControlPlane, namespace: str) -> Bench:
    found = Bench(api_server, namespace)
    found.apply(NO_PODS)
    return found


@pytest.fixture
def shapes(api_server: ControlPlane) -> Iterator[None]:
    """Custom resources that the packaged table does not know, with their OpenAPI, which comes a little later."""
    with shapes_in(api_server, "shapes.example.com"):
        yield


def test_the_table_has_every_field_of_the_newest_server(api_server: ControlPlane) -> None:
    """Where not: make schemas."""
    there = schemas.table(api_server)
    ours = json.loads((REPOSITORY / schemas.TABLE).read_text())
    lacking = {
        part: {name: rule for name, rule in there[part].items() if _lacks(ours[part].get(name), rule)}
        for part in ("kinds", "types", "resources")
    }
    assert lacking == {"kinds": {}, "types": {}, "resources": {}}


def _lacks(ours: Any, theirs: Any) -> bool:
    """Whether a rule of the server says something that ours does not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return any(_lacks(ours.get(name), below) for name, below in theirs.items())
    return bool(ours != theirs)


@pytest.mark.usefixtures("shapes")
def test_what_is_applied_is_owned_and_kept_as_foreseen_and_a_second_look_is_silent(bench: Bench) -> None:
    manifests = [marked(manifest, bench.namespace) for manifest in (*KINDS, *built_in())]
    assert {named(m): found for m in manifests if (found := check(m, bench.schema(m)))} == {}
    answers = {named(m): bench.differing(m, bench.apply(m)) for m in manifests}
    assert {name: found for name, found in answers.items() if found} == {}
    later = {named(m): (bench.differing(m, live := bench.read(m)), difference(as_child(live), m)) for m in manifests
             if is_native(m)}  # fmt: skip
    assert {name: found for name, found in later.items() if found != (set(), Difference())} == {}
