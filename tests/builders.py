"""Manifests of previews for tests: each says only what its test is about."""

from typing import Any

from reconcile.model.names import DEFAULT_GROUP, KIND, VERSION

EVERY_FIELD: dict[str, Any] = {
    "port": 8080,
    "replicas": 2,
    "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "token"}}}],
    "envFrom": [{"configMapRef": {"name": "shop"}}],
    "imagePullSecrets": [{"name": "registry"}],
    "imagePullPolicy": "IfNotPresent",
    "resources": {"limits": {"memory": "256Mi"}},
    "command": ["serve"],
    "args": ["--verbose"],
    "setup": {"command": ["migrate"]},
    "healthPath": "/healthz",
    "revision": "a1b2c3d",
    "ttl": "72h",
    "suspend": False,
}
"""A value for every field of a spec that has none of itself, so that every kind of child is made."""


def a_preview(
    name: str = "pr-1",
    namespace: str = "shop",
    *,
    image: str = "registry.example.com/shop:1",
    fqdn: str | None = None,
    uid: str | None = None,
    generation: int = 1,
    resource_version: str = "1",
    created: str = "2026-01-01T00:00:00Z",
    deleted: str | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    status: dict[str, Any] | None = None,
    group: str = DEFAULT_GROUP,
    **spec: Any,
) -> dict[str, Any]:
    """A preview as an API server gives it; `**spec` are its fields as the CRD names them."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-of-{namespace}-{name}",
        "generation": generation,
        "resourceVersion": resource_version,
        "creationTimestamp": created,
    }
    given = {"deletionTimestamp": deleted, "labels": labels, "annotations": annotations}
    metadata |= {field: value for field, value in given.items() if value is not None}
    manifest: dict[str, Any] = {"apiVersion": f"{group}/{VERSION}", "kind": KIND, "metadata": metadata}
    manifest["spec"] = {"image": image, "fqdn": fqdn or f"{name}.preview.example.com", **spec}
    return manifest | ({} if status is None else {"status": status})


def without_uid(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same preview as its author wrote it: without what an API server adds."""
    kept = {"name", "namespace", "labels", "annotations"}
    metadata = {field: value for field, value in manifest["metadata"].items() if field in kept}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}
