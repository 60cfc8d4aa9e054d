"""Text that can do nothing to a terminal, a log or a CI system, whoever wrote it.

Nothing that an author or a server wrote may move a cursor, hide text, start a line of its own, or be read as
a command by the system that runs us.
"""

import re
import unicodedata

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
