"""A server's OpenAPI v3 in short: of each type what server-side apply makes of it, and nothing more.

A rule is a word, such as `string`, the name of another type, or one of

    {"fields": {NAME: RULE}, "rest": RULE}    a map: its declared fields, and what any other key holds
    {"items": RULE, "keys": {NAME: DEFAULT}}  a list by keys; without keys a set
    {"items": RULE, "atomic": true}           a list that has one owner
    {"type": RULE, "atomic": true}            a map that has one owner here, and several elsewhere

Source of the rules: https://github.com/kubernetes/kube-openapi/tree/master/pkg/schemaconv
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Rule = str | Mapping[str, Any]

_PREFIX = re.compile(r"io\.k8s\.(api|apimachinery\.pkg\.(apis|api|util))\.")
_QUANTITY = "resource.Quantity"
_WITHOUT_KEY = ("", 0, None)
"""Defaults that every text or number has in the document; none of them names an item."""
_FORMATS = frozenset({"byte", "date-time", "int-or-string"})


def rules_in(document: Schema) -> dict[str, Rule]:
    """The rule of each type of a document, by its short name."""
    types = _types(document)
    rules = {short_name(name): _rule(schema, types) for name, schema in types.items()}
    return {**rules, **({_QUANTITY: "quantity"} if _QUANTITY in rules else {})}


def kinds_in(document: Schema) -> dict[str, str]:
    """The short name of the type of each kind of object, by `APIVERSION KIND`."""
    return {
        f"{api_version} {kind}": short_name(name)
        for name, schema in _types(document).items()
        for api_version, kind in _kinds(schema)
    }


def short_name(name: str) -> str:
    """`core.v1.Container` of `io.k8s.api.core.v1.Container`, or of a reference to it."""
    return _PREFIX.sub("", name.removeprefix("#/components/schemas/"))


def _types(document: Schema) -> Schema:
    types: Schema = document["components"]["schemas"]
    return types


def _kinds(schema: Schema) -> Iterator[tuple[str, str]]:
    """What an object is; options and lists, which name kinds too, have no metadata of an object."""
    metadata = _rule(schema.get("properties", {}).get("metadata", {}), {})
    for named in (
        schema.get("x-kubernetes-group-version-kind", ()) if metadata == "meta.v1.ObjectMeta" else ()
    ):
        yield "/".join(filter(None, (named["group"], named["version"]))), named["kind"]


def _rule(schema: Schema, types: Schema) -> Rule:
    if "$ref" in schema:
        return short_name(schema["$ref"])
    if len(schema.get("allOf", ())) == 1 and schema.keys().isdisjoint({"type", "properties"}):
        inner = _rule(schema["allOf"][0], types)
        return {"type": inner, "atomic": True} if _is_atomic(schema) else inner
    if schema.get("type") == "array":
        return _list(schema, types)
    if schema.get("type") == "object" or "properties" in schema or "additionalProperties" in schema:
        return _map(schema, types)
    return _word(schema)


def _is_atomic(schema: Schema) -> bool:
    return schema.get("x-kubernetes-map-type") == "atomic"


def _list(schema: Schema, types: Schema) -> Rule:
    items = {"items": _rule(schema["items"], types)}
    kind, keys = _list_type(schema)
    if kind == "map":
        return {**items, "keys": {key: _default(schema["items"], key, types) for key in sorted(keys)}}
    return items if kind == "set" else {**items, "atomic": True}


def _list_type(schema: Schema) -> tuple[str, list[str]]:
    """`map`, `set` or `atomic`, with the keys; where it is not said, as kubectl patches it."""
    if kind := schema.get("x-kubernetes-list-type"):
        return kind, schema.get("x-kubernetes-list-map-keys", [])
    if "merge" not in schema.get("x-kubernetes-patch-strategy", ""):
        return "atomic", []
    key = schema.get("x-kubernetes-patch-merge-key")
    return ("map", [key]) if key else ("set", [])


def _default(item: Schema, key: str, types: Schema) -> Any:
    """What the server takes for a key that an item does not set; None where the item has to set it."""
    while reference := item.get("$ref") or next((one.get("$ref") for one in item.get("allOf", ())), None):
        item = types[reference.rpartition("/")[2]]
    default = item.get("properties", {}).get(key, {}).get("default")
    return None if default in _WITHOUT_KEY else default


def _map(schema: Schema, types: Schema) -> Rule:
    fields = {name: _rule(field, types) for name, field in schema.get("properties", {}).items()}
    rest = _rest(schema, types)
    if not fields and not isinstance(rest, Mapping | str):
        return "whole"
    if not fields and rest == "any":
        return "any"
    found = {"fields": fields, "rest": rest, "atomic": _is_atomic(schema)}
    return {name: value for name, value in found.items() if value}


def _rest(schema: Schema, types: Schema) -> Rule | None:
    """What a key holds that is not declared; None where there is none."""
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        return _rule(more, types)
    return "any" if more or schema.get("x-kubernetes-preserve-unknown-fields") else None


def _word(schema: Schema) -> Rule:
    kind, form = schema.get("type"), schema.get("format")
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return "any"
    if schema.get("x-kubernetes-int-or-string") or (kind is None and {"oneOf", "anyOf"} & schema.keys()):
        return "int-or-string"
    return str(form if form in _FORMATS else kind or "whole")
