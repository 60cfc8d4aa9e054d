"""Moving fields of others into our own entry of managedFields, so that our next apply decides; pure.

An apply removes only what its own manager owned before. What somebody else added and must go is first made
ours: one JSON patch, guarded by uid and resourceVersion, that changes nothing but who owns what.
"""

from typing import Any

from reconcile.kube.live import Live, entry_of
from reconcile.kube.managedfields import EMPTY, FieldSet, Path, above_of, covers, field_set_of, to_fields_v1
from reconcile.kube.objects import Manifest
from reconcile.plan.rules import REPLICAS


def takeover_patch(live: Live, paths: FieldSet, manager: str) -> list[dict[str, Any]]:
    """The JSON patch that makes these paths ours alone; a Conflict when the object has changed since."""
    entries = [
        changed
        for raw in live.metadata.get("managedFields") or ()
        if (changed := _without(raw, paths, manager)) is not None
    ]
    return _history_patch(live, [*entries, _our_entry(live, paths, manager)])


def handing_back_patch(live: Live, before: Live) -> list[dict[str, Any]]:
    """The JSON patch by which everybody owns again what was theirs `before` a takeover."""
    return _history_patch(live, list(before.metadata.get("managedFields") or ()))


def _history_patch(live: Live, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"op": "replace", "path": "/metadata/uid", "value": live.uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version},
        {"op": "add", "path": "/metadata/managedFields", "value": entries},
    ]


def set_beside(live: Live, manifest: Manifest, manager: str) -> frozenset[Path]:
    """The tops of what others have set in the spec beside ours, which a server may refuse together with it.

    Not replicas, which are an autoscaler's, and nothing of what is kept with another subresource.
    """
    mine = field_set_of(manifest)
    steps = mine | above_of(mine)
    theirs = (path for entry in live.others(manager) if not entry.subresource for path in entry.fields)
    tops = {_first_step_off(path, steps) for path in theirs if path[0] == "f:spec" and path != REPLICAS}
    wholes = mine - above_of(mine)
    return frozenset(top for top in tops if top and not any(covers(whole, top) for whole in wholes))


def _first_step_off(path: Path, steps: FieldSet) -> Path:
    """The path as far as to where it leaves ours; () where it does not."""
    return next((path[:depth] for depth in range(1, len(path) + 1) if path[:depth] not in steps), ())


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
