"""Field sets: which paths of an object somebody owns, and which paths a manifest would own.

A path is a tuple of the path elements that `metadata.managedFields[].fieldsV1` is written in:
`f:NAME` for a field, `k:{…}` for the item of a list by its keys, `v:…` for a value of a set. A set
holds the leaves, and every item of a list by key:

    ("f:spec", "f:containers", 'k:{"name":"app"}')              the item itself
    ("f:spec", "f:containers", 'k:{"name":"app"}', "f:image")   a leaf

The rules of what is a leaf were read off a real API server; its OpenAPI says the same in
`x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`.
Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from reconcile.kube.nesting import MAX_DEPTH
from reconcile.kube.objects import Manifest, maps_in

Path = tuple[str, ...]
FieldSet = frozenset[Path]

EMPTY: FieldSet = frozenset()
MISSING: Any = object()
"""What `value_at` returns where there is nothing; `None` is a value."""
LONGEST_KEPT = 16 * 1024
"""Bytes of a tree of fields that is kept at hand; ours have some 2,000."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

# Lists whose items are found by key, by the name of the field that holds them (and, where one name
# serves two kinds of list, by the field above it).
_LIST_KEYS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("spec", "containers"): ("name",),
    ("spec", "initContainers"): ("name",),
    ("*", "env"): ("name",),
    ("*", "imagePullSecrets"): ("name",),
    ("metadata", "ownerReferences"): ("uid",),
    ("item", "ports"): ("containerPort", "protocol"),
    ("spec", "ports"): ("port", "protocol"),
}

_ATOMIC = frozenset(
    {
        "nodeSelector",
        "secretKeyRef",
        "configMapKeyRef",
        "fieldRef",
        "secretRef",
        "configMapRef",
        "selector",
    }
)
_ATOMIC_ITEMS = frozenset({"ownerReferences", "imagePullSecrets"})


def is_map(value: Any) -> bool:
    """Whether it is a mapping; asked of thousands of values, nearly all of which are dicts or text."""
    return type(value) is dict or (type(value) is not str and isinstance(value, Mapping))


def list_keys(path: Path, name: str) -> tuple[str, ...] | None:
    """The keys of the list `name` below `path`; None when the list is atomic."""
    above = path[-1] if path else ""
    parent = "item" if above.startswith("k:") else above.removeprefix("f:")
    return _LIST_KEYS.get((parent, name)) or _LIST_KEYS.get(("*", name))


def item_element(item: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The path element of one item of a list by key."""
    there = [key for key in keys if key in item]
    try:
        return _element(tuple(there), *(item[key] for key in there))
    except TypeError:  # in a file a key may be anything
        return "k:" + json.dumps({k: item[k] for k in there}, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=1024, typed=True)
def _element(keys: tuple[str, ...], *values: Any) -> str:
    return "k:" + json.dumps(dict(zip(keys, values, strict=True)), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=1024)
def item_keys(element: str) -> Mapping[str, Any]:
    """The keys that a `k:` element names."""
    keys: Mapping[str, Any] = json.loads(element[2:])
    return keys


def leaves(manifest: Manifest) -> list[tuple[Path, Any]]:
    """Each path that an apply of this manifest owns, with the value there; items of lists by key included."""
    return [(path, value) for path, value, _ in leaves_beside(manifest, {})]


def leaves_beside(manifest: Manifest, other: Manifest) -> list[tuple[Path, Any, Any]]:
    """The same, with what stands at each path in another object: `MISSING` where there is nothing."""
    found: list[tuple[Path, Any, Any]] = []
    for name, value in manifest.items():
        there = step(other, f"f:{name}")
        if name == "metadata":
            metadata = {k: v for k, v in value.items() if k not in ("name", "namespace")}
            _add_map(found, ("f:metadata",), metadata, there)
        elif name not in ("apiVersion", "kind"):
            _add_value(found, (), name, value, there)
    return found


def _add_map(found: list[tuple[Path, Any, Any]], path: Path, value: Mapping[str, Any], there: Any) -> None:
    for name, child in value.items():
        _add_value(found, path, name, child, step(there, f"f:{name}"))


def _add_value(found: list[tuple[Path, Any, Any]], above: Path, name: str, value: Any, there: Any) -> None:
    path = (*above, f"f:{name}")
    if is_map(value) and value and name not in _ATOMIC:
        _add_map(found, path, value, there)
    elif (keys := list_keys(above, name)) and _holds_maps(value):
        for item in value:
            element = item_element(item, keys)
            here, beside = (*path, element), step(there, element)
            found.append((here, item, beside))
            if name not in _ATOMIC_ITEMS:
                _add_map(found, here, item, beside)
    else:
        found.append((path, value, there))


def _holds_maps(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(maps_in(value)) == len(value)


def field_set_of(manifest: Manifest) -> FieldSet:
    """What an apply of this manifest would own, computed without a server."""
    return frozenset(path for path, _ in leaves(manifest))


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
    value = manifest
    for element in path:
        value = step(value, element)
        if value is MISSING:
            return MISSING
    return value


def step(value: Any, element: str) -> Any:
    """What stands one path element below a value, or `MISSING`."""
    if element.startswith("f:"):
        return value.get(element[2:], MISSING) if is_map(value) else MISSING
    if element.startswith("k:") and isinstance(value, list | tuple):
        return _item(value, item_keys(element))
    return MISSING


def _item(items: Sequence[Any], keys: Mapping[str, Any]) -> Any:
    """The first item that has these keys; of a long list they are looked up, for each is asked for."""
    try:
        return _by_keys(_Same(items), tuple(keys)).get(tuple(keys.values()), MISSING)
    except TypeError:  # in a file a key may be anything
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
def _by_keys(items: _Same, keys: tuple[str, ...]) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
    """The items of a list by the values of these keys, the first where several have the same."""
    maps = maps_in(items.items)
    return {tuple(item.get(key) for key in keys): item for item in reversed(maps)}


def part_of(manifest: Manifest, paths: FieldSet) -> dict[str, Any]:
    """Of an object what lies at these paths, with its kind and place: what an apply of them would send."""
    tops = above_of(paths)
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace")}
    found = _part_of_map(manifest, (), paths, tops)
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        **found,
        "metadata": {**metadata, **found.get("metadata", {})},
    }


def _part_of_map(value: Mapping[str, Any], path: Path, paths: FieldSet, tops: FieldSet) -> dict[str, Any]:
    found = {}
    for name, child in value.items():
        here = (*path, f"f:{name}")
        if here in tops:
            found[name] = _part(child, here, paths, tops)
        elif here in paths:
            found[name] = child
    return found


def _part(value: Any, path: Path, paths: FieldSet, tops: FieldSet) -> Any:
    if isinstance(value, Mapping):
        return _part_of_map(value, path, paths, tops)
    keys = list_keys(path[:-1], path[-1].removeprefix("f:")) or ()
    items = [(item, (*path, item_element(item, keys))) for item in maps_in(value)]
    return [
        _part_of_map(item, here, paths, tops) if here in tops else item
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
