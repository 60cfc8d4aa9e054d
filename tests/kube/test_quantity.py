"""Kubernetes quantities; the cluster tests hold `canonical` against a real API server."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.quantity import canonical, parse_quantity, same_quantity
from reconcile.model.rules import QUANTITY
from tests.whole import drawn

VALUES = {
    "0": Fraction(0),
    "1": Fraction(1),
    "+1": Fraction(1),
    "-1.5": Fraction(-3, 2),
    ".5": Fraction(1, 2),
    "1.": Fraction(1),
    "1500m": Fraction(3, 2),
    "100u": Fraction(1, 10_000),
    "1n": Fraction(1, 10**9),
    "2k": Fraction(2000),
    "1M": Fraction(10**6),
    "1G": Fraction(10**9),
    "1T": Fraction(10**12),
    "1P": Fraction(10**15),
    "1E": Fraction(10**18),
    "1Ki": Fraction(1024),
    "1.5Gi": Fraction(3 * 2**29),
    "1Ei": Fraction(2**60),
    "1e3": Fraction(1000),
    "1E-3": Fraction(1, 1000),
}


@pytest.mark.parametrize("text", VALUES)
def test_a_quantity_has_its_exact_value(text: str) -> None:
    assert parse_quantity(text) == VALUES[text]


@pytest.mark.parametrize(
    "text", ["", ".", "m", "-", "1K", "1e", "1 ", "1\n", "1e1.5", "\u0661", "1.5.1", "1e3m"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid quantity"):
        parse_quantity(text)


def test_an_exponent_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="has an exponent beyond 99"):
        parse_quantity("1e999999999")


# Seen on a real API server.
KEPT = {
    "1000m": "1",
    "1000": "1k",
    "0.5": "500m",
    ".5": "500m",
    "1500m": "1500m",
    "1.5Gi": "1536Mi",
    "500000000": "500M",
    "1e3": "1e3",
    "1e9": "1e9",
    "1e4": "10e3",
    "+1": "+1",
    "1.500": "1.500",
    "128974848": "128974848",
    "100u": "1m",
    "0.0001Ki": "103m",
    "512Ki": "512Ki",
    "1024Ki": "1Mi",
    "999999999999Gi": "9223372036854775807",
    "0m": "0",
    "-100u": "-1m",
}


@pytest.mark.parametrize("text", KEPT)
def test_a_quantity_has_the_form_that_the_server_keeps(text: str) -> None:
    assert canonical(text) == KEPT[text] == canonical(KEPT[text])


def test_a_number_is_a_quantity_too() -> None:
    assert (canonical(1), canonical(1000), canonical(0)) == ("1", "1k", "0")


@drawn()
@given(st.from_regex(QUANTITY.pattern, fullmatch=True))
def test_the_kept_form_is_worth_what_was_written_or_rounded_up_by_less_than_a_thousandth(text: str) -> None:
    written = min(parse_quantity(text), Fraction(2**63 - 1)) if text.endswith("i") else parse_quantity(text)
    assert 0 <= parse_quantity(canonical(text)) - written < Fraction(1, 1000)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1.0, 1), (0.5, "500m"), ("1000m", "1"), (1, "1"), (1, "1000m"), ("1.5Gi", "1536Mi"), ("0", "0Ki")],
)
def test_quantities_of_one_value_are_the_same(a: object, b: object) -> None:
    assert same_quantity(a, b)
    assert same_quantity(b, a)


@pytest.mark.parametrize(
    ("a", "b"), [("1", "2"), ("1M", "1Mi"), ("x", "x"), (True, 1), (None, "0"), ({}, []), ("1", None)]
)
def test_other_values_and_what_is_no_quantity_are_not_the_same(a: object, b: object) -> None:
    assert not same_quantity(a, b)
