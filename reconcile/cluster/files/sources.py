"""The objects in the files of `--from`: read again when a file has changed, found by kind and key."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconcile.cluster.files.defaults import dressed, group_of, namespace_of
from reconcile.cluster.files.yaml import (
    STDIN,
    Document,
    Found,
    Mistake,
    Reading,
    find_files,
    read_file,
    read_text,
)
from reconcile.cluster.port import FromFile
from reconcile.cluster.signature import Signature, signature_of
from reconcile.kube.objects import NamespacedName, Resource


@dataclass(frozen=True)
class Source:
    """One object, and the document that it stands in."""

    document: Document

    @cached_property
    def manifest(self) -> FromFile:
        return FromFile(dressed(self.document.manifest), self.document)


@dataclass(frozen=True)
class KindIndex:
    """The objects of one kind, and what is wrong with some of them."""

    objects: dict[NamespacedName, Source] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


class Sources:
    """What the files say, as of the last `refresh`."""

    def __init__(
        self,
        paths: Sequence[str],
        stdin: str | None,
        ignore: Callable[[str], bool],
        exclude: Sequence[str] = (),
    ) -> None:
        self._paths = tuple(dict.fromkeys(path for path in paths if path != STDIN))
        self._stdin = read_text(stdin or "", "standard input") if STDIN in paths else Reading()
        self._ignore = ignore
        self._exclude = tuple(exclude)
        self._lock = threading.Lock()
        self._readings: dict[str, tuple[Signature | None, Reading]] = {}
        self._found = Found()
        self._kinds: Mapping[tuple[str, str], KindIndex] | None = None

    def refresh(self) -> None:
        """Read what is new or has changed since the last time."""
        with self._lock:
            found = find_files(self._paths, ignore=self._ignore, exclude=self._exclude)
            readings = {file: self._read(file) for file in found.files}
            if readings == self._readings and found == self._found and self._kinds is not None:
                return
            self._readings, self._found = readings, found
            self._kinds = _index([self._stdin, *(reading for _, reading in readings.values())])

    def _read(self, file: str) -> tuple[Signature | None, Reading]:
        # A pipe gives what it has only once.
        signature = signature_of(file) if os.path.isfile(file) else None
        known = self._readings.get(file)
        if known and known[0] == signature and os.path.exists(file):
            return known
        return signature, read_file(file)

    def of(self, resource: Resource) -> KindIndex:
        """The objects of a kind, in whatever version they are written: to a server it is one."""
        if self._kinds is None:
            self.refresh()
        return (self._kinds or {}).get((resource.group, resource.kind), KindIndex())

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What could not be read, of whatever kind it may be, or may not be."""
        readings = (self._stdin, *(reading for _, reading in self._readings.values()))
        return (*self._found.mistakes, *(mistake for reading in readings for mistake in reading.mistakes))

    @property
    def kinds(self) -> Mapping[tuple[str, str], KindIndex]:
        """The objects of every kind."""
        return self._kinds or {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The files that were left out."""
        return self._found.left_out


def _index(readings: Sequence[Reading]) -> Mapping[tuple[str, str], KindIndex]:
    kinds: dict[tuple[str, str], KindIndex] = {}
    for reading in readings:
        for document in reading.documents:
            manifest = document.manifest
            kind = kinds.setdefault((group_of(manifest), manifest["kind"]), KindIndex())
            _add(kind, NamespacedName(namespace_of(manifest), manifest["metadata"]["name"]), document)
    return kinds


def _add(kind: KindIndex, place: NamespacedName, document: Document) -> None:
    first = kind.objects.setdefault(place, Source(document)).document
    if first is not document:
        said = f"{document.manifest['kind']} {place} is in {first.where()} already"
        kind.mistakes.append(Mistake(document.file, document.line, said))
