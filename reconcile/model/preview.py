"""A preview as its author wrote it, parsed at the edge into values that never change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconcile.kube.objects import KEPT_BY_SERVERS, Key, Manifest, map_in, maps_in, type_meta, value_below
from reconcile.model import rules
from reconcile.model.names import (
    DEFAULT_GROUP,
    EXPIRING,
    KIND,
    PRUNE_DISABLED,
    READY,
    STALLED,
    Names,
    names_of,
)
from reconcile.model.problems import Problem, one_line, problems_of, shown, unknown_field

if TYPE_CHECKING:
    from reconcile.model.spec import Spec

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Where `kubectl apply` keeps a copy of the object, of which there would be two in memory."""

LONGEST_METADATA: Final = 16 * 1024
"""Characters of labels, and of annotations, of a preview that are kept."""
LONGEST_STATUS: Final = 8 * 1024
"""Characters of one part of a status, of which a run writes a few hundred."""

_OBJECT_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
_METADATA_FIELDS: Final = KEPT_BY_SERVERS | {
    *("name", "generateName", "namespace", "labels", "annotations", "ownerReferences", "finalizers")
}


@dataclass(frozen=True)
class PreviewObject:
    """A preview as it is there, whether its spec can be read or not. `status` is as the server gave it;
    timestamps are as it wrote them. `annotations` are all but `LAST_APPLIED`.

    `awake_until_set` is when the annotation that keeps it awake was set, as its managedFields tell; "" where
    they do not. `uid` and `creation_timestamp` are empty, and `generation` is 0, where a file does not give
    them.
    """

    name: str
    namespace: str
    uid: str
    labels: Mapping[str, str] = field(hash=False)
    annotations: Mapping[str, str] = field(hash=False)
    deletion_timestamp: str | None
    creation_timestamp: str
    generation: int = field(default=0, kw_only=True)
    resource_version: str = field(default="", kw_only=True)
    status: Mapping[str, Any] = field(default_factory=dict, hash=False, kw_only=True)
    awake_until_set: str = field(default="", kw_only=True)
    group: str = field(default=DEFAULT_GROUP, kw_only=True)

    @property
    def key(self) -> Key:
        return Key(KIND, self.namespace, self.name)

    @property
    def names(self) -> Names:
        return names_of(self.group)

    def with_status(self, status: Mapping[str, Any], version: str = "") -> Manifest:
        """What is sent to write a status: about this very object, as it was read, or in another `version`."""
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
            "resourceVersion": version or self.resource_version,
        }
        return {**type_meta(self.names.api_version, KIND), "metadata": metadata, "status": status}


@dataclass(frozen=True)
class PreviewEnvironment(PreviewObject):
    """A preview that can be read."""

    spec: "Spec"

    @property
    def suspended(self) -> "PreviewEnvironment":
        """The same as if its author had suspended it: so it is while it sleeps."""
        return replace(self, spec=self.spec.model_copy(update={"suspend": True}))


@dataclass(frozen=True)
class Unreadable(PreviewObject):
    """A preview that is there and cannot be read; `message` says all that is wrong, in one line.

    `problems` are the same, each with the field that it is about.
    """

    message: str
    problems: tuple[Problem, ...] = ()


def is_meant(kind: str) -> bool:
    """Whether an object of this kind is a preview, or one whose kind is misspelled."""
    return bool(get_close_matches(kind.lower(), [KIND.lower()], cutoff=0.8))


def has_digest(image: str) -> bool:
    """Whether an image is pinned: what is pulled can never change."""
    return "@" in image


def parse_preview(
    manifest: Manifest, *, group: str, strict_fields: bool = False
) -> PreviewEnvironment | Unreadable:
    """Read a preview; never raises for a JSON tree whose `metadata.name` and `namespace` are strings.

    An unknown field is refused by name with `strict_fields` (a file), and passed over without it (an API
    server prunes it). `group` is the API group in use; an object of it in another version is unreadable.
    """
    metadata = manifest["metadata"]
    problems = [*_object_problems(manifest, metadata, group)]
    if strict_fields:
        problems += _unknown_fields(manifest, metadata)
    spec, spec_problems = _spec_of(manifest.get("spec"), strict_fields)
    problems += spec_problems
    if spec is None or problems:
        return unreadable(manifest, one_line(problems), group, problems)
    return PreviewEnvironment(**_seen(manifest, group), spec=spec)


def unreadable(manifest: Manifest, message: str, group: str, problems: Sequence[Problem] = ()) -> Unreadable:
    """A preview that cannot be read, and why."""
    return Unreadable(**_seen(manifest, group), message=message, problems=tuple(problems))


def _seen(manifest: Manifest, group: str) -> dict[str, Any]:
    metadata = manifest["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": _text(metadata.get("uid")),
        "labels": _labels(metadata),
        "annotations": _annotations(metadata, group),
        "deletion_timestamp": _text(metadata.get("deletionTimestamp")) or None,
        "creation_timestamp": _text(metadata.get("creationTimestamp")),
        "generation": _number(metadata.get("generation")),
        "resource_version": _text(metadata.get("resourceVersion")),
        "status": _status(manifest.get("status")),
        "awake_until_set": _set_at(metadata, Names(group).awake_until_annotation),
        "group": group,
    }


def _spec_of(written: Any, strict_fields: bool) -> tuple["Spec | None", list[Problem]]:
    from pydantic import ValidationError  # which takes longer to import than a run takes that reads none

    from reconcile.model.spec import Spec, known_fields

    try:
        return Spec.model_validate(written, extra="forbid" if strict_fields else "ignore"), []
    except ValidationError as error:  # its text has values of env in it: it is neither kept nor chained
        return None, problems_of(error, known_fields)


def _object_problems(manifest: Manifest, metadata: Mapping[str, Any], group: str) -> Iterator[Problem]:
    version = manifest.get("apiVersion")
    wanted = Names(group).api_version
    if isinstance(version, str) and version.startswith(f"{group}/") and version != wanted:
        yield Problem(("apiVersion",), f'{shown(version)} is not "{wanted}"')
    for name, rule in (("name", rules.NAME), ("namespace", rules.NAMESPACE)):
        if problem := rule.problem(metadata[name]):
            yield Problem(("metadata", name), f"{shown(metadata[name])} {problem}")
    for name in ("labels", "annotations"):
        yield from _map_problems(name, metadata.get(name))
    if _length(_strings(metadata.get("labels"))) > LONGEST_METADATA:
        remedy = "keep what need not be selected by in annotations"
        yield Problem(("metadata", "labels"), f"has more than {LONGEST_METADATA} characters; {remedy}")


def _map_problems(name: str, value: Any) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield Problem(("metadata", name), "is not an object, with fields of its own")
        return
    for key, item in value.items():
        if not isinstance(key, str) or not isinstance(item, str):
            yield Problem(("metadata", name, str(key)), "is not a string; put it in quotes", quotes=True)


def _unknown_fields(manifest: Manifest, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    for name in sorted(manifest.keys() - _OBJECT_FIELDS, key=str):
        yield unknown_field((str(name),), _OBJECT_FIELDS)
    for name in sorted(metadata.keys() - _METADATA_FIELDS, key=str):
        yield unknown_field(("metadata", str(name)), _METADATA_FIELDS)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _strings(value: Any, *, without: str = "") -> Mapping[str, str]:
    items = value.items() if isinstance(value, Mapping) else ()
    return MappingProxyType(
        {
            key: item
            for key, item in items
            if isinstance(key, str) and isinstance(item, str) and key != without
        }
    )


def _labels(metadata: Mapping[str, Any]) -> Mapping[str, str]:
    """None, where they are so many that the preview is refused for it."""
    labels = _strings(metadata.get("labels"))
    return labels if _length(labels) <= LONGEST_METADATA else MappingProxyType({})


def _set_at(metadata: Mapping[str, Any], annotation: str) -> str:
    """When an annotation was set: whoever has set it may have set others of its own since."""
    if annotation not in map_in(metadata.get("annotations")):
        return ""
    path = ("fieldsV1", "f:metadata", "f:annotations")
    owners = [
        one
        for one in maps_in(metadata.get("managedFields"))
        if f"f:{annotation}" in map_in(value_below(one, path))
    ]
    return max((_text(one.get("time")) for one in owners), default="")


def _annotations(metadata: Mapping[str, Any], group: str) -> Mapping[str, str]:
    """Where they are long, those alone that we look at."""
    annotations = _strings(metadata.get("annotations"), without=LAST_APPLIED)
    if _length(annotations) <= LONGEST_METADATA:
        return annotations
    names = Names(group)
    kept = {names.prune_annotation: PRUNE_DISABLED} if names.protects(annotations) else {}
    until = annotations.get(names.awake_until_annotation, "")
    return MappingProxyType(kept | ({names.awake_until_annotation: until} if 0 < len(until) <= 100 else {}))


def _length(texts: Mapping[str, str]) -> int:
    return sum(len(name) + len(text) for name, text in texts.items())


def _status(value: Any) -> Mapping[str, Any]:
    """What somebody else wrote there is left out where it is long: then it is not what a run wrote."""
    status = dict(value) if isinstance(value, Mapping) else {}
    if isinstance(status.get("conditions"), list):
        ours = [c for c in maps_in(status["conditions"]) if c.get("type") in (READY, STALLED, EXPIRING)]
        status["conditions"] = [c for c in ours if _is_short(c)]
    return MappingProxyType(
        {name: part for name, part in status.items() if name == "conditions" or _is_short(part)}
    )


def _is_short(part: Any) -> bool:
    return len(repr(part)) <= LONGEST_STATUS
