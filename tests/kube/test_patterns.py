"""Regular expressions of others: they match as Python's own do, none takes long, and none says anything."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.patterns import LARGEST, fixed_ends, matches
from tests.whole import drawn

ATOMS = st.sampled_from(
    ["a", "b", ".", r"\.", r"\d", r"\w", "[ab]", "[^a]", "[a-c.]", "-", "(a)", "(?:b.)", "(a|b.)"]
)
PATTERNS = st.lists(st.tuples(ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "{0,1}"])), max_size=5)


@drawn()
@given(PATTERNS, st.text("ab.-1", max_size=6), st.booleans())
def test_an_expression_matches_as_pythons_own_do(
    parts: list[tuple[str, str]], text: str, anchored: bool
) -> None:
    pattern = "".join(atom + mark for atom, mark in parts)
    given_pattern = f"^{pattern}$" if anchored else pattern
    assert matches(given_pattern, text) is bool(re.fullmatch(pattern, text))


def test_the_case_of_letters_does_not_matter() -> None:
    assert matches(r"A[B-C]\.Example", "ab.example")


@pytest.mark.parametrize(
    "pattern",
    ["[", "(", "[z-a]", "a**", "*", r"\1", "a(?=b)", "a{1001}", "(a{100}){100}", "\ud800", "a" * LARGEST],
    ids=lambda pattern: ascii(pattern[:20]),
)
def test_what_is_no_expression_of_re2_matches_nothing_and_prints_nothing(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not any(matches(pattern, text) for text in ("", "a", "b", "aa", "z", pattern[:253]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("pattern", ["a*" * 126, "(a*)*b", "(a|aa)+$", "(?:a?){300}a{300}", "(.*a){20}"])
def test_no_expression_takes_long(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    began = time.perf_counter()
    assert not matches(pattern, "a" * 252 + "c")
    assert time.perf_counter() - began < 2
    assert capfd.readouterr() == ("", "")


@drawn()
@given(PATTERNS, st.text("ab.-1", max_size=6), st.booleans())
def test_what_an_expression_matches_has_its_fixed_ends(
    parts: list[tuple[str, str]], text: str, anchored: bool
) -> None:
    pattern = "".join(atom + mark for atom, mark in parts)
    pattern = f"^{pattern}$" if anchored else pattern
    first, last = fixed_ends(pattern) or ("", "")
    if matches(pattern, text):
        assert text.startswith(first)
        assert text.endswith(last)


@pytest.mark.parametrize(
    ("pattern", "ends"),
    [
        (r"pr-1\.x\.example\.com", ("pr-1.x.example.com", "pr-1.x.example.com")),
        (r"^PR-[0-9]+\.example\.com$", ("pr-", ".example.com")),
        (r"a{2}b", ("", "b")),
        (r"ab?", ("a", "")),
        (r"[a-c]x", ("", "x")),
        (r"(pr|qa)\.example\.com", ("", ".example.com")),
        (r"pr|qa", ("", "")),
        (r"a(b|c)|d", ("", "")),
        (r"[|]a", ("", "a")),
        (r"[]|]a|b", ("", "")),
        (r"(?i)a", ("", "a")),
        (r"\x41", ("", "")),
        (r"a\\.b", ("", "")),
        (r".*\d5", ("", "5")),
        (r"\Qa.b\E", ("", "")),
        ("[", None),
    ],
)
def test_the_ends_that_an_expression_fixes(pattern: str, ends: tuple[str, str] | None) -> None:
    assert fixed_ends(pattern) == ends
