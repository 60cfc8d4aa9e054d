"""What a manifest has that its schema has not: a server answers an apply of it with 500, on every pass.

unknown field            spec.bogus: is not a known field; did you mean …?
wrong type               spec.replicas: is not a whole number
item that is null        spec.ports[0]: is empty; remove the item
item without its key     spec.ports[0].port: is missing; it tells the items of this list apart
two items of one key     spec.ports[1]: has the same port and protocol as another item
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from reconcile.kube.merge import DELETE, DIRECTIVE
from reconcile.kube.quantity import canonical
from reconcile.kube.schema import Node
from reconcile.kube.time import parse_time

Location = tuple[str | int, ...]

_SENTENCES = {
    "string": "is not a string; put it in quotes",
    "byte": "is not in base64",
    "integer": "is not a whole number",
    "number": "is not a number",
    "boolean": "is not true or false",
    "int-or-string": "is not a whole number or a string",
    "quantity": "is not a valid quantity, such as 500m, 0.5 or 256Mi",
    "date-time": "is not a time, such as 2026-01-01T00:00:00Z",
}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "int-or-string": (int, str),
}


class Mistake(NamedTuple):
    """Where, such as `("spec", "ports", 0, "port")`, and a sentence that shows no value."""

    location: Location
    sentence: str


def check(manifest: Any, node: Node) -> list[Mistake]:
    """Everything in a manifest that its schema refuses; a field's `null` and `$patch: delete` are none."""
    return list(_mistakes((), manifest, node))


def _mistakes(at: Location, value: Any, node: Node) -> Iterator[Mistake]:
    if value is None or node.kind == "any":
        return
    if node.kind == "map":
        yield from _in_map(at, value, node)
    elif node.kind == "list":
        yield from _in_list(at, value, node)
    elif not _is_of(node.type, value):
        yield Mistake(at, _SENTENCES[node.type])


def _is_of(type_: str, value: Any) -> bool:
    if type_ == "quantity":
        return _is_quantity(value)
    if type_ == "date-time":
        return parse_time(value) is not None
    if type_ == "byte":
        return _is_base64(value)
    return isinstance(value, _TYPES[type_]) and (type_ == "boolean" or not isinstance(value, bool))


def _is_quantity(value: Any) -> bool:
    try:
        canonical(value)
    except ValueError:
        return False
    return True


def _is_base64(value: Any) -> bool:
    """As Go reads it: a line may end anywhere."""
    try:
        b64decode("".join(value.split()) if isinstance(value, str) else "?", validate=True)
    except ValueError:
        return False
    return True


def _in_map(at: Location, value: Any, node: Node) -> Iterator[Mistake]:
    if not isinstance(value, Mapping):
        yield Mistake(at, "is not an object, with fields of its own")
        return
    for name, below in value.items():
        if name == DIRECTIVE:
            yield from () if below == DELETE else (Mistake((*at, name), f"is not {DELETE}"),)
        elif child := node.child(name):
            yield from _mistakes((*at, name), below, child)
        else:
            yield Mistake((*at, name), not_known(name, node.fields))


def not_known(name: object, known: Iterable[str]) -> str:
    """A sentence about a field that nobody knows, and the known one that it is most like."""
    by_name = {field.lower(): field for field in known}
    close = get_close_matches(str(name).lower(), by_name, n=1)
    return f"is not a known field{f'; did you mean {by_name[close[0]]}?' if close else ''}"


def _in_list(at: Location, value: Any, node: Node) -> Iterator[Mistake]:
    if not isinstance(value, list | tuple):
        yield Mistake(at, "is not a list")
        return
    for index, item in enumerate(value):
        if item is None:
            yield Mistake((*at, index), "is empty; remove the item")
        elif node.element:
            yield from _mistakes((*at, index), item, node.element)
    if not node.atomic:
        yield from _keyed(at, value, node)


def _keyed(at: Location, items: Sequence[Any], node: Node) -> Iterator[Mistake]:
    """Items that cannot be told apart."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if node.keys and not isinstance(item, Mapping):
            continue  # told already
        if missing := [key for key in node.keys if key not in node.keys_of(item)]:
            sentence = "is missing; it tells the items of this list apart"
            yield Mistake((*at, index, missing[0]), sentence)
        elif (element := node.element_of(item)) in seen:
            same = f"the same {' and '.join(node.keys)} as" if node.keys else "the value of"
            yield Mistake((*at, index), f"has {same} another item")
        else:
            seen.add(element)
