"""What a YAML scalar without quotes means to Kubernetes.

kubectl reads files with sigs.k8s.io/yaml, whose core is go-yaml v2: booleans as in YAML 1.1 (`yes`, `on`,
`y`), no sexagesimals, timestamps stay text, `0x1F` and `1_000` are numbers. So are digits after a zero:
`0123` is octal, and `089`, which is none, is 89. Whoever wants a text there has to write quotes.
Source: https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
"""

import math
import re
from collections.abc import Mapping

Scalar = str | int | float | bool | None

MERGE = "<<"
UNKNOWN_TAG = "a tag of this kind is not understood: write the value without it"

_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NUMERIC_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,39}|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)")
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# What Go's integers hold. Digits beyond that are read as a float; hexadecimal ones are text.
_LEAST, _MOST = -(2**63), 2**64 - 1
# Up to here Go writes a float that is whole as digits, and Kubernetes reads those back as an integer.
_DIGITS_UNTIL = 1e21

_TYPES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


def plain_value(text: str) -> Scalar:
    """The value of a scalar without quotes; `ValueError` (with a sentence) where JSON has no such value."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_START:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    if _OCTAL.fullmatch(digits) and _LEAST <= (octal := int(digits, 8)) <= _MOST:
        return octal
    if _INTEGER.fullmatch(digits):
        number = int(digits, 0)
        return number if _LEAST <= number <= _MOST or digits.lstrip("+-").isdigit() else text
    if _FLOAT.fullmatch(digits):
        return _float(text, float(digits))
    if _NO_NUMBER.fullmatch(text):
        raise ValueError("infinity and not-a-number have no place in a Kubernetes object")
    return text


def _float(text: str, value: float) -> Scalar:
    if math.isinf(value):
        return text
    return int(value) if value.is_integer() and abs(value) < _DIGITS_UNTIL else value


def tagged_value(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag; `ValueError` (with a sentence) where it cannot be had."""
    name = tag.removeprefix("tag:yaml.org,2002:")
    if name in ("str", "timestamp", "!"):
        return text
    if name not in _TYPES:
        raise ValueError(UNKNOWN_TAG)
    value = plain_value(text)
    if not isinstance(value, _TYPES[name]) or (isinstance(value, bool) and name != "bool"):
        raise ValueError(f"the value is not what its tag !!{name} says")
    return value


def key_text(value: object) -> str | None:
    """The name that kubectl makes of a key, which may be a number or a boolean; None where it makes none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def reads_as_text(text: str) -> bool:
    """Whether this text, written without quotes, is the same text to us and to kubectl."""
    try:
        return plain_value(text) == text
    except ValueError:
        return False
