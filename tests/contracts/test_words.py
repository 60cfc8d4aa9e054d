"""Documents and names of tests have no phrase that was retired; words alone are for codespell, in `make check`.

A name of a test is one word to codespell, so the words of those names are tested here too.
"""

import re

from tests.cookbook import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
RETIRED = {
    r"tak(e|es|en|ing) (\w+ )?(away|back)": "prune, delete, remove",
    r"ask(s|ed|ing)? for (?!confirmation)": "request",
    r"carr(y|ies|ied|ying) (\w+ )?out": "apply",
    r"go(es)? (away|too|with (it|its|the|their))": "be deleted",
    r"(is|are) (there|whole) again": "exists, was recreated",
    r"(not|no|is|was) whole": "incomplete, complete",
    r"look(s|ed)? (again|no further)": "read, re-read",
    r"(a|no) person (has|had) to": "needs action",
    r"(is|are|was|were|be) told": "reported, shown",
    r"(is|are|was|were) wanted": "desired",
    r"what bec(ame|omes) of": "result, outcome",
    r"left over": "orphaned",
    r"made again": "recreated",
    r"put right": "corrected",
    r"passed over": "ignored",
    r"under our hands": "meanwhile",
    r"nobody's": "unmanaged",
    r"but for": "except",
    r"at the most": "at most",
    r"as ever": "as before",
}
"""Each phrase, and what stands in its place."""
WORDS = frozenset({
    "anew", "brake", "braked", "brakes", "leftover", "leftovers", "mend", "mended", "mending", "mends", "nobodys",
    "ours", "said", "say", "says", "stranger", "strangers", "tell", "telling", "tells", "told", "want", "wanted",
    "wants", "wish", "wished", "wishes", "withheld", "withhold", "withholds",
})  # fmt: skip
"""Each word that no name of a test has: what stands in its place depends on the sentence."""


def prose(text: str) -> str:
    """A page without what is code: what the command prints has its own tests."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def retired(text: str) -> list[str]:
    """Each retired phrase of a page, with what to write."""
    one_line = " ".join(prose(text).split())
    found = (
        (re.search(rf"\b{phrase}\b", one_line, re.IGNORECASE), instead) for phrase, instead in RETIRED.items()
    )
    return [f"{match[0]}: write {instead}" for match, instead in found if match]


def names_of_tests() -> list[str]:
    """The name of each test function below tests/."""
    texts = (path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    return [name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.MULTILINE)]


def is_retired(name: str) -> bool:
    """Whether the name of a test has a retired word or phrase."""
    return not WORDS.isdisjoint(name.split("_")) or retired(name.replace("_", " ")) != []


def test_no_page_has_a_phrase_that_was_retired() -> None:
    found = {page: retired(page.read_text()) for page in PAGES}
    assert {page: phrases for page, phrases in found.items() if phrases} == {}


def test_a_phrase_is_found_over_two_lines_and_not_in_code() -> None:
    assert retired("The child is\ntaken\naway.") == ["taken away: write prune, delete, remove"]
    assert retired("```\nleft over\n```\n`left over`") == []


def test_no_name_of_a_test_has_a_retired_word() -> None:
    names = names_of_tests()
    assert test_no_name_of_a_test_has_a_retired_word.__name__ in names
    assert [name for name in names if is_retired(name)] == []
