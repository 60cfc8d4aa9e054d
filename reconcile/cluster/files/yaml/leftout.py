"""Which files `--exclude` leaves out, and one line about all that was passed over.

    values.yaml, chart    a file or a folder of this name, wherever it is
    chart/*.yaml          by the path below the folder that was named; * stays inside a component
    **/test/*             ** is any number of components

A folder that is taken is left out with all that is in it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from reconcile.model.problems import first_of

_FEW = 5
_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_left_out(path: str, globs: Sequence[str]) -> bool:
    """Whether a glob takes this path, or a folder that it lies in."""
    parts = path.split("/")
    return any(_takes(glob.strip("/"), parts) for glob in globs)


def _takes(glob: str, parts: Sequence[str]) -> bool:
    pattern = _pattern(glob)
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return any(pattern.fullmatch(part) for part in (above if "/" in glob else parts))


@lru_cache
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile("".join(_MEANINGS.get(t, re.escape(t)) for t in _TOKENS.findall(glob)), re.DOTALL)


def passed_over(others: int, no_objects: Iterable[str], left_out: int) -> tuple[str, ...]:
    """What was read and is no part of the plan, in one line; nothing where there is nothing to tell."""
    files = list(dict.fromkeys(no_objects))
    parts = (
        others and _count(others, lambda s: f"object{s} of {'other kinds' if s else 'another kind'}"),
        files and f"{first_of(files, _FEW)}: no Kubernetes object",
        left_out and _count(left_out, lambda s: f"file{s} left out by --exclude"),
    )
    listed = "; ".join(part for part in parts if part)
    return (f"passed over: {listed}",) if listed else ()


def _count(number: int, noun: Callable[[str], str]) -> str:
    return f"{number} {noun('' if number == 1 else 's')}"
