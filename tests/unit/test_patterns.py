"""Regular expressions of others: those that are understood match as Python's own do, and none takes long."""

import re
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.patterns import LONGEST, matches

ATOMS = st.sampled_from(["a", "b", ".", r"\.", r"\d", r"\w", "[ab]", "[^a]", "[a-c.]", "-", "(a)", "(?:b.)"])
PATTERNS = st.lists(st.tuples(ATOMS, st.sampled_from(["", "*", "+", "?"])), max_size=5)


@given(PATTERNS, st.text("ab.-1", max_size=6), st.booleans())
def test_what_is_understood_matches_as_pythons_own_expressions_do(
    parts: list[tuple[str, str]], text: str, anchored: bool
) -> None:
    pattern = "".join(atom + ("" if atom.startswith("(") else mark) for atom, mark in parts)
    given_pattern = f"^{pattern}$" if anchored else pattern
    assert matches(given_pattern, text) is bool(re.fullmatch(pattern, text))


def test_the_case_of_letters_does_not_matter() -> None:
    assert matches(r"A[B-C]\.Example", "ab.example")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|b)",
        "(a)*",
        "a{1}",
        "[",
        "[z-a]",
        "[a--b]",
        r"\D",
        r"\1",
        "a^b",
        "a**",
        "*",
        "(?i)a",
        "a" * LONGEST + "a*",
    ],
)
def test_what_is_not_understood_matches_nothing(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not any(matches(pattern, text) for text in ("", "a", "b", "aa", "z", "a" * LONGEST))


def test_no_pattern_takes_long() -> None:
    began = time.perf_counter()
    assert not matches("a*" * (LONGEST // 2), "a" * 252 + "b")
    assert time.perf_counter() - began < 2
