"""What a server adds to an object and a file leaves out: put on when read, taken off when written."""

import hashlib
import json
import uuid
from typing import Any

from reconcile.kube.managedfields import field_set_of, to_fields_v1
from reconcile.kube.objects import Manifest, without_servers_own
from reconcile.model.names import KIND

DEFAULT_NAMESPACE = "default"


def group_of(manifest: Manifest) -> str:
    """The API group; "" for the core group."""
    return str(manifest["apiVersion"]).rpartition("/")[0]


def namespace_of(manifest: Manifest) -> str:
    """The namespace; where a document names none it is the one that kubectl would take."""
    return str(manifest["metadata"].get("namespace") or DEFAULT_NAMESPACE)


def dressed(manifest: Manifest) -> Manifest:
    """The object with a namespace, a uid and a resourceVersion: its own, or made of its key and its content.

    They are the same at every reading, so that an unchanged folder makes an unchanged plan. A preview is
    given no uid: its children would name an owner that no cluster has, and where somebody applied them the
    garbage collector would delete them at once.
    """
    metadata = manifest["metadata"]
    made = {
        "namespace": namespace_of(manifest),
        "resourceVersion": _version(manifest),
        **({} if manifest["kind"] == KIND else {"uid": _uid(manifest)}),
    }
    theirs = {name: value for name, value in metadata.items() if value or name not in made}
    return {**manifest, "metadata": {**made, **theirs}}


def dressed_as_ours(manifest: Manifest, manager: str) -> Manifest:
    """A file of ours is ours whole: one Apply entry of our field manager holds every field in it."""
    entry = {
        "apiVersion": manifest["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(field_set_of(manifest)),
        "manager": manager,
        "operation": "Apply",
    }
    whole = dressed(manifest)
    return {**whole, "metadata": {**whole["metadata"], "managedFields": [entry]}}


def bare(manifest: Manifest) -> dict[str, Any]:
    """The object without what a server keeps about it, and without its status."""
    kept = without_servers_own(manifest)
    return {**kept, "metadata": {**kept["metadata"], "namespace": namespace_of(manifest)}}


def _uid(manifest: Manifest) -> str:
    place = (group_of(manifest), manifest["kind"], namespace_of(manifest), manifest["metadata"]["name"])
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(place)))


def _version(manifest: Manifest) -> str:
    content = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
