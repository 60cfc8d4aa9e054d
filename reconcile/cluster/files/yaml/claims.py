"""Which kind a document may be of that is no whole Kubernetes object.

    kind and apiVersion         that kind alone; of a list, that of its items; of a `List`, any
    one of the two              what goes with it; a well-known tool's file is of no core kind
    neither, and a metadata     any kind: its author may have forgotten the first lines
    neither, and no metadata    no kind: the values of a chart, a workflow, a text

Where it may be one of ours, a list of that kind is incomplete, and nothing of it is deleted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ https://helm.sh/docs/topics/charts/
_OF_TOOLS = ("kustomization.y*ml", "values*.y*ml", "Chart.y*ml", "*.schema.json")
_CORE_VERSION = re.compile(r"v[0-9]\w*")


@dataclass(frozen=True)
class Claim:
    """An API group and a kind; None is what a document does not say."""

    group: str | None = None
    kind: str | None = None

    def may_be(self, group: str, kind: str) -> bool:
        """Whether a document that says this may be meant as an object of that kind."""
        return self.group in (None, group) and self.kind in (None, kind)


ANYTHING = Claim()
NOTHING = Claim(kind="")


def claim_of(value: Any, name: str) -> Claim:
    """What a document in a file of this name says that it is."""
    if isinstance(value, list):
        objects = [
            item for item in value if isinstance(item, dict) and ("kind" in item or "metadata" in item)
        ]
        return ANYTHING if objects else NOTHING
    if not isinstance(value, dict):
        return NOTHING
    if value.get("kind") == "List":
        return ANYTHING
    said = Claim(_group_in(value), _kind_in(value))
    if said.kind is None and not said.group and any(fnmatchcase(name, known) for known in _OF_TOOLS):
        return NOTHING
    if said == ANYTHING and "kind" not in value and not isinstance(value.get("metadata"), dict):
        return NOTHING
    return said


def _group_in(value: Mapping[str, Any]) -> str | None:
    version = value.get("apiVersion")
    if not isinstance(version, str) or not version:
        return None
    group, slash, _ = version.rpartition("/")
    return group if slash or _CORE_VERSION.fullmatch(version) else None


def _kind_in(value: Mapping[str, Any]) -> str | None:
    """Of a list, the kind of its items."""
    kind = value.get("kind")
    return kind.removesuffix("List") or None if isinstance(kind, str) else None
