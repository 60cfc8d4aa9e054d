"""The folder of `--templates`, read and checked."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace

from reconcile.cluster.files.yaml import Document, Reading, read_files
from reconcile.cluster.files.yaml.builder import Lines, own_line
from reconcile.desire.templates.load import Document as Loadable
from reconcile.desire.templates.load import load
from reconcile.errors import UsageError
from reconcile.kube.check import Location
from reconcile.model.settings import Settings

TRIES = 20
PAUSE = 0.05
"""Seconds: the kubelet takes less for all of it."""


def with_templates(settings: Settings, folder: str) -> Settings:
    """The settings with the templates in a folder: its YAML and JSON files, in the order of their names.

    What begins with a dot is passed over, as in a mounted ConfigMap. UsageError with a line for each problem.
    """
    if not os.path.isdir(folder):
        raise UsageError(f"--templates {folder}: is not a folder; name the one with the documents")
    reading = _read_at_once(folder)
    templates, problems = load(map(loadable, reading.documents), settings)
    found = [*map(str, reading.mistakes), *_nested(reading.documents, folder), *problems, *_empty(reading)]
    if found:
        raise UsageError("\n".join(found))
    if not templates:
        raise UsageError(f"--templates {folder}: has no document; for no templates, pass --templates none")
    return replace(settings, templates=templates)


def _read_at_once(folder: str) -> Reading:
    """All files as they were at one moment: a document that is in none of them loses its children.

    A mounted ConfigMap is changed by its link `..data`, and then file by file:
    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """
    for _ in range(TRIES):
        before = _mounted(folder)
        reading = read_files((folder,))
        if before == _mounted(folder) and before[1]:
            return reading
        time.sleep(PAUSE)
    raise UsageError(f"--templates {folder}: is being changed all the time; run again")


def _mounted(folder: str) -> tuple[str, bool]:
    """The version of a ConfigMap that is mounted here, and whether its files are what is seen of it by now;
    "" for any other folder."""
    link = os.path.join(folder, "..data")
    try:
        version, names = os.readlink(link), set(os.listdir(link))
    except OSError:
        return "", True
    seen = {name for name in os.listdir(folder) if not name.startswith("..")}
    return version, names <= seen and all(os.path.exists(os.path.join(folder, name)) for name in seen)


def _nested(documents: tuple[Document, ...], folder: str) -> Iterator[str]:
    for file in sorted({document.file for document in documents}):
        if os.path.dirname(file) != os.path.normpath(folder):
            yield f"{file}: in a folder below {folder}, which a ConfigMap cannot have; move it up"


def _empty(reading: Reading) -> Iterator[str]:
    """A file without a document may be one that somebody is writing at this moment."""
    others = {one.file for one in reading.documents} | {one.file for one in reading.mistakes}
    return (f"{file}: has no document; remove the file" for file in reading.files if file not in others)


def loadable(document: Document) -> Loadable:
    """A document as it is checked: with the line of each of its fields."""
    lines = dict(_flat((), document.lines))
    return Loadable(document.manifest, document.file, {**lines, (): document.line})


def _flat(path: Location, lines: Lines) -> Iterator[tuple[Location, int]]:
    """The line of each field, by its path."""
    yield path, own_line(lines)
    if isinstance(lines, dict):
        for name, below in lines.items():
            if name is not None:
                yield from _flat((*path, name), below)
    elif isinstance(lines, list):
        for at, below in enumerate(lines[1:]):
            yield from _flat((*path, at), below)
