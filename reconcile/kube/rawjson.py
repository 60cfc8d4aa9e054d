"""Objects that stay JSON: a part is decoded when somebody asks for it, and forgotten after a while.

Of an unchanged child a pass looks at a few labels, and at the bytes of the rest; ten thousand previews with
their children, decoded, would take several times the memory and the time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self, TypeVar

import msgspec

from reconcile.errors import ServerTrouble
from reconcile.kube.nesting import decoded

T = TypeVar("T")
Text = bytes | msgspec.Raw
"""JSON that nobody has decoded yet; both are buffers."""

NULL = b"null"
AT_HAND = 1024
"""So many parts stay decoded, those that were asked for last."""
LARGE, LARGE_AT_HAND = 16 * 1024, 16
"""Of objects with more bytes, so many."""

# Made here, by one thread: two that decode a type for the first time at once can crash msgspec 0.22.
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


_ABSENT = msgspec.Raw(NULL)
_NONE_KNOWN: Mapping[str, Any] = {}


class Head(msgspec.Struct):
    """Of metadata what is looked at most: "" where there is none, the labels as JSON."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    labels: msgspec.Raw = _ABSENT


_TEXTS = frozenset(Head.__struct_fields__) - {"labels"}


class _Opened(msgspec.Struct):
    """Of an object what is looked at first; all else waits until somebody asks for it."""

    metadata: Head
    spec: msgspec.Raw = _ABSENT


class _Page(msgspec.Struct):
    items: list[_Opened]


class _Whole(msgspec.Struct):
    metadata: msgspec.Raw


_OPENED = msgspec.json.Decoder(_Opened)
_PAGE = msgspec.json.Decoder(_Page)
_WHOLE = msgspec.json.Decoder(_Whole)
_HEAD = msgspec.json.Decoder(Head)


class Sent(Mapping[str, Any]):
    """A JSON object as text. It equals the mapping that decoding all of it gives, with `known` in its place.

    Reading a part raises ServerTrouble where that part cannot be read (a number that no machine can hold).
    """

    __slots__ = ("_known", "_text")

    def __init__(self, text: Text, known: Mapping[str, Any] = _NONE_KNOWN) -> None:
        self._text = text
        self._known = known

    __hash__ = object.__hash__  # of this one, and not of what it says: that is what is at hand

    def __getitem__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if name in _fields(self):
            return _part(self, name)
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict has it; the one that `Mapping` brings along asks by way of an exception."""
        if name in self._known:
            return self._known[name]
        return _part(self, name) if name in _fields(self) else default

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in _fields(self)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **_fields(self)})

    def __len__(self) -> int:
        return len({**self._known, **_fields(self)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self)})"  # no values: there may be secrets among them

    @property
    def text(self) -> Text:
        """All of it, without what is known apart."""
        return self._text

    def text_of(self, name: str) -> Text:
        """A part as JSON; `null` where it is not there."""
        return _fields(self).get(name, NULL)


def _at_hand(read: Callable[..., T]) -> Callable[..., T]:
    """What is read of a text is kept at hand, but of few large ones: it keeps the text, too."""
    small, large = lru_cache(maxsize=AT_HAND)(read), lru_cache(maxsize=LARGE_AT_HAND)(read)

    def remembered(sent: Sent, *name: str) -> T:
        is_large = memoryview(sent._text).nbytes > LARGE
        return large(sent, *name) if is_large else small(sent, *name)

    return remembered


@_at_hand
def _fields(sent: Sent) -> Mapping[str, msgspec.Raw]:
    return decoded(_FIELDS, sent.text)


@_at_hand
def _part(sent: Sent, name: str) -> Any:
    return _decoded(sent.text_of(name), name)


def _decoded(text: Text, name: str) -> Any:
    try:
        return decoded(_VALUE, text)
    except msgspec.DecodeError as error:
        raise ServerTrouble(f"the API server has sent a {name} that cannot be read: {error}") from error


class _Metadata(Sent):
    """The metadata of an object; found in its text when somebody asks for what the head does not have."""

    __slots__ = ("head",)

    def __init__(self, whole: Text, head: Head) -> None:
        super().__init__(whole)
        self.head = head

    @property
    def text(self) -> Text:
        return decoded(_WHOLE, self._text).metadata

    def __getitem__(self, name: str) -> Any:
        return (name in _TEXTS and getattr(self.head, name)) or super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict has it."""
        if name == "labels":
            return default if self.head.labels is _ABSENT else _decoded(self.head.labels, name)
        return (name in _TEXTS and getattr(self.head, name)) or super().get(name, default)


class SentObject(Sent):
    """A Kubernetes object as text; its metadata are one as well. `known` has `apiVersion` and `kind`."""

    __slots__ = ("_metadata", "_spec")

    def __init__(self, text: Text, known: Mapping[str, Any], opened: _Opened | None = None) -> None:
        super().__init__(text, known)
        self._metadata: Sent | None = _Metadata(text, opened.metadata) if opened else None
        self._spec = opened.spec if opened else _ABSENT

    def opened(self) -> Self:
        """The same, found to have metadata. Raises msgspec.DecodeError where there are none."""
        opened = decoded(_OPENED, self._text)
        self._spec = opened.spec
        self._metadata = _Metadata(self._text, opened.metadata)
        return self

    def __getitem__(self, name: str) -> Any:
        return self._opened_metadata() if name == "metadata" else super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict has it."""
        if name == "metadata":
            return self._opened_metadata()
        if name != "spec":
            return super().get(name, default)
        return default if self.text_of(name) is _ABSENT else _part(self, name)

    def text_of(self, name: str) -> Text:
        """A part as JSON; `null` where it is not there."""
        if name != "spec":
            return super().text_of(name)
        self._opened_metadata()
        return self._spec

    def decoded(self) -> dict[str, Any]:
        """All of it, decoded at once: for where most of its parts will be asked for.

        Raises ServerTrouble where any part cannot be read.
        """
        return {**_decoded(self._text, self._known["kind"]), **self._known}

    def _opened_metadata(self) -> Sent:
        return self._metadata if self._metadata is not None else self.opened()._opened_metadata()


def opened_items(page: bytes, texts: Sequence[Text], known: Mapping[str, Any]) -> list[SentObject]:
    """The objects of a list, with what is looked at first found in all of them at once.

    Raises msgspec.DecodeError where one has no metadata.
    """
    parts = decoded(_PAGE, page).items
    return [SentObject(text, known, opened) for text, opened in zip(texts, parts, strict=True)]


def decoded_whole(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object, all of it decoded: for where most of its parts will be asked for."""
    return manifest.decoded() if isinstance(manifest, SentObject) else manifest


def plain(value: Any) -> Any:
    """The same, all of it decoded: what is made of JSON's own types, and may be changed."""
    if isinstance(value, SentObject):
        return value.decoded()
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def text_of(manifest: Mapping[str, Any], name: str) -> Text:
    """One part of an object as JSON, `null` where it is not; written anew where the object was decoded."""
    return manifest.text_of(name) if isinstance(manifest, Sent) else _encode(manifest.get(name))


def head_of(metadata: Mapping[str, Any]) -> Head:
    """What is looked at most of these metadata; written anew where they were decoded."""
    return metadata.head if isinstance(metadata, _Metadata) else _HEAD.decode(_encode(plain(metadata)))
