"""What a run asked, as work for those that stand beside it: the same lists, the same writes, and no more."""

import json
from typing import Any

from bench.asked import lists_of, replay_of, status_writes_of, writes_of
from bench.previews import preview
from bench.raw import token_in
from tests.controlplane.audit import AuditEvent

ROOT = "/apis/platform9.com/v1/previewenvironments"
DEPLOYMENTS = "/apis/apps/v1/deployments?labelSelector=platform9.com%2Fpreview&limit=500"
APPLY = "fieldManager=preview-reconcile.platform9.com"


def an_event(verb: str, resource: str, uri: str, name: str = "", code: int = 200) -> AuditEvent:
    return AuditEvent(verb, resource, "team-1" if name else "", name, code, uri)


def a_preview(version: str = "1") -> dict[str, Any]:
    wanted = preview(1)
    added = {"uid": "uid-1", "generation": 1, "resourceVersion": version}
    return {**wanted, "metadata": {**wanted["metadata"], **added}}


def test_each_list_is_fetched_once_with_all_its_pages_and_the_previews_last() -> None:
    events = (
        an_event("list", "previewenvironments", f"{ROOT}?limit=500"),
        an_event("list", "deployments", f"{DEPLOYMENTS}&continue=abc"),
        an_event("list", "deployments", DEPLOYMENTS),
        an_event("list", "services", "/api/v1/services?limit=500"),
        an_event("get", "services", "/api/v1/namespaces/team-1/services/pr-1", "pr-1"),
    )
    assert lists_of(events) == {
        "at_once": [DEPLOYMENTS, "/api/v1/services?limit=500"],
        "then": [f"{ROOT}?limit=500"],
    }


def test_the_load_generator_sends_the_gets_the_applies_and_the_statuses_of_the_run() -> None:
    deployment = "/apis/apps/v1/namespaces/team-1/deployments/pr-1"
    service = "/api/v1/namespaces/team-1/services/pr-1"
    made = "/apis/events.k8s.io/v1/namespaces/team-1/events"
    status = f"{ROOT.replace('/preview', '/namespaces/team-1/preview')}/pr-1/status?{APPLY}&force=true"
    events = (
        an_event("list", "services", "/api/v1/services?limit=500"),
        an_event("get", "deployments", deployment, "pr-1", 404),
        an_event("patch", "deployments", f"{deployment}?{APPLY}", "pr-1", 201),
        an_event("patch", "services", f"{service}?{APPLY}", "pr-1", 201),
        an_event("patch", "previewenvironments/status", status, "pr-1"),
        an_event("create", "events", made, "pr-1.abc", 201),
    )
    told = {**a_preview("7"), "status": {"observedGeneration": 1}}
    news: dict[str, Any] = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "created"}
    metadata = {"name": "pr-1.abc", "namespace": "team-1", "uid": "uid-2", "resourceVersion": "8"}
    news |= {"deprecatedCount": 1, "metadata": metadata}
    found = replay_of(events, [a_preview("9")], [told], [news])
    assert found["gets"] == [("GET", deployment, "", 404)]
    (applies,) = found["applies"]
    assert [(method, to, json.loads(body)["kind"], code) for method, to, body, code in applies] == [
        ("PATCH", f"{deployment}?{APPLY}", "Deployment", 201),
        ("PATCH", f"{service}?{APPLY}", "Service", 201),
    ]
    preview = {**{key: told[key] for key in ("apiVersion", "kind", "status")}, "metadata": {
        "name": "pr-1", "namespace": "team-1", "uid": "uid-1", "resourceVersion": "9"
    }}  # fmt: skip
    event = {k: v for k, v in news.items() if k != "deprecatedCount"}
    event["metadata"] = {"name": "pr-1.abc", "namespace": "team-1"}
    assert [(method, to, json.loads(body), code) for method, to, body, code in found["told"]] == [
        ("PATCH", status, preview, 200),
        ("POST", made, event, 201),
    ]


def test_what_is_not_a_read_is_a_write_and_some_are_of_a_status() -> None:
    verbs = ("list", "get", "watch", "patch", "delete", "create", "update")
    events = [an_event(verb, "services", "/api/v1/services") for verb in verbs]
    events += [an_event(verb, "previewenvironments/status", ROOT) for verb in ("get", "patch")]
    assert [event.verb for event in writes_of(events)] == ["patch", "delete", "create", "update", "patch"]
    assert status_writes_of(events) == events[-1:]


def test_the_token_of_the_next_page_is_found_at_either_end() -> None:
    items = b'"items":[' + b"{}," * 500 + b"{}]"
    metadata = b'"metadata":{"resourceVersion":"5","continue":"abc"}'
    assert token_in(b"{" + metadata + b"," + items + b"}") == "abc"
    assert token_in(b"{" + items + b"," + metadata + b"}") == "abc"
    assert token_in(b'{"metadata":{"resourceVersion":"5"},' + items + b"}") == ""
