"""A cluster in memory: as much of an API server as one pass meets, and what a test makes go wrong."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconcile.cluster.kinds import likely_resource, native_or_none
from reconcile.cluster.port import Applied, Listing, Traffic, as_it_is
from reconcile.errors import Conflict, ReconcileError
from reconcile.kube.managedfields import field_set_of
from reconcile.kube.objects import Key, Manifest, Resource
from reconcile.kube.schema import Node
from reconcile.model.kinds_record import FIELD as KINDS
from reconcile.model.names import Names
from tests.given import entry

Trouble = Callable[["Memory", Key], None]


def _place_of(manifest: Manifest) -> Key:
    """Where it is kept: by its kind alone, for the previews' API group is another in some tests."""
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata["namespace"], metadata["name"])


@dataclass
class Memory:
    """Implements `Cluster`. `log` has every request, such as `apply Service shop/pr-1`; `remember` is
    the apply of the kinds in a status.

    It says what schemas custom kinds have, and of those that are `kept` what they had; those `unserved` are not installed. Of a group
    that is among the `served` only these versions are.
    `troubles` maps such a request to what happens when it comes: an error to raise, or a change to make,
    each once, in their order.
    """

    objects: dict[Key, Manifest] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    troubles: dict[str, list[ReconcileError | Trouble]] = field(default_factory=dict)
    is_server: bool = True
    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    description: str = "memory"
    written: dict[str, str] = field(default_factory=dict)
    clocks: list[tuple[float, str]] = field(default_factory=list)
    schemas: dict[str, Node] = field(default_factory=dict)
    unserved: set[str] = field(default_factory=set)
    served: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kept: dict[str, Node] = field(default_factory=dict)
    _versions: Any = field(default_factory=lambda: itertools.count(100))

    # what a test does

    def put(self, manifest: Manifest, **metadata: Any) -> None:
        """Somebody writes an object."""
        version = {"resourceVersion": str(next(self._versions))}
        there = self.objects.get(_place_of(manifest), {"metadata": {}})["metadata"]
        uid = {"uid": there.get("uid", f"uid-{next(self._versions)}")}
        self.objects[_place_of(manifest)] = {
            **manifest,
            "metadata": {**uid, **manifest["metadata"], **version, **metadata},
        }

    def touch(self, key: Key) -> None:
        """A controller writes a status."""
        self.put(self.objects[key])

    def forget(self, key: Key) -> None:
        """Somebody deletes an object."""
        del self.objects[key]

    def trouble(self, request: str, *happens: ReconcileError | Trouble) -> None:
        self.troubles.setdefault(request, []).extend(happens)

    def writes(self) -> list[str]:
        """The writes of children: statuses and events, which are no part of a plan, are left out."""
        told, reads = ("status", "event", "remember"), ("list", "get", "discover", "versions", "schema")
        return [line for line in self.log if line.split()[0] not in (*reads, *told)]

    # what the pass asks

    @property
    def traffic(self) -> Traffic:
        return Traffic(len(self.log))

    def _asked(self, verb: str, what: object, key: Key | None = None) -> None:
        self.log.append(f"{verb} {what}")
        if happens := self.troubles.get(f"{verb} {what}"):
            happened = happens.pop(0)
            if isinstance(happened, ReconcileError):
                raise happened
            if key:
                happened(self, key)

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
        read: Callable[[Manifest], Any] = as_it_is,
    ) -> Listing[Any]:
        self._asked("list", resource.plural if namespace is None else f"{resource.plural} in {namespace}")
        return Listing(
            tuple(
                read(manifest)
                for key, manifest in self.objects.items()
                if key.kind == resource.kind
                and namespace in (None, key.namespace)
                and (label is None or label in manifest["metadata"].get("labels", {}))
            )
        )

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        key = Key(resource.kind, namespace, name)
        self._asked("get", key, key)
        return self.objects.get(key)

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        key = _place_of(manifest)
        self._asked("apply", key, key)
        there = self.objects.get(key)
        self._check(there, manifest["metadata"])
        history = [
            e for e in (there or {}).get("metadata", {}).get("managedFields", ()) if e["manager"] != manager
        ]
        metadata = {k: v for k, v in manifest["metadata"].items() if k not in ("uid", "resourceVersion")}
        bare = {**manifest, "metadata": metadata}
        has_fields = bool(manifest.keys() - {"apiVersion", "kind", "metadata"})
        ours = [entry(manager, field_set_of(bare), "Apply")] if has_fields else []
        self.put({**(there or {}), **bare}, managedFields=[*history, *ours])
        return Applied(self.objects[key], there is None)

    def _check(self, there: Manifest | None, wanted: Manifest) -> None:
        for name in ("uid", "resourceVersion"):
            if name in wanted and (there is None or there["metadata"][name] != wanted[name]):
                raise Conflict(f"{name} has changed")

    def apply_status(self, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
        key = _place_of(manifest)
        remembers = manager == Names().kinds_manager
        self._asked("remember" if remembers else "status", key, key)
        self._check(self.objects.get(key), manifest["metadata"])
        there = self.objects[key].get("status", {}).items()
        others = {name: value for name, value in there if (name == KINDS) is not remembers}
        self.put({**self.objects[key], "status": {**others, **manifest["status"]}})
        return self.objects[key]

    def create(self, resource: Resource, manifest: Manifest) -> bool:
        key, about = _place_of(manifest), manifest["regarding"]
        self._asked("event", f"{manifest['reason']} {about['namespace']}/{about['name']}", key)
        if key in self.objects:
            return False
        self.put(manifest)
        return True

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Sequence[Manifest], *, manager: str
    ) -> Manifest:
        key = Key(resource.kind, namespace, name)
        self._asked("patch", key, key)
        guards = {step["path"].rpartition("/")[2]: step["value"] for step in patch[:2]}
        self._check(self.objects.get(key), guards)
        self.put(self.objects[key], managedFields=patch[2]["value"])
        return self.objects[key]

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str
    ) -> bool:
        key = Key(resource.kind, namespace, name)
        self._asked("delete", key, key)
        if key not in self.objects:
            return False
        self._check(self.objects[key], {"uid": uid, "resourceVersion": resource_version})
        del self.objects[key]
        return True

    def logs(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        which = "previous logs" if previous else "logs"
        self._asked(which, f"{namespace}/{pod} {container}")
        return self.written.get(f"{namespace}/{pod} {container}", "")

    def resource(self, api_version: str, kind: str) -> Resource | None:
        if native := native_or_none(api_version, kind):
            return native
        self._asked("discover", f"{kind} of {api_version}")
        found = likely_resource(api_version, kind)
        if kind in self.unserved or found.version not in self.served.get(found.group, (found.version,)):
            return None
        return found

    def versions(self, group: str) -> tuple[str, ...]:
        self._asked("versions", group)
        return tuple(self.served.get(group, ()))

    def schema(self, resource: Resource, *, anew: bool = False) -> Node | None:
        self._asked("schema", f"{resource.kind} of {resource.api_version}")
        kept = None if anew else self.kept.get(resource.kind)
        return kept or self.schemas.get(resource.kind)

    def restart_clock(self, seconds: float, option: str) -> None:
        self.clocks.append((seconds, option))

    def now(self) -> datetime:
        return self.time

    def close(self) -> None:
        """Nothing is held open."""


PREVIEWS = Names().previews.plural
