"""Kubernetes quantities: exact values, whether two are the same, and the form that the API server keeps.

Source of the rules: `ParseQuantity`, `RoundUp` and `CanonicalizeBytes` of
https://github.com/kubernetes/apimachinery/blob/master/pkg/api/resource/quantity.go
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

_WRITTEN = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]*))?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,9}|)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}
_MOST_BINARY = 2**63 - 1
_MOST_EXPONENT = 99
_NANO, _MILLI = 10**9, 10**3


@dataclass(frozen=True)
class _Written:
    """A quantity as it is spelt; `exponent` is one of ten, or of two where `binary`."""

    negative: bool
    digits: str
    decimals: str
    exponent: int
    binary: bool = False
    scientific: bool = False

    @property
    def value(self) -> Fraction:
        number = int((self.digits + self.decimals) or "0") * (-1 if self.negative else 1)
        return (
            number * Fraction(10) ** -len(self.decimals) * Fraction(2 if self.binary else 10) ** self.exponent
        )


def parse_quantity(text: str) -> Fraction:
    """The exact value of a quantity such as `500m`, `1.5Gi` or `1e3`; ValueError where it is none."""
    return _read(text).value


@lru_cache
def compared_value(text: str) -> Fraction:
    """The value that the API server compares: rounded up to a billionth, and capped where it is binary."""
    written = _read(text)
    return _to_nano(written) * (-1 if written.negative else 1)


def same_quantity(a: object, b: object) -> bool:
    """Whether both are quantities (or numbers) of one value: `1000m` and 1 are."""
    try:
        return parse_quantity(_text(a)) == parse_quantity(_text(b))
    except ValueError:
        return False


@lru_cache(typed=True)  # many previews ask for the same; True is no 1
def canonical(quantity: str | float) -> str:
    """The form in which the API server keeps a quantity of a pod: `0.5` is kept as `500m`.

    Less than a thousandth is rounded up. A form that the server would keep too is returned as it is.
    ValueError where it is not a valid quantity.
    """
    text = _text(quantity)
    written = _read(text)
    if _kept_as_written(written):
        return text
    value = _rounded(written)
    if written.binary and abs(value) >= 1024 and value.denominator == 1:
        return _in_powers_of_1024(value.numerator)
    return _in_powers_of_1000(value, scientific=written.scientific) or text


def _text(quantity: object) -> str:
    if isinstance(quantity, bool) or not isinstance(quantity, str | int | float):
        raise ValueError("is not a valid quantity")
    return str(quantity)


def _read(text: str) -> _Written:
    found = _WRITTEN.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise ValueError(f"{text!r} is not a valid quantity, such as 500m, 0.5 or 256Mi")
    sign, digits, decimals, suffix = found[1], found[2].lstrip("0"), found[3] or "", found[4]
    if suffix in _DECIMAL:
        return _Written(sign == "-", digits, decimals, _DECIMAL[suffix])
    if suffix in _BINARY:
        return _Written(sign == "-", digits, decimals, _BINARY[suffix], binary=True)
    if abs(exponent := int(suffix[1:])) > _MOST_EXPONENT:
        raise ValueError(f"{text!r} has an exponent beyond {_MOST_EXPONENT}")
    return _Written(sign == "-", digits, decimals, exponent, scientific=True)


def _kept_as_written(written: _Written) -> bool:
    """The API server keeps the spelling where it is canonical at a glance (so `+1` stays, and `1.500`)."""
    digits = (written.digits or "0") + written.decimals
    if written.binary:
        precision = 14 - len(digits) - written.exponent * 3 // 10
        return not written.decimals and precision >= 0 and int(digits) % 8 != 0
    scale = written.exponent - len(written.decimals)
    at_a_glance = scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return at_a_glance and len(digits) <= 18 and scale >= -3


def _rounded(written: _Written) -> Fraction:
    """Up (away from zero) to nano and then to milli, as the API server does; binary ones are capped."""
    size = Fraction(ceil(_to_nano(written) * _MILLI), _MILLI)
    return -size if written.negative else size


def _to_nano(written: _Written) -> Fraction:
    size = Fraction(ceil(abs(written.value) * _NANO), _NANO)
    return min(size, Fraction(_MOST_BINARY)) if written.binary else size


def _in_powers_of_1024(number: int) -> str:
    exponent = 0
    while number % 1024 == 0 and exponent < 60:
        number, exponent = number // 1024, exponent + 10
    return f"{number}{_BINARY_SUFFIX[exponent]}"


def _in_powers_of_1000(value: Fraction, *, scientific: bool) -> str | None:
    """None where Kubernetes has no suffix that is large enough."""
    number, exponent = int(value * _MILLI), -3
    if number == 0:
        return "0"
    while number % 1000 == 0:
        number, exponent = number // 1000, exponent + 3
    if scientific:
        return f"{number}e{exponent}" if exponent else str(number)
    suffix = _DECIMAL_SUFFIX.get(exponent)
    return None if suffix is None else f"{number}{suffix}"
