"""Every way in which somebody can change or take away one field that is ours, and that the server takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconcile.kube.managedfields import Path, leaves, node_at, path_text, value_at
from reconcile.kube.objects import Manifest
from reconcile.model.names import Names

NAMES = Names()
GONE: Any = object()

# What else may stand in a field; a field that is not named here gets "changed".
OTHERWISE: dict[str, Any] = {
    "image": "registry.example.com/changed:1",
    "imagePullPolicy": "Never",
    "type": "Unconfined",
    "protocol": "SCTP",
    "port": 8088,
    "containerPort": 8088,
    "replicas": 101,
    "periodSeconds": 7,
    "timeoutSeconds": 6,
    "failureThreshold": 9,
    "seconds": 3,
    "terminationGracePeriodSeconds": 60,
    "cpu": "9k",
    "memory": "9Ti",
    "drop": ["NET_RAW"],
    "envFrom": [{"secretRef": {"name": "changed"}}],
    "nodeSelector": {"example.com/changed": "a"},
    "tolerations": [{"key": "changed", "operator": "Exists"}],
    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
    "secretKeyRef": {"name": "changed", "key": "changed"},
    "configMapKeyRef": {"name": "changed", "key": "changed"},
    "command": ["changed"],
    "args": ["changed"],
    "path": "/changed",
    "service": "http://changed:80",
    "hostnames": ["changed.example.com"],
    "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "changed"}],
    "rules": [{"host": "changed.example.com"}],
    "tls": [{"hosts": ["changed.example.com"], "secretName": "changed"}],
    "selector": {"example.com/changed": "a"},
}
# The server wants these to be there, or puts ours back itself.
NEEDED = frozenset({"image", "type", "port", "targetPort", "containerPort", "protocol", "path", "selector",
                    "fieldRef", "secretKeyRef", "configMapKeyRef", "rules", "metadata.name",
                    "imagePullPolicy", "terminationGracePeriodSeconds", "seconds"})  # fmt: skip
PROBES = ("f:startupProbe", "f:readinessProbe")


@dataclass(frozen=True)
class Mutation:
    """What stands at `path` becomes `value`, or goes; the plan has to name `top`, and nothing beside it."""

    kind: str
    path: Path
    value: Any
    top: str

    def leaves_a_trace(self, manifest: Manifest) -> bool:
        """Whether it is to be seen after it was taken back: it is not where it took nothing of ours.

        An empty variable is a name alone for us, so a value there is somebody's addition.
        """
        item = value_at(manifest, self.path[:-1] if self.path[-1] == "f:value" else self.path)
        return self.value is GONE or not (isinstance(item, dict) and item.keys() == {"name"})

    def covers(self, field: str) -> str:
        """`top` where the field is or lies below it; else ""."""
        return self.top if field == self.top or field.startswith((f"{self.top}.", f"{self.top}[")) else ""

    def patch(self, live: Manifest) -> list[dict[str, Any]]:
        """The JSON patch that does it."""
        pointer = pointer_to(live, self.path)
        if self.value is GONE:
            return [{"op": "remove", "path": pointer}]
        return [
            {"op": "add" if self.path[-1] == "f:value" else "replace", "path": pointer, "value": self.value}
        ]


def undone(live: Manifest) -> list[dict[str, Any]]:
    """The JSON patch that puts back everything that we set, as the object was."""
    return [
        {"op": "add", "path": f"/{field}", "value": value}
        for field, value in (
            ("spec", live["spec"]),
            *((f"metadata/{name}", live["metadata"][name]) for name in ("labels", "annotations")),
            ("metadata/ownerReferences", live["metadata"].get("ownerReferences", [])),
        )
    ]


def mutations(manifest: Manifest) -> list[Mutation]:
    """All mutations of a manifest of ours, each of one field."""
    kind = manifest["kind"]
    return [
        Mutation(kind, path, value, path_text(top, manifest))
        for found, there in leaves(manifest)
        for path, value, top in _of_field(kind, found, there, manifest)
        if value is GONE or value != there
    ]


def _of_field(kind: str, path: Path, there: Any, manifest: Manifest) -> Iterator[tuple[Path, Any, Path]]:
    name = path[-1].removeprefix("f:")
    if path[:2] == ("f:metadata", "f:annotations") or "f:labels" in path:
        yield from _of_mark(path, name, manifest)
    elif path[-1].startswith("k:"):
        yield from _of_item(kind, path, there)
    elif path[-2].startswith("k:") and name == "name":
        return  # another name makes another item
    elif (kind, path) == ("Deployment", ("f:spec", "f:selector")):
        return  # it cannot change
    else:
        top = _item_whose_key(manifest, path) or path
        other = not there if isinstance(there, bool) else OTHERWISE.get(name, "changed")
        if name == "rules" and kind == "HTTPRoute":
            other = [{"backendRefs": [{"name": "changed", "port": 80}]}]
        if name == "port" and set(PROBES) & set(path):
            other = "changed"
        if "f:requests" in path:  # not above the limits
            other = "0"
        yield path, other, top
        if name not in NEEDED and not (kind == "Service" or set(PROBES) & set(path)):
            yield path, GONE, top


def _of_mark(path: Path, name: str, manifest: Manifest) -> Iterator[tuple[Path, Any, Path]]:
    """Labels and annotations. Where ours has another value, the object says that it is not ours."""
    if "f:template" in path and name in manifest["spec"]["selector"]["matchLabels"]:
        return
    if name not in (NAMES.preview_label, NAMES.identity_annotation):
        yield path, "changed", path
    yield path, GONE, path


def _of_item(kind: str, path: Path, there: Any) -> Iterator[tuple[Path, Any, Path]]:
    """Items of a list by key."""
    if "f:env" in path:
        reference = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        yield path, GONE, path
        if "valueFrom" in there:
            yield path, {"name": there["name"], "value": "changed"}, path
        else:
            yield path, {"name": there["name"], "valueFrom": reference}, path
        if not there.keys() & {"value", "valueFrom"}:
            yield (*path, "f:value"), "changed", path
    elif "f:ports" in path:
        yield (*path, "f:name"), "changed", (*path, "f:name")
        if kind == "Deployment":
            yield path, GONE, path
    elif "f:containers" in path:
        for part in (*((*path, probe) for probe in PROBES), (*path, "f:lifecycle", "f:preStop")):
            yield part, {"exec": {"command": ["changed"]}}, part
            yield part, GONE, part
    elif "f:ownerReferences" in path:
        yield path, {**there, "controller": False}, path
        yield path, GONE, path
    else:
        yield path, GONE, path


def _item_whose_key(manifest: Manifest, path: Path) -> Path | None:
    """The item that is another one when this field of it changes."""
    for depth in range(2, len(path)):
        keys = node_at(manifest, path[:depth]).keys
        if path[depth].startswith("k:") and path[-1].removeprefix("f:") in keys:
            return path[: depth + 1]
    return None


def pointer_to(live: Any, path: Path) -> str:
    """A path of fields as JSON pointer (RFC 6901) into an object."""
    pointer, value = "", live
    for depth, element in enumerate(path):
        if element.startswith("k:"):
            node = node_at(live, path[:depth])
            step: str | int = [node.element_of(item) for item in value].index(element)
        else:
            step = element.removeprefix("f:")
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
        value = value.get(step) if isinstance(value, dict) else value[step] if value else None
    return pointer
