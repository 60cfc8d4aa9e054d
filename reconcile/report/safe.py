"""Text that can do nothing to a terminal, a log or a CI system, whoever wrote it.

Nothing that an author or a server wrote may move a cursor, hide text, start a line of its own, or be read as
a command by the system that runs us.
"""

import re
import unicodedata
from datetime import datetime

from reconcile.kube.time import parse_time

# C0, DEL and C1; format characters (bidi, zero width, soft hyphen, tags); line and paragraph separators;
# surrogates and private use, which no terminal agrees about.
_UNSAFE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})

# What CI systems take from a log line as an instruction to themselves: GitHub Actions `::` at its start,
# GitHub Actions and Azure Pipelines `##[` and `##vso[` anywhere, GitLab `section_start:` anywhere.
_CI_COMMAND = re.compile(r"^(?P<start>\s*):(?=:)|#(?=#(vso)?\[)|section(?=_(start|end):)", re.IGNORECASE)


def safe(text: str) -> str:
    """One line of plain characters: the rest as escapes, such as `\\x1b`."""
    if text.isascii() and text.isprintable():  # most text is, and a report has much of it
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in known:
        return known[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_line(text: str) -> str:
    """A whole output line: safe, and no command of a CI system."""
    return _CI_COMMAND.sub(lambda match: f"{match[0]}\\", safe(text))


def safe_json(document: str) -> str:
    """JSON text, already ASCII, in which no string can be read as a command of a CI system."""
    return _CI_COMMAND.sub(lambda match: match[0][:-1] + f"\\u{ord(match[0][-1]):04x}", document)


LONGEST_LINE = 2_000
"""Characters of one text of a report, whoever wrote what is in it."""

_WAS_CUT = re.compile(r"… \(([0-9]{1,9}) characters\)\Z")


def cut(text: str, longest: int = LONGEST_LINE) -> str:
    """The text, or its first `longest` characters and how many there are."""
    if len(text) <= longest:
        return text
    before = _WAS_CUT.search(text)
    return f"{text[:longest]}… ({before[1] if before else len(text)} characters)"


_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def moment(text: str) -> str:
    """Such as `2026-01-05 10:30 UTC`; "" where it is no time."""
    found = parse_time(text)
    return found.strftime("%Y-%m-%d %H:%M UTC") if found else ""


def age(created: str, now: datetime | None) -> str:
    """As kubectl tells ages, in one unit: `45s`, `5m`, `3h`, `2d`; "" where nobody knows."""
    since = parse_time(created)
    return "" if since is None or now is None else _span(max(0, int((now - since).total_seconds())))


def until(end: str, now: datetime | None) -> str:
    """Such as `in 2d` or `3h ago`; "" where nobody knows."""
    at = parse_time(end)
    if at is None or now is None:
        return ""
    seconds = int((at - now).total_seconds())
    return f"in {_span(seconds)}" if seconds > 0 else f"{_span(-seconds)} ago"


def _span(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length or unit == "s")
    return f"{seconds // length}{unit}"
