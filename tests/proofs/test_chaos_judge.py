"""The judge of `make chaos` notices what is wrong: here each wrong thing is made up."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.kube.objects import INGRESS, Key
from reconcile.model.names import KIND, PLURAL
from tests.e2e.strangers import stranger
from tests.proofs.chaos.calm import World, served_twice, strangers_with, under_way, wrong_at_the_end
from tests.proofs.chaos.judge import NAMES, Judge
from tests.proofs.chaos.users import Guard, Ledger

USER = "run-a"
PREVIEWS = {"resource": "previewenvironments", "namespace": "chaos-0"}
UID = "11111111"
GOOD = {"uid": UID, "resourceVersion": "7"}


def event(second: int, verb: str, target: Mapping[str, str], code: int = 200, **more: Any) -> dict[str, Any]:
    time = f"2026-01-01T00:00:{second:02}.000000Z"
    return {
        "stage": "ResponseComplete",
        "user": {"username": USER},
        "verb": verb,
        "objectRef": dict(target),
        "requestURI": "/",
        "requestReceivedTimestamp": time,
        "stageTimestamp": time,
        "responseStatus": {"code": code},
        **more,
    }


def listed(second: int) -> dict[str, Any]:
    return event(second, "list", PREVIEWS)


def read(second: int, code: int, answer: Mapping[str, Any]) -> dict[str, Any]:
    return event(second, "get", {**PREVIEWS, "name": "pr-1"}, code, responseObject=answer)


def deleted(second: int, resource: str = "services", **conditions: str) -> dict[str, Any]:
    target = {"resource": resource, "namespace": "chaos-0", "name": "pr-1"}
    return event(second, "delete", target, requestObject={"preconditions": conditions})


def has(second: int, host: str, version: str = "7") -> dict[str, Any]:
    """The route gets a hostname."""
    metadata = {"uid": UID, "resourceVersion": version}
    answer = {
        "apiVersion": INGRESS.api_version,
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {"rules": [{"host": host}]},
    }
    return event(second, "patch", {"resource": "ingresses"}, responseObject=answer)


def records(second: int, host: str, name: str = "other", since: str = "2025-06-01") -> dict[str, Any]:
    """A status records a hostname."""
    status = {"hostname": {"name": host, "heldSince": f"{since}T00:00:00Z"}} if host else {}
    answer = {
        "apiVersion": NAMES.api_version,
        "kind": KIND,
        "metadata": {"namespace": "chaos-0", "name": name},
        "status": status,
    }
    return event(second, "patch", {"resource": PLURAL, "subresource": "status"}, responseObject=answer)


H1, H2 = "h1.preview.test", "h2.preview.test"
NOT_FOUND = read(2, 404, {"kind": "Status", "status": "Failure", "reason": "NotFound"})
WANTS = read(2, 200, {"metadata": {"generation": 1}, "spec": {"fqdn": "h1.preview.test"}})
RECORD = {"name": "h1.preview.test", "heldSince": "2025-01-01T00:00:00Z"}
HOLDS = read(2, 200, {**WANTS["responseObject"], "status": {"hostname": RECORD}})


def expiring(**more: Any) -> dict[str, Any]:
    status = {"ttl": "5s", "ttlCountsFrom": "2026-01-01T00:00:01Z", "observedGeneration": 1, **more}
    return read(7, 200, {"metadata": {"generation": 1}, "spec": {"ttl": "5s"}, "status": status})


Events = tuple[dict[str, Any], ...]
WRITTEN_1 = (has(0, H1), records(0, H1))
PRUNED, PRUNED_ROUTE = deleted(3, **GOOD), deleted(3, "ingresses", **GOOD)
LOST = (has(0, H1), has(1, H2), records(1, H1), listed(3), read(4, 200, WANTS["responseObject"]))
AT_2 = datetime.fromisoformat("2026-01-01T00:00:02Z").timestamp()

RIGHT: dict[str, Events] = {
    "gone": (listed(1), NOT_FOUND, PRUNED),
    "expired": (listed(1), expiring(), deleted(8, **GOOD)),
    "switched": (listed(1), WANTS, deleted(3, "httproutes", **GOOD)),
    "a hostname of another": (*WRITTEN_1, listed(1), WANTS, PRUNED_ROUTE),
    "another recorded it earlier": (
        *(has(0, H1), records(0, H1, since="2024-01-01"), listed(1), HOLDS, PRUNED_ROUTE),
    ),
    "it was when it was listed": (*WRITTEN_1, listed(1), WANTS, has(2, H2), records(2, ""), PRUNED_ROUTE),
    "a write without an answer": (
        *(has(0, H2, "6"), records(0, H1, "pr-1"), records(0, H1), listed(1), WANTS, PRUNED_ROUTE),
    ),
}
DESIRED: dict[str, Events] = {
    "desired": (listed(1), WANTS, PRUNED),
    "not read": (listed(1), PRUNED),
    "read before": (NOT_FOUND, listed(3), deleted(4, **GOOD)),
    "not that 404": (listed(1), read(2, 404, {"reason": "Expired"}), PRUNED),
    "503": (listed(1), read(2, 503, {}), PRUNED),
    "not yet": (listed(1), expiring(ttlCountsFrom="2026-01-01T00:00:09Z"), deleted(8, **GOOD)),
    "older": (listed(1), expiring(observedGeneration=0), deleted(8, **GOOD)),
    "its own route": (*WRITTEN_1, listed(1), HOLDS, PRUNED_ROUTE),
    "its own record": (has(0, H1), records(0, H1, "pr-1"), listed(1), WANTS, PRUNED_ROUTE),
    "a write without an answer, and no record": (
        *(has(0, H2, "6"), records(0, H1), listed(1), WANTS, PRUNED_ROUTE),
    ),
    "it had it before": (has(0, H1), has(1, H2), records(0, H1), listed(2), WANTS, PRUNED_ROUTE),
    "the other had it before": (*WRITTEN_1, records(1, H2), listed(2), WANTS, PRUNED_ROUTE),
    "it had it before, and etcd was not put back": (*LOST, deleted(5, "ingresses", **GOOD)),
}
ALWAYS, NO_MORE = ({UID: Guard(since=0.0, until=until)} for until in (None, 0.0))
# What the ledgers of users say, too; until a route is written again, nothing tells what a restore brought back.
BY_LEDGERS: dict[str, tuple[Ledger, Events, str]] = {
    "no state named": (
        Ledger(), (listed(1), NOT_FOUND, deleted(3, uid=UID)), "a delete without uid or resourceVersion: ",
    ),
    "unmanaged": (Ledger(ever={UID: "/a/path"}), RIGHT["gone"], "what is nobody's was deleted: "),
    "protected": (Ledger(guards=ALWAYS), RIGHT["gone"], "what was protected was deleted: "),
    "protected no more": (Ledger(guards=NO_MORE), RIGHT["gone"], ""),
    "a protected route with a hostname of another": (
        *(Ledger(guards=ALWAYS), (*WRITTEN_1, listed(1), NOT_FOUND, PRUNED_ROUTE), ""),
    ),
    "a protected route with another hostname": (
        Ledger(guards=ALWAYS), (has(0, H2), records(0, H1), listed(1), NOT_FOUND, PRUNED_ROUTE),
        "what was protected was deleted: ",
    ),
    "it had it before etcd was put back": (Ledger(restored=AT_2), (*LOST, deleted(5, "ingresses", **GOOD)), ""),
}  # fmt: skip
CASES = {
    **{case: (Ledger(), events, "") for case, events in RIGHT.items()},
    **{
        case: (Ledger(), events, "its preview was not gone, and wanted it: ")
        for case, events in DESIRED.items()
    },
    **BY_LEDGERS,
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_delete_is_reported_with_its_reason(tmp_path: Path, case: str) -> None:
    ledger, events, wrong = CASES[case]
    (tmp_path / "audit.log").write_text("".join(f"{json.dumps(one)}\n" for one in events))
    judge = Judge(tmp_path / "audit.log", (ledger,))
    judge.route_is("Ingress", "2025-01-01T00:00:00Z")
    found = judge.wrong()
    assert len(found) == bool(wrong), found
    assert all(problem.startswith(wrong) for problem in found)


class Made:
    """A namespace of three, made up."""

    def __init__(self, *items: Mapping[str, Any]) -> None:
        self._items = items

    def items(self, kind: str, namespace: str) -> list[Mapping[str, Any]]:
        wanted = (kind, namespace)
        return [one for one in self._items if (one["kind"], one["metadata"]["namespace"]) == wanted]


def route(name: str, **metadata: Any) -> dict[str, Any]:
    made = stranger("Ingress", name, namespace="chaos-0", **metadata)
    return {**made, "spec": {"rules": [{"host": "h1.preview.test"}]}}


def marked(name: str, **more: Any) -> dict[str, Any]:
    """A route with all that proves that it is ours."""
    applied = {"manager": NAMES.field_manager, "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    annotations = {NAMES.identity_annotation: f"Ingress/chaos-0/{name}"}
    marks = {"labels": {NAMES.preview_label: name}, "annotations": annotations, "managedFields": [applied]}
    return route(name, **{**marks, **more})


@pytest.mark.parametrize("said", [{"spec": {"fqdn": H1}}, {"status": {"hostname": {"name": H1}}}])
def test_a_hostname_that_is_served_twice_is_wrong(said: Mapping[str, Any]) -> None:
    one = {
        "apiVersion": NAMES.api_version,
        "kind": KIND,
        "metadata": {"name": "one", "namespace": "chaos-0", "uid": ""},
        **said,
    }
    assert [*served_twice(World(Made(one, marked("one"), marked("other"))))] == [
        "h1.preview.test is served by Ingress chaos-0/one, Ingress chaos-0/other"
    ]
    assert [*served_twice(World(Made(one, marked("one"), route("strangers"))))] == []
    dressed = marked("other", managedFields=[{"manager": "somebody", "operation": "Update"}])
    assert [*served_twice(World(Made(one, marked("one"), dressed)))] == []


def test_an_unmanaged_route_is_known_by_the_marks_that_it_lacks() -> None:
    world = World(Made(marked("one"), route("strangers")))
    assert strangers_with(world, H1) == [Key("Ingress", "chaos-0", "strangers")]
    assert strangers_with(World(Made(marked("one"))), H1) == []


def test_a_hostname_without_an_owner_is_in_doubt() -> None:
    assert [*served_twice(World(Made(marked("one"), marked("other"))))] == []


def test_a_managed_child_without_a_preview_is_wrong() -> None:
    world = World(Made(marked("pr-1")))
    (problem,) = wrong_at_the_end(world, "Ingress")
    assert problem.startswith("Ingress chaos-0/pr-1 has no preview, and is there: {")


PREVIEW = {
    "apiVersion": NAMES.api_version,
    "kind": KIND,
    "metadata": {"name": "pr-1", "namespace": "chaos-0", "generation": 1},
}


@pytest.mark.parametrize(
    ("reason", "spec", "waits"),
    [
        ("Progressing", {}, True),
        ("RouteNotAccepted", {}, True),
        ("Available", {}, False),
        ("Available", {"ttl": "1h"}, True),
        ("Expired", {"ttl": "1h"}, False),
    ],
)
def test_what_time_alone_changes_is_waited_for(reason: str, spec: Mapping[str, str], waits: bool) -> None:
    status = {"conditions": [{"type": "Ready", "reason": reason}]}
    assert bool(under_way(World(Made({**PREVIEW, "spec": spec, "status": status})))) == waits


@pytest.mark.parametrize(
    ("reason", "more", "waits"),
    [
        ("Available", {}, True),
        ("Available", {"managedFields": []}, False),
        ("HostnameConflict", {}, False),
    ],
)
def test_an_old_route_is_waited_for_until_it_goes(reason: str, more: Mapping[str, Any], waits: bool) -> None:
    status = {"conditions": [{"type": "Ready", "reason": reason}]}
    preview = {**PREVIEW, "spec": {}, "status": status}
    new = marked("pr-1")
    annotations = {NAMES.identity_annotation: "HTTPRoute/chaos-0/pr-1"}
    old = {**new, "kind": "HTTPRoute", "metadata": {**new["metadata"], "annotations": annotations, **more}}
    assert under_way(World(Made(preview, new))) == []
    assert bool(under_way(World(Made(preview, new, old)))) == waits


def test_a_preview_that_no_run_has_dealt_with_is_wrong() -> None:
    (problem,) = wrong_at_the_end(World(Made(PREVIEW)), "Ingress")
    assert problem == "PreviewEnvironment chaos-0/pr-1: its status is about generation 0, not 1"
