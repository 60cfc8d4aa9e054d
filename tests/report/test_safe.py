"""Nothing that anybody wrote can do more in an output than be read."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.report.safe import cut, cut_pair, safe, safe_json, safe_line

# What GitHub Actions, Azure Pipelines and GitLab read, as their runners look for it.
COMMANDS = re.compile(r"^\s*::|##\[|##vso\[|section_(start|end):", re.IGNORECASE | re.MULTILINE)
PIECES = st.sampled_from(
    [
        *(":", "::", "#", "##", "##[", "##vso[", "[", " ", "\n", "\\"),
        *("section_start:", "SECTION_", "end:", "_start:"),
    ]
)
NASTY = st.lists(PIECES | st.characters(), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 漢字 🙂", "plain ünïcode 漢字 🙂"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half\ud800", "half\\ud800"),
        ("private\ue000", "private\\ue000"),
    ],
)
def test_a_special_character_is_printed_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(NASTY)
def test_no_control_or_format_character_is_left_and_it_stays_one_line(text: str) -> None:
    line = safe(text)
    categories = {unicodedata.category(character) for character in line}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")


@given(NASTY)
def test_no_line_can_be_read_as_a_command_of_a_ci_system(text: str) -> None:
    assert not COMMANDS.search(safe_line(text))


@given(NASTY)
def test_json_is_never_read_as_a_command_and_keeps_its_values(text: str) -> None:
    document = json.dumps({"reason": text, text: [text]}, indent=2)
    harmless = safe_json(document)
    assert not COMMANDS.search(harmless)
    assert json.loads(harmless) == json.loads(document)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("::error::boo", ":\\:error::boo"),
        ("  ::set-output name=x::y", "  :\\:set-output name=x::y"),
        ("x ::error::", "x ::error::"),
        ("fe80::1", "fe80::1"),
        ("a ##[group]", "a #\\#[group]"),
        ("##vso[task.setvariable]", "#\\#vso[task.setvariable]"),
        ("section_start:0:x", "section\\_start:0:x"),
    ],
)
def test_only_what_a_ci_system_would_read_is_broken(text: str, line: str) -> None:
    assert safe_line(text) == line


@given(
    st.text(
        alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="#:"), max_size=20
    )
)
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 10, "x" * 10),
        ("x" * 11, "xxxxxxxxxx… (11 characters)"),
        ("x" * 100_000, "xxxxxxxxxx… (100000 characters)"),
        ("x" * 10 + "… (11 characters)", "xxxxxxxxxx… (11 characters)"),
    ],
)
def test_a_text_is_cut_once_with_its_length(text: str, shown: str) -> None:
    assert cut(text, 10) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a", "b", ("a", "b")),
        ("abc", "abcdefghijkl", ("abc", "abcdefghij… (12 characters)")),
        ("12345678a", "12345678b", ("12345678a", "12345678b")),
        ("12345678ab", "12345678cdefghijkl", ("12345678ab", "12345678cd… (18 characters)")),
        ("123456789ab", "123456789c", ("…89ab", "…89c")),
        ("1" * 90 + "a" * 20, "1" * 90 + "]", ("…11aaaaaaaa… (110 characters)", "…11]")),
        ("1" * 90, "1" * 91, ("…11", "…111")),
    ],
)
def test_of_two_long_texts_the_difference_is_seen(before: str, after: str, shown: tuple[str, str]) -> None:
    assert cut_pair(before, after, 10) == shown
