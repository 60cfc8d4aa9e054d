"""A small model of the API server: what it answers to the requests that a run sends, and what it keeps.

It knows uids, resourceVersions, generations, finalizers, preconditions and managedFields. It does not merge:
an apply over what another manager has set is `OutOfModel`, and so is every request that no run sends.

Two states that were reached by the same writes in another order are equal, resourceVersions too; so those
are counted for each object.
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from reconcile.desire.children import CHILDREN
from reconcile.kube.managedfields import field_set_of, to_fields_v1
from reconcile.kube.objects import EVENT, EVENTS_V1, GATEWAY, POD, Key, Manifest, Resource
from reconcile.model.names import Names

NAMES = Names()
PREVIEW = NAMES.previews
CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
CLAIM = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
FURTHER = (CONFIG_MAP, CLAIM)
"""Kinds that only templates make."""
SERVED = {r.kind: r for r in (*(kind.resource for kind in CHILDREN), PREVIEW, POD, *FURTHER)}
BUILT_IN = frozenset({"", "apps", "batch", "networking.k8s.io", "events.k8s.io"})
WITHOUT_GENERATION = frozenset({"Service", "Pod", "Event", *(resource.kind for resource in FURTHER)})
"""Kinds whose spec has no generation."""

ANSWERED_WHOLE = frozenset({"Service"})
"""Kinds of which a delete answers with the object, not with a Status."""

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
START = "2026-01-01T00:00:00Z"
GIVEN_BY_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")


class OutOfModel(AssertionError):
    """A request that this model has no answer for: the proof would mean nothing from here on."""


class Asked(NamedTuple):
    """One request; `params` are sorted, `body` is what was sent."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    type: str = ""
    body: bytes = b""

    @classmethod
    def of(cls, method: str, url: str, type: str, body: bytes) -> "Asked":
        parts = urlsplit(url)
        return cls(method, parts.path, tuple(sorted(parse_qsl(parts.query))), type, body)

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Answered(NamedTuple):
    """The answer: code, media type, body."""

    code: int
    body: bytes
    type: str = JSON


class Place(NamedTuple):
    """What a path is about; without a name, a whole collection."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        return Key(self.resource.kind, self.namespace, self.name)

    @property
    def full_plural(self) -> str:
        return self.resource.full_plural


class Effect(NamedTuple):
    """What a request did to an object: one of the two is None where it was made, or deleted."""

    key: Key
    before: Manifest | None
    after: Manifest | None


class _Refused(Exception):
    """An answer that is an error; `by_kind`: it names the kind, not its plural."""

    def __init__(
        self, code: int, reason: str, message: str, place: Place, *causes: str, by_kind: bool = False
    ) -> None:
        details: dict[str, Any] = {
            "name": place.name,
            "kind": place.resource.kind if by_kind else place.resource.plural,
        }
        if place.resource.group:
            details["group"] = place.resource.group
        if causes:
            details["causes"] = [{"reason": "FieldValueInvalid", "field": cause} for cause in causes]
        status: dict[str, Any] = {"apiVersion": "v1", "kind": "Status", "status": "Failure"}
        status["metadata"] = {}
        status |= {"message": message, "reason": reason, "details": details, "code": code}
        self.answer = Answered(code, _json(status))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True)
class Model:
    """One state of the server; a request makes the next one.

    `lives` counts how often a name was made, `contents` are the objects as bytes, `created` is the
    creationTimestamp of what is made from now on.
    """

    objects: Mapping[Key, Manifest] = field(default_factory=dict)
    lives: Mapping[Key, int] = field(default_factory=dict)
    contents: Mapping[Key, bytes] = field(default_factory=dict)
    writes: int = 0
    not_served: frozenset[str] = frozenset()
    created: str = START

    def answer(self, asked: Asked) -> tuple["Model", Answered, Effect | None]:
        """The next state, the answer, and what was changed."""
        place = place_of(asked.path)
        if place.resource.kind in self.not_served:
            return self, Answered(404, b"404 page not found\n", "text/plain"), None
        try:
            return self._answer(asked, place, dict(asked.params))
        except _Refused as refused:
            return self, refused.answer, None

    def _answer(
        self, asked: Asked, place: Place, params: Mapping[str, str]
    ) -> tuple["Model", Answered, Effect | None]:
        match (asked.method, asked.type, place.subresource):
            case ("GET", _, "") if place.name:
                return self, Answered(200, _json(self._there(place))), None
            case ("GET", _, ""):
                return self, self._list(place, params), None
            case ("PATCH", "application/apply-patch+yaml", ""):
                return self._apply(place, params, json.loads(asked.body))
            case ("PATCH", "application/apply-patch+yaml", "status"):
                return self._apply_status(place, params, json.loads(asked.body))
            case ("POST", "application/json", ""):
                return self._create(place, json.loads(asked.body))
            case ("DELETE", _, "") if place.name:
                return self._delete(place, json.loads(asked.body or b"{}"))
        raise OutOfModel(f"{asked} of {asked.type!r}")

    # reads

    def _there(self, place: Place) -> Manifest:
        found = self.objects.get(place.key)
        if found is None:
            raise _Refused(404, "NotFound", f'{place.full_plural} "{place.name}" not found', place)
        return found

    def _list(self, place: Place, params: Mapping[str, str]) -> Answered:
        unknown = params.keys() - {"limit", "labelSelector", "fieldSelector", "continue"}
        if unknown or set(params.get("labelSelector", "")) & set("=!,( "):
            raise OutOfModel(f"a list with {dict(params)}")
        label = params.get("labelSelector")
        field, _, value = params.get("fieldSelector", "").partition("=")
        if field not in ("", "metadata.name", *(["type"] if place.resource == EVENT else [])):
            raise OutOfModel(f"a list with {dict(params)}")
        items = [
            _in_list(found, place.resource)
            for key, found in sorted(self.objects.items())
            if key.kind == place.resource.kind
            and place.namespace in ("", key.namespace)
            and (not label or label in found["metadata"].get("labels", {}))
            and value in ("", key.name if field == "metadata.name" else found.get("type"))
        ]
        start, limit = int(params.get("continue", "0")), int(params.get("limit", "500"))
        metadata = {"resourceVersion": str(self.writes)}
        metadata |= {"continue": str(start + limit)} if start + limit < len(items) else {}
        listed = {"apiVersion": place.resource.api_version, "kind": f"{place.resource.kind}List"}
        return Answered(200, _json({**listed, "metadata": metadata, "items": items[start : start + limit]}))

    # writes

    def _apply(
        self, place: Place, params: Mapping[str, str], sent: dict[str, Any]
    ) -> tuple["Model", Answered, Effect | None]:
        manager, there = params["fieldManager"], self.objects.get(place.key)
        if not place.name or (sent["kind"], sent["metadata"]["name"]) != (place.key.kind, place.name):
            raise OutOfModel(f"an apply of {sent['kind']} {sent['metadata']['name']} to {place}")
        uid, version = _guards(sent)
        if there is None and uid:
            raise _Refused(409, "Conflict", "uid mismatch: there is no such object", place)
        if there is None and version:
            raise OutOfModel("an apply with a resourceVersion alone, where nothing is, makes it")
        if there is not None:
            self._check(there, uid, version, place)
            if _strangers(there, manager):
                raise OutOfModel(f"an apply of {manager} would be merged into {place.key}")
        applied = _without(sent, *GIVEN_BY_SERVER)
        applied["metadata"] = {"namespace": place.namespace, **applied["metadata"]}
        entry = _entry(manager, applied, place.resource)
        return self._stored(place, there, applied, [entry])

    def _check(self, there: Manifest, uid: str, version: str, place: Place) -> None:
        metadata = there["metadata"]
        if version and version != metadata["resourceVersion"]:
            raise _Refused(409, "Conflict", "the object has been modified", place)
        if uid and uid != metadata["uid"]:
            causes = ("metadata.uid", "metadata.uid")  # it says so twice
            raise _Refused(422, "Invalid", "field is immutable", place, *causes, by_kind=True)

    def _apply_status(
        self, place: Place, params: Mapping[str, str], sent: dict[str, Any]
    ) -> tuple["Model", Answered, Effect | None]:
        """The status alone: a uid in the metadata is passed over like all that is not status."""
        there, manager = self._there(place), params["fieldManager"]
        self._check(there, "", _guards(sent)[1], place)
        entry = {**_entry(manager, {"status": sent["status"]}, place.resource), "subresource": "status"}
        entries = there["metadata"]["managedFields"]
        others = [e for e in entries if e.get("subresource") and e["manager"] != manager]
        theirs = {name.removeprefix("f:") for e in others for name in e["fieldsV1"]["f:status"]}
        if theirs & sent["status"].keys():
            raise OutOfModel(f"a status of {manager} would be merged into {place.key}")
        kept = {name: value for name, value in there.get("status", {}).items() if name in theirs}
        body = {**there, "status": {**kept, **sent["status"]}}
        of_status = sorted([*others, entry], key=lambda found: str(found["manager"]))
        return self._written(
            place, there, body, [*(e for e in entries if not e.get("subresource")), *of_status]
        )

    def _stored(
        self, place: Place, there: Manifest | None, applied: dict[str, Any], entries: list[Manifest]
    ) -> tuple["Model", Answered, Effect | None]:
        """What was applied is all that there is, but for the status and what the server gives."""
        if there is None:
            return self._made(place, applied, entries)
        given = {f: there["metadata"][f] for f in GIVEN_BY_SERVER if f in there["metadata"]}
        kept = {"status": there["status"]} if "status" in there else {}
        of_status = [e for e in there["metadata"]["managedFields"] if e.get("subresource")]
        body = {**applied, **kept, "metadata": {**applied["metadata"], **given}}
        return self._written(place, there, body, [*entries, *of_status])

    def _made(
        self, place: Place, body: dict[str, Any], entries: list[Manifest]
    ) -> tuple["Model", Answered, Effect | None]:
        life = self.lives.get(place.key, 0) + 1
        metadata = {
            **body["metadata"],
            "uid": f"{place.resource.kind}.{place.namespace}.{place.name}.{life}".lower(),
            "resourceVersion": f"{life}000",
            "creationTimestamp": self.created,
            "managedFields": entries,
        }
        if place.resource.kind not in WITHOUT_GENERATION:
            metadata["generation"] = 1
        made = {**body, "metadata": metadata}
        state = replace(self._with(place.key, made), lives={**self.lives, place.key: life})
        return state, Answered(201, state.contents[place.key]), Effect(place.key, None, made)

    def _written(
        self, place: Place, there: Manifest, body: Mapping[str, Any], entries: list[Manifest]
    ) -> tuple["Model", Answered, Effect | None]:
        """The object with another content and its next resourceVersion; as it was where nothing differs."""
        metadata = {**body["metadata"], "managedFields": entries}
        after: dict[str, Any] = {**body, "metadata": metadata}
        if after == there:
            return self, Answered(200, _json(there)), None
        if "generation" in metadata and after.get("spec") != there.get("spec"):
            metadata["generation"] += 1
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            return self._taken_away(place, there, Answered(200, _json(after)))
        state = self._with(place.key, after)
        return state, Answered(200, state.contents[place.key]), Effect(place.key, there, after)

    def _with(self, key: Key, manifest: Manifest) -> "Model":
        return replace(
            self,
            objects={**self.objects, key: manifest},
            contents={**self.contents, key: _json(manifest)},
            writes=self.writes + 1,
        )

    def _create(self, place: Place, sent: dict[str, Any]) -> tuple["Model", Answered, Effect | None]:
        place = place._replace(name=sent["metadata"]["name"])
        if place.key in self.objects:
            raise _Refused(409, "AlreadyExists", f'{place.full_plural} "{place.name}" already exists', place)
        sent["metadata"] = {"namespace": place.namespace, **sent["metadata"]}
        entry = {**_entry("somebody", sent, place.resource), "operation": "Update"}
        return self._made(place, sent, [entry])

    def _delete(self, place: Place, options: dict[str, Any]) -> tuple["Model", Answered, Effect | None]:
        there = self._there(place)
        asked, metadata = options.get("preconditions", {}), there["metadata"]
        for guard in ("uid", "resourceVersion"):
            if asked.get(guard, metadata[guard]) != metadata[guard]:
                raise _Refused(409, "Conflict", f"Precondition failed: {guard}", place, by_kind=True)
        if metadata.get("finalizers"):
            return self._going(place, there)
        if place.resource.kind in ANSWERED_WHOLE:
            return self._taken_away(place, there, Answered(200, _json(there)))
        details = {"name": place.name, "kind": place.resource.plural, "uid": metadata["uid"]}
        details |= {"group": place.resource.group} if place.resource.group else {}
        status = {
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Success",
            "details": details,
        }
        return self._taken_away(place, there, Answered(200, _json(status)))

    def _going(self, place: Place, there: Manifest) -> tuple["Model", Answered, Effect | None]:
        """It stays until its finalizers are gone; that it goes is another generation of what it asks for."""
        metadata = {**there["metadata"]}
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = START
            metadata |= {"generation": metadata["generation"] + 1} if "generation" in metadata else {}
        return self._written(place, there, {**there, "metadata": metadata}, metadata["managedFields"])

    def _taken_away(
        self, place: Place, there: Manifest, answer: Answered
    ) -> tuple["Model", Answered, Effect | None]:
        state = replace(
            self,
            objects={key: found for key, found in self.objects.items() if key != place.key},
            contents={key: found for key, found in self.contents.items() if key != place.key},
            writes=self.writes + 1,
        )
        return state, answer, Effect(place.key, there, None)

    # what somebody else does

    def apply(self, manifest: Manifest, manager: str = "author") -> "Model":
        """Somebody applies an object; what is refused is an error of the test."""
        place = _of(manifest)
        asked = Asked("PATCH", path_of(place), (("fieldManager", manager),), APPLY, _json(manifest))
        return self._done(asked)

    def having(self, manifest: Manifest) -> "Model":
        """An object is there, as it is."""
        return self._with(_of(manifest).key, manifest)

    def delete(self, key: Key) -> "Model":
        """Somebody deletes an object, whatever state it is in."""
        return self._done(Asked("DELETE", path_of(Place(SERVED[key.kind], key.namespace, key.name))))

    def say(self, key: Key, status: Manifest, manager: str = "controller") -> "Model":
        """A controller writes a status."""
        place = Place(SERVED[key.kind], key.namespace, key.name)
        there = self.objects[key]
        entry = {**_entry(manager, {"status": status}, place.resource), "subresource": "status"}
        kept = [
            e for e in there["metadata"]["managedFields"]
            if not (e.get("subresource") and e["manager"] == manager)
        ]  # fmt: skip
        state, _, _ = self._written(place, there, {**there, "status": status}, [*kept, entry])
        return state

    def _done(self, asked: Asked) -> "Model":
        state, answer, _ = self.answer(asked)
        assert answer.code < 300, answer
        return state

    @property
    def fingerprint(self) -> Hashable:
        """Equal for equal states."""
        return frozenset(self.contents.items()), frozenset(self.lives.items())


def place_of(path: str) -> Place:
    """What the path of a URL is about."""
    parts = path.strip("/").split("/")
    group = "" if parts[0] == "api" else parts[1]
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace, rest = (rest[1], rest[2:]) if rest[0] == "namespaces" else ("", rest)
    name, subresource = (*rest[1:], "", "")[:2]
    for resource in (*SERVED.values(), EVENTS_V1, EVENT, GATEWAY):
        if (resource.group, resource.plural) == (group, rest[0]):
            return Place(resource, namespace, name, subresource)
    raise OutOfModel(f"no such path: {path}")


def path_of(place: Place) -> str:
    """The URL path of an object."""
    root = f"/apis/{place.resource.api_version}" if place.resource.group else f"/api/{place.resource.version}"
    return f"{root}/namespaces/{place.namespace}/{place.resource.plural}/{place.name}"


def _of(manifest: Manifest) -> Place:
    return Place(SERVED[manifest["kind"]], manifest["metadata"]["namespace"], manifest["metadata"]["name"])


def _guards(sent: Manifest) -> tuple[str, str]:
    return sent["metadata"].get("uid", ""), sent["metadata"].get("resourceVersion", "")


def _without(manifest: Manifest, *fields: str) -> dict[str, Any]:
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in fields}
    return {**manifest, "metadata": metadata}


def _strangers(there: Manifest, manager: str) -> list[str]:
    entries = there["metadata"]["managedFields"]
    return [
        e["manager"] for e in entries
        if not e.get("subresource") and (e["manager"], e["operation"]) != (manager, "Apply")
    ]  # fmt: skip


def _entry(manager: str, applied: Manifest, resource: Resource) -> dict[str, Any]:
    fields = to_fields_v1(field_set_of(applied))
    if finalizers := applied.get("metadata", {}).get("finalizers"):  # a set; we never write one
        fields["f:metadata"]["f:finalizers"] = {f"v:{json.dumps(name)}": {} for name in finalizers}
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": resource.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def _in_list(found: Manifest, resource: Resource) -> Manifest:
    """Built-in kinds leave out what all items share."""
    if resource.group not in BUILT_IN:
        return found
    return {name: value for name, value in found.items() if name not in ("apiVersion", "kind")}
