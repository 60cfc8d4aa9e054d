"""The CustomResourceDefinition, made to measure for an API group."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from reconcile.errors import UsageError
from reconcile.model import cel, rules
from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL, SHORT_NAMES, SINGULAR, VERSION

Schema = dict[str, Any]

_HEADER = """\
# What a PreviewEnvironment is, for the API group {group}.
# Written by `reconcile --print-crd`, which makes it for a group of your own with --api-group.
"""


def check_group(group: str) -> str:
    """The group itself, where it can be the API group of a CRD; else UsageError."""
    if problem := rules.GROUP.problem(group):
        raise UsageError(f"API group {group!r} {problem}")
    return group


def render(group: str = DEFAULT_GROUP) -> str:
    """The CRD as YAML text, as `--print-crd` prints it."""
    text = yaml.dump(crd(group), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return _HEADER.format(group=group) + text


class _Plain(yaml.SafeDumper):
    """No anchors: what is there twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def crd(group: str = DEFAULT_GROUP) -> dict[str, Any]:
    """The CRD as a manifest; UsageError where the group can be none."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{check_group(group)}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": list(SHORT_NAMES),
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _preview()},
                }
            ],
        },
    }


def _columns() -> list[dict[str, Any]]:
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        {"name": "URL", "type": "string", "jsonPath": ".status.url"},
        {"name": "Ready", "type": "string", "jsonPath": f"{ready}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{ready}.reason"},
        # kubectl shows <invalid> for a date to come, so this one is a string.
        {"name": "Expires", "type": "string", "jsonPath": ".status.expiresAt"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _preview() -> Schema:
    schema = _object(
        "A running, reachable copy of an application: an image and a hostname.",
        {"spec": _spec(), "status": _status()},
        required=("spec",),
    )
    says = f"the name, which its Service has too, {rules.NAME.says}; of at most {rules.NAME.max_length}"
    return schema | cel.validations((cel.keeps("self.metadata.name", rules.NAME), says))


def _spec() -> Schema:
    # Here, since every run has its API group checked by this module, and not every run needs pydantic.
    from reconcile.model.spec import Spec
    from reconcile.model.structural import structural_schema

    return structural_schema(Spec)


def _status() -> Schema:
    """Without bounds: only we write it, and a status that is refused tells nobody anything."""
    return _object(
        "What became of it; written by reconcile.",
        {
            "observedGeneration": _generation("The generation of the spec that this status is about."),
            "conditions": _conditions(),
            "url": {"type": "string", "description": "Where the preview is reached."},
            "expiresAt": _time("When the preview loses what was made for it, unless its spec changes."),
            "ttl": {"type": "string", "description": "The ttl in force, the operator's default included."},
            "ttlCountsFrom": _time("When the ttl began: at the last change of the spec."),
            "setup": _setup_record(),
            "hostname": _hostname_record(),
            "kept": _kept(),
            "kinds": {
                "type": "array",
                "description": "The kinds that further children of it have, as GROUP/VERSION/KIND: where no "
                "template makes one any more, what is left of it is found by this.",
                "items": {"type": "string"},
                "x-kubernetes-list-type": "atomic",  # of a set, nobody could remove what others have put in
            },
            "fingerprint": {
                "type": "string",
                "description": "A digest of the preview, its children and this status as they were when a "
                "run compared them and found nothing to do: where it is the same, the next need not.",
            },
        },
    )


def _kept() -> Schema:
    """Atomic: all of it is of one run."""
    child = _object(
        "One child.",
        {
            "kind": {"type": "string", "description": "Its kind."},
            "name": {"type": "string", "description": "Its name, where that is not the preview's."},
            "reason": {"type": "string", "description": "Why it stays as it is."},
        },
    )
    return {
        "type": "array",
        "description": "Children that stay otherwise than the spec asks for.",
        "items": child,
        "x-kubernetes-list-type": "atomic",
    }


def _hostname_record() -> Schema:
    return _object(
        "The hostname that the preview holds; who holds one keeps it.",
        {
            "name": {"type": "string", "description": "The hostname."},
            "heldSince": _time("Since when; of two that hold one, the first counts."),
        },
    )


def _setup_record() -> Schema:
    return _object(
        "The last setup Job, which is not made again once it stands here, also where it was removed. Another "
        "revision runs another one.",
        {
            "job": {
                "type": "string",
                "description": "Its name: the preview's, and a hash of what it ran for.",
            },
            "result": {
                "type": "string",
                "description": "Running, Complete, Failed, or Unknown: removed before its end was seen.",
            },
            "message": {"type": "string", "description": "How it failed."},
        },
    )


def _conditions() -> Schema:
    condition = _object(
        "One condition.",
        {
            "type": {"type": "string", "description": "Ready, Stalled or Expiring."},
            "status": {
                "type": "string",
                "enum": ["True", "False", "Unknown"],
                "description": "Whether it holds.",
            },
            "observedGeneration": _generation("The generation of the spec that it is about."),
            "lastTransitionTime": _time("When status changed last."),
            "reason": {"type": "string", "description": "Why, in one word for programs."},
            "message": {"type": "string", "description": "Why, in a sentence for people."},
        },
        required=("type", "status", "lastTransitionTime", "reason", "message"),
    )
    return {
        "type": "array",
        "description": "Ready; Stalled where only a person can help; Expiring where the ttl is nearly over.",
        "items": condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }


def _generation(description: str) -> Schema:
    return {"type": "integer", "format": "int64", "description": description}


def _time(description: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": description}


def _object(description: str, properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": dict(properties)}
    return schema | ({"required": list(required)} if required else {})
