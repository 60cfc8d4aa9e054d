"""An object as it was sent equals the one that it is, whoever has looked at it, and however much."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import ServerTrouble
from reconcile.kube.rawjson import Sent, SentObject, opened_items, plain, text_of
from tests.whole import drawn

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PLACED = {"name": st.text(min_size=1), "namespace": st.text(min_size=1)}
OBJECTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries(PLACED, optional={"labels": JSON, "": JSON}), "kind": JSON},
    optional={"spec": JSON, "status": JSON, "": JSON},
)
KNOWN = {"apiVersion": "v1", "kind": "Service"}


def an_object(text: str) -> SentObject:
    return SentObject(text.encode(), KNOWN).opened()


def in_a_list(text: str) -> SentObject:
    (found,) = opened_items(b'{"items": [%b]}' % text.encode(), [text.encode()], KNOWN)
    return found


@pytest.mark.parametrize("sent_as", [an_object, in_a_list])
@drawn()
@given(OBJECTS, st.lists(st.sampled_from(["metadata", "spec", "status", "kind", ""])))
def test_it_equals_what_decoding_all_of_it_gives(
    sent_as: Callable[[str], SentObject], manifest: dict[str, Any], looked_at: list[str]
) -> None:
    sent, whole = sent_as(json.dumps(manifest)), {**manifest, **KNOWN}
    for name in looked_at:
        assert sent.get(name, "nothing") == whole.get(name, "nothing")
        assert (name in sent) is (name in whole)
    assert sent == whole
    assert (len(sent), set(sent), {**sent}) == (len(whole), set(whole), whole)
    assert {**sent["metadata"]} == manifest["metadata"]
    decoded = plain(sent)
    assert decoded == whole
    assert type(decoded) is type(decoded["metadata"]) is dict


def test_what_is_missing_is_reported_as_by_a_mapping() -> None:
    sent = an_object('{"metadata": {}}')
    with pytest.raises(KeyError, match="spec"):
        sent["spec"]
    assert (sent.get("spec"), sent.get("spec", 1), "spec" in sent) == (None, 1, False)


def test_one_that_is_no_longer_at_hand_is_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Sent(b'{"spec": %d}' % number) for number in range(3000)]
    assert [one["spec"] for one in (*many, *many)] == [*range(3000), *range(3000)]


@pytest.mark.parametrize(
    "text", ["1", "null", "{}", '{"metadata": null}', '{"metadata": {}', "[]", '{"metadata": {"name": 1}}']
)
def test_what_is_no_object_with_metadata_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        an_object(text)


def test_a_part_that_no_machine_can_hold_is_trouble_of_the_server() -> None:
    sent = an_object('{"metadata": {}, "spec": 1e99999}')
    with pytest.raises(ServerTrouble, match="has sent a spec that cannot be read: Number out of range"):
        sent["spec"]
    with pytest.raises(ServerTrouble, match="has sent a labels that cannot be read: Number out of range"):
        an_object('{"metadata": {"labels": 1e99999}}')["metadata"].get("labels")


def test_its_parts_are_the_bytes_that_were_sent() -> None:
    sent = an_object('{"metadata": {"labels":{ "a":"b" }}}')
    assert bytes(text_of(sent["metadata"], "labels")) == b'{ "a":"b" }'
    assert bytes(text_of(sent, "spec")) == b"null"
    assert text_of({"spec": {"a": ["b", 1]}}, "spec") == b'{"a":["b",1]}'


def test_nothing_of_its_values_is_in_its_repr() -> None:
    assert "hunter2" not in repr(an_object('{"metadata": {}, "spec": {"value": "hunter2"}}'))
