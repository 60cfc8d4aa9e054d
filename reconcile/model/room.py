"""How much of what a list sent is kept: small objects whole, and as many large ones as there is room for.

Of the others is kept what tells whose they are, and which hostnames they ask for: enough to delete one whose
preview is gone, and to leave all else alone. Whoever may write an object decides how large it is.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest, map_in, maps_in
from reconcile.kube.rawjson import SentObject, decoded_whole
from reconcile.model.names import Names
from reconcile.model.settings import ROUTE_KINDS

SMALL = 16 * 1024
ROOM = 128 * 1024 * 1024
"""Bytes of JSON, of all large objects together."""

_FEW = 20
_SHORT = 4096
_PLACE = frozenset({"name", "namespace", "uid", "resourceVersion", "generation"})
_TIMES = frozenset({"creationTimestamp", "deletionTimestamp"})


@dataclass
class Room:
    """The room for the large objects of one pass, whatever their kind; `left` is what there still is of it.
    Thread-safe."""

    names: Names
    left: int = field(default_factory=lambda: ROOM)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _containers: dict[str, Any] = field(default_factory=dict)

    def live(self, item: Manifest) -> Live:
        """An object as far as it is kept; `partial` where that is not all of it."""
        return Live(item) if self._has_room_for(item) else Live(self._outline(item), partial=True)

    def pod(self, item: Manifest) -> Live:
        """A pod, of which all is kept that is looked at; those of one template share their containers."""
        if not isinstance(item, SentObject) or _size(item) <= SMALL:
            return Live(item)
        found = item.decoded()
        metadata = {name: part for name, part in found["metadata"].items() if name != "managedFields"}
        shared = {name: self._shared(part) for name, part in found["spec"].items() if "ontainers" in name}
        spec = {**_short(found["spec"]), **shared}
        annotations = _short(map_in(metadata.get("annotations")))
        return Live({**found, "metadata": {**metadata, "annotations": annotations}, "spec": spec})

    def _shared(self, containers: Any) -> Any:
        with self._lock:
            return self._containers.setdefault(repr(containers), containers)

    def _has_room_for(self, item: Manifest) -> bool:
        size = _size(item)
        if size <= SMALL:
            return True
        with self._lock:
            fits = size <= self.left
            self.left -= size if fits else 0
        return fits

    def _outline(self, item: Manifest) -> Manifest:
        names, whole = self.names, decoded_whole(item)
        metadata: Mapping[str, Any] = whole["metadata"]
        labels, annotations = map_in(metadata.get("labels")), map_in(metadata.get("annotations"))
        ours = (names.identity_annotation, names.applied_annotation, names.prune_annotation)
        kept = {name: part for name, part in metadata.items() if name in _PLACE | _TIMES}
        kept["labels"] = {name: text for name, text in labels.items() if name == names.preview_label}
        kept["annotations"] = {name: text for name, text in annotations.items() if name in ours}
        kept["ownerReferences"] = list(self._owners(metadata))
        kept["managedFields"] = list(self._managers(metadata))
        spec = map_in(whole.get("spec"))
        return {
            "apiVersion": whole["apiVersion"],
            "kind": whole["kind"],
            "metadata": kept,
            "spec": spec if whole["kind"] in ROUTE_KINDS else _short(spec),
            "status": _short(map_in(whole.get("status"))),
        }

    def _owners(self, metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The controller, of which there is one at most, and a few others."""
        owners = maps_in(metadata.get("ownerReferences"))
        yield from (owner for owner in owners if owner.get("controller"))
        yield from [owner for owner in owners if not owner.get("controller")][:_FEW]

    def _managers(self, metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """That we applied it, if we did, and a few others; without their fields."""
        entries = [
            {name: part for name, part in entry.items() if name != "fieldsV1"}
            for entry in maps_in(metadata.get("managedFields"))
        ]
        ours = [entry for entry in entries if entry.get("manager") == self.names.field_manager]
        yield from ours
        yield from [entry for entry in entries if entry not in ours][:_FEW]


def _size(item: Manifest) -> int:
    # What was decoded is measured as Python writes it: not all that can be read is written as JSON again.
    return memoryview(item.text).nbytes if isinstance(item, SentObject) else len(repr(item))


def _short(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that are short."""
    return {name: part for name, part in parts.items() if len(repr(part)) <= _SHORT}
