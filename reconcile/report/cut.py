"""Long text, cut for people, who are told how long it was."""

import re

LONGEST_LINE = 2_000
"""Characters of one text of a report, whoever wrote what is in it."""

_WAS_CUT = re.compile(r"… \(([0-9]{1,9}) characters\)\Z")


def cut(text: str, longest: int = LONGEST_LINE) -> str:
    """The text, or its first `longest` characters and how many there are."""
    if len(text) <= longest:
        return text
    before = _WAS_CUT.search(text)
    return f"{text[:longest]}… ({before[1] if before else len(text)} characters)"
