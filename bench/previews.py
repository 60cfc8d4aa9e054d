"""Previews as teams have them: in several namespaces, with short-sha tags, a Secret, a revision."""

import hashlib
import json
from typing import Any

from reconcile.model.names import DEFAULT_GROUP, KIND, VERSION

NAMESPACES = 20
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def namespace_of(number: int) -> str:
    return f"team-{number % NAMESPACES}"


def name_of(number: int) -> str:
    return f"pr-{number}"


def preview(number: int) -> dict[str, Any]:
    """The manifest with this number, as `kubectl apply` leaves it: with its own copy in an annotation."""
    name, namespace = name_of(number), namespace_of(number)
    wanted = {
        "apiVersion": f"{DEFAULT_GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"annotations": {}, "name": name, "namespace": namespace},
        "spec": _spec(number, f"{name}.{namespace}.preview.example.com"),
    }
    copy = json.dumps(wanted, separators=(",", ":")) + "\n"
    return {**wanted, "metadata": {"name": name, "namespace": namespace, "annotations": {LAST_APPLIED: copy}}}


def _spec(number: int, fqdn: str) -> dict[str, Any]:
    revision = hashlib.sha1(str(number).encode()).hexdigest()
    return {
        "image": f"ghcr.io/acme/shop:sha-{revision[:7]}",
        "fqdn": fqdn,
        "port": 8080,
        "healthPath": "/healthz",
        "revision": revision,
        "env": [
            {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "preview-db", "key": "url"}}},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "BASE_URL", "value": f"https://{fqdn}"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    }
