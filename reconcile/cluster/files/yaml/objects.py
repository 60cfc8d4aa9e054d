"""A parsed document to Kubernetes objects: lists taken apart, what every object must have looked for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.cluster.files.yaml.builder import Bad, Lines, Parsed, follow, own_line, spelling
from reconcile.cluster.files.yaml.claims import ANYTHING, Claim, claim_of
from reconcile.kube.objects import Manifest


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a file, and where; `line` is 0 where it is the file itself.

    `claim` says of which kind the object may be that it is about.
    """

    file: str
    line: int
    message: str
    claim: Claim = field(default=ANYTHING, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@dataclass(frozen=True)
class Document:
    """One object, with the file and the line that it begins on; `lines` are those of its fields."""

    manifest: Manifest
    file: str
    line: int
    lines: Lines = field(default=0, repr=False, compare=False)

    def where(self, path: Sequence[str | int] = ()) -> str:
        """`FILE:LINE` of the object, or of a field such as `("spec", "env", 0)`, or the nearest above it."""
        return f"{self.file}:{own_line(follow(self.lines, path)) if path else self.line}"

    def spelled(self, path: Sequence[str | int]) -> str:
        """How a field that is not text is written, such as `0123`; empty where it is text, or no scalar."""
        return spelling(follow(self.lines, path))


@dataclass(frozen=True)
class Reading:
    """What came of reading: the objects, and the mistakes. Without mistakes it is whole.

    `left_out` counts the files that were not read; `files` are the names of those that were.
    """

    documents: tuple[Document, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    left_out: int = 0
    files: tuple[str, ...] = ()


def objects_in(parsed: Parsed, name: str) -> Iterator[Parsed | Bad]:
    """The objects of one document of the file of this name: none in an empty one, every item of a List."""
    value = parsed.value
    if value is None:
        return
    if isinstance(value, dict) and _is_list(value):
        yield from _items(value, parsed.lines, name)
    else:
        mistakes = tuple(_mistakes(value, parsed.lines))
        yield from (replace(bad, claim=claim_of(value, name)) for bad in mistakes)
        if not mistakes:
            yield parsed


def _is_list(value: Mapping[str, Any]) -> bool:
    return "items" in value and isinstance(value.get("kind"), str) and value["kind"].endswith("List")


def _items(value: Mapping[str, Any], lines: Lines, name: str) -> Iterator[Parsed | Bad]:
    items, metadata, claim = value["items"], value.get("metadata"), claim_of(value, name)
    if items is not None and not isinstance(items, list):
        yield Bad(_line(lines, "items"), "items is no list", claim)
        return
    if isinstance(metadata, dict) and metadata.get("continue"):
        yield Bad(
            _line(lines, "metadata", "continue"), "one page of a longer list: save the whole list", claim
        )
    for index, item in enumerate(items or ()):
        yield from objects_in(Parsed(_whole_item(item, value), follow(lines, ("items", index))), name)


def _whole_item(item: Any, above: Mapping[str, Any]) -> Any:
    """The items of a typed list, as the API server sends it, leave out what the list says for all."""
    kind = above["kind"].removesuffix("List")
    if isinstance(item, dict) and kind and "kind" not in item and "apiVersion" not in item:
        return {"apiVersion": above.get("apiVersion"), "kind": kind, **item}
    return item


def _mistakes(value: Any, lines: Lines) -> Iterator[Bad]:
    if not isinstance(value, dict):
        yield Bad(own_line(lines), "no Kubernetes object: it has no apiVersion, kind and metadata")
        return
    for name in ("apiVersion", "kind"):
        if not _is_text(value.get(name)):
            yield _no_text(lines, name) or Bad(_line(lines, name), f"a document without {name}")
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not _is_text(metadata.get("name")):
        yield _no_text(lines, "metadata", "name") or Bad(
            _line(lines, "metadata", "name"), "a document without metadata.name"
        )
    else:
        yield from _metadata_mistakes(metadata, lines)


def _metadata_mistakes(metadata: Mapping[str, Any], lines: Lines) -> Iterator[Bad]:
    """What no API server would have let in, and whoever reads metadata may rely on."""
    for name in _TEXTS:
        if not isinstance(metadata.get(name), str | None):
            yield _no_text(lines, "metadata", name) or Bad(
                _line(lines, "metadata", name), f"metadata.{name} is no text"
            )
    for name in ("labels", "annotations"):
        yield from _text_map_mistakes(metadata.get(name), name, lines)
    for name in ("ownerReferences", "managedFields"):
        value = metadata.get(name)
        if value is not None and not (isinstance(value, list) and all(isinstance(i, dict) for i in value)):
            yield Bad(_line(lines, "metadata", name), f"metadata.{name} is no list of mappings")


_TEXTS = ("namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")


def _text_map_mistakes(value: Any, name: str, lines: Lines) -> Iterator[Bad]:
    if value is not None and not isinstance(value, dict):
        yield Bad(_line(lines, "metadata", name), f"metadata.{name} is no mapping")
        return
    texts: dict[str, Any] = value or {}
    for key, text in texts.items():
        if text is None:
            texts[key] = ""  # as an API server reads it
        elif not isinstance(text, str):
            said = f"metadata.{name}: the value of {json.dumps(key)} is no text to Kubernetes"
            yield Bad(_line(lines, "metadata", name, key), f"{said}{_quotes(lines, 'metadata', name, key)}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _no_text(lines: Lines, *path: str) -> Bad | None:
    """What is there, and is a number, true or false."""
    quotes = _quotes(lines, *path)
    return Bad(_line(lines, *path), f"{'.'.join(path)} is no text to Kubernetes{quotes}") if quotes else None


def _quotes(lines: Lines, *path: str) -> str:
    text = spelling(follow(lines, path))
    return f": put it in quotes: {json.dumps(text)}" if text not in _NULLS else ""


_NULLS = ("", "~", "null", "Null", "NULL")


def _line(lines: Lines, *path: str) -> int:
    return own_line(follow(lines, path))
