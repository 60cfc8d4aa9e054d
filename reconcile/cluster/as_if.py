"""The previews as if those of `-f` had been applied: what they show a plan.

    labels, annotations                           of the file, over what is there
    spec, and a field that is none                of the file
    uid, creationTimestamp, status, the rest      of what is there; a preview that is not there has none

The generation moves where the spec says something else, as it would on the server.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from reconcile.cluster.port import Cluster, FromFile, Listing
from reconcile.kube.objects import KEPT_BY_SERVERS, Manifest, NamespacedName
from reconcile.model.names import Names
from reconcile.model.preview import PreviewEnvironment, parse_preview

T = TypeVar("T")

_KEPT_BY_SERVERS = KEPT_BY_SERVERS | {"finalizers", "ownerReferences"}


@dataclass(frozen=True)
class Proposed:
    """The previews that files hold, and a sentence about what else they hold."""

    previews: Mapping[NamespacedName, FromFile]
    files: tuple[str, ...]
    group: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Such as `as if the previews in pr-42.yaml had been applied`."""
        named = f"{len(self.files)} files" if len(self.files) > 3 else ", ".join(self.files) or "no file"
        return f"as if the previews in {named} had been applied"

    def applied_over(self, there: Manifest | None, place: NamespacedName) -> Manifest | None:
        """The preview of this place as it would be."""
        wanted = self.previews.get(place)
        if wanted is None:
            return there
        return FromFile(as_if(wanted, there, namespace=place.namespace, group=self.group), wanted.source)


def list_previews(
    cluster: Cluster,
    names: Names,
    namespace: str | None,
    proposed: Proposed | None,
    read: Callable[[Manifest], T],
) -> Listing[T]:
    """What is read of every preview, in one namespace or in all, as it would be. Raises what a list does."""
    resource = names.previews
    if proposed is None:
        return cluster.list(resource, namespace=namespace, read=read)
    found = as_if_applied(cluster.list(resource, namespace=namespace), proposed, namespace)
    return Listing(tuple(map(read, found.items)), found.problems, found.notes, found.left_out)


def as_if_applied(
    listing: Listing[Manifest], proposed: Proposed, namespace: str | None = None
) -> Listing[Manifest]:
    """The list of the previews of one namespace, or of all, as it would be."""
    metadata = ((item["metadata"], item) for item in listing.items)
    there = {NamespacedName(found["namespace"], found["name"]): item for found, item in metadata}
    places = {*there, *(place for place in proposed.previews if namespace in (None, place.namespace))}
    shown = (proposed.applied_over(there.get(place), place) for place in sorted(places))
    items = tuple(item for item in shown if item is not None)
    return replace(listing, items=items, notes=(*listing.notes, *proposed.notes))


def as_if(wanted: Manifest, there: Manifest | None, *, namespace: str, group: str) -> Manifest:
    """The preview as it would be once `wanted` was applied over what is there."""
    metadata = {name: value for name, value in wanted["metadata"].items() if name not in _KEPT_BY_SERVERS}
    metadata["namespace"] = namespace
    said = {name: value for name, value in wanted.items() if name != "status"}
    if there is None:
        return {**said, "metadata": metadata}
    before: Mapping[str, Any] = there["metadata"]
    for name in ("labels", "annotations"):
        if merged := {**(before.get(name) or {}), **(metadata.get(name) or {})}:
            metadata[name] = merged
    kept = {name: value for name, value in before.items() if name in _KEPT_BY_SERVERS}
    status = {"status": there["status"]} if "status" in there else {}
    found = {**said, **status, "metadata": {**metadata, **kept}}
    if "generation" in kept and _spec(found, group) != _spec(there, group):
        found["metadata"]["generation"] = kept["generation"] + 1
    return found


def _spec(manifest: Manifest, group: str) -> object:
    """What is said: a default that the server has filled in is no difference."""
    parsed = parse_preview(
        {**manifest, "apiVersion": Names(group).api_version, "metadata": {"name": "x", "namespace": "x"}},
        group=group,
    )
    return parsed.spec if isinstance(parsed, PreviewEnvironment) else manifest.get("spec")
