"""Live objects, as a cluster has them, and who owns which of their fields."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reconcile.kube.managedfields import EMPTY, FieldSet, above_of, read_fields_v1
from reconcile.kube.objects import Key, Manifest, conditions_in, key_of, map_in
from reconcile.kube.rawjson import decoded_whole


@dataclass(frozen=True)
class Entry:
    """One entry of `metadata.managedFields`; `time` is when the manager last changed what it holds there."""

    manager: str
    operation: str
    subresource: str
    fields: FieldSet
    time: str = ""

    @property
    def above(self) -> FieldSet:
        """Every path that lies above one of its fields."""
        return above_of(self.fields)

    def is_apply_of(self, manager: str) -> bool:
        """Whether it tells what this manager's apply of the object itself holds."""
        return (self.manager, self.operation, self.subresource) == (manager, "Apply", "")


@dataclass(frozen=True)
class Live:
    """One object as the cluster has it.

    `partial` where it is so large that only what tells whose it is was kept: it is compared with nothing.
    """

    manifest: Manifest
    partial: bool = False

    def decoded(self) -> "Live":
        """The same, all of it decoded."""
        return replace(self, manifest=decoded_whole(self.manifest))

    @cached_property
    def key(self) -> Key:
        return key_of(self.manifest)

    @property
    def metadata(self) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = self.manifest["metadata"]
        return metadata

    @property
    def uid(self) -> str:
        return str(self.metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.get("annotations") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        return map_in(self.manifest.get("spec"))

    @property
    def status(self) -> Mapping[str, Any]:
        return map_in(self.manifest.get("status"))

    def condition(self, type_: str) -> Mapping[str, Any]:
        """The condition of this type in its status; empty where it has none."""
        return conditions_in(self.status).get(type_, {})

    @property
    def owner_references(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.metadata.get("ownerReferences") or ())

    @property
    def terminating(self) -> bool:
        """Deleted already, and waiting for a finalizer."""
        return bool(self.metadata.get("deletionTimestamp"))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry_of(raw) for raw in self.metadata.get("managedFields") or () if raw)

    def applied_by(self, manager: str) -> FieldSet | None:
        """What this manager's own Apply entry holds; None where it has none."""
        for entry in self.entries:
            if entry.is_apply_of(manager):
                return entry.fields
        return None

    def applied_at(self, manager: str) -> str:
        """When this manager's own apply last changed something; "" where it has no entry."""
        return next((entry.time for entry in self.entries if entry.is_apply_of(manager)), "")

    @property
    def changed_at(self) -> str:
        """When any manager last changed what it holds; "" where nobody tells."""
        return max((entry.time for entry in self.entries), default="")

    def others(self, manager: str) -> tuple[Entry, ...]:
        """Every entry but this manager's own Apply entry."""
        return tuple(entry for entry in self.entries if not entry.is_apply_of(manager))

    @property
    def tracked(self) -> bool:
        """Whether anybody's fields are recorded; status and scale of themselves do not count."""
        return any(not entry.subresource for entry in self.entries)


def entry_of(raw: Mapping[str, Any]) -> Entry:
    """An entry as the server writes it; what is no text or no tree in it is empty."""
    fields = raw.get("fieldsV1")
    return Entry(
        manager=str(raw.get("manager", "")),
        operation=str(raw.get("operation", "")),
        subresource=str(raw.get("subresource", "")),
        fields=read_fields_v1(fields) if isinstance(fields, Mapping) else EMPTY,
        time=str(raw.get("time", "")),
    )
