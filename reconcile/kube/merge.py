"""One manifest merged into another, by the schema of its kind, as server-side apply merges managers' fields.

    in the document        beside what is there
    a map                  each field by itself; `null` removes one
    a list by keys         each item by itself, new ones at the end; `$patch: delete` removes one
    a set                  its values, new ones at the end
    anything else          in its place

Server-side apply has no way to remove an item; kustomize's is what people know:
https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_patchesstrategicmerge_
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconcile.kube.schema import SCALAR, Node

DIRECTIVE = "$patch"
DELETE = "delete"

ENV_ARMS = frozenset({"value", "valueFrom"})
SOURCE_ARMS = frozenset({"secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"})
HANDLER_ARMS = frozenset({"tcpSocket", "httpGet", "exec", "grpc", "sleep"})
UNIONS = (ENV_ARMS, SOURCE_ARMS, HANDLER_ARMS)
"""Fields of which an object may have one. Whoever sets another one means it in place of the first."""


def merge(base: Any, over: Any, node: Node) -> Any:
    """What `base` is with `over` on top: a new value, without a null and without a directive."""
    node = node.of(base)
    if node.atomic or not _alike(base, over, node):
        return _plain(over)
    if node.kind == "map":
        return _merged_map(base, over, node)
    return _merged_items(base, over, node) if node.keys else [*base, *(v for v in over if v not in base)]


def _alike(base: Any, over: Any, node: Node) -> bool:
    """Whether both are what the node says, so that one can be merged into the other."""
    form = Mapping if node.kind == "map" else list | tuple
    return node.kind in ("map", "list") and isinstance(base, form) and isinstance(over, form)


def _merged_map(base: Mapping[str, Any], over: Mapping[str, Any], node: Node) -> dict[str, Any]:
    merged = {name: value for name, value in base.items() if name not in _excluded(base, over)}
    for name, value in over.items():
        if value is None or name == DIRECTIVE:
            merged.pop(name, None)
        elif name in merged:
            merged[name] = merge(merged[name], value, node.child(name) or SCALAR)
        else:
            merged[name] = _plain(value)
    return merged


def _excluded(base: Mapping[str, Any], over: Mapping[str, Any]) -> set[str]:
    """The fields that what is set on top leaves no room for."""
    found: set[str] = set()
    for union in UNIONS:
        if arms := {name for name in union & over.keys() if over[name] is not None}:
            found |= (union & base.keys()) - arms
    return found


def _merged_items(base: Sequence[Any], over: Sequence[Any], node: Node) -> list[Any]:
    merged = {node.element_of(item): item for item in base}
    for item in over:
        element = node.element_of(item)
        if item.get(DIRECTIVE) == DELETE:
            merged.pop(element, None)
        elif element in merged:
            merged[element] = merge(merged[element], item, node.element or SCALAR)
        else:
            merged[element] = _plain(item)
    return list(merged.values())


def _plain(value: Any) -> Any:
    """The value without nulls and directives, at every depth."""
    if isinstance(value, Mapping):
        kept = ((name, child) for name, child in value.items() if child is not None and name != DIRECTIVE)
        return {name: _plain(child) for name, child in kept}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value if item is not None and not _is_deletion(item)]
    return value


def _is_deletion(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get(DIRECTIVE) == DELETE
