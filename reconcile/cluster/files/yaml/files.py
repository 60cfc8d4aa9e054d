"""Paths to files to documents: what `--from` and `-f` name."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconcile.cluster.files.yaml.builder import Parsed, own_line
from reconcile.cluster.files.yaml.leftout import is_left_out
from reconcile.cluster.files.yaml.objects import Document, Mistake, Reading, objects_in
from reconcile.cluster.files.yaml.parse import parse

STDIN = "-"
STDIN_NAME = "standard input"
MAX_BYTES = 64 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Found:
    """The files that paths name, what stands in the way of others, and the files that were left out."""

    files: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    left_out: tuple[str, ...] = ()


def read_files(paths: Sequence[str], *, stdin: str | None = None, exclude: Sequence[str] = ()) -> Reading:
    """Every document of the files that these paths name, `-` being the text of `stdin`."""
    found = find_files((path for path in paths if path != STDIN), exclude=exclude)
    readings = [Reading(mistakes=found.mistakes)]
    if STDIN in paths:
        readings.append(read_text(stdin or "", STDIN_NAME))
    readings += [read_file(file) for file in found.files]
    return Reading(
        tuple(document for reading in readings for document in reading.documents),
        tuple(mistake for reading in readings for mistake in reading.mistakes),
        len(found.left_out),
        tuple(map(shown, found.files)),
    )


def find_files(
    paths: Iterable[str], *, ignore: Callable[[str], bool] = lambda path: False, exclude: Sequence[str] = ()
) -> Found:
    """The files that the paths name, each once, and what stands in the way of others.

    A folder is its *.yaml, *.yml and *.json files, those of its subfolders too, in the order of their
    paths; what begins with a dot is passed over, so are a file or a subfolder that `ignore` knows. A link
    out of the folder is not followed, and is a mistake: what it leads to would silently be missing. What a
    glob of `exclude` takes, by its path below the folder, is left out.
    """
    found: dict[str, str] = {}
    left_out: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for path in paths:
        root = path if os.path.isdir(path) else ""
        for file in _files_in(path, ignore) if root else (path,):
            name = file.file if isinstance(file, Mistake) else file
            if name is file and ignore(name):
                continue
            if is_left_out(os.path.relpath(name, root) if root else os.path.normpath(name), exclude):
                left_out.setdefault(os.path.realpath(name), name)
            elif isinstance(file, Mistake):
                mistakes.append(file)
            else:
                found.setdefault(os.path.realpath(file), file)
    return Found(tuple(found.values()), tuple(mistakes), tuple(left_out.values()))


def _files_in(root: str, ignore: Callable[[str], bool]) -> Iterator[str | Mistake]:
    troubles: list[OSError] = []
    inside = os.path.join(os.path.realpath(root), "")
    for folder, folders, names in os.walk(root, onerror=troubles.append):
        below = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in below if not ignore(os.path.join(folder, name))]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        files = [name for name in names if name.endswith(_SUFFIXES) and not name.startswith(".")]
        for name in sorted([*links, *files]):
            path = os.path.normpath(os.path.join(folder, name))
            if not os.path.realpath(path).startswith(inside):
                yield Mistake(
                    shown(path), 0, "a link out of the folder is not followed: name its target instead"
                )
            elif os.path.exists(path) and not os.path.isfile(path) and name not in links:
                yield Mistake(shown(path), 0, "no regular file")
            elif name not in links:
                yield path
    yield from (_trouble(str(error.filename), error) for error in troubles)


def read_file(path: str) -> Reading:
    """Every document of one file."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Reading(mistakes=(_trouble(path, error),))
    if len(data) > MAX_BYTES:
        return Reading(mistakes=(Mistake(shown(path), 0, f"larger than {MAX_BYTES // 1024 // 1024} MiB"),))
    try:
        return read_text(data.decode("utf-8-sig"), shown(path))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return Reading(mistakes=(Mistake(shown(path), line, "not UTF-8: save it as UTF-8"),))


def read_text(text: str, file: str) -> Reading:
    """Every document of a text; `file` is the name that mistakes are told with."""
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    name = os.path.basename(file)
    for parsed in parse(text.removeprefix("\ufeff")):
        for found in objects_in(parsed, name) if isinstance(parsed, Parsed) else (parsed,):
            if isinstance(found, Parsed):
                documents.append(_document(found, file))
            else:
                mistakes.append(Mistake(file, found.line, found.message, found.claim))
    return Reading(tuple(documents), tuple(mistakes))


def shown(path: str) -> str:
    """A path as it can be printed, whatever bytes it has."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _document(parsed: Parsed, file: str) -> Document:
    return Document(parsed.value, file, own_line(parsed.lines), parsed.lines)


def _trouble(path: str, error: OSError) -> Mistake:
    return Mistake(shown(path), 0, f"cannot be read: {error.strerror}")
