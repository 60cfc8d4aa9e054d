"""Objects that somebody else made, some of them dressed up as ours."""

from collections.abc import Mapping
from typing import Any

from reconcile.desire.children import RESOURCES
from reconcile.kube.objects import Manifest
from reconcile.model.names import Names

_BACKEND = {"service": {"name": "elsewhere", "port": {"number": 80}}}
_LABELS = {"app": "strangers"}

SPECS: Mapping[str, Mapping[str, Any]] = {
    "Deployment": {
        "replicas": 0,
        "selector": {"matchLabels": _LABELS},
        "template": {
            "metadata": {"labels": _LABELS},
            "spec": {"containers": [{"name": "web", "image": "registry.example.com/strangers:1"}]},
        },
    },
    "Service": {"ports": [{"name": "web", "port": 8080}]},
    "Mapping": {"rewrite": "/strangers"},
    "Ingress": {"defaultBackend": _BACKEND},
    "HTTPRoute": {"hostnames": ["strangers.example.com"]},
}


def stranger(kind: str, name: str = "pr-1", **metadata: Any) -> dict[str, Any]:
    """An object of a child's kind that has nothing to do with us, but for what `metadata` says."""
    return {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": SPECS[kind],
    }


def marks(kind: str, namespace: str, name: str) -> dict[str, Any]:
    """The label and the annotation that we would put on an object."""
    names = Names()
    return {
        "labels": {names.preview_label: name},
        "annotations": {names.identity_annotation: f"{kind}/{namespace}/{name}"},
    }


def owner(kind: str, name: str, uid: str, *, controller: bool = True, api_version: str = "v1") -> Manifest:
    """An owner reference."""
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": controller}


def export(live: Mapping[str, Any], *, managed_fields: bool = False, **metadata: Any) -> dict[str, Any]:
    """What can be POSTed again of an object that was read, as backups keep it."""
    dropped = {"uid", "resourceVersion", "creationTimestamp", "generation", "status"}
    dropped |= set() if managed_fields else {"managedFields"}
    kept = {field: value for field, value in live["metadata"].items() if field not in dropped}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {**kept, **metadata},
        "spec": {k: v for k, v in live["spec"].items() if k not in ("clusterIP", "clusterIPs")},
    }
