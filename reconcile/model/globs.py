"""Globs of what the operator allows, matched by whole components; pure.

*.preview.example.com     one label before the rest: pr-1.preview.example.com, not a.b.preview.example.com
ghcr.io/acme/*            one component after the rest: ghcr.io/acme/web, and not ghcr.io/acme/web/admin
ghcr.io/acme/**           one component or more
preview-*                 inside a component
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase


def matches_any(parts: Sequence[str], patterns: Iterable[str], separator: str) -> bool:
    """Whether one of the patterns covers these components."""
    return any(matches(parts, pattern.split(separator)) for pattern in patterns)


def matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """From left to right, with all places that the pattern may be at: many parts and `**` take no longer."""
    places = {0}
    for part in parts:
        here = {place for place in places if place < len(pattern)}
        stay = {place for place in here if pattern[place] == "**"}
        places = stay | {p + 1 for p in here if p in stay or fnmatchcase(part, pattern[p])}
    return len(pattern) in places
