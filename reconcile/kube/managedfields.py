"""Field sets: which paths of an object somebody owns, and which paths a manifest would own.

A path is a tuple of the path elements that `metadata.managedFields[].fieldsV1` is written in:
`f:NAME` for a field, `k:{…}` for the item of a list by its keys, `v:…` for a value of a set. A set
holds the leaves, and every item of a list by key:

    ("f:spec", "f:containers", 'k:{"name":"app"}')              the item itself
    ("f:spec", "f:containers", 'k:{"name":"app"}', "f:image")   a leaf

What is a leaf, the schema of the kind tells. An empty list by key or set owns nothing; `null`, an empty map
and an empty atomic list are leaves; what stands in a map that takes any key is in the set, leaf or not.
Source: `ToFieldSet` of https://github.com/kubernetes-sigs/structured-merge-diff/tree/master/typed
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any

import msgspec

from reconcile.kube.nesting import MAX_DEPTH
from reconcile.kube.objects import KEPT_BY_SERVERS, Manifest, is_map, map_in, maps_in
from reconcile.kube.schema import ANY, Node, schema_of

Path = tuple[str, ...]
FieldSet = frozenset[Path]

EMPTY: FieldSet = frozenset()
MISSING: Any = object()
"""What `value_at` returns where there is nothing; `None` is a value."""
LONGEST_KEPT = 16 * 1024
"""Bytes of a tree of fields that is kept at hand; ours have some 2,000."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Leaf = tuple[Path, Any, Any, Node | None]
"""A path, the value there, what stands there in another object, and the schema of the value: None where its
parts are leaves of their own."""


@dataclass(frozen=True)
class Beside:
    """A manifest beside another object, after one walk: its `leaves`, and outside of metadata its `maps` and
    its `lists` whose items have keys. Each is a path, what is there, and what stands there in the other."""

    leaves: list[Leaf] = field(default_factory=list)
    maps: list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)
    lists: list[tuple[Path, Sequence[Any], Any, Node]] = field(default_factory=list)


_NOT_OWNED = KEPT_BY_SERVERS | {"name", "namespace"}


@lru_cache(maxsize=1024)
def item_keys(element: str) -> Mapping[str, Any]:
    """The keys that a `k:` element names."""
    keys: Mapping[str, Any] = json.loads(element[2:])
    return keys


def leaves(manifest: Manifest) -> list[tuple[Path, Any]]:
    """Each path that an apply of this manifest owns, with the value there; items of lists by key included."""
    return [(path, value) for path, value, _, _ in leaves_beside(manifest, {})]


def leaves_beside(manifest: Manifest, other: Manifest, schema: Node | None = None) -> list[Leaf]:
    """The same, with what stands at each path in another object: `MISSING` where there is nothing."""
    return beside(manifest, other, schema).leaves


def beside(manifest: Manifest, other: Manifest, schema: Node | None = None) -> Beside:
    """A manifest beside another object. `schema` is that of a kind that the packaged table does not have."""
    found = Beside()
    body = {name: value for name, value in manifest.items() if name not in ("apiVersion", "kind", "metadata")}
    metadata = {
        name: value for name, value in map_in(manifest.get("metadata")).items() if name not in _NOT_OWNED
    }
    schema = schema or schema_of(manifest)
    if metadata:
        node = schema.fields["metadata"]
        _add_value(Beside(found.leaves), ("f:metadata",), metadata, step(other, "f:metadata"), node)
    _add_fields(found, (), body, other, schema)
    return found


def _add_value(
    found: Beside, path: Path, value: Any, there: Any, node: Node, *, member: bool = False
) -> None:
    """The leaves at a path and below it; a `member` is in the set itself, whatever lies below."""
    node = node.of(value)
    parts = has_parts(value, node)
    if member or not parts:
        found.leaves.append((path, value, there, None if parts else node))
    if parts and node.kind == "map":
        _add_fields(found, path, value, there, node)
    elif parts:
        _add_items(found, path, value, there, node)


def has_parts(value: Any, node: Node) -> bool:
    """Whether what is in this value has owners of its own; not where it is not what its schema says."""
    if node.atomic or node.kind == "scalar":
        return False
    if node.kind == "map":
        return is_map(value) and bool(value)
    return isinstance(value, list | tuple) and (not node.keys or len(maps_in(value)) == len(value))


def _add_fields(found: Beside, path: Path, value: Mapping[str, Any], there: Any, node: Node) -> None:
    declared, other = node.fields, node.element or ANY
    others: Mapping[str, Any] = there if is_map(there) else {}
    found.maps.append((path, value, others))
    for name, child in value.items():
        below, here = declared.get(name, other), (*path, f"f:{name}")
        if below.kind == "scalar":
            found.leaves.append((here, child, others.get(name, MISSING), below))
        else:
            _add_value(found, here, child, others.get(name, MISSING), below, member=name not in declared)


def _add_items(found: Beside, path: Path, items: Sequence[Any], there: Any, node: Node) -> None:
    if node.keys:
        found.lists.append((path, items, there, node))
    others = _by_element(_Same(there), node) if isinstance(there, list | tuple) else {}
    below = node.element or ANY
    for item in items:
        element = node.element_of(item)
        _add_value(found, (*path, element), item, others.get(element, MISSING), below, member=True)


def field_set_of(manifest: Manifest, schema: Node | None = None) -> FieldSet:
    """What an apply of this manifest would own, computed without a server."""
    return frozenset(path for path, _, _, _ in leaves_beside(manifest, {}, schema))


def from_fields_v1(fields: Mapping[str, Any]) -> FieldSet:
    """The field set that a `fieldsV1` tree writes; what is no tree is passed over."""
    found: list[Path] = []
    ahead: list[tuple[Path, Any]] = [((), fields)]
    while ahead:
        path, tree = ahead.pop()
        if not isinstance(tree, Mapping) or not tree or len(path) == MAX_DEPTH:
            found.append(path)
            continue
        if "." in tree:
            found.append(path)
        ahead += [((*path, canonical), tree[element]) for element, canonical in _elements(tree)]
    return frozenset(found) - {()}


def read_fields_v1(fields: Mapping[str, Any]) -> FieldSet:
    """The same, a branch at a time: thousands of children have the same one for their spec."""
    return EMPTY.union(*(_of_branch(element, tree) for element, tree in fields.items()))


def _of_branch(element: str, tree: Any) -> FieldSet:
    try:
        text = _encode({element: tree})
    except (TypeError, ValueError, RecursionError):  # what no JSON holds stands in a file
        return from_fields_v1({element: tree})
    return _of_text(text) if len(text) <= LONGEST_KEPT else from_fields_v1({element: tree})


@lru_cache(maxsize=512)
def _of_text(text: bytes) -> FieldSet:
    return from_fields_v1(_decode(text))


def _elements(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The path elements of one level of a tree, each as it is written and in one spelling."""
    for element in tree:
        if element != "." and (canonical := _canonical(element)):
            yield element, canonical


def _canonical(element: str) -> str | None:
    """Keys in one order and spelling, whoever wrote them; None where there are no keys."""
    if not element.startswith("k:"):
        return element
    try:
        keys = json.loads(element[2:])
    except (ValueError, RecursionError):  # whoever may write an object may write this too
        return None
    return "k:" + json.dumps(keys, sort_keys=True, separators=(",", ":")) if isinstance(keys, dict) else None


def to_fields_v1(paths: Iterable[Path]) -> dict[str, Any]:
    """The `fieldsV1` tree of a field set."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    _mark_items(tree, (), frozenset(paths))
    return tree


def _mark_items(tree: dict[str, Any], path: Path, members: FieldSet) -> None:
    """A branch that is a member itself says so with a dot."""
    for element, below in list(tree.items()):
        here = (*path, element)
        if below:
            _mark_items(below, here, members)
            if here in members:
                below["."] = {}


def covers(path: Path, other: Path) -> bool:
    """Whether `other` is `path` or lies below it."""
    return other[: len(path)] == path


def below(paths: Iterable[Path], top: Path) -> FieldSet:
    """Those of the paths that are `top` or lie below it."""
    return frozenset(path for path in paths if covers(top, path))


def is_covered(path: Path, tops: FieldSet) -> bool:
    """Whether one of `tops` is this path or lies above it."""
    return any(path[:length] in tops for length in range(len(path) + 1))


def above_of(paths: Iterable[Path]) -> FieldSet:
    """Every path that lies above one of these."""
    return _above(paths) if isinstance(paths, frozenset) else _above(frozenset(paths))


@lru_cache(maxsize=64)
def _above(paths: FieldSet) -> FieldSet:
    return frozenset(path[:length] for path in paths for length in range(1, len(path)))


def value_at(manifest: Any, path: Path) -> Any:
    """What stands at a path of an object, or `MISSING`."""
    value, node = manifest, schema_of(manifest)
    for element in path:
        node = node.of(value)
        value, node = step(value, element, node), below_node(node, element)
        if value is MISSING:
            return MISSING
    return value


def below_node(node: Node, element: str) -> Node:
    """The schema one path element below."""
    return (node.child(element[2:]) if element.startswith("f:") else node.element) or ANY


def node_at(manifest: Manifest, path: Path) -> Node:
    """The schema of what stands at a path of an object of this kind."""
    return reduce(below_node, path, schema_of(manifest))


def step(value: Any, element: str, node: Node = ANY) -> Any:
    """What stands one path element below a value, or `MISSING`.

    By the schema of the list an item is found also where a key has its default.
    """
    if element.startswith("f:"):
        return value.get(element[2:], MISSING) if is_map(value) else MISSING
    if not isinstance(value, list | tuple):
        return MISSING
    if node.keys or element.startswith("v:"):
        return _by_element(_Same(value), node).get(element, MISSING)
    return _item(value, item_keys(element)) if element.startswith("k:") else MISSING


def _item(items: Sequence[Any], keys: Mapping[str, Any]) -> Any:
    """The first item that has these keys."""
    return next((item for item in maps_in(items) if keys.items() <= item.items()), MISSING)


class _Same:
    """A list as itself, and not as what is in it: no list of a manifest is changed after it was made."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.items is other.items

    def __hash__(self) -> int:
        return id(self.items)


@lru_cache(maxsize=64)
def _by_element(items: _Same, node: Node) -> Mapping[str, Any]:
    """The items of a list by their path elements; the first, where several have the same."""
    found = maps_in(items.items) if node.keys else items.items
    return {node.element_of(item): item for item in reversed(found)}


def part_of(manifest: Manifest, paths: FieldSet) -> dict[str, Any]:
    """Of an object what lies at these paths, with its kind and place: what an apply of them would send."""
    tops = above_of(paths)
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace")}
    found = _part_of_map(manifest, (), paths, tops, schema_of(manifest))
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        **found,
        "metadata": {**metadata, **found.get("metadata", {})},
    }


def _part_of_map(
    value: Mapping[str, Any], path: Path, paths: FieldSet, tops: FieldSet, node: Node
) -> dict[str, Any]:
    found = {}
    for name, child in value.items():
        here = (*path, f"f:{name}")
        if here in tops:
            found[name] = _part(child, here, paths, tops, below_node(node, here[-1]))
        elif here in paths:
            found[name] = child
    return found


def _part(value: Any, path: Path, paths: FieldSet, tops: FieldSet, node: Node) -> Any:
    if isinstance(value, Mapping):
        return _part_of_map(value, path, paths, tops, node.of(value))
    found = maps_in(value) if node.keys or not isinstance(value, list | tuple) else value
    items = [(item, (*path, node.element_of(item))) for item in found]
    return [
        _part(item, here, paths, tops, node.element or ANY) if here in tops else item
        for item, here in items
        if here in tops or here in paths
    ]


def path_text(path: Path, *manifests: Manifest) -> str:
    """A path for people, such as `spec.ports[http].targetPort`.

    An item is called by its name, where one of the manifests that hold it gives one; else by its keys.
    """
    text = ""
    for depth, element in enumerate(path):
        if element.startswith("k:"):
            text += f"[{_item_text(path[: depth + 1], manifests)}]"
        elif "." in (name := element.split(":", 1)[-1]):
            text += f"[{name}]"
        else:
            text += f".{name}" if text else name
    return text


def _item_text(path: Path, manifests: tuple[Manifest, ...]) -> str:
    for manifest in manifests:
        item = value_at(manifest, path)
        if isinstance(item, Mapping) and isinstance(item.get("name"), str):
            return str(item["name"])
    return "/".join(str(value) for value in item_keys(path[-1]).values())
