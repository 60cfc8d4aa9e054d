"""The lines that the fields of a document stand on, as a tree beside the document's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast


@dataclass(frozen=True, slots=True)
class Spelled:
    """The line of a scalar that is not text, and how its author wrote it: `0123` is 83."""

    line: int
    text: str


Lines: TypeAlias = "int | Spelled | dict[str | None, Lines] | list[Lines]"
"""The line of a scalar; of a mapping `{None: its own line, field: Lines, …}`; of a list
`[its own line, Lines of the first item, …]`. What an alias stands for has the line of the alias."""


def own_line(lines: Lines) -> int:
    """The line of a value itself."""
    if isinstance(lines, dict):
        return cast(int, lines[None])
    if isinstance(lines, list):
        return cast(int, lines[0])
    return lines.line if isinstance(lines, Spelled) else lines


def spelling(lines: Lines) -> str:
    """How a scalar that is not text is written; empty for anything else."""
    return lines.text if isinstance(lines, Spelled) else ""


def move_to(lines: Lines, line: int) -> Lines:
    """A field begins where its name stands, not where its value does."""
    if isinstance(lines, dict):
        lines[None] = line
    elif isinstance(lines, list):
        lines[0] = line
    else:
        return Spelled(line, lines.text) if isinstance(lines, Spelled) else line
    return lines


def follow(lines: Lines, path: Sequence[str | int]) -> Lines:
    """The lines of what stands at the path, or of the nearest thing above it that is there."""
    for step in path:
        if isinstance(lines, dict) and isinstance(step, str) and step in lines:
            lines = lines[step]
        elif isinstance(lines, list) and isinstance(step, int) and 0 <= step < len(lines) - 1:
            lines = lines[step + 1]
        else:
            break
    return lines
