"""Regular expressions that somebody else wrote, matched in linear time: a bad one must not hold up a run."""

import re
from functools import lru_cache
from typing import NamedTuple

LONGEST = 253
"""As long as a hostname may be; a longer pattern is not understood."""

# A group of its own, neither repeated nor one of alternatives, changes nothing.
_GROUP = re.compile(r"\((?:\?:)?([^()|\\]*(?:\\.[^()|\\]*)*)\)(?![*+?{])")
_ATOM = r"\\[dw.-]|\[\^?(?:[\w.]|-(?!-))+\]|[^\\\[\](){}|^$*+?]"
_ITEM = re.compile(rf"({_ATOM})([*+?]?)")
_UNDERSTOOD = re.compile(rf"(?:(?:{_ATOM})[*+?]?)*+")


class _Item(NamedTuple):
    """What one letter may be; `mark` is `*` or `?` as in a pattern, or empty."""

    letter: re.Pattern[str]
    mark: str


def matches(pattern: str, text: str) -> bool:
    r"""Whether the pattern matches the whole text, in whatever case; False where it is not understood.

    Understood are letters, `.`, `\.`, `\d`, `\w` and `[a-z]`, each also with `*`, `+` or `?`.
    """
    items = _items(pattern)
    if items is None:
        return False
    places = _with_next(items, {0})
    for letter in text:
        read = (at for at in places if at < len(items) and items[at].letter.fullmatch(letter))
        places = _with_next(items, {at if items[at].mark == "*" else at + 1 for at in read})
    return len(items) in places


def _with_next(items: tuple[_Item, ...], places: set[int]) -> set[int]:
    """These places in the pattern, and those behind items that may be left out."""
    found: set[int] = set()
    for at in places:
        while at not in found:
            found.add(at)
            at += at < len(items) and items[at].mark != ""
    return found


@lru_cache(maxsize=256)
def _items(pattern: str) -> tuple[_Item, ...] | None:
    bare = _GROUP.sub(r"\1", pattern).removeprefix("^").removesuffix("$")
    if len(pattern) > LONGEST or not _UNDERSTOOD.fullmatch(bare):
        return None
    found: list[_Item] = []
    for atom, mark in _ITEM.findall(bare):
        try:
            letter = re.compile(atom, re.IGNORECASE)
        except re.error:  # a range that goes backwards
            return None
        found += [_Item(letter, ""), _Item(letter, "*")] if mark == "+" else [_Item(letter, mark)]
    return tuple(found)
