"""What tests of the core start from: previews that were read, their children, objects of a server."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from reconcile.desire.children import render
from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path, field_set_of, to_fields_v1
from reconcile.kube.objects import Key, Manifest
from reconcile.kube.rawjson import plain
from reconcile.model.names import DEFAULT_GROUP, Names
from reconcile.model.preview import PreviewEnvironment, Unreadable, parse_preview
from reconcile.model.settings import Settings
from reconcile.model.snapshot import Preview
from reconcile.plan.child import Child
from reconcile.plan.rules import Rules
from tests.builders import a_preview

NAMES = Names()
MANAGER = NAMES.field_manager
RULES = Rules(NAMES)
FOLDER = Rules(NAMES, from_server=False)

CONTAINER: Path = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"app"}')


def a_read_preview(name: str = "pr-1", namespace: str = "shop", **fields: Any) -> PreviewEnvironment:
    """A preview that can be read; the fields are those of `a_preview`."""
    parsed = parse_preview(a_preview(name, namespace, **fields), group=DEFAULT_GROUP)
    assert isinstance(parsed, PreviewEnvironment), parsed
    return parsed


def an_unreadable_preview(name: str = "pr-1", **fields: Any) -> Unreadable:
    """A preview that is there and cannot be read."""
    parsed = parse_preview(a_preview(name, **{"fqdn": "Foo", **fields}), group=DEFAULT_GROUP)
    assert isinstance(parsed, Unreadable)
    return parsed


def children_of(preview: Preview, **settings: Any) -> dict[str, dict[str, Any]]:
    """The manifests of a preview, by kind."""
    assert isinstance(preview, PreviewEnvironment)
    return {manifest["kind"]: plain(manifest) for manifest in render(preview, Settings(**settings))}


def entry(
    manager: str, owns: Manifest | Iterable[Path], operation: str = "Update", subresource: str = ""
) -> dict[str, Any]:
    """An entry of managedFields: the whole of a manifest, or some paths."""
    paths = field_set_of(owns) if isinstance(owns, Mapping) else owns
    found = {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1"}
    return {
        **found,
        **({"subresource": subresource} if subresource else {}),
        "fieldsV1": to_fields_v1(paths),
    }


def live(manifest: Manifest, *others: dict[str, Any], applied: Manifest | None = None, **meta: Any) -> Live:
    """The object as a server has it after our apply of it, or of `applied`; `others` are further entries."""
    ours = entry(MANAGER, dict(applied or manifest), "Apply")
    return untracked(manifest, **{"managedFields": [ours, *others], **meta})


def as_child(there: Live, rules: Rules = RULES) -> Child:
    """The object as the preview pr-1 has it."""
    return Child(there, "pr-1", rules)


def untracked(manifest: Manifest, **metadata: Any) -> Live:
    """The object without a history: as in a folder, or in a dump."""
    kept = {"uid": f"uid-of-{manifest['kind']}", "resourceVersion": "7", **metadata}
    found = {**manifest["metadata"], **kept}
    return Live({**manifest, "metadata": {name: value for name, value in found.items() if value is not None}})


def edited(manifest: Manifest, *path: str | int, to: Any) -> dict[str, Any]:
    """A copy with another value at the path; `to=None` takes the field away."""
    changed: dict[str, Any] = copy.deepcopy(dict(manifest))
    above: Any = changed
    for step in path[:-1]:
        above = above[step]
    if to is None:
        del above[path[-1]]
    else:
        above[path[-1]] = to
    return changed


def key(kind: str, name: str = "pr-1", namespace: str = "shop") -> Key:
    return Key(kind, namespace, name)


def available(manifest: Manifest) -> dict[str, Any]:
    """The Deployment once its one pod is available."""
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return {**manifest, "status": dict.fromkeys(counts, 1)}


def told(preview: Manifest) -> dict[str, Any]:
    """The preview with the status that an earlier run wrote: all is well."""
    condition = {
        "type": "Ready",
        "status": "True",
        "observedGeneration": preview["metadata"]["generation"],
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": "Available",
        "message": "its pods are available",
    }
    fqdn = preview["spec"]["fqdn"]
    return {
        **preview,
        "status": {
            "observedGeneration": preview["metadata"]["generation"],
            "url": f"https://{fqdn}",
            "hostname": {"name": fqdn, "heldSince": "2026-01-01T00:00:00Z"},
            "conditions": [condition],
        },
    }


SETUP = {"command": ["migrate"]}


def a_setup_job(condition: str = "") -> Live:
    """The setup Job of `shop/pr-1`, which is there, and ended so."""
    job = children_of(a_read_preview(setup=SETUP))["Job"]
    said = {"type": condition, "status": "True", "reason": "Why", "message": "said so"}
    return Live({**live(job).manifest, "status": {"conditions": [said] if condition else []}})
