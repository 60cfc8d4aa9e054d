"""The schemas and plurals of native kinds, and of our routes that are custom resources, from an API server.

`make schemas` writes `reconcile/kube/native.json`, from a control plane of its own with the tests' CRDs.
"""

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from kit.manifests import ROOT
from reconcile.desire.children import CHILDREN
from reconcile.kube.discovery import ServedKinds
from reconcile.kube.openapi import Rule, kinds_in, rules_in, short_name
from tests.controlplane.install import install_crds, known_crds
from tests.controlplane.plane import ControlPlane

TABLE = Path("reconcile/kube/native.json")
INDEX = "/openapi/v3"
NATIVE = "io.k8s.api."


def table(plane: ControlPlane) -> dict[str, dict[str, Any]]:
    """What is kept of the schemas that the server publishes."""
    paths = [
        path
        for path in plane.ask("GET", INDEX)["paths"]
        if path == "api/v1" or (path.count("/") == 2 and path.startswith("apis/"))
        if ".example.com/" not in path  # those of tests come and go
    ]
    found = schemas(plane.ask("GET", f"{INDEX}/{path}") for path in paths)
    return {**found, "resources": resources((plane.ask("GET", f"/{path}") for path in paths), found["kinds"])}


def resources(found: Iterable[Mapping[str, Any]], kinds: Collection[str]) -> dict[str, str]:
    """The plurals of those of the kinds of which an object can be a child."""
    served = (
        (f"{one['groupVersion']} {kind.kind}", kind)
        for one in found
        for kind in msgspec.convert(one, ServedKinds)
    )
    return {name: kind.name for name, kind in served if name in kinds and not kind.problem}


def schemas(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The kinds, and the types that they are made of."""
    kinds: dict[str, str] = {}
    types: dict[str, Rule] = {}
    ours = {f"{kind.resource.api_version} {kind.resource.kind}" for kind in CHILDREN}
    for document in found:
        native = {short_name(name) for name in document["components"]["schemas"] if name.startswith(NATIVE)}
        kinds |= {kind: name for kind, name in kinds_in(document).items() if name in native or kind in ours}
        types |= rules_in(document)
    used = _reached(kinds.values(), types)
    return {"kinds": kinds, "types": {name: rule for name, rule in types.items() if name in used}}


def _reached(names: Iterable[str], types: Mapping[str, Rule]) -> set[str]:
    reached: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in types and name not in reached:
            reached.add(name)
            ahead += _named(types[name])
    return reached


def _named(rule: Rule) -> Iterator[str]:
    """The words in a rule; some of them are names of types."""
    if isinstance(rule, str):
        yield rule
        return
    for below in (
        *rule.get("fields", {}).values(),
        *(rule[key] for key in ("items", "rest", "type") if key in rule),
    ):
        yield from _named(below)


def text(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table as it is kept: a line for each kind and each type, so that a change shows in a diff."""
    parts = (
        f'"{part}":{{\n'
        + ",\n".join(f'"{name}":{_line(rule)}' for name, rule in sorted(rows.items()))
        + "\n}"
        for part, rows in found.items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(rule: Rule) -> str:
    return json.dumps(rule, separators=(",", ":"), sort_keys=True)


def write() -> None:
    """Write the table from the API server in KUBEBUILDER_ASSETS."""
    with tempfile.TemporaryDirectory() as folder:
        plane = ControlPlane.start(Path(folder))
        try:
            install_crds(plane, known_crds())
            (ROOT / TABLE).write_text(text(table(plane)))
        finally:
            plane.stop()


if __name__ == "__main__":
    write()
