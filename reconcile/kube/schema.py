"""What server-side apply makes of each field of a kind: who can own what, and what has to stand there.

    kind     atomic   what an apply owns                      OpenAPI v3
    map      no       each field (`child`)                    type: object
    map      yes      the whole                               x-kubernetes-map-type: atomic
    list     no       each item, by its `keys`                x-kubernetes-list-type: map
    list     no       each value, where there are no keys     x-kubernetes-list-type: set
    list     yes      the whole                               x-kubernetes-list-type: atomic, or none
    scalar   -        the whole; `type` tells its form        type: string, integer, number, boolean
    any      no       of a map each field, else the whole     x-kubernetes-preserve-unknown-fields: true
    any      yes      the whole, whatever it is               nothing that tells more

`native.json` has them for all native kinds, and for our routes that are custom resources, with the plurals of
those of which an object can be a child; `make schemas` writes it.
Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from reconcile.kube.objects import Manifest, Resource, resource_of
from reconcile.kube.openapi import Rule, kinds_in, rules_in

Kind = Literal["map", "list", "scalar", "any"]

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, eq=False)
class Node:
    """One place in the schema of a kind; what stands below it is made when it is first asked for.

    `type` of a scalar: string, byte, date-time, integer, number, boolean, quantity or int-or-string.
    `keys` of a list: the names of the fields that tell its items apart, each with its default, or None.
    """

    kind: Kind
    type: str = ""
    atomic: bool = False
    keys: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict, repr=False)
    rest: Rule | None = None
    table: "Table | None" = field(default=None, repr=False)

    @cached_property
    def fields(self) -> Mapping[str, "Node"]:
        """The declared fields of a map."""
        table = self.table or _NO_TABLE
        return {name: table.node(rule) for name, rule in self.rules.items()}

    @cached_property
    def element(self) -> "Node | None":
        """The items of a list, or the values of a map that takes any key; None where there are none."""
        return None if self.rest is None else (self.table or _NO_TABLE).node(self.rest)

    def child(self, name: str) -> "Node | None":
        """The field of a map; None where it takes no such field."""
        return self.fields.get(name) or self.element

    def of(self, value: Any) -> "Node":
        """This node; where it takes anything, what the value makes of it."""
        if self.kind != "any" or self.atomic:
            return self
        if isinstance(value, Mapping):
            return _FREE_MAP
        return _WHOLE_LIST if isinstance(value, list | tuple) else SCALAR

    def element_of(self, item: Any) -> str:
        """The path element of one item of a list by keys, or of a set."""
        if not self.keys:
            return "v:" + _text(item)
        return item_element(**self.keys_of(item))

    def keys_of(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of an item that are set, or have a default."""
        return {
            name: value
            for name, default in self.keys.items()
            if (value := item.get(name, default)) is not None
        }


def item_element(**keys: Any) -> str:
    """The path element of the item that has these keys."""
    try:
        return _element(tuple(keys), *keys.values())
    except TypeError:  # in a file a key may be anything
        return "k:" + _text(keys)


@lru_cache(maxsize=1024, typed=True)
def _element(keys: tuple[str, ...], *values: Any) -> str:
    return "k:" + _text(dict(zip(keys, values, strict=True)))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


class Table:
    """The rules of many kinds, which name each other; a node is made of one when it is first asked for."""

    def __init__(self, kinds: Mapping[str, str], types: Mapping[str, Rule]) -> None:
        self._kinds, self._types = kinds, types
        self._named: dict[str, Node] = {}

    def kind(self, api_version: str, kind: str) -> Node | None:
        """The schema of a kind; None where it is not here."""
        name = self._kinds.get(f"{api_version} {kind}")
        return None if name is None else self.node(name)

    def node(self, rule: Rule) -> Node:
        """The node of a rule: the name of a type, or what the type is."""
        if not isinstance(rule, str):
            return self._made(rule)
        if rule in _WORDS:
            return _WORDS[rule]
        if rule not in self._named:
            self._named[rule] = self.node(self._types.get(rule, "any"))  # a server may name what is not there
        return self._named[rule]

    def _made(self, rule: Mapping[str, Any]) -> Node:
        atomic = rule.get("atomic", False)
        if "type" in rule:
            return replace(self.node(rule["type"]), atomic=atomic)
        if "items" in rule:
            return Node("list", atomic=atomic, keys=rule.get("keys", {}), rest=rule["items"], table=self)
        return Node("map", atomic=atomic, rules=rule.get("fields", {}), rest=rule.get("rest"), table=self)


SCALAR = Node("scalar")
ANY = Node("any", rest="any")
_FREE_MAP = Node("map", rest="any")
_WHOLE_LIST = Node("list", atomic=True, rest="any")
_SCALARS = ("string", "byte", "date-time", "integer", "number", "boolean", "quantity", "int-or-string")
_WORDS: Mapping[str, Node] = {
    **{word: Node("scalar", type=word) for word in _SCALARS},
    "any": ANY,
    "whole": Node("any", atomic=True, rest="any"),
}
_NO_TABLE = Table({}, {})


def native_schema(api_version: str, kind: str) -> Node | None:
    """The schema of a native kind, or of one of our routes; None for any other."""
    return _native().kind(api_version, kind)


def native_resource(api_version: str, kind: str) -> Resource | None:
    """The resource of a native kind, or of one of our routes, of which an object can be a child.

    None for one that is not native, or not namespaced, or of which no object can be listed and written.
    """
    plural = _packaged()["resources"].get(f"{api_version} {kind}")
    return None if plural is None else resource_of(api_version, kind, plural)


def is_native(api_version: str, kind: str) -> bool:
    """Whether it is a native kind, or one of our routes; also one that is not namespaced."""
    return native_schema(api_version, kind) is not None


@cache
def _packaged() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = _decode(Path(__file__).with_name("native.json").read_bytes())
    return found


@cache
def _native() -> Table:
    return Table(_packaged()["kinds"], _packaged()["types"])


def schemas_in(document: Mapping[str, Any]) -> Table:
    """The schemas of all kinds in a server's own `/openapi/v3/apis/GROUP/VERSION`."""
    return Table(kinds_in(document), rules_in(document))


_known: dict[tuple[str, str], Node] = {}
"""By API version and kind: the native ones that were met, and those that were learned."""


def learn(api_version: str, kind: str, node: Node) -> None:
    """From now on `schema_of` finds this schema for manifests of the kind, unless the kind is native.

    It holds for the whole process, since a process talks to one server. Any thread may call it.
    """
    if not is_native(api_version, kind):
        _known[api_version, kind] = node


def forget_learned() -> None:
    """From now on `schema_of` finds native schemas alone: a CRD may be another by the next run."""
    for learned in [kind for kind in _known if not is_native(*kind)]:
        del _known[learned]


def schema_of(manifest: Manifest) -> Node:
    """The schema of this object's kind; one that takes everything where the kind is not known."""
    kind = str(manifest.get("apiVersion")), str(manifest.get("kind"))
    return _known.get(kind) or _not_known_yet(*kind)


@lru_cache(maxsize=256)
def _not_known_yet(api_version: str, kind: str) -> Node:
    native = native_schema(api_version, kind)
    if native is None:
        return _unknown()  # nothing is noted, for it may be learned at any time
    _known[api_version, kind] = native
    return native


@cache
def _unknown() -> Node:
    declared = {"metadata": "meta.v1.ObjectMeta", "spec": "any", "status": "any"}
    return Node("map", rules=declared, rest="any", table=_native())
