"""Moving fields of others into our own entry of managedFields, so that our next apply decides; pure.

An apply removes only what its own manager owned before. What somebody else added and must go is first made
ours: one JSON patch, guarded by uid and resourceVersion, that changes nothing but who owns what.
"""

from typing import Any

from reconcile.kube.live import Live, entry_of
from reconcile.kube.managedfields import EMPTY, FieldSet, to_fields_v1


def takeover_patch(live: Live, paths: FieldSet, manager: str) -> list[dict[str, Any]]:
    """The JSON patch that makes these paths ours alone; a Conflict when the object has changed since."""
    entries = [
        changed
        for raw in live.metadata.get("managedFields") or ()
        if (changed := _without(raw, paths, manager)) is not None
    ]
    return [
        {"op": "replace", "path": "/metadata/uid", "value": live.uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version},
        {
            "op": "add",
            "path": "/metadata/managedFields",
            "value": [*entries, _our_entry(live, paths, manager)],
        },
    ]


def _without(raw: dict[str, Any], paths: FieldSet, manager: str) -> dict[str, Any] | None:
    """Somebody else's entry without these paths; None when nothing is left, or when it is our own."""
    if not raw or (entry := entry_of(raw)).is_apply_of(manager):
        return None
    if not entry.fields & paths:
        return raw
    left = entry.fields - paths
    return {**raw, "fieldsV1": to_fields_v1(left)} if left else None


def _our_entry(live: Live, paths: FieldSet, manager: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": live.manifest["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1((live.applied_by(manager) or EMPTY) | paths),
    }
