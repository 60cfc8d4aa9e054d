"""A folder of manifests as a cluster: `--from` is what there is, `--to` is where the children live.

    --from shop/     read, never changed: the previews, and perhaps the children (a dump of a cluster)
    --to out/        the children, one file each; a file of ours wins over the same object in --from

An apply writes the object whole, for nobody else has fields in a file of ours; a delete takes the file away.
A file of somebody else that is in the way of a child reads as an object without label and annotation: not
ours, so that the plan blocks the preview, and a write is `Rejected`.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from reconcile.cluster.files.defaults import bare, namespace_of
from reconcile.cluster.files.output import Folder, Held
from reconcile.cluster.files.sources import Sources
from reconcile.cluster.files.view import View
from reconcile.cluster.files.yaml import STDIN
from reconcile.cluster.kinds import likely_resource, native_or_none
from reconcile.cluster.port import Applied, FromFile, Listing, as_it_is
from reconcile.errors import Conflict, NotInstalled, Rejected, UsageError
from reconcile.kube.objects import Key, Manifest, Resource, full_kind
from reconcile.kube.schema import Node
from reconcile.model.names import Names

__all__ = ["DirectoryCluster"]


def _local_clock() -> datetime:
    # A folder has no server, so it takes the clock of the machine that it lies on; nothing else may.
    return datetime.now(UTC)  # noqa: TID251


class DirectoryCluster:
    """The files of `sources` (`-` is the text of `stdin`) and the folder `to`; implements `Cluster`.

    What a glob of `exclude` takes is left out of `sources`. Its previews are not gone. `children` are the
    kinds of which a preview may have some: others are passed over, with a note.

    `UsageError` when a source is not there, or `to` is no folder.
    """

    def __init__(
        self,
        sources: tuple[str, ...],
        to: str | None = None,
        *,
        group: str,
        children: Collection[Resource],
        stdin: str | None = None,
        exclude: Sequence[str] = (),
        now: Callable[[], datetime] = _local_clock,
    ) -> None:
        check_paths(sources, to, stdin)
        self._sources_named = sources
        self._manager = Names(group).field_manager
        self._folder = None if to is None else Folder(to, self._manager)
        ignore = self._folder.is_ours if self._folder else lambda path: False
        self._view = View(Sources(sources, stdin, ignore, exclude), self._folder, group, children)
        self._clock = now

    @property
    def description(self) -> str:
        """Such as `the files in shop/`."""
        return " and ".join(_described(path) for path in self._sources_named)

    @property
    def is_server(self) -> bool:
        return False

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label: str | None = None,
        field: str | None = None,
        read: Callable[[Manifest], Any] = as_it_is,
    ) -> Listing[Any]:
        """Every object of a kind, the files read again; `problems` names what cannot be read, and where."""
        self._view.refresh(resource)
        found = dict(self._view.objects(resource))
        items = (
            read(manifest)
            for key, manifest in sorted(found.items())
            if namespace in (None, key.namespace) and (label is None or label in _labels(manifest))
        )
        problems = tuple(str(mistake) for mistake in self._view.mistakes(resource))
        if not self._view.is_preview(resource):
            return Listing(tuple(items), problems)
        notes, left_out = self._view.passed_over()
        return Listing(tuple(items), problems, self._with_left_out(notes, left_out), left_out)

    @staticmethod
    def _with_left_out(notes: tuple[str, ...], left_out: frozenset[str] | None) -> tuple[str, ...]:
        if left_out is None:
            why = "a file that is left out names previews and cannot be read"
            return (*notes, f"{why}: no preview is taken for gone")
        kept = ", ".join(sorted(left_out))
        return (*notes, f"left out by --exclude, children are kept: {kept}") if left_out else notes

    def kinds(self, annotation: str) -> tuple[Resource, ...]:
        """The kinds of all objects with this annotation, in `--from` as it was listed last and in `--to`."""
        found = {
            (manifest["apiVersion"], manifest["kind"])
            for manifest in self._view.everything()
            if annotation in (manifest["metadata"].get("annotations") or {})
        }
        return tuple(resource for kind in sorted(found) if (resource := self._resource_or_none(*kind)))

    def _resource_or_none(self, api_version: str, kind: str) -> Resource | None:
        with suppress(Rejected):
            return self.resource(api_version, kind)
        return None

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """One object: the file in `--to` as it is now, else what the last list saw in `--from`."""
        return self._view.get(resource, Key(resource.full_kind, namespace, name))

    def apply(self, resource: Resource, manifest: Manifest, *, manager: str, force: bool) -> Applied:
        """Write the object whole; over somebody else's only with `force`, or uid and resourceVersion."""
        key = _key(manifest)
        folder, held = self._place(resource, key)
        before = self._view.get(resource, key)
        check_same(key, before, manifest["metadata"])
        meant = force or held or "uid" in manifest["metadata"]
        if before is not None and not meant:
            assert isinstance(before, FromFile), "what is in --to is held, and so is meant"
            raise Conflict(f"{key} is there already: {before.source.where()}")
        if held is None or bare(held.manifest) != bare(manifest):
            folder.write(bare(manifest))
        return Applied(self._view.get(resource, key) or manifest, created=before is None)

    def apply_status(self, resource: Resource, manifest: Manifest, *, manager: str) -> Manifest:
        """Nothing: files say what is wanted, not what became of it."""
        return manifest

    def create(self, resource: Resource, manifest: Manifest) -> bool:
        """Nothing: what is told of a preview belongs to a server, and files say what is wanted."""
        return False

    def carry_over(self, resource: Resource, manifest: Manifest) -> bool:
        """Write a child that stays, and is only in `--from`, into `--to` as well; True when it was written.

        For an unchanged child give what is desired, for a frozen one what is there. A child that has its
        file, was deleted in this run, or is terminating, is left as it is. Raises what `apply` raises.
        """
        key = _key(manifest)
        folder, held = self._place(resource, key)
        if held or key in self._view.removed or manifest["metadata"].get("deletionTimestamp"):
            return False
        folder.write(bare(manifest))
        return True

    def _place(self, resource: Resource, key: Key) -> tuple[Folder, Held | None]:
        """Where the object is written, and our file that is there; an error where it cannot be."""
        if self._folder is None:
            raise UsageError(f"{key}: the files of --from are never changed; pass --to DIR")
        if self._view.is_preview(resource):
            raise Rejected(f"{key}: previews are read from --from, and never written")
        self._folder.tidy()
        path, held = self._folder.file_of(key), self._folder.held(resource, key)
        if held and not held.ours:
            wrong = held.mistake or f"{path} was not written by {self._manager}"
            raise Rejected(f"{key}: a file is in the way, move it elsewhere: {wrong}")
        return self._folder, held

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Sequence[Manifest], *, manager: str
    ) -> Manifest:
        """Only what takes fields over is understood: tests, and changes below `metadata.managedFields`.

        The tests are made (`Conflict`). The changes need not be, for the next apply writes the object whole.
        """
        key = Key(resource.full_kind, namespace, name)
        there = self._view.get(resource, key)
        if there is None:
            raise Conflict(f"{key} is gone")
        for step in patch:
            check_step(key, there, step)
        return there

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str
    ) -> bool:
        """Take the file away. What `--from` has of the object stays there, and is not seen any more."""
        key = Key(resource.full_kind, namespace, name)
        there = self._view.get(resource, key)
        folder, held = self._place(resource, key)
        if there is None:
            return False
        check_same(key, there, {"uid": uid, "resourceVersion": resource_version})
        if held:
            folder.remove(key)
        self._view.removed.add(key)
        return True

    def logs(self, namespace: str, pod: str, container: str, *, lines: int, previous: bool) -> str:
        raise NotInstalled("files have no logs")

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """A folder takes every kind, whatever its plural is."""
        return native_or_none(api_version, kind) or likely_resource(api_version, kind)

    def versions(self, group: str) -> tuple[str, ...]:
        return ()

    def schema(self, resource: Resource, *, anew: bool = False) -> Node | None:
        return None

    def now(self) -> datetime:
        """The local clock, in UTC."""
        return self._clock()

    def close(self) -> None:
        """Nothing is held open."""


def _described(path: str) -> str:
    if path == STDIN:
        return "standard input"
    return f"the files in {path.rstrip('/')}/" if os.path.isdir(path) else f"the file {path}"


def _labels(manifest: Manifest) -> Manifest:
    return manifest["metadata"].get("labels") or {}


def _key(manifest: Manifest) -> Key:
    kind = full_kind(manifest["apiVersion"], manifest["kind"])
    return Key(kind, namespace_of(manifest), manifest["metadata"]["name"])


_HISTORY = "/metadata/managedFields"


def check_paths(sources: Sequence[str], to: str | None, stdin: str | None) -> None:
    """`UsageError` for what cannot have been meant."""
    for path in sources:
        if path == STDIN and stdin is None:
            raise UsageError("--from -: nothing was read from standard input")
        if path != STDIN and not os.path.lexists(path):
            raise UsageError(f"--from {path}: there is no such file or folder")
    if to is not None and os.path.lexists(to) and not os.path.isdir(to):
        raise UsageError(f"--to {to}: this is no folder")


def check_same(key: Key, there: Manifest | None, wanted: Mapping[str, Any]) -> None:
    """`Conflict` unless what is there has the uid and the resourceVersion that are wanted, where any are."""
    for name, said in (("uid", "is another object by now"), ("resourceVersion", "has changed")):
        if not wanted.get(name):
            continue
        if there is None:
            raise Conflict(f"{key} is gone")
        if there["metadata"][name] != wanted[name]:
            raise Conflict(f"{key} {said}")


_GUARDS = ("/metadata/uid", "/metadata/resourceVersion")


def check_step(key: Key, there: Manifest, step: Manifest) -> None:
    """One step of a JSON patch: a guard is held, a change of managedFields passes, any other is refused.

    A guard is a `test`, or what a server takes as one: a uid or a resourceVersion put in place of itself.
    """
    path = str(step.get("path"))
    if step.get("op") == "test" or path in _GUARDS:
        if _at(there, path) != step.get("value"):
            raise Conflict(f"{key} has changed")
    elif path != _HISTORY and not path.startswith(f"{_HISTORY}/"):
        raise Rejected(f"{key}: in a folder a patch may change {_HISTORY} only, not {path}")


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; None where there is nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
