"""What every child carries: its place, our labels and annotations, its owner."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from reconcile.names import (
    INSTANCE_LABEL,
    KIND,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    PRUNE_DISABLED,
    TOOL,
    Names,
)
from reconcile.objects import Manifest, Resource
from reconcile.preview import PreviewEnvironment

APP_NAME = "preview"

_encode = msgspec.json.Encoder(order="deterministic").encode


class Rendered(dict[str, Any]):
    """A child's manifest; `text` is all of it but its hash, as JSON in one order of fields."""

    text: bytes = b""


def text_of(manifest: Manifest) -> bytes:
    """What a manifest says, as JSON in one order of fields: all that its hash is made of, if it has one."""
    return manifest.text if isinstance(manifest, Rendered) else _encode(dict(manifest))


def common_labels(preview: PreviewEnvironment, names: Names) -> dict[str, str]:
    """The labels of every child, and of its pods."""
    return {
        MANAGED_BY_LABEL: TOOL,
        NAME_LABEL: APP_NAME,
        INSTANCE_LABEL: preview.name,
        names.preview_label: preview.name,
    }


def child(
    resource: Resource,
    preview: PreviewEnvironment,
    names: Names,
    spec: Mapping[str, Any],
    *,
    name: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """One child of a preview, ready to apply: marked as ours, in its namespace, with its name or `name`."""
    name = name or preview.name
    identity = f"{resource.kind}/{preview.namespace}/{name}"
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": preview.namespace,
        "labels": {**(labels or {}), **common_labels(preview, names)},
        "annotations": {**(annotations or {}), names.identity_annotation: identity},
    }
    if preview.annotations.get(names.prune_annotation) == PRUNE_DISABLED:
        metadata["annotations"][names.prune_annotation] = PRUNE_DISABLED
    elif preview.uid:
        metadata["ownerReferences"] = [_owner_reference(preview, names)]
    manifest = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}
    return _sealed(manifest, names)


def _owner_reference(preview: PreviewEnvironment, names: Names) -> dict[str, Any]:
    # No blockOwnerDeletion: it would need the right to set finalizers on previews.
    return {
        "apiVersion": names.api_version,
        "kind": KIND,
        "name": preview.name,
        "uid": preview.uid,
        "controller": True,
    }


def without_owner(manifest: Manifest, names: Names) -> Manifest:
    """The same child, out of the garbage collector's reach."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}
    return with_hash({**manifest, "metadata": metadata}, names)


def with_owner(manifest: Manifest, reference: Mapping[str, Any], names: Names) -> Manifest:
    """The same child with this owner reference."""
    return with_hash(
        {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}, names
    )


def with_hash(manifest: Manifest, names: Names) -> Manifest:
    """The manifest with an annotation that says what all the rest of it is."""
    annotations = {
        k: v for k, v in manifest["metadata"]["annotations"].items() if k != names.applied_annotation
    }
    return _sealed({**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}, names)


def _sealed(manifest: dict[str, Any], names: Names) -> Rendered:
    """The manifest, which has no hash yet and is nobody else's, with its hash."""
    text = _encode(manifest)
    manifest["metadata"]["annotations"][names.applied_annotation] = hashlib.sha256(text).hexdigest()[:32]
    sealed = Rendered(manifest)
    sealed.text = text
    return sealed
