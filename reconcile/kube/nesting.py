"""JSON that is nested deeper than any decoder goes: what an author may write into managedFields."""

import re
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

MAX_DEPTH = 100
"""No Kubernetes object is nested so deeply; an API server takes up to 10,000 levels."""

T_co = TypeVar("T_co", covariant=True)

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


class Decoder(Protocol[T_co]):
    """What is used of msgspec's Decoder."""

    def decode(self, text: Any, /) -> T_co: ...


def decoded(decoder: Decoder[T_co], text: Any) -> T_co:
    """What the decoder makes of the text; where that is nested too deeply, of the text without its depths.

    One object must not keep all others from being read.
    """
    try:
        return decoder.decode(text)
    except RecursionError:
        return decoder.decode(shallow(bytes(text)))


def shallow(text: bytes, depth: int = MAX_DEPTH) -> bytes:
    """The text with `null` in the place of every object and list that lies below so many others."""
    return b"".join(_pieces(text, depth))


def _pieces(text: bytes, most: int) -> Iterator[bytes]:
    level, kept = 0, 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case b"{" | b"[":
                level += 1
                if level == most + 1:
                    yield text[kept : token.start()] + b"null"
            case b"}" | b"]":
                level -= 1
                if level == most:
                    kept = token.end()
    yield text[kept:] if level <= most else b""
