"""What one pass saw: live objects, and of each kind whether its list was whole."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from reconcile.kube.managedfields import EMPTY, FieldSet, above_of, read_fields_v1
from reconcile.kube.objects import Key, Manifest, Resource, conditions_in, key_of, map_in
from reconcile.kube.rawjson import SentObject
from reconcile.model.preview import PreviewEnvironment, Unreadable, parse_preview
from reconcile.model.ttl import Ttl

Preview = PreviewEnvironment | Unreadable


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
        """The same, all of it decoded: for where most of its parts will be asked for."""
        return (
            replace(self, manifest=self.manifest.decoded()) if isinstance(self.manifest, SentObject) else self
        )

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
    def going(self) -> bool:
        """Deleted already, and held by a finalizer."""
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


@dataclass(frozen=True, slots=True)
class Settled:
    """A preview that is as it was when a run compared it whole and found nothing to do: see `fingerprint`.

    `labels` are the preview's own. `reason` is that of Ready. `kept` are kinds of its children of which the
    plan says why they stay as they are, with these words. `looked_at` is the digest of what was looked at.
    `manifest` is read when somebody asks for more.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    fqdn: str
    reason: str
    ttl: Ttl | None
    kept: tuple[tuple[str, str], ...]
    children: tuple[Live, ...]
    looked_at: str
    manifest: Manifest

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"

    def preview(self, group: str) -> Preview:
        """All of it."""
        manifest = self.manifest.decoded() if isinstance(self.manifest, SentObject) else self.manifest
        return parse_preview(manifest, group=group)


@dataclass(frozen=True)
class KindList:
    """How the list of one kind went.

    `installed` is False where the API server does not serve the kind, or is not asked for it
    (`--route-kind`); then there is nothing of it.
    `problem` says why the list is not whole, and is empty when it is. `known` is False where nothing of
    the kind could be read; in a folder with a mistake the rest is known.
    """

    resource: Resource
    installed: bool = True
    problem: str = ""
    known: bool = True

    @property
    def whole(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class Snapshot:
    """The previews and the children that one pass saw.

    `children` holds every child, by its label, and every route, whoever made it.
    `previews_sent` counts the previews as the server sent them, whatever the scope.
    `previews_problem` says why the previews' list is not whole (a file that does not parse).
    `left_out` are the places of previews that are there and were left out: they are not gone. None stands
    for "any may be".
    `from_server` is False for a folder, whose objects have no history of their own.
    `gateways` are those that were read for the hostnames of their listeners.
    `settled` are previews that are among neither the `previews` nor, with their children, the `children`.
    `looked_at` is of each other preview, by its place, the digest of what its comparison looks at.
    """

    previews: tuple[Preview, ...]
    previews_sent: int
    children: Mapping[Key, Live]
    kinds: Mapping[str, KindList]
    previews_problem: str = ""
    from_server: bool = True
    notes: tuple[str, ...] = field(default=())
    left_out: frozenset[str] | None = frozenset()
    gateways: Mapping[Key, Manifest] = field(default_factory=dict)
    settled: tuple[Settled, ...] = ()
    looked_at: Mapping[str, str] = field(default_factory=dict)

    def may_be_left_out(self, place: str) -> bool:
        """Whether this preview, which no list showed, may be there all the same."""
        return self.left_out is None or place in self.left_out

    def with_children(self, found: Iterable[Live]) -> "Snapshot":
        """The same, with what a closer look found."""
        return replace(self, children={**self.children, **{live.key: live for live in found}})

    def opened(self, places: Collection[str], group: str) -> "Snapshot":
        """The same, with these settled previews among the others."""
        found = [one for one in self.settled if one.place in places]
        if not found:
            return self
        return replace(
            self,
            settled=tuple(one for one in self.settled if one.place not in places),
            previews=(*self.previews, *(one.preview(group) for one in found)),
            children={**self.children, **{live.key: live for one in found for live in one.children}},
            looked_at={**self.looked_at, **{one.place: one.looked_at for one in found}},
        )

    def with_kinds(self, found: Mapping[str, KindList]) -> "Snapshot":
        """The same, with what a closer look found about some kinds."""
        return replace(self, kinds={**self.kinds, **found})
