"""What a run has asked the API server, from its audit log, as work for those that stand beside it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from reconcile.desire.children import render
from reconcile.kube.objects import Manifest
from reconcile.kube.rawjson import plain
from reconcile.model.names import KIND, PLURAL
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Settings
from tests.controlplane.audit import AuditEvent

READS = ("get", "list", "watch")
SETTINGS = Settings(allow_secret=("*",))

METHODS = {"get": "GET", "patch": "PATCH", "create": "POST"}

Request = tuple[str, str, str, int]
"""A method, a path with its query, a body, and the status code that the run was answered."""


def writes_of(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """What was meant to change something."""
    return [event for event in events if event.verb not in READS]


def status_writes_of(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Those among them that were to a status."""
    return [event for event in writes_of(events) if event.resource.endswith("/status")]


def lists_of(events: Iterable[AuditEvent]) -> dict[str, list[str]]:
    """For `bench.raw`: each list once, without its pages; the previews come when all others are there."""
    paths = dict.fromkeys(_first_page(event.uri) for event in events if event.verb == "list")
    then = [path for path in paths if PLURAL in path]
    return {"at_once": [path for path in paths if path not in then], "then": then}


def _first_page(uri: str) -> str:
    parts = urlsplit(uri)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "continue"]
    return f"{parts.path}?{urlencode(query)}"


def children_of(previews: Iterable[Mapping[str, Any]]) -> list[Manifest]:
    """The children that a run makes for these previews, in their order."""
    return [plain(child) for preview in previews for child in render(_parsed(preview), SETTINGS)]


def _parsed(preview: Mapping[str, Any]) -> PreviewEnvironment:
    parsed = parse_preview(dict(preview), group=SETTINGS.group)
    assert isinstance(parsed, PreviewEnvironment), parsed
    return parsed


def replay_of(
    events: Sequence[AuditEvent],
    previews: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
    news: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """For `bench.replay`: what made the children, to be sent again for the previews as they are now.

    `told` are the previews as that run left them, with the statuses that it wrote, and `news` its Events.
    """
    now = {_place(preview): preview for preview in previews}
    bodies = {_place(child): child for child in children_of(previews)} | {
        _place(one): _bare(one) for one in news
    }
    statuses = {_place(one): _status(now[_place(one)], one["status"]) for one in told if "status" in one}
    applies: dict[str, list[Request]] = {}
    last: list[Request] = []
    for event in writes_of(events):
        place = (event.resource.removesuffix("/status"), event.namespace, event.name)
        if event.resource.endswith("/status"):
            last.append(_request(event, statuses[place]))
        elif event.verb == "create":
            last.append(_request(event, bodies[place]))
        else:
            mine = applies.setdefault(f"{event.namespace}/{event.name}", [])
            mine.append(_request(event, bodies[place]))
    gets = [_request(event) for event in events if event.verb == "get"]
    return {"gets": gets, "applies": list(applies.values()), "told": last}


def _request(event: AuditEvent, body: Mapping[str, Any] | None = None) -> Request:
    return METHODS[event.verb], event.uri, "" if body is None else json.dumps(body), event.code


def _bare(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was sent, of what the server has made of it."""
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace")}
    return {name: value for name, value in manifest.items() if not name.startswith("deprecated")} | {
        "metadata": metadata
    }


def _place(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """As the audit log names it."""
    kind = str(manifest["kind"])
    plural = PLURAL if kind == KIND else f"{kind.lower()}s"
    return plural, manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _status(preview: Mapping[str, Any], status: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = ("name", "namespace", "uid", "resourceVersion")
    return {
        "apiVersion": preview["apiVersion"],
        "kind": preview["kind"],
        "metadata": {name: preview["metadata"][name] for name in kept},
        "status": status,
    }
