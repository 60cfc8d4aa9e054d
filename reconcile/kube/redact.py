"""What a server says of an object, without the values of env, args, command and data in it; pure.

A value that is also a name in the object, such as an argument that is the preview's own name, is shown.

Of a custom resource nobody knows which of its texts are secrets: none is shown, but for images.

An admission policy or a webhook may quote any of them in its refusal.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, groupby
from typing import Any

from reconcile.kube.objects import Manifest, is_custom, is_map, map_in

HIDDEN = "(not shown)"
PIECE = 8
"""So many characters of a value in a row are enough: it may be cut, or broken by escapes."""
SHORTEST = 4
"""What is shorter (`80`, `-c`) is in every text, and no secret."""

DATA = ("data", "stringData", "binaryData")
"""Where ConfigMaps and Secrets have their values."""

OPEN = frozenset({"apiVersion", "kind", "metadata", "status"})
"""The fields of a custom resource that hold no secrets."""

_NAMES = frozenset({"name", "namespace", "image", "host", "hostname", "hostnames", "secretName", "claimName"})
_BETWEEN_NAMES = re.compile(r"(https?:/)?[-/.:]*")
"""What may stand before, between and after names, such as in `shop/pr-1` and `https://pr-1.example.com`."""


def redacted(message: str, *manifests: Manifest) -> str:
    """The message without any value, or piece of one, that `secret_values` finds in these manifests.

    A value of 4 to 7 characters is found where it stands as a word. What is also a name in these manifests
    is no secret: it is shown, but for a name within a longer value.
    """
    values = {form for manifest in manifests for value in secret_values(manifest) for form in _forms(value)}
    found = _found(message, "\n".join(value for value in values if len(value) >= PIECE))
    for short in (value for value in values if SHORTEST <= len(value) < PIECE):
        for start, end in _words(short, message):
            found[start:end] = [True] * len(short)
    return _without(message, found, manifests) if any(found) else message


def secret_values(manifest: Manifest) -> Iterator[str]:
    """Every value of env, args and command in the pods of a workload, every one that a ConfigMap or a Secret
    has as its data, and every text of a custom resource that is no image.
    """
    found = chain(_of_pods(manifest), _of_custom(manifest) if is_custom(manifest) else ())
    yield from (value for value in found if isinstance(value, str))
    for value in (value for name in DATA for value in map_in(manifest.get(name)).values()):
        if isinstance(value, str):
            yield value
            yield from _decoded(value)


def _of_pods(manifest: Manifest) -> Iterator[Any]:
    """Also those of a probe or a hook."""
    spec = map_in(manifest.get("spec"))
    job = map_in(map_in(spec.get("jobTemplate")).get("spec"))  # a CronJob's
    for name, value in _below(*(map_in(owner.get("template")).get("spec") for owner in (spec, job))):
        if name in ("args", "command"):
            yield value
        elif name == "env":
            yield map_in(value).get("value")


def _of_custom(manifest: Manifest) -> Iterator[Any]:
    closed = {name: value for name, value in manifest.items() if name not in OPEN}
    return (value for name, value in _below(closed) if name != "image")


def _below(*values: Any) -> Iterator[tuple[str, Any]]:
    """These values and all that is in them, each with the name of its field; an item has that of its list."""
    found = [("", value) for value in values]
    while found:
        name, value = found.pop()
        yield name, value
        if is_map(value):
            found += value.items()
        elif isinstance(value, list | tuple):
            found += [(name, item) for item in value]


def _decoded(value: str) -> Iterator[str]:
    """What a value of a Secret says, once decoded, where it is text in base64; else nothing."""
    with suppress(ValueError):  # not base64, or no text
        yield base64.b64decode(value, validate=True).decode()


def _forms(value: str) -> Iterable[str]:
    """A value as it is, on one line, and as Go and JSON write it in quotes."""
    return (
        value,
        " ".join(value.split()),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    )


def _names_in(manifest: Manifest) -> Iterator[str]:
    """The names by which an object, its pods and what belongs to them are known, hostnames and images."""
    spec = map_in(manifest.get("spec"))
    around = [map_in(owner.get("metadata")) for owner in (manifest, map_in(spec.get("template")))]
    parts = [*({**metadata, "annotations": None} for metadata in around), {} if is_custom(manifest) else spec]
    named = (value for name, value in _below(*parts) if name in _NAMES)
    labels = (value for metadata in around for value in map_in(metadata.get("labels")).values())
    yield from (value for value in chain(named, labels) if value and isinstance(value, str))


def _words(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Where this stands in a text as a word."""
    return (match.span() for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text))


def _found(message: str, blob: str) -> list[bool]:
    """For every character of the message, whether it belongs to a piece of the blob."""
    found = [False] * len(message)
    for start in range(len(message) - PIECE + 1):
        if message[start : start + PIECE] in blob:
            found[start : start + PIECE] = [True] * PIECE
    for end in (at.start() for at in re.finditer("…", message)):  # what was cut may have left a shorter piece
        for length in range(PIECE - 1, SHORTEST - 1, -1):
            if end >= length and message[end - length : end] in blob:
                found[end - length : end] = [True] * length
                break
    return found


def _without(message: str, found: list[bool], manifests: Iterable[Manifest]) -> str:
    """The message without what is found in it, unless that is nothing but names."""
    names = {name for manifest in manifests for name in _names_in(manifest)}
    named = {at for name in names for span in _words(name, message) for at in range(*span)}
    text = ""
    for hide, run in groupby(range(len(message)), found.__getitem__):
        at = list(run)
        rest = "".join(message[place] for place in at if place not in named)
        only_names = not named.isdisjoint(at) and _BETWEEN_NAMES.fullmatch(rest)
        text += HIDDEN if hide and not only_names else message[at[0] : at[-1] + 1]
    return text
