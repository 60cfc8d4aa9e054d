"""The folder of `--to`: one file for each child, and which files there are ours.

A file is ours when it has the name that we would give it, its first line is our header, and it holds one
document, of the object that its name says. Of any other file nothing is read but that first line; where it
has a name that we need, it is in the way.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.cluster.atomic import remove_abandoned, replace_file
from reconcile.cluster.files.defaults import bare, dressed, dressed_as_ours, group_of
from reconcile.cluster.files.yaml import Document, Mistake, dump, read_file
from reconcile.cluster.signature import Signature
from reconcile.errors import ClusterError, Forbidden, Rejected, ServerTrouble
from reconcile.kube.objects import Key, Manifest, Resource, key_of
from reconcile.model import rules

_SUFFIX = ".yaml"


def check_names(kind: str, namespace: str, name: str) -> None:
    """A name goes into a path, so only what Kubernetes takes for a name will do; else `Rejected`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """
    if rules.NAMESPACE.problem(namespace):
        raise Rejected(f"{kind} {namespace!r}/{name!r}: the namespace is no Kubernetes name")
    if rules.OBJECT_NAME.problem(name):
        raise Rejected(f"{kind} {namespace!r}/{name!r}: the name is no Kubernetes name")


@dataclass(frozen=True)
class Held:
    """What is in the place of a child's file: ours with its document, or a file in the way.

    `mistake` is what is wrong with a file that has our header and cannot be read.
    """

    manifest: Manifest
    document: Document | None = None
    mistake: Mistake | None = None

    @property
    def ours(self) -> bool:
        return self.document is not None


class Folder:
    """The children's files in one folder. `manager` parts two installations that share it."""

    def __init__(self, path: str, manager: str) -> None:
        self._path = path
        self._manager = manager
        self._known: dict[str, tuple[Signature, Held]] = {}
        self._tidy = False

    @property
    def header(self) -> str:
        return f"# Written by {self._manager}; edits are overwritten."

    def file_of(self, key: Key) -> str:
        """The file that the object has; `Rejected` when its namespace or name is no Kubernetes name."""
        check_names(*key)
        return os.path.join(self._path, f"{key.namespace}.{_in_name(key.kind)}.{key.name}{_SUFFIX}")

    def is_ours(self, path: str) -> bool:
        """Whether `--from` shall leave this to `--to`: the folder itself, or a file of ours in it."""
        here = os.path.realpath(self._path)
        if os.path.isdir(path):
            return os.path.realpath(path) == here
        in_here = os.path.realpath(os.path.dirname(path) or ".") == here
        return in_here and _named(os.path.basename(path)) is not None and self._has_header(path)

    def names(self, resource: Resource) -> Iterator[Key]:
        """The objects of this kind that have a file, ours or in the way."""
        try:
            files = sorted(os.listdir(self._path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _trouble(self._path, error) from error
        for file in files:
            named = _named(file)
            if named and named[1] == _in_name(resource.full_kind):
                yield Key(resource.full_kind, named[0], named[2])

    def ours(self) -> Iterator[Manifest]:
        """Each object that has a file of ours here."""
        files = sorted(os.listdir(self._path)) if os.path.isdir(self._path) else []
        paths = [os.path.join(self._path, file) for file in files if _named(file)]
        for path in filter(self._has_header, paths):
            yield from (document.manifest for document in read_file(path).documents)

    def held(self, resource: Resource, key: Key) -> Held | None:
        """What is in the place of this object's file; None when the place is free."""
        path = self.file_of(key)
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _trouble(path, error) from error
        signature = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._known.get(path)
        if known is None or known[0] != signature:
            known = (signature, self._look(path, stat.S_ISREG(found.st_mode), resource, key))
            self._known[path] = known
        return known[1]

    def _look(self, path: str, regular: bool, resource: Resource, key: Key) -> Held:
        if not regular or not self._has_header(path):
            return Held(_stand_in(resource, key))
        reading = read_file(path)
        if reading.mistakes:
            return Held(_stand_in(resource, key), mistake=reading.mistakes[0])
        if len(reading.documents) != 1:
            return Held(_stand_in(resource, key))
        document = reading.documents[0]
        if not _is(document.manifest, resource, key):
            return Held(_stand_in(resource, key))
        return Held(dressed_as_ours(bare(document.manifest), self._manager), document)

    def _has_header(self, path: str) -> bool:
        header = self.header.encode()
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                return file.readline(len(header) + 2).rstrip(b"\r\n") == header
        except OSError:
            return False

    def tidy(self) -> None:
        """Remove, once, what runs that were killed have left here."""
        if not self._tidy:
            self._tidy = True
            remove_abandoned(self._path)

    def write(self, manifest: Manifest) -> None:
        """Put the object into its file, whole or not at all. `Rejected` when a file is in the way."""
        path = self.file_of(key_of(manifest))
        try:
            text = f"{self.header}\n{dump(manifest)}"
        except ValueError as error:
            raise Rejected(f"{key_of(manifest)}: {error}") from error
        try:
            os.makedirs(self._path, exist_ok=True)
            replace_file(path, text)
        except OSError as error:
            raise _trouble(path, error) from error
        self._known.pop(path, None)

    def remove(self, key: Key) -> None:
        """Take the object's file away."""
        path = self.file_of(key)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _trouble(path, error) from error


def _in_name(kind: str) -> str:
    """A full kind as the name of a file has it, in which dots part it from what is beside it."""
    return kind.lower().replace(".", "_")


def _named(file: str) -> tuple[str, str, str] | None:
    """Namespace, kind in lower case and name, where a file is called as ours are."""
    parts = file.removesuffix(_SUFFIX).split(".", 2)
    if not file.endswith(_SUFFIX) or len(parts) != 3 or rules.NAMESPACE.problem(parts[0]):
        return None
    return None if rules.OBJECT_NAME.problem(parts[2]) else (parts[0], parts[1], parts[2])


def _is(manifest: Manifest, resource: Resource, key: Key) -> bool:
    metadata = manifest["metadata"]
    there = (group_of(manifest), manifest["kind"], metadata.get("namespace"), metadata["name"])
    return there == (resource.group, resource.kind, key.namespace, key.name)


def _stand_in(resource: Resource, key: Key) -> Manifest:
    """An object in whose place a file is that is not ours: nothing about it says that it is a child."""
    metadata = {"namespace": key.namespace, "name": key.name}
    return dressed({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata})


def _trouble(path: str, error: OSError) -> ClusterError:
    kind = Forbidden if isinstance(error, PermissionError) else ServerTrouble
    return kind(f"{path}: {error.strerror}")
