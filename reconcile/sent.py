"""Objects as an API server sent them: each part is decoded when somebody asks for it, and then kept.

Of an unchanged child a pass looks at a few labels, and at the bytes of the rest.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconcile.errors import ServerTrouble

Text = bytes | msgspec.Raw
"""JSON that nobody has decoded yet; both are buffers."""

# Made here, by one thread: two that decode a type for the first time at once can crash msgspec 0.22.
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode

NULL = b"null"


class Sent(Mapping[str, Any]):
    """A JSON object as it was sent. It equals the mapping that decoding all of it would give.

    `known` are values that stand in place of what was sent. Reading a part raises ServerTrouble where that
    part cannot be read (a number that no machine can hold).
    """

    __slots__ = ("_known", "_raw")

    def __init__(self, raw: Mapping[str, msgspec.Raw], known: dict[str, Any]) -> None:
        self._raw = raw
        self._known = known

    def __getitem__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        try:
            value = self._known[name] = _VALUE.decode(self._raw[name])
        except msgspec.DecodeError as error:
            raise ServerTrouble(f"the API server has sent a {name} that cannot be read: {error}") from error
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict has it; the one that `Mapping` brings along asks by way of an exception."""
        return self[name] if name in self._known or name in self._raw else default

    def __iter__(self) -> Iterator[str]:
        yield from self._known
        yield from (name for name in self._raw if name not in self._known)

    def __len__(self) -> int:
        return len({*self._known, *self._raw})

    def __repr__(self) -> str:
        return f"Sent({', '.join(self)})"  # no values: there may be secrets among them

    def bytes_of(self, name: str) -> Text:
        """The JSON text of a part; `null` where there is none."""
        return self._raw.get(name, NULL)


def sent_object(text: Text, **known: Any) -> Sent:
    """An object and its `metadata`, both undecoded.

    Raises msgspec.DecodeError, also where the metadata are no object, or are not there.
    """
    raw = _FIELDS.decode(text)
    metadata = Sent(_FIELDS.decode(raw.get("metadata", NULL)), {})
    return Sent(raw, {**known, "metadata": metadata})


def json_of(manifest: Mapping[str, Any], name: str) -> Text:
    """The JSON text of one part of an object: as it was sent, or written anew where it was not sent."""
    return manifest.bytes_of(name) if isinstance(manifest, Sent) else _encode(manifest.get(name))


def fields_in(text: Text) -> Mapping[str, msgspec.Raw]:
    """The parts of a JSON object, undecoded. Raises msgspec.DecodeError for what is none."""
    return _FIELDS.decode(text)
