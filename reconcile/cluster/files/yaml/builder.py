"""A parser's events to JSON trees: nothing recurses, depth and aliases are bounded while the text is read.

`yaml.compose` makes nodes with lines of its own, but recurses in C: 200,000 brackets end the interpreter.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeAlias, cast

import yaml

from reconcile.cluster.files.yaml.claims import ANYTHING, Claim
from reconcile.cluster.files.yaml.scalars import MERGE, UNKNOWN_TAG, key_text, plain_value, tagged_value


@dataclass(frozen=True, slots=True)
class Spelled:
    """The line of a scalar that is not text, and how its author wrote it: `0123` is 83."""

    line: int
    text: str


Lines: TypeAlias = "int | Spelled | dict[str | None, Lines] | list[Lines]"
"""The line of a scalar; of a mapping `{None: its own line, field: Lines, …}`; of a list
`[its own line, Lines of the first item, …]`. What an alias stands for has the line of the alias."""


def own_line(lines: Lines) -> int:
    """The line of a value itself."""
    if isinstance(lines, dict):
        return cast(int, lines[None])
    if isinstance(lines, list):
        return cast(int, lines[0])
    return lines.line if isinstance(lines, Spelled) else lines


def spelling(lines: Lines) -> str:
    """How a scalar that is not text is written; empty for anything else."""
    return lines.text if isinstance(lines, Spelled) else ""


def move_to(lines: Lines, line: int) -> Lines:
    """A field begins where its name stands, not where its value does."""
    if isinstance(lines, dict):
        lines[None] = line
    elif isinstance(lines, list):
        lines[0] = line
    else:
        return Spelled(line, lines.text) if isinstance(lines, Spelled) else line
    return lines


def follow(lines: Lines, path: Sequence[str | int]) -> Lines:
    """The lines of what stands at the path, or of the nearest thing above it that is there."""
    for step in path:
        if isinstance(lines, dict) and isinstance(step, str) and step in lines:
            lines = lines[step]
        elif isinstance(lines, list) and isinstance(step, int) and 0 <= step < len(lines) - 1:
            lines = lines[step + 1]
        else:
            break
    return lines


MAX_DEPTH = 200
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
# What all aliases of one file may stand for, in values and characters. etcd keeps no object over 1.5 MiB.
MAX_EXPANSION = 4 * 1024 * 1024

_CONTAINER_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True)
class Parsed:
    """One document that reads as a JSON tree."""

    value: Any
    lines: Lines


@dataclass(frozen=True)
class Bad:
    """What is wrong, on which line, and with an object of which kind, as far as that is known."""

    line: int
    message: str
    claim: Claim = ANYTHING


class Stop(Exception):
    """The rest of the text is not worth reading; `Builder.mistakes` says why."""


class _Key:
    """What a mapping has in place of a key that is text."""


_NONE = _Key()
_LOST = _Key()
_MERGED = _Key()


@dataclass
class _Open:
    """A mapping or a list that is being read."""

    value: Any
    lines: Any
    anchor: str | None
    cost_before: int
    height: int = 1
    key: str | _Key = _NONE
    key_line: int = 0
    merges: list[tuple[Any, int]] = field(default_factory=list)

    @property
    def wants_key(self) -> bool:
        return self.key is _NONE and isinstance(self.value, dict)


class _Anchor(NamedTuple):
    """What an alias stands for: the value, its values and characters, and how many levels it has."""

    value: Any
    cost: int
    height: int


class Builder:
    """Takes events, holds what is open, gives documents."""

    def __init__(self) -> None:
        self.mistakes: list[Bad] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchor] = {}
        self._cost = 0
        self._expanded = 0
        self._root: Parsed | None = None

    def finish(self) -> Iterator[Parsed | Bad]:
        """The document that has just ended, or what is wrong in it."""
        if self.mistakes:
            yield from self.mistakes
        elif self._root is not None:
            yield self._root
        self.mistakes, self._root, self._anchors = [], None, {}

    def take(self, event: yaml.Event) -> None:
        """One event more; `Stop` when a bound is passed."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _bad(self, line: int, message: str) -> None:
        self.mistakes.append(Bad(line, message))

    def _stop(self, line: int, message: str) -> NoReturn:
        self._bad(line, message)
        raise Stop

    def _scalar(self, event: Any) -> None:
        line, text = event.start_mark.line + 1, event.value
        self._cost += 1 + len(text)
        if self._open and self._open[-1].wants_key and text == MERGE and event.implicit[0]:
            self._open[-1].key, self._open[-1].key_line = _MERGED, line
            return
        value = self._scalar_value(event, line)
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(value, 1 + len(text), 0)
        self._put(value, line if isinstance(value, str) else Spelled(line, text), line, text)

    def _scalar_value(self, event: Any, line: int) -> Any:
        try:
            if event.tag is not None:
                return tagged_value(event.tag, event.value)
            return plain_value(event.value) if event.implicit[0] else event.value
        except ValueError as error:
            self._bad(line, str(error))
            return None

    def _start(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if len(self._open) >= MAX_DEPTH:
            self._stop(line, TOO_DEEP)
        if event.tag not in _CONTAINER_TAGS:
            self._bad(line, UNKNOWN_TAG)
        self._cost += 1
        if isinstance(event, yaml.MappingStartEvent):
            self._open.append(_Open({}, {None: line}, event.anchor, self._cost))
        else:
            self._open.append(_Open([], [line], event.anchor, self._cost))

    def _end(self) -> None:
        done = self._open.pop()
        for merged, line in done.merges:
            self._merge(done, merged, line)
        if done.anchor:
            cost = self._cost - done.cost_before + 1
            self._anchors[done.anchor] = _Anchor(done.value, cost, done.height)
        self._put(done.value, done.lines, own_line(done.lines), height=done.height)

    def _merge(self, into: _Open, merged: Any, line: int) -> None:
        """`<<`: what is written out wins, then the mappings in their order."""
        sources = merged if isinstance(merged, list) else [merged]
        if not all(isinstance(source, dict) for source in sources):
            self._bad(line, "<< takes a mapping, or a list of mappings")
            return
        for source in sources:
            for name in source.keys() - into.value.keys():
                into.lines[name] = line
            into.value.update({name: value for name, value in source.items() if name not in into.value})

    def _alias(self, event: Any) -> None:
        line, name = event.start_mark.line + 1, str(event.anchor)
        if name not in self._anchors:  # its name is not told: it may be a password without quotes
            self._bad(
                line,
                "the alias has no anchor before it, or lies within its own; "
                "a text that begins with * takes quotes",
            )
        value, cost, height = self._anchors.get(name, (None, 0, 0))
        if len(self._open) + height > MAX_DEPTH:
            self._stop(line, TOO_DEEP)
        self._cost += cost
        self._expanded += cost
        if self._expanded > MAX_EXPANSION:
            self._stop(line, f"the aliases stand for more than {MAX_EXPANSION} values and characters")
        self._put(value, line, line, value if isinstance(value, str) else "", height=height)

    def _put(self, value: Any, lines: Any, line: int, text: str = "", *, height: int = 0) -> None:
        """A whole value goes where it belongs: the document, a list, a key, or a field."""
        above = self._open[-1] if self._open else None
        if above is not None:
            above.height = max(above.height, height + 1)
        if above is None:
            self._root = Parsed(value, lines)
        elif isinstance(above.value, list):
            above.value.append(value)
            above.lines.append(lines)
        elif above.wants_key:
            self._put_key(above, value, line, text)
        else:
            self._put_field(above, value, lines)

    def _put_key(self, above: _Open, value: Any, line: int, text: str) -> None:
        above.key, above.key_line = _LOST, line
        key = key_text(value)
        if key is None:
            shown = f" {json.dumps(text[:80])}" if text else ""
            self._bad(line, f"the key{shown} is no text to Kubernetes: put it in quotes")
        elif key in above.value:
            first = own_line(above.lines[key])
            self._bad(line, f"the key {json.dumps(key[:80])} is there twice, first on line {first}")
        else:
            above.key = key

    def _put_field(self, above: _Open, value: Any, lines: Any) -> None:
        key, above.key = above.key, _NONE
        if key is _MERGED:
            above.merges.append((value, above.key_line))
        elif isinstance(key, str):
            above.value[key] = value
            above.lines[key] = move_to(lines, above.key_line)
