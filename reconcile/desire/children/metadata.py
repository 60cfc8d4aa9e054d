"""What every child carries: its place, our labels and annotations, its owner."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from reconcile.kube.objects import Key, Manifest, Resource, key_of
from reconcile.kube.rawjson import SentObject
from reconcile.model.names import (
    INSTANCE_LABEL,
    KIND,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    PRUNE_DISABLED,
    TOOL,
    Names,
)
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

APP_NAME = "preview"

_encode = msgspec.json.Encoder().encode
_in_one_order = msgspec.json.Encoder(order="deterministic").encode


class Rendered(SentObject):
    """A child's manifest, as what would be sent of it; `hash` is what its annotation says all the rest is."""

    __slots__ = ("hash", "key")

    def __init__(self, text: bytes, known: Mapping[str, str], key: Key, hash_: str) -> None:
        super().__init__(text, known)
        self.key = key
        self.hash = hash_


def common_labels(preview: PreviewEnvironment) -> dict[str, str]:
    """The labels of every child, and of its pods."""
    return {
        MANAGED_BY_LABEL: TOOL,
        NAME_LABEL: APP_NAME,
        INSTANCE_LABEL: preview.name,
        preview.names.preview_label: preview.name,
    }


def child(
    resource: Resource,
    preview: PreviewEnvironment,
    spec: Mapping[str, Any] | None,
    *,
    name: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    content: Mapping[str, Any] | None = None,
) -> Rendered:
    """One child of a preview, ready to apply: marked as ours, in its namespace, with its name or `name`.

    A kind that has no spec gets None, and in `content` what it has in its place, such as `{"data": {…}}`.
    """
    name, names = name or preview.name, preview.names
    key = Key(resource.kind, preview.namespace, name)
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": preview.namespace,
        "labels": {**(labels or {}), **common_labels(preview)},
        "annotations": {**(annotations or {}), names.identity_annotation: key.identity},
    }
    if names.protects(preview.annotations):
        metadata["annotations"][names.prune_annotation] = PRUNE_DISABLED
    elif preview.uid:
        metadata["ownerReferences"] = [_owner_reference(preview)]
    body = {**({} if spec is None else {"spec": spec}), **(content or {})}
    manifest = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **body}
    return _sealed(manifest, names)


def route(
    resource: Resource,
    preview: PreviewEnvironment,
    settings: Settings,
    spec: Mapping[str, Any],
    annotations: Mapping[str, str] | None = None,
) -> Rendered:
    """A child that is a route: with the labels and annotations that the operator wants on each of them."""
    more = {**dict(settings.route_annotations), **(annotations or {})}
    return child(resource, preview, spec, labels=dict(settings.route_labels), annotations=more)


def _owner_reference(preview: PreviewEnvironment) -> dict[str, Any]:
    # No blockOwnerDeletion: it would need the right to set finalizers on previews.
    return {
        "apiVersion": preview.names.api_version,
        "kind": KIND,
        "name": preview.name,
        "uid": preview.uid,
        "controller": True,
    }


def without_owner(manifest: Manifest, names: Names) -> Rendered:
    """The same child, out of the garbage collector's reach."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}
    return with_hash({**manifest, "metadata": metadata}, names)


def with_owner(manifest: Manifest, reference: Mapping[str, Any], names: Names) -> Rendered:
    """The same child with this owner reference."""
    return with_hash(
        {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}, names
    )


def with_hash(manifest: Manifest, names: Names) -> Rendered:
    """The manifest with an annotation that says what all the rest of it is."""
    annotations = {
        k: v for k, v in manifest["metadata"]["annotations"].items() if k != names.applied_annotation
    }
    return _sealed({**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}, names)


def _sealed(manifest: dict[str, Any], names: Names) -> Rendered:
    """The manifest, which has no hash yet and is nobody else's, with its hash."""
    found = digest(manifest)
    manifest["metadata"]["annotations"][names.applied_annotation] = found
    known = _kind(manifest["apiVersion"], manifest["kind"])
    return Rendered(_encode(manifest), known, key_of(manifest), found)


def digest(tree: Mapping[str, Any]) -> str:
    """A hash of a JSON tree, whatever the order of its names."""
    return hashlib.sha256(_in_one_order(tree)).hexdigest()[:32]


@lru_cache
def _kind(api_version: str, kind: str) -> Mapping[str, str]:
    return MappingProxyType({"apiVersion": api_version, "kind": kind})
