"""What children say, without what a server counts and without where they are: to compare two namespaces."""

import json
from collections.abc import Mapping
from typing import Any

from reconcile.model.names import Names

COUNTED = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp"})
GIVEN = frozenset({"clusterIP", "clusterIPs"})


def contents(children: Mapping[str, Any], namespace: str, names: Names) -> dict[str, Any]:
    """Of each child by its name, what it asks for and what we own of it.

    Left out are statuses, what controllers note, times, addresses and the owner's uid; the namespace is
    `NAMESPACE`, wherever it stands, and the hash of the manifest, in which it stands too, is `HASH`.
    """
    return {name: _content(child, namespace, names) for name, child in children.items()}


def _content(child: Mapping[str, Any], namespace: str, names: Names) -> Any:
    metadata = {field: value for field, value in child["metadata"].items() if field not in COUNTED}
    annotations = {**metadata.get("annotations", {})}
    annotations.pop("deployment.kubernetes.io/revision", None)
    if names.applied_annotation in annotations:
        annotations[names.applied_annotation] = "HASH"
    owners = metadata.get("ownerReferences", [])
    metadata |= {
        "annotations": annotations,
        "managedFields": [
            {"operation": entry["operation"], "fields": entry["fieldsV1"]}
            for entry in metadata.get("managedFields", [])
            if entry["manager"] == names.field_manager and not entry.get("subresource")
        ],
    }
    spec = {field: value for field, value in child["spec"].items() if field not in GIVEN}
    text = json.dumps({"metadata": metadata, "spec": spec})
    for uid in (child["metadata"]["uid"], *(owner["uid"] for owner in owners)):  # a Job's pods carry its own
        text = text.replace(uid, "UID")
    return json.loads(text.replace(namespace, "NAMESPACE"))


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where two of them differ, a line for each child."""
    return [
        f"{name} is {json.dumps(found.get(name))}, not {json.dumps(wanted.get(name))}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
