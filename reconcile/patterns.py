"""Regular expressions that somebody else wrote, as Envoy reads them and in linear time."""

from functools import lru_cache
from typing import Any

LARGEST = 1 << 20
"""So many bytes may an expression take that is ready to match."""


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
