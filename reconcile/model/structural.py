"""A model's JSON schema as a CRD takes it: a structural schema.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

Schema = dict[str, Any]

_KEYWORDS = (
    *("type", "format", "maxLength", "minLength", "pattern", "enum", "maxProperties", "additionalProperties"),
    *("description", "minimum", "maximum", "maxItems", "items", "properties", "required", "default"),
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
)
"""All that a schema here may have, in the order in which it is read best."""

_BY_TYPE: Mapping[str, Schema] = {
    "integer": {"format": "int32"},
    "array": {"x-kubernetes-list-type": "atomic"},
}


class _AsWritten(GenerateJsonSchema):
    """pydantic sorts keys: a rule would come after its message."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value


def structural_schema(model: type[BaseModel]) -> Schema:
    """The schema of a model, whole; TypeError for a type that a CRD cannot have."""
    schema = model.model_json_schema(schema_generator=_AsWritten)
    return _structural(schema, schema.pop("$defs", {}))


def _structural(schema: Schema, parts: Mapping[str, Schema]) -> Schema:
    found = _resolved(schema, parts)
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "description" in found:  # a docstring has line breaks
        found["description"] = " ".join(found["description"].split())
    if "properties" in found:
        found["properties"] = {name: _structural(of, parts) for name, of in found["properties"].items()}
    if "items" in found:
        found["items"] = _structural(found["items"], parts)
    found = _BY_TYPE.get(found.get("type", ""), {}) | found
    if unknown := sorted(found.keys() - set(_KEYWORDS)):
        what = ", ".join(unknown)
        raise TypeError(f"{schema}: the CRD cannot have {what}; use another type, or a rule in cel.py")
    return {keyword: found[keyword] for keyword in _KEYWORDS if keyword in found}


def _resolved(schema: Schema, parts: Mapping[str, Schema]) -> Schema:
    """Without references and titles, and without null: an API server drops it before it looks at the rest."""
    found = {keyword: value for keyword, value in schema.items() if keyword != "title"}
    if found.get("default") in (None, []):
        found.pop("default", None)
    inner = [choice for choice in found.get("anyOf", ()) if choice != {"type": "null"}]
    if "$ref" in found:
        inner = [parts[found.pop("$ref").removeprefix("#/$defs/")]]
    if len(inner) == 1:
        found.pop("anyOf", None)
        return _resolved(inner[0], parts) | found
    return found
