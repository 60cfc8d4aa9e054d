"""What is wrong with a spec, in one line that a person can act on and that tells no secret."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reconcile.kube.check import Location, not_known

SHOWN = "shown"
"""The type of an error of ours whose sentence goes on from the value."""
WHOLE = "whole"
"""The type of an error of ours whose sentence says all."""

_MOST_SHOWN = 60
_MOST_PROBLEMS = 20
# Their values may be credentials; so may what was mistaken for a name, such as `- name: TOKEN=…`.
_SECRET = frozenset({"env", "args", "command"})
_PLAIN_NAME = re.compile(r"[-A-Za-z0-9_./]{1,60}")
_USER_INFO_ENDS = re.compile(r"@(?!sha\d+:)")

_SENTENCES: Mapping[str, str] = {
    "string_type": "is not a string; put it in quotes",
    "string_unicode": "is not a Unicode text",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing_size": "is out of range",
    "bool_type": "is not true or false",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "literal_error": "is not {expected}",
}
_WHOLE_SENTENCES: Mapping[str, str] = {
    "missing": "is missing",
    "too_long": "has {actual_length} items; at most {max_length} are allowed",
}
_OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, such as `("spec", "env", 0, "name")`, and a sentence.

    `quotes` is set where quotes are the remedy, and what stands between them is no secret.
    """

    location: Location
    sentence: str
    quotes: bool = False

    def __str__(self) -> str:
        return f"{path_of(self.location)}: {self.sentence}"


class Explained(Protocol):
    """What is used of pydantic's ValidationError."""

    def errors(self, *, include_url: bool = True) -> Iterable[Any]: ...


def shown(value: object) -> str:
    """A value in one short line: quoted, control characters escaped, without user info."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        # Python writes no number of more than a few thousand digits.
        return "a number" if isinstance(value, int) and abs(value) > 10**_MOST_SHOWN else str(value)
    *_, end = 0, *(found.end() for found in _USER_INFO_ENDS.finditer(value))
    text = "…@" + value[end:] if end else value
    text = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
    return '"' + "".join(_visible(character) for character in text) + '"'


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def path_of(location: Location) -> str:
    """`spec.env[0].name`; a name that is none of ours is shown only where it looks like a name."""
    text = ""
    for part in location:
        if part == "[key]":
            continue
        if isinstance(part, int):
            text += f"[{part}]"
        elif not _PLAIN_NAME.fullmatch(part):
            text += "[…]"
        elif "." in part or "/" in part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def problems_of(error: Explained, known: Callable[[Location], Iterable[str]]) -> list[Problem]:
    """Each error of a spec, without values of env, args and command.

    `known` are the names of the fields beside the one at a location.
    """
    return [_problem(item, known) for item in error.errors(include_url=False)]


def _problem(error: Mapping[str, Any], known: Callable[[Location], Iterable[str]]) -> Problem:
    location = ("spec", *error["loc"])
    if error["type"] == "extra_forbidden":
        return unknown_field(location, known(error["loc"]))
    whole = Problem(location, _sentence(error))
    if error["type"] not in _SENTENCES and error["type"] != SHOWN:
        return whole
    if not _SECRET.isdisjoint(location) or not isinstance(error["input"], str | int | float):
        return whole
    return Problem(location, f"{shown(error['input'])} {_sentence(error)}", error["type"] == "string_type")


def first_of(items: Sequence[str], most: int) -> str:
    """The first of these in one line, so many at most, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{', '.join(items[:most])}{more}"


def unknown_field(location: Location, known: Iterable[str]) -> Problem:
    """A field that nobody knows, and the one that it is most like."""
    return Problem(location, not_known(location[-1], known))


def _sentence(error: Mapping[str, Any]) -> str:
    kind, value = error["type"], error["input"]
    if kind in (SHOWN, WHOLE):
        return str(error["msg"])
    if value is None:
        # An API server drops null in an object, but not in a list.
        return "is null" if error["loc"] and isinstance(error["loc"][-1], int) else "is missing"
    if kind in _OBJECTS:
        return "is not an object, with fields of its own"
    if kind == "string_type" and isinstance(value, dict | list | tuple):
        return "is not a string"
    template = _SENTENCES.get(kind) or _WHOLE_SENTENCES.get(kind) or "is not valid"
    return template.format_map(error.get("ctx", {}))


def one_line(problems: Sequence[Problem | str]) -> str:
    """All problems in one line; of a great many the first, and a count of the rest."""
    rest = len(problems) - _MOST_PROBLEMS
    return "; ".join(map(str, problems[:_MOST_PROBLEMS])) + (f"; and {rest} more" if rest > 0 else "")
