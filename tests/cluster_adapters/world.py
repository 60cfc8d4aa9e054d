"""The model of the API server behind the mock: what it says by itself, and what a test makes it say.

The model does not merge, so an apply and a patch are answered here: by what our manager has applied.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from reconcile.desire.children import CHILDREN
from reconcile.kube.managedfields import field_set_of, to_fields_v1
from reconcile.kube.objects import Key, Manifest
from reconcile.model.kinds_record import FIELD as KINDS
from reconcile.model.names import Names
from tests.cluster_adapters.conftest import DATE, status
from tests.in_process import Ended
from tests.proofs.model.apiserver import FURTHER, Asked, Model, place_of

NAMES = Names()
MANAGER = NAMES.field_manager
PREVIEWS = NAMES.previews
RESOURCES = {
    resource.kind: resource for resource in (*(kind.resource for kind in CHILDREN), PREVIEWS, *FURTHER)
}
VERSION = "100"
APPLY = "application/apply-patch+yaml"
STATUS = "/status"
EVENTS = "/events"

Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


def path(kind: str, name: str = "", namespace: str = "shop") -> str:
    """The URL path of an object; without a name, of the kind in all namespaces."""
    resource = RESOURCES[kind]
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    return f"{root}/namespaces/{namespace}/{resource.plural}/{name}" if name else f"{root}/{resource.plural}"


def full_name(kind: str) -> str:
    """As messages call a kind: `deployments.apps`."""
    return RESOURCES[kind].full_plural


@dataclass(frozen=True)
class Sent:
    """One request, as the server got it."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    type: str = ""
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class World:
    """Answers each request: with what a test has told it to say to it, else as an API server would."""

    def __init__(self, run: Callable[..., Ended]) -> None:
        self.run = run
        self.sent: list[Sent] = []
        self._model = Model()
        self._script: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()

    def has(self, *objects: Mapping[str, Any]) -> None:
        """Put objects there."""
        for found in objects:
            self._model = self._model.having(found)

    def loses(self, kind: str, name: str, namespace: str = "shop") -> None:
        """Somebody deletes an object."""
        objects = {**self._model.objects}
        del objects[Key(kind, namespace, name)]
        self._model = replace(self._model, objects=objects)

    def has_now(self, kind: str, name: str, namespace: str = "shop") -> Manifest | None:
        """The object as it is there."""
        return self._model.objects.get(Key(kind, namespace, name))

    def says(self, method: str, to: str, *answers: Answer) -> None:
        """What it answers to this method and path, one request after the other; the last answer for ever."""
        self._script[method, to] = list(answers)

    @property
    def writes(self) -> list[Sent]:
        """The writes of children: statuses and events, which are no part of a plan, are left out."""
        writes = [sent for sent in self.sent if sent.method != "GET"]
        return [sent for sent in writes if not sent.path.endswith((STATUS, EVENTS))]

    def bodies(self, method: str, to: str) -> list[Any]:
        """What was sent with the requests of this method and path."""
        return [sent.body for sent in self.sent if (sent.method, sent.path) == (method, to)]

    def count(self, method: str, to: str) -> int:
        return len(self.bodies(method, to))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = Sent(
            request.method,
            request.url.path,
            dict(request.url.params),
            request.headers.get("Content-Type", ""),
            json.loads(request.content) if request.content else None,
        )
        with self._lock:
            self.sent.append(sent)
            script = self._script.get((sent.method, sent.path), [])
            answer = script.pop(0) if len(script) > 1 else script[0] if script else None
            if answer is None:
                return self._patched(sent) if sent.method == "PATCH" else self._by_itself(request)
        if isinstance(answer, httpx.Response):
            headers = {**DATE, **answer.headers}
            return httpx.Response(answer.status_code, headers=headers, content=answer.content)
        return answer(request)

    def _by_itself(self, request: httpx.Request) -> httpx.Response:
        media_type = request.headers.get("Content-Type", "")
        asked = Asked.of(request.method, str(request.url), media_type, request.content)
        self._model, answered, _ = self._model.answer(asked)
        headers = {**DATE, "Content-Type": answered.type}
        return httpx.Response(answered.code, content=answered.body, headers=headers)

    def _patched(self, sent: Sent) -> httpx.Response:
        there = self._model.objects.get(place_of(sent.path).key)
        if sent.path.endswith(STATUS):
            assert there is not None
            after = changed(
                {**there, "status": after_status(sent, there.get("status") or {})},
                resourceVersion=str(int(there["metadata"]["resourceVersion"]) + 1),
            )
        elif sent.type == APPLY:
            after = after_apply(sent.body, there)
        else:
            assert there is not None
            after = after_patch(there, sent.body)
        self.has(after)
        return an_object(after, 201 if there is None else 200)


def a_list(
    items: list[dict[str, Any]] | None = None, version: str = VERSION, **metadata: str
) -> httpx.Response:
    """A page as the server sends it: the items without apiVersion and kind."""
    bare = [{k: v for k, v in item.items() if k not in ("apiVersion", "kind")} for item in items or ()]
    return httpx.Response(
        200, json={"metadata": {"resourceVersion": version, **metadata}, "items": bare}, headers=DATE
    )


def an_object(manifest: Mapping[str, Any], code: int = 200) -> httpx.Response:
    return httpx.Response(code, json=dict(manifest), headers=DATE)


def gone(to: str) -> httpx.Response:
    """The server's own word that the object of this path is not there."""
    *_, plural, name = to.split("/")
    return status(404, "NotFound", f'{plural} "{name}" not found', name=name, kind=plural)


def changed(manifest: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """The object with other metadata, such as another resourceVersion."""
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def after_status(sent: Sent, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is in a status after one of our two managers has applied its part."""
    remembers = sent.params.get("fieldManager") == NAMES.kinds_manager
    others = {name: value for name, value in before.items() if (name == KINDS) is not remembers}
    return {**others, **sent.body["status"]}


def after_apply(
    sent: Mapping[str, Any], there: Mapping[str, Any] | None, *others: Mapping[str, Any]
) -> dict[str, Any]:
    """What the server keeps of an apply of ours; `others` are further entries of managedFields."""
    before = there["metadata"] if there else {}
    kept = [entry for entry in before.get("managedFields", []) if entry.get("manager") != MANAGER]
    ours = {
        "manager": MANAGER,
        "operation": "Apply",
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(field_set_of(sent)),
    }
    return changed(
        sent,
        uid=before.get("uid", "uid-of-what-was-made"),
        resourceVersion=str(int(before.get("resourceVersion", "100")) + 1),
        managedFields=[ours, *kept, *others],
    )


def after_patch(there: Mapping[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """The object after the one JSON patch that we send: other managedFields, and a new resourceVersion."""
    version = str(int(there["metadata"]["resourceVersion"]) + 1)
    return changed(there, managedFields=patch[-1]["value"], resourceVersion=version)
