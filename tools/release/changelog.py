"""Read the CHANGELOG: what a version changed, as text and one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.release.errors import ReleaseError

UNRELEASED = "Unreleased"
# Artifact Hub's kinds, which are the headings of https://keepachangelog.com.
_KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")


@dataclass(frozen=True)
class Change:
    """One item of the CHANGELOG."""

    kind: str
    description: str


def section(text: str, version: str) -> str:
    """Return the text below the heading of a version; raises ReleaseError if there is none."""
    found = re.search(rf"(?ms)^## \[?{re.escape(version)}(?![\w.-])[^\n]*\n(.*?)(?=^## |\Z)", text)
    if not found or not found[1].strip():
        raise ReleaseError(
            f"CHANGELOG.md: no changes under a heading '## {version}'; rename '## {UNRELEASED}' to it"
        )
    return found[1].strip()


def changes(section: str) -> tuple[Change, ...]:
    """Return the items of a section, each with the kind that its heading names; `changed` without one."""
    return tuple(_changes(section))


def _changes(section: str) -> Iterator[Change]:
    kind = "changed"
    for block in re.split(r"(?m)^(?=### |- |\*\*)", section):
        words = " ".join(block.split())
        if block.startswith("### "):
            kind = _kind(words.removeprefix("### "))
        elif block.startswith("- "):
            yield Change(kind, words.removeprefix("- "))


def _kind(heading: str) -> str:
    kind = heading.lower()
    if kind not in _KINDS:
        raise ReleaseError(f"CHANGELOG.md: heading '### {heading}' must be one of {', '.join(_KINDS)}")
    return kind


def read(root: Path, version: str) -> str:
    """Return the section of a version from the CHANGELOG of a repository."""
    return section((root / "CHANGELOG.md").read_text(), version)
