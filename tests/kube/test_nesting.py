"""JSON that is nested too deeply for a decoder: all but its depths is read."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.nesting import decoded, shallow
from tests.whole import drawn

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
)
DECODER = msgspec.json.Decoder()


def cut(tree: object, depth: int) -> object:
    """The same by recursion."""
    if not isinstance(tree, list | dict):
        return tree
    if depth == 0:
        return None
    if isinstance(tree, list):
        return [cut(below, depth - 1) for below in tree]
    return {name: cut(below, depth - 1) for name, below in tree.items()}


@drawn()
@given(TREES, st.integers(1, 4), st.booleans())
def test_what_lies_deeper_is_null_and_all_else_as_it_was(tree: object, depth: int, ascii_only: bool) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only).encode()
    assert DECODER.decode(shallow(text, depth)) == cut(tree, depth)


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_one_object_without_an_end_leaves_the_others_as_they_are(depth: int) -> None:
    text = b'{"deep":' + b'{"f:a":' * depth + b"{}" + b"}" * depth + b',"after":[{"a":1}]}'
    found = decoded(DECODER, text)
    assert found["after"] == [{"a": 1}]


def test_what_is_no_json_stays_none() -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(DECODER, b'{"a":' * 100_000)
