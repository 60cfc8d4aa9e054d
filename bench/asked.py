"""What a run has asked the API server, from its audit log, as work for those that stand beside it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from reconcile.children import render
from reconcile.names import PLURAL
from reconcile.objects import Manifest
from reconcile.preview import PreviewEnvironment, parse_preview
from reconcile.settings import Settings
from tests.controlplane.audit import AuditEvent

READS = ("get", "list", "watch")
SETTINGS = Settings(allow_secret=("*",))

Request = tuple[str, str]
"""A path with its query, and a body."""


def writes_of(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """What was meant to change something."""
    return [event for event in events if event.verb not in READS]


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
    return [child for preview in previews for child in render(_parsed(preview), SETTINGS)]


def _parsed(preview: Mapping[str, Any]) -> PreviewEnvironment:
    parsed = parse_preview(dict(preview), group=SETTINGS.group)
    assert isinstance(parsed, PreviewEnvironment), parsed
    return parsed


def replay_of(
    events: Sequence[AuditEvent], previews: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """For `bench.replay`: what made the children, to be sent again for the previews as they are now.

    `told` are the previews as that run left them, with the statuses that it wrote.
    """
    applies: dict[str, list[Request]] = {}
    bodies = {_place(child): json.dumps(child) for child in children_of(previews)}
    statuses = {_place(preview): preview["status"] for preview in told}
    now = {_place(preview): preview for preview in previews}
    told_now = []
    for event in writes_of(events):
        place = (event.resource.removesuffix("/status"), event.namespace, event.name)
        if event.resource.endswith("/status"):
            told_now.append((event.uri, _status(now[place], statuses[place])))
        else:
            applies.setdefault(f"{event.namespace}/{event.name}", []).append((event.uri, bodies[place]))
    gets = [event.uri for event in events if event.verb == "get"]
    return {"gets": gets, "applies": list(applies.values()), "statuses": told_now}


def _place(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """As the audit log names it."""
    kind = str(manifest["kind"])
    return f"{kind.lower()}s", manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _status(preview: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    kept = ("name", "namespace", "uid", "resourceVersion")
    return json.dumps(
        {
            "apiVersion": preview["apiVersion"],
            "kind": preview["kind"],
            "metadata": {name: preview["metadata"][name] for name in kept},
            "status": status,
        }
    )
