"""An object as it was sent equals the one that it is, whoever has looked at it, and however much."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from reconcile.errors import ServerTrouble
from reconcile.sent import fields_in, json_of, sent_object

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.fixed_dictionaries(
    {"metadata": st.dictionaries(st.text(), JSON, max_size=4)},
    optional={"spec": JSON, "status": JSON, "": JSON},
)


@drawn(OBJECTS, st.lists(st.sampled_from(["metadata", "spec", "status", "kind", ""])))
def test_it_equals_what_decoding_all_of_it_gives(manifest: dict[str, Any], looked_at: list[str]) -> None:
    sent = sent_object(json.dumps(manifest).encode(), kind="Service")
    for name in looked_at:
        assert sent.get(name, "nothing") == {**manifest, "kind": "Service"}.get(name, "nothing")
    assert sent == {**manifest, "kind": "Service"}
    assert {**sent} == {**manifest, "kind": "Service"}
    assert (len(sent), set(sent)) == (len({*manifest, "kind"}), {*manifest, "kind"})
    assert {**sent["metadata"]} == manifest["metadata"]


def test_what_is_known_stands_in_place_of_what_was_sent() -> None:
    sent = sent_object(b'{"kind": "Secret", "metadata": {}}', kind="Service")
    assert (sent["kind"], len(sent), dict(sent)) == ("Service", 2, {"kind": "Service", "metadata": {}})


def test_a_part_is_decoded_once() -> None:
    sent = sent_object(b'{"metadata": {"labels": {"a": "b"}}, "spec": {}}')
    assert sent["metadata"]["labels"] is sent["metadata"]["labels"]
    assert sent["spec"] is sent["spec"]


def test_what_is_not_there_is_told_as_a_mapping_does() -> None:
    sent = sent_object(b'{"metadata": {}}')
    with pytest.raises(KeyError, match="spec"):
        sent["spec"]
    assert (sent.get("spec"), sent.get("spec", 1), "spec" in sent) == (None, 1, False)


@pytest.mark.parametrize("text", [b"1", b"null", b"{}", b'{"metadata": null}', b'{"metadata": {}', b"[]"])
def test_what_is_no_object_with_metadata_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        sent_object(text)


def test_a_part_that_no_machine_can_hold_is_trouble_of_the_server() -> None:
    sent = sent_object(b'{"metadata": {}, "spec": 1e99999}')
    with pytest.raises(ServerTrouble, match="has sent a spec that cannot be read: Number out of range"):
        sent["spec"]


def test_its_parts_are_the_bytes_that_were_sent() -> None:
    sent = sent_object(b'{"metadata": {"labels":{ "a":"b" }}}')
    assert bytes(json_of(sent["metadata"], "labels")) == b'{ "a":"b" }'
    assert json_of(sent, "spec") == b"null"
    assert json_of({"spec": {"a": ["b", 1]}}, "spec") == b'{"a":["b",1]}'
    assert {name: bytes(text) for name, text in fields_in(b'{"a": 1, "b":"c"}').items()} == {
        "a": b"1",
        "b": b'"c"',
    }


def test_nothing_of_its_values_is_in_its_repr() -> None:
    assert "hunter2" not in repr(sent_object(b'{"metadata": {}, "spec": {"value": "hunter2"}}'))
