"""The schemas, held against a real API server: what an apply owns there, and what it makes of each value.

A double of ours would prove nothing here, since it would share our table.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kit import schemas
from reconcile.desire.children import render
from reconcile.desire.children.metadata import with_hash, without_owner
from reconcile.execute.takeover import takeover_patch
from reconcile.kube.check import check
from reconcile.kube.live import Live
from reconcile.kube.managedfields import (
    EMPTY,
    MISSING,
    FieldSet,
    Path,
    field_set_of,
    leaves_beside,
    node_at,
    path_text,
)
from reconcile.kube.objects import Manifest
from reconcile.kube.rawjson import plain
from reconcile.kube.same import same_value
from reconcile.kube.schema import Node, native_schema, schemas_in
from reconcile.model.names import Names
from reconcile.plan.diff import Difference, difference
from tests.controlplane import ControlPlane, eventually, install_crds
from tests.controlplane.install import CRDS, REPOSITORY
from tests.e2e import specs
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

    def edit(self, manifest: Manifest, *patch: Mapping[str, Any], manager: str = "kubectl-edit") -> None:
        """A JSON patch by somebody."""
        path = f"{self.path(manifest)}?fieldManager={manager}"
        self.plane.request(
            "PATCH", path, json.dumps(patch).encode(), content_type="application/json-patch+json"
        )

    def mend(self, manifest: Manifest, found: Difference) -> Live:
        if found.takeover:
            self.edit(manifest, *takeover_patch(self.read(manifest), found.takeover, MANAGER))
        return self.apply(manifest)

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
    crds = list(yaml.safe_load_all((REPOSITORY / "tests" / "crds" / "shapes.yaml").read_text()))
    install_crds(api_server, crds)
    paths = [f"apis/{crd['spec']['group']}/v1" for crd in crds]
    eventually(lambda: {*paths} <= api_server.ask("GET", schemas.INDEX)["paths"].keys(), "their OpenAPI")
    yield
    for crd in crds:
        api_server.ask("DELETE", f"{CRDS}/{crd['metadata']['name']}")


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


def test_one_mutation_of_an_owned_field_is_found_named_and_corrected_and_nothing_else(bench: Bench) -> None:
    manifests = [marked(manifest, bench.namespace) for manifest in KINDS if is_native(manifest)]
    cases = {named(manifest): [*mutable(manifest, bench.apply(manifest))] for manifest in manifests}
    found: dict[str, int] = {}

    @examples(max_examples=120, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
              suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
    @given(st.sampled_from([m for m in manifests if cases[named(m)]]), st.data(), st.booleans())
    def hold(manifest: Manifest, data: st.DataObject, removed: bool) -> None:
        path, value = data.draw(st.sampled_from(cases[named(manifest)]))
        before = bench.apply(manifest)
        pointer = pointer_to(before.manifest, path)
        step = {"op": "remove"} if removed else {"op": "replace", "value": otherwise(value)}
        bench.edit(manifest, {**step, "path": pointer})
        after = bench.read(manifest)
        if touched(before) == touched(after):
            return  # the server has refused it, or has put back what was there
        missed = difference(as_child(after), manifest)
        assert missed, (named(manifest), path_text(path), step)
        lost = (before.applied_by(MANAGER) or EMPTY) - (after.applied_by(MANAGER) or EMPTY)
        texts = {
            path_text(found[:depth], manifest)
            for found in {path, *lost}
            for depth in range(1, len(found) + 1)
        }
        assert {change.path for change in missed.fields} <= texts | below(
            missed, path_text(path, manifest)
        ), step
        assert difference(as_child(bench.mend(manifest, missed)), manifest) == Difference()
        found[manifest["kind"]] = found.get(manifest["kind"], 0) + 1

    hold()
    assert sum(found.values()) > 40
    assert len(found) > 15


def below(found: Difference, top: str) -> set[str]:
    return {change.path for change in found.fields if change.path.startswith((f"{top}.", f"{top}["))}


def touched(live: Live) -> tuple[Any, Any]:
    """What somebody changes who edits an object: what it says, and what of it is ours."""
    body = {name: value for name, value in live.manifest.items() if name not in ("metadata", "status")}
    return body, live.applied_by(MANAGER)


def mutable(manifest: Manifest, live: Live) -> Iterator[tuple[Path, Any]]:
    """The fields of its own that somebody may edit: what is kept, is no key of an item, and none of our marks."""
    for path, value, there, node in leaves_beside(manifest, live.manifest):
        marks = path[:1] == ("f:metadata",)
        is_key = (
            path[-2:-1] and path[-2].startswith("k:") and path[-1][2:] in node_at(manifest, path[:-2]).keys
        )
        if node is not None and path[-1].startswith("f:") and there is not MISSING and not (marks or is_key):
            yield path, value


def otherwise(value: Any) -> Any:
    """Another value of the same form."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return value[:-1] if value else ["x"]
        case _:
            return {**(value or {}), "x": "y"}


def pointer_to(live: Any, path: Path) -> str:
    """A path of fields as JSON pointer (RFC 6901) into an object."""
    pointer, value = "", live
    for depth, element in enumerate(path):
        if element.startswith("k:"):
            node = node_at(live, path[:depth])
            step: Any = [node.element_of(item) for item in value].index(element)
        else:
            step = element[2:]
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
        value = value[step]
    return pointer
