"""What every child carries: its place, our labels and annotations, its owner."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from reconcile.kube.objects import Key, Manifest, Resource, key_of, type_meta
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
    """A child's manifest, as what would be sent of it; `hash` is what its annotation says all the rest is.

    `at_hostname` tells of a further child that it uses the preview's hostname, as its route does.
    """

    __slots__ = ("at_hostname", "hash", "key")

    def __init__(
        self, text: bytes, known: Mapping[str, str], key: Key, hash_: str, *, at_hostname: bool = False
    ) -> None:
        super().__init__(text, known)
        self.key = key
        self.hash = hash_
        self.at_hostname = at_hostname


def identity(key: Key, of: str = "") -> str:
    """What the identity annotation of a child says: its own place, so that a copy proves nothing; and `of`
    which preview it is, where its name does not tell: `pr-42-redis` is of `pr-42`, and a preview's own name.
    """
    return f"{key.kind}/{key.namespace}/{key.name}" + (f" of {of}" if of else "")


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
    key = Key(resource.full_kind, preview.namespace, name or preview.name)
    metadata = child_metadata(key, preview, labels=labels, annotations=annotations)
    body = {**({} if spec is None else {"spec": spec}), **(content or {})}
    manifest = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **body}
    return sealed(manifest, preview.names)


def child_metadata(
    key: Key,
    preview: PreviewEnvironment,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    of: str = "",
) -> dict[str, Any]:
    """The metadata of a child, beside these labels and annotations; `of` as in `identity`."""
    names = preview.names
    metadata: dict[str, Any] = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": {**(labels or {}), **common_labels(preview)},
        "annotations": {**(annotations or {}), names.identity_annotation: identity(key, of)},
    }
    if names.protects(preview.annotations):
        metadata["annotations"][names.prune_annotation] = PRUNE_DISABLED
    elif preview.uid:
        metadata["ownerReferences"] = [_owner_reference(preview)]
    return metadata


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
    return sealed({**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}, names)


def sealed(manifest: dict[str, Any], names: Names, *, at_hostname: bool = False) -> Rendered:
    """The manifest, which has no hash yet and is nobody else's, with its hash."""
    found = digest(manifest)
    manifest["metadata"]["annotations"][names.applied_annotation] = found
    known = type_meta(manifest["apiVersion"], manifest["kind"])
    return Rendered(_encode(manifest), known, key_of(manifest), found, at_hostname=at_hostname)


def digest(tree: Mapping[str, Any]) -> str:
    """A hash of a JSON tree, whatever the order of its names."""
    return hashlib.sha256(_in_one_order(tree)).hexdigest()[:32]
