"""Statuses as a run writes them: when, how often, and what becomes of the run when it cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Listing
from reconcile.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NotInstalled,
    ReconcileError,
    ServerTrouble,
    UnknownFields,
)
from reconcile.kube.objects import Key, Resource
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.plan.changes import Blocked
from reconcile.status.publish import MOST_NAMESPACES
from reconcile.status.result import exit_code
from tests.builders import a_preview
from tests.given import key
from tests.kube.test_health_pod import NOW, PROBED, event, runs_again
from tests.kube.test_health_pods import RUNNING, a_pod, waiting
from tests.memory import Memory
from tests.run.test_run import LISTS, PREVIEW, a_cluster, go

KEY = key("PreviewEnvironment")
STATUS = f"status {PREVIEW}"
ALL_LISTS = [*[f"list {plural}" for plural in LISTS], "list previewenvironments"]
UP = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
START = datetime(2026, 1, 1, tzinfo=UTC)


def condition(memory: Memory, type_: str = "Ready", name: str = "pr-1") -> dict[str, Any]:
    """The condition of this type in a preview's status; nothing where there is none."""
    conditions = status(memory, name).get("conditions", [])
    return next((found for found in conditions if found["type"] == type_), {})


def status(memory: Memory, name: str = "pr-1") -> dict[str, Any]:
    found: dict[str, Any] = memory.objects[key("PreviewEnvironment", name)].get("status", {})
    return found


def told(memory: Memory, name: str = "pr-1") -> tuple[str, str]:
    found = condition(memory, name=name)
    return found["status"], found["reason"]


def controllers(memory: Memory, **counts: int) -> None:
    """The Deployment controller has done its work; without counts, all of it."""
    there = memory.objects[key("Deployment")]
    memory.put({**there, "status": {"observedGeneration": 1, **(counts or UP)}})


def again(memory: Memory, **request: Any) -> tuple[list[str], tuple[str, ...]]:
    """What another run asks of the cluster, and its notes."""
    memory.log.clear()
    done = go(memory, **request)
    return memory.log, done.notes


# when


def test_the_first_run_reports_progress_and_the_next_that_it_is_available() -> None:
    memory = a_cluster()
    go(memory)
    assert told(memory) == ("False", "Progressing")
    controllers(memory)
    assert again(memory) == ([*ALL_LISTS, STATUS, "event Available shop/pr-1"], ())
    assert status(memory) == {
        "observedGeneration": 1,
        "url": "https://pr-1.preview.example.com",
        "hostname": {"name": "pr-1.preview.example.com", "heldSince": "2026-01-01T00:00:00Z"},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "reason": "Available",
                "message": "its pods are available",
            }
        ],
    }
    assert again(memory) == (ALL_LISTS, ())


def test_a_status_is_no_part_of_the_plan() -> None:
    memory = a_cluster()
    go(memory)
    controllers(memory)
    done = go(memory, agrees=False)
    assert (done.plan.writes, done.outcomes, done.declined) == ((), (), False)
    assert told(memory) == ("True", "Available")


@pytest.mark.parametrize("request_", [{"dry_run": True}, {"agrees": False}])
def test_where_nothing_is_applied_nothing_is_published(request_: dict[str, Any]) -> None:
    assert not any(line.startswith(("status", "event")) for line in again(a_cluster(), **request_)[0])


def test_a_run_asked_to_stop_publishes_nothing() -> None:
    memory, stop = a_cluster(), Stop()
    memory.trouble("apply Service shop/pr-1", lambda memory, at: stop.ask(15))
    assert not any(line.startswith(("status", "event")) for line in again(memory, stop=stop)[0])


def test_a_preview_outside_the_scope_gets_no_status() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    log, _ = again(memory, scope=make_scope(None, ("pr-2",), None))
    assert [line for line in log if line.startswith("status")] == ["status PreviewEnvironment shop/pr-2"]


def test_the_status_is_about_the_spec_that_was_planned() -> None:
    """One that was changed while the run was under way is told about by the next."""
    memory = a_cluster()

    def edit(memory: Memory, at: Key) -> None:
        memory.put(a_preview(image="registry.example.com/shop:2", generation=2))

    memory.trouble("apply Mapping shop/pr-1", edit)
    go(memory)
    assert status(memory) == {}


SWITCH = Settings(route="ingress", route_given=True)


def test_after_two_passes_the_status_is_about_what_the_last_one_saw() -> None:
    memory = a_cluster()
    go(memory)
    memory.trouble("apply Ingress shop/pr-1", lambda memory, at: controllers(memory))
    assert len(go(memory, settings=SWITCH).passes) == 2
    assert told(memory) == ("True", "Available")


def test_after_two_passes_the_status_is_about_the_spec_that_the_first_one_planned() -> None:
    memory = a_cluster()
    go(memory)
    before = status(memory)

    def edit(memory: Memory, at: Key) -> None:
        memory.put(a_preview(image="registry.example.com/shop:2", generation=2, status=before))

    memory.trouble("apply Ingress shop/pr-1", edit)
    assert len(go(memory, settings=SWITCH).passes) == 2
    assert status(memory) == before


def test_among_files_there_is_no_status_and_no_event_and_nothing_expires() -> None:
    """Though a dump may have one."""
    begun = {"observedGeneration": 1, "ttl": "1h", "ttlCountsFrom": "2025-01-01T00:00:00Z"}
    memory = Memory(is_server=False)
    memory.put(a_preview(ttl="1h", status=begun))
    log, _ = again(memory)
    assert not any(line.startswith(("status", "event")) for line in log)
    assert (alive(memory), status(memory)) == (True, begun)


def test_a_route_kind_that_is_not_installed_is_reported_before_a_hostname_conflict() -> None:
    memory = a_cluster()
    theirs = {"name": "theirs", "namespace": "shop"}
    rules = [{"host": "pr-1.preview.example.com"}]
    memory.put({"apiVersion": "x/v1", "kind": "Ingress", "metadata": theirs, "spec": {"rules": rules}})
    memory.trouble("list mappings", NotInstalled("404"))
    reasons = [change.reason for change in go(memory).plan.changes if isinstance(change, Blocked)]
    assert reasons == ["RouteNotAccepted", "HostnameConflict"]
    assert told(memory) == ("False", "RouteNotAccepted")
    go(memory)
    assert told(memory) == ("False", "HostnameConflict")


# pods


def crashing(memory: Memory) -> None:
    controllers(memory, replicas=1, updatedReplicas=1)
    memory.put(a_pod(waiting("CrashLoopBackOff", exitCode=1)).manifest)


def test_the_warnings_of_a_namespace_are_listed_where_a_pod_does_not_show_enough() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    go(memory)
    controllers(memory, replicas=1, updatedReplicas=1)
    pod = a_pod(RUNNING | {"name": "app"}, uid="u", spec=PROBED)
    memory.put(pod.manifest)
    memory.put(unhealthy("u"))
    log, _ = again(memory)
    assert [line for line in log if line.startswith("list events")] == ["list events in shop"]
    assert condition(memory)["message"] == (
        "0 of 1 pods are available: readiness probe GET :8080/healthz: answered 404"
    )


def test_in_many_namespaces_they_are_one_list_of_all() -> None:
    names = [f"team-{number}" for number in range(MOST_NAMESPACES + 1)]
    previews = [a_preview("pr-1", namespace=name) for name in names]
    memory = a_cluster(*previews)
    go(memory)
    for name in names:
        at = Key("Deployment", name, "pr-1")
        memory.put({**memory.objects[at], "status": {"observedGeneration": 1, "updatedReplicas": 1}})
        memory.put(a_pod(waiting("ContainerCreating"), namespace=name).manifest)
    log, _ = again(memory)
    assert [line for line in log if line.startswith("list events")] == ["list events"]


def test_without_the_right_to_events_the_rest_is_shown() -> None:
    memory = a_cluster()
    go(memory)
    controllers(memory, replicas=1, updatedReplicas=1)
    memory.put(a_pod(RUNNING | {"name": "app"}, spec=PROBED).manifest)
    memory.trouble("list events in shop", Forbidden("no right to list events"))
    _, notes = again(memory)
    assert notes == ("what probes and mounts answered is not known: no right to list events",)
    assert condition(memory)["message"].endswith("readiness probe GET :8080/healthz: no success yet")


def test_what_the_pods_of_one_preview_are_listed_for_changes_nothing_for_another() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    go(memory)
    crashing(memory)
    there = memory.objects[key("Deployment", "pr-2")]
    memory.put({**there, "status": {"observedGeneration": 1, **UP}})
    ready = a_pod(runs_again(1, 2, ready=True), name="pr-2-a", preview="pr-2", conditions=(POD_READY,))
    memory.put(ready.manifest)
    memory.time = NOW
    go(memory)
    assert told(memory, "pr-2") == ("True", "Available")


def test_what_failed_before_is_re_read_though_its_pods_are_available() -> None:
    memory = a_cluster()
    go(memory)
    crashing(memory)
    go(memory)
    assert told(memory) == ("False", "RolloutFailed")
    controllers(memory)
    memory.put(a_pod(runs_again(1, 2, ready=True), conditions=(POD_READY,)).manifest)
    memory.time = NOW
    go(memory)
    assert told(memory) == ("False", "RolloutFailed")
    memory.time = NOW + timedelta(minutes=1)
    go(memory)
    assert told(memory) == ("True", "Available")
    log, _ = again(memory)
    assert "list pods" not in log, "and then no longer"


def unhealthy(uid: str) -> dict[str, Any]:
    found = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404", uid=uid)
    return {**found, "apiVersion": "v1", "kind": "Event", "metadata": {"name": "x", "namespace": "shop"}}


POD_READY = {"type": "Ready", "status": "True"}


def test_pods_are_listed_once_where_a_deployment_is_not_available() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    go(memory)
    crashing(memory)
    log, _ = again(memory)
    assert log.count("list pods") == 1
    assert condition(memory, "Stalled")["message"] == "CrashLoopBackOff: exit code 1"
    assert told(memory, "pr-2") == ("False", "Progressing")
    assert again(memory) == ([*ALL_LISTS, "list pods"], ())


def test_with_namespace_only_pods_are_listed_there() -> None:
    memory = a_cluster()
    go(memory)
    crashing(memory)
    log, _ = again(memory, scope=make_scope("shop", (), None, namespace_only=True))
    assert log[-3:] == ["list pods in shop", STATUS, "event RolloutFailed shop/pr-1"]


def test_without_the_right_to_list_pods_the_status_shows_less() -> None:
    memory = a_cluster()
    go(memory)
    crashing(memory)
    memory.trouble("list pods", Forbidden("no right to list pods"))
    assert again(memory)[1] == ("why pods do not come up is not known: no right to list pods",)
    assert told(memory) == ("False", "Progressing")


# what cannot be written


NO_TTL = "a ttl counts from what a run wrote into the status: without it a preview never expires"
PR2, ELSEWHERE = f"status {KEY.kind} shop/pr-2", f"status {KEY.kind} other/pr-1"
WITH_TTL = [a_preview("pr-1", ttl="1h"), a_preview("pr-2"), a_preview("pr-3", ttl="1h")]
OTHER = a_preview("pr-1", "other", fqdn="other.example.com")


@pytest.mark.parametrize(
    ("previews", "error", "notes", "tried"),
    [
        (WITH_TTL, Forbidden("no right"), ["pr-1 and 2 more was not written: no right", NO_TTL], [STATUS]),
        ([a_preview()], NotInstalled("no such"), ["pr-1 was not written: no such"], [STATUS]),
        (
            [a_preview(), a_preview("pr-2")],
            ServerTrouble("500"),
            ["pr-1 was not written: 500"],
            [STATUS, PR2],
        ),
        ([a_preview(), a_preview("pr-2")], AnswerLost("lost"), ["pr-1 was not written: lost"], [STATUS, PR2]),
        (
            [a_preview(), OTHER],
            Forbidden("no right"),
            ["pr-1 was not written: no right"],
            [ELSEWHERE, STATUS],
        ),
        ([a_preview()], NamespaceTerminating("it is being deleted"), [], [STATUS]),
    ],
)
def test_what_cannot_be_written_is_a_note_and_fails_nothing(
    previews: list[dict[str, Any]], error: ReconcileError, notes: list[str], tried: list[str]
) -> None:
    """Where one of a namespace tells that none can be written, the others there are not tried."""
    memory = a_cluster(*previews)
    memory.trouble(STATUS, error)
    done = go(memory)
    told = [note if note == NO_TTL else f"the status of shop/{note}" for note in notes]
    assert (exit_code(done), list(done.notes)) == (0, told)
    assert sorted(line for line in memory.log if line.startswith("status")) == sorted(tried)
    if previews[-1] is OTHER:
        assert memory.objects[Key(KEY.kind, "other", "pr-1")]["status"]


# somebody else, meanwhile


def annotated(memory: Memory, at: Key) -> None:
    there = memory.objects[KEY]
    memory.put({**there, "metadata": {**there["metadata"], "annotations": {"a": "b"}}})


def test_a_preview_that_was_annotated_meanwhile_is_read_again() -> None:
    memory = a_cluster()
    memory.trouble(STATUS, annotated)
    go(memory)
    assert told(memory) == ("False", "Progressing")


def test_what_another_run_wrote_meanwhile_is_not_written_again() -> None:
    memory, other = a_cluster(a_preview(ttl="1h")), a_cluster(a_preview(ttl="1h"))
    go(other)

    def another_run(memory: Memory, at: Key) -> None:
        memory.put({**memory.objects[KEY], "status": status(other)})

    memory.trouble(STATUS, another_run)
    memory.time = START + timedelta(minutes=1)
    go(memory)
    assert [line for line in memory.log if line == STATUS] == [STATUS]
    assert status(memory)["ttlCountsFrom"] == "2026-01-01T00:00:00Z"


def test_a_preview_that_changes_all_the_time_is_left_to_the_next_run() -> None:
    memory = a_cluster()
    memory.trouble(STATUS, *[Conflict("it has changed")] * 9)
    log, notes = again(memory)
    assert (log.count(STATUS), notes) == (3, ())


CHANGES: dict[str, dict[str, Any]] = {
    "made again": {"uid": "other"},
    "going": {"deleted": "2026-01-01T00:00:00Z"},
    "changed": {"generation": 2},
}


@pytest.mark.parametrize("how", ["gone", *CHANGES])
def test_one_that_is_not_the_same_any_more_is_left_to_the_next_run(how: str) -> None:
    memory = a_cluster()

    def happens(memory: Memory, at: Key) -> None:
        del memory.objects[KEY]
        if how != "gone":
            memory.put(a_preview(**CHANGES[how]))

    memory.trouble(STATUS, happens)
    log, notes = again(memory)
    assert (log.count(STATUS), notes) == (1, ())
    assert not memory.objects.get(KEY, {}).get("status")


# ttl, from run to run


def alive(memory: Memory) -> bool:
    return key("Deployment") in memory.objects


def test_a_preview_lives_its_ttl_and_comes_back_with_its_next_change() -> None:
    memory = a_cluster(a_preview(ttl="1h"))
    go(memory)
    assert (status(memory)["ttlCountsFrom"], status(memory)["expiresAt"]) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00Z",
    )
    memory.time = START + timedelta(minutes=59)
    go(memory)
    assert alive(memory)
    memory.time = START + timedelta(hours=1)
    done = go(memory)
    assert (exit_code(done), alive(memory), told(memory)) == (0, False, ("False", "Expired"))
    assert "url" not in status(memory)
    assert again(memory) == (ALL_LISTS, ())
    memory.put(a_preview(ttl="1h", revision="b", generation=2, status=status(memory)))
    go(memory)
    assert (alive(memory), told(memory)) == (True, ("False", "Progressing"))
    assert status(memory)["expiresAt"] == "2026-01-01T02:00:00Z"


def test_a_change_just_before_the_delete_keeps_the_children() -> None:
    memory = a_cluster(a_preview(ttl="1h"))
    go(memory)
    memory.time = START + timedelta(hours=1)

    def edit(memory: Memory, at: Key) -> None:
        memory.put(a_preview(ttl="1h", generation=2, status=status(memory)))

    memory.trouble(f"get {PREVIEW}", edit)
    done = go(memory)
    assert {outcome.result for outcome in done.outcomes} == {"canceled"}
    assert alive(memory)


def test_a_count_that_another_run_restarted_is_not_called_expired() -> None:
    memory = a_cluster(a_preview(ttl="1h"))
    go(memory)
    memory.time = START + timedelta(hours=1)

    def another_run(memory: Memory, at: Key) -> None:
        begun = {**status(memory), "ttlCountsFrom": "2026-01-01T01:00:00Z"}
        memory.put({**memory.objects[KEY], "status": begun})

    memory.trouble(STATUS, another_run)
    go(memory)
    assert told(memory) == ("False", "Progressing")


def test_listing_pods_by_label_is_one_request_for_all() -> None:
    asked: list[tuple[str | None, str | None]] = []

    class Listening(Memory):
        def list(self, resource: Resource, **kwargs: Any) -> Listing[Any]:
            if resource.kind == "Pod":
                asked.append((kwargs["namespace"], kwargs["label"]))
            return super().list(resource, **kwargs)

    memory = Listening()
    memory.put(a_preview())
    go(memory)
    crashing(memory)
    go(memory)
    assert asked == [(None, "platform9.com/preview")]


# a CRD that is older than this version


def test_what_an_older_crd_does_not_know_is_left_out_and_noted_once_and_nothing_is_rewritten() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    unknown = UnknownFields(".status.hostname: field not declared in schema", frozenset({"hostname"}))
    memory.trouble("status PreviewEnvironment shop/pr-1", unknown)
    told_once = (
        "the CRD that is installed does not know status.hostname: statuses are written without; "
        "upgrade it with `reconcile --print-crd --api-group platform9.com | kubectl apply -f -`"
    )
    assert go(memory).notes == (told_once,)
    assert told(memory) == told(memory, "pr-2") == ("False", "Progressing")
    assert "hostname" not in status(memory)
    memory.trouble("status PreviewEnvironment shop/pr-1", unknown)
    assert again(memory) == ([*ALL_LISTS, STATUS], (told_once,)), "asked once, and nothing else is new"


def test_a_field_that_was_never_sent_is_no_reason_to_try_again() -> None:
    memory = a_cluster()
    unknown = UnknownFields(".status.other: field not declared in schema", frozenset({"other"}))
    memory.trouble("status PreviewEnvironment shop/pr-1", unknown)
    assert go(memory).notes == (f"the status of shop/pr-1 was not written: {unknown}",)
