"""Text that does nothing to a terminal, a log or a CI system, whoever wrote it; ages, plurals, columns.

Nothing that an author or a server wrote may move a cursor, hide text, start a line of its own, or be read as
a command by the system that runs us.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from reconcile.kube.time import parse_time

# C0, DEL and C1; format characters (bidi, zero width, soft hyphen, tags); line and paragraph separators;
# surrogates and private use, which no terminal agrees about.
_UNSAFE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})

# What CI systems take from a log line as an instruction to themselves: GitHub Actions `::` at its start,
# GitHub Actions and Azure Pipelines `##[` and `##vso[` anywhere, GitLab `section_start:` anywhere.
_CI_COMMAND = re.compile(r"^(?P<start>\s*):(?=:)|#(?=#(vso)?\[)|section(?=_(start|end):)", re.IGNORECASE)


def safe(text: str) -> str:
    """Return one line of plain characters: the rest as escapes, such as `\\x1b`."""
    if text.isascii() and text.isprintable():  # most text is, and a report has much of it
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def safe_line(text: str) -> str:
    """Return a whole output line: safe, and not a command of a CI system."""
    return _CI_COMMAND.sub(lambda match: f"{match[0]}\\", safe(text))


def safe_json(document: str) -> str:
    """Return JSON text, already ASCII, in which no string can be read as a command of a CI system."""
    return _CI_COMMAND.sub(lambda match: match[0][:-1] + f"\\u{ord(match[0][-1]):04x}", document)


LONGEST_LINE = 2_000
"""Characters of one text of a report, whoever wrote what is in it."""
LONGEST_VALUE = 120
"""Characters of the value of a field."""

_WAS_CUT = re.compile(r"… \(([0-9]{1,9}) characters\)\Z")


def cut(text: str, longest: int = LONGEST_LINE) -> str:
    """Return the text, or its first `longest` characters and how many there are."""
    if len(text) <= longest:
        return text
    before = _WAS_CUT.search(text)
    return f"{text[:longest]}… ({before[1] if before else len(text)} characters)"


def cut_pair(before: str, after: str, longest: int) -> tuple[str, str]:
    """Return both, cut; from shortly before they differ, where the difference would be hidden otherwise."""
    pairs = enumerate(zip(before, after, strict=False))
    equal = next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))
    context = longest // 4
    start = equal - context if equal > longest - context else 0
    return _cut_from(before, start, longest), _cut_from(after, start, longest)


def _cut_from(text: str, start: int, longest: int) -> str:
    if not start:
        return cut(text, longest)
    rest = text[start:]
    return f"…{rest}" if len(rest) <= longest else f"…{rest[:longest]}… ({len(text)} characters)"


def short_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return a whole output line, safe and cut."""
    return cut(safe_line(text), longest)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, with its columns one below the other; the last is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]


_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def moment(text: str) -> str:
    """Write a time such as `2026-01-05 10:30 UTC`; "" if it is not a valid time."""
    found = parse_time(text)
    return found.strftime("%Y-%m-%d %H:%M UTC") if found else ""


def age(created: str, now: datetime | None) -> str:
    """Write an age as kubectl does, in one unit: `45s`, `5m`, `3h`, `2d`; "" if it is unknown."""
    since = parse_time(created)
    return "" if since is None or now is None else _span(max(0, int((now - since).total_seconds())))


def ago(time: str, now: datetime | None) -> str:
    """Write an age such as `5m ago`; "" if it is unknown."""
    found = age(time, now)
    return f"{found} ago" if found else ""


def until(end: str, now: datetime | None) -> str:
    """Write when something ends, such as `in 2d` or `3h ago`; "" if it is unknown."""
    at = parse_time(end)
    seconds = int((at - now).total_seconds()) if at and now else 0
    return f"in {_span(seconds)}" if seconds > 0 else ago(end, now)


def _span(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length or unit == "s")
    return f"{seconds // length}{unit}"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, such as `1 item` or `2 items`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
