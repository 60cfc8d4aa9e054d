"""What the pass asks of a cluster, whatever the cluster is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, overload, runtime_checkable

from reconcile.kube.objects import Manifest, Resource
from reconcile.kube.schema import Node

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One kind's objects, from one consistent read, every page of it.

    `items` are the manifests, or what was read of each; a manifest has `apiVersion` and `kind`, also where
    the server leaves them out of lists.
    `problems` are mistakes that make it not whole in a place that can still be read in part (a folder with
    a file that does not parse); empty for a server.
    `notes` are sentences about what was passed over.
    `left_out` are the `NAMESPACE/NAME` of objects that are there and were left out on purpose;
    None where nobody can tell which.
    """

    items: tuple[T, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: frozenset[str] | None = frozenset()


class Source(Protocol):
    """Where in a file an object stands."""

    def where(self, path: Sequence[str | int] = ()) -> str:
        """`FILE:LINE` of the object, or of a field such as `("spec", "fqdn")`."""

    def spelled(self, path: Sequence[str | int]) -> str:
        """How a field that is not text is written, such as `0123`; empty for a text."""


class FromFile(dict[str, Any]):
    """A manifest that was read from a file, and where it stands there."""

    def __init__(self, manifest: Manifest, source: Source) -> None:
        super().__init__(manifest)
        self.source = source


def as_it_is(manifest: Manifest) -> Manifest:
    """What a list reads of an item where nothing else is asked for: the item."""
    return manifest


@dataclass(frozen=True)
class Applied:
    """The answer to an apply: the object as it is now, and whether it was made (201) or there (200)."""

    manifest: Manifest
    created: bool


@dataclass(frozen=True)
class Traffic:
    """How many requests were answered so far, and the bytes of their answers."""

    requests: int = 0
    size: int = 0


class Cluster(Protocol):
    """Reads and guarded writes. Every method raises only what `errors.py` draws.

    A name or namespace that is no valid Kubernetes name is refused (`Rejected`) before it is sent.
    """

    @property
    def description(self) -> str:
        """For people: `context kind-dev (https://127.0.0.1:6443)`, `the files in shop/`."""

    @property
    def is_server(self) -> bool:
        """Whether an API server keeps the objects, with managedFields and resourceVersions of its own."""

    @overload
    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
    ) -> Listing[Manifest]: ...

    @overload
    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
        read: Callable[[Manifest], T],
    ) -> Listing[T]:
        """Every object of a kind: in all namespaces or in one, all or those that have the label.

        `field` is a field selector, such as `type=Warning`, which only an API server applies.

        The list is whole or it is an error: `NotInstalled` where the kind is not served. Each item is `read`
        while the rest is on its way; more than once where the list has to start over.
        """

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """One object; None only when the server itself says that it is not there
        (a 404 that is a JSON Status with reason NotFound). A text 404 is `NotInstalled`."""

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        """Server-side apply. With `metadata.uid` and `metadata.resourceVersion` in the manifest it changes
        that very object or is a `Conflict`; without them it may create."""

    def apply_status(self, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
        """Server-side apply of the status subresource, forced; the object as it is afterwards.

        `metadata.uid` and `metadata.resourceVersion` mean that very object in that very state, else it is a
        `Conflict`. `NotInstalled` where the kind has no such subresource. A folder keeps no status."""

    def create(self, resource: Resource, manifest: Manifest) -> bool:
        """Make an object that is told and never changed, such as an Event; False where one of this name is
        there already, and stays as it is. A folder keeps none."""

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Sequence[Manifest], *, manager: str
    ) -> Manifest:
        """A JSON patch (RFC 6902); the object as it is afterwards."""

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str
    ) -> bool:
        """Delete this very object in this very state, in the background; False when it was gone already.
        `Conflict` when it is another one, or has changed."""

    def logs(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        """The last lines that a container wrote, at most 64 KiB of them; `previous` means the one before it
        was started again. They may hold secrets. A folder has none: `NotInstalled`. Nor has a container that
        has not started: `NotStarted`."""

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Which resource serves a kind; None where the server serves no such kind of this version.

        Native kinds, and our routes, are known without a request, whether they are served or not. What was
        found is kept, what was missing is asked for anew. `NoChildKind` where the kind is not namespaced, or
        no object of it can be listed and written."""

    def versions(self, group: str) -> tuple[str, ...]:
        """The versions of an API group that are served, the preferred one first; none where the group is not
        served. A folder has none."""

    def schema(self, resource: Resource, *, anew: bool = False) -> Node | None:
        """The schema of a kind as the server publishes it; None where it publishes none, as that of a new
        CRD for a moment. What was found is kept, and asked for `anew` only where a CRD may have changed; what
        was missing is always asked for. A folder has none."""

    def now(self) -> datetime:
        """The time where the objects live (a server's Date header), in UTC; call after a read."""

    def close(self) -> None:
        """Release what is held open."""


@runtime_checkable
class Remote(Protocol):
    """A cluster that requests are sent to, and waited for."""

    @property
    def traffic(self) -> Traffic:
        """What was asked so far."""

    def restart_clock(self, seconds: float, option: str) -> None:
        """Whatever is asked from now on has so many seconds altogether, in place of what was left; `option`
        is what sets them, for the sentence that says that they are over."""


@runtime_checkable
class Filled(Protocol):
    """A cluster that gets also what stays as it is: a folder that is being filled from another one."""

    def carry_over(self, resource: Resource, manifest: Manifest) -> bool:
        """Write a child down that stays; True when it was written, False where it is there already."""


@runtime_checkable
class Searched(Protocol):
    """A cluster that can be looked through: a folder, which keeps no status, and so remembers no kinds."""

    def kinds(self, annotation: str) -> tuple[Resource, ...]:
        """The kinds of all objects that have this annotation."""


def traffic_of(cluster: Cluster) -> Traffic:
    """What was asked so far; nothing of files."""
    return cluster.traffic if isinstance(cluster, Remote) else Traffic()


def restart_clock(cluster: Cluster, seconds: float, option: str) -> None:
    """As `Remote.restart_clock`; files answer at once."""
    if isinstance(cluster, Remote):
        cluster.restart_clock(seconds, option)
