"""Regular expressions that somebody else wrote, as Envoy reads them and in linear time."""

import re
from functools import lru_cache
from typing import Any

LARGEST = 1 << 20
"""So many bytes may an expression take that is ready to match."""


_FIRST = re.compile(r"(?:(?:[A-Za-z0-9-]|\\[.-])(?![*+?{]))*")
_LAST = re.compile(r"(?:\\[.-]|(?<!\\)[A-Za-z0-9-])*\Z")
_ONE_LETTER = re.compile(r"\[([A-Za-z0-9-])\]")
_DOT = re.compile(r"\[\.\]")
# Escapes that stand for other letters leave the ends open.
_OTHER_ESCAPES = re.compile(r"\\[^.dwDW-]")
_INSIDE = re.compile(r"\\.|\[[^]]*\]|\([^()[\\]*\)")


def matches(pattern: str, text: str) -> bool:
    """Whether the expression matches the whole text, in whatever case; False where it is none."""
    expression = _compiled(pattern)
    return expression is not None and expression.fullmatch(text) is not None


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> Any:
    """None for what RE2 does not take. Neither does Envoy, which would serve nothing by it."""
    import re2  # type: ignore[import-untyped]  # here: few clusters have a route with one

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = LARGEST
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return None


def fixed_ends(pattern: str) -> tuple[str, str] | None:
    """How every text in lower case begins and ends that this expression matches; "" where that is open.

    None for what is no expression.
    """
    if _compiled(pattern) is None:
        return None
    bare = _DOT.sub(r"\\.", _ONE_LETTER.sub(r"\1", pattern.removeprefix("^").removesuffix("$")))
    if _OTHER_ESCAPES.search(bare) or "|" in _outside(bare):
        return "", ""
    first, last = _FIRST.match(bare), _LAST.search(bare)
    return _letters(first[0] if first else ""), _letters(last[0] if last else "")


def _outside(pattern: str) -> str:
    """What is in no group: alternatives there are for the whole."""
    while (less := _INSIDE.sub("", pattern)) != pattern:
        pattern = less
    return pattern


def _letters(written: str) -> str:
    return written.replace("\\", "").lower()
