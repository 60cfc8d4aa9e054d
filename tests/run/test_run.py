"""One run: what it asks of a cluster and in which order, what becomes of each write, and the exit code."""

from datetime import datetime
from typing import Any

import pytest

from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Applied, Listing
from reconcile.desire.children import CHILDREN
from reconcile.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NoAnswer,
    NotInstalled,
    ReconcileError,
    Rejected,
    ServerTrouble,
    Stopped,
    UsageError,
)
from reconcile.kube.objects import Key, Manifest, Resource
from reconcile.model.names import KIND
from reconcile.model.scope import make_scope
from reconcile.model.settings import Gateway, Settings
from reconcile.plan.changes import Blocked, Create, Outcome, Plan, Skipped, Waiting
from reconcile.report.summary import did_all_it_could
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import Pass, Run, Standing, exit_code
from tests.builders import a_preview
from tests.given import MANAGER, a_read_preview, children_of, edited, entry, key
from tests.memory import PREVIEWS, Memory

PREVIEW = "PreviewEnvironment shop/pr-1"
GET = f"get {PREVIEW}"
ALL = ["Deployment shop/pr-1", "Service shop/pr-1", "Mapping shop/pr-1"]
LISTS = [kind.resource.plural for kind in CHILDREN]
SERVICE = children_of(a_read_preview())["Service"]
OURS = [entry(MANAGER, SERVICE, "Apply")]
SERVED = "apply Service shop/pr-1"
PROTECTED = ("metadata", "annotations", "platform9.com/prune")
INGRESS = Settings(route="ingress", route_given=True)


def a_cluster(*previews: dict[str, Any]) -> Memory:
    memory = Memory()
    for preview in previews or (a_preview(),):
        memory.put(preview)
    return memory


def go(memory: Memory, *, stop: Stop | None = None, agrees: bool = True, **request: Any) -> Run:
    """A run that nobody is asked about; `concurrency` 1, so that its requests have an order."""
    asked = Request(
        **{"scope": make_scope(None, (), None), "settings": Settings(), "concurrency": 1, **request}
    )
    return run(memory, asked, show_plan=lambda plan: None, agree=lambda plan: agrees, stop=stop)


def running() -> Memory:
    """A preview whose children an earlier run made."""
    memory = a_cluster()
    go(memory)
    memory.log.clear()
    return memory


def leaving() -> Memory:
    """The same, whose author has deleted it; another preview is new."""
    memory = running()
    del memory.objects[key("PreviewEnvironment")]
    memory.put(a_preview("pr-2"))
    return memory


def results(done: Run) -> list[tuple[str, str]]:
    return [(str(outcome.change.key), outcome.result) for outcome in done.outcomes]


def messages(done: Run) -> list[str]:
    return [outcome.message for outcome in done.outcomes if outcome.message]


# what is asked, and in which order


def test_children_are_listed_before_previews_and_looked_for_before_they_are_made() -> None:
    memory = a_cluster()
    assert exit_code(go(memory)) == 0
    # Routes of everybody are listed, so nobody need look for one.
    look = [f"get {child}" for child in ALL[:2]]
    assert memory.log == [
        *[f"list {plural}" for plural in LISTS],
        f"list {PREVIEWS}",
        *look,
        *[f"apply {child}" for child in ALL],
        f"status {PREVIEW}",
        "event Created shop/pr-1",
    ]


def test_an_unforeseen_record_of_a_server_is_reported_and_is_no_failure() -> None:
    """As one whose schema has lists by key where ours has none, or the other way round."""

    class Newer(Memory):
        def apply(self, resource: Resource, manifest: Manifest, **how: Any) -> Applied:
            there = super().apply(resource, manifest, **how).manifest
            fields = there["metadata"]["managedFields"][0]["fieldsV1"]
            if resource.kind == "Service":
                fields["f:spec"]["f:selector"] = {"f:app": {}}
            return Applied(there, created=True)

    memory = Newer()
    for name in ("pr-1", "pr-2"):
        memory.put(a_preview(name))
    done = go(memory)
    assert done.notes == (
        "Service: this API server has another schema for spec.selector, spec.selector.app, and each run may "
        "apply it again; upgrade this tool, or run make schemas in a clone of it",
    )
    assert exit_code(done) == 0


def test_a_dry_run_only_reads_and_plans_the_same() -> None:
    memory = a_cluster()
    done = go(memory, dry_run=True)
    assert memory.writes() == []
    assert done.plan == go(memory).plan


def test_deletes_come_last_and_go_the_other_way_each_after_its_preview_was_read_again() -> None:
    memory = leaving()
    memory.log.clear()
    go(memory)
    deletes = [f"delete {child}" for child in ALL[::-1]]
    assert [line.split()[0] for line in memory.writes()] == ["apply"] * 3 + ["delete"] * 3
    assert [line for line in memory.writes() if "pr-1" in line] == deletes
    assert [memory.log[memory.log.index(line) - 1] for line in deletes] == [GET] * 3


def test_with_namespace_only_nothing_is_asked_outside_and_the_plan_notes_it() -> None:
    memory = a_cluster()
    done = go(memory, scope=make_scope("shop", (), None, namespace_only=True))
    assert [line for line in memory.log if line.startswith("list")] == [
        f"list {plural} in shop" for plural in [*LISTS, PREVIEWS]
    ]
    assert done.plan.notes == ("only namespace shop was read: hostnames of other namespaces were not seen",)


def test_a_route_of_a_kind_that_is_left_out_is_neither_kept_nor_deleted_by_any_request() -> None:
    memory = running()
    left_out = Settings(route="ingress", route_given=True, route_kinds=("ingress",))
    done = go(memory, settings=left_out)
    assert results(done) == [("Ingress shop/pr-1", "done")]
    assert [change.key.kind for change in done.plan.changes] == ["Ingress", "Deployment", "Service"]
    assert key("Mapping") in memory.objects
    assert [line for line in memory.log if "apping" in line or "httproute" in line.lower()] == []
    memory.log.clear()
    assert results(go(memory, settings=left_out)) == []
    listed = [plural for plural in LISTS if plural not in ("mappings", "httproutes")]
    assert memory.log == [f"list {plural}" for plural in [*listed, PREVIEWS]]


# the question


def test_nothing_is_done_when_the_answer_is_no() -> None:
    memory = a_cluster()
    done = go(memory, agrees=False)
    assert (done.declined, memory.writes(), exit_code(done)) == (True, [], 3)


# passes


def test_a_switch_takes_two_passes_and_the_second_does_only_what_the_first_named() -> None:
    memory = running()
    memory.put(a_preview("pr-9", fqdn="pr-1.preview.example.com"))

    def news(memory: Memory, at: Key) -> None:
        memory.put(a_preview("pr-3"))

    memory.trouble("apply Ingress shop/pr-1", news)
    done = go(memory, settings=INGRESS)
    assert [results(Run((one,))) for one in done.passes] == [
        [("Ingress shop/pr-1", "done"), ("Deployment shop/pr-9", "done"), ("Service shop/pr-9", "done")],
        [("Mapping shop/pr-1", "done")],
    ]


def test_a_chain_of_hostnames_takes_three_passes_at_most() -> None:
    names = ["pr-1", "pr-2", "pr-3", "pr-4"]
    memory = a_cluster(*[a_preview(name, fqdn=f"{name}.example.com") for name in names])
    go(memory)
    for name, host in zip(names, [*names[1:], "free"], strict=True):
        memory.put(a_preview(name, fqdn=f"{host}.example.com"))
    done = go(memory)
    assert [results(Run((one,))) for one in done.passes] == [
        [("Mapping shop/pr-4", "done")],
        [("Mapping shop/pr-3", "done")],
        [("Mapping shop/pr-2", "done")],
    ]
    assert results(go(memory)) == [("Mapping shop/pr-1", "done")]


@pytest.mark.parametrize("kind", ["mappings", "ingresses"])
def test_a_kind_that_is_not_served_any_more_in_a_later_pass_is_a_list_that_failed(kind: str) -> None:
    memory = running()

    def goes(memory: Memory, at: Key) -> None:
        memory.trouble(f"list {kind}", NotInstalled("a text 404"))

    memory.trouble("apply Ingress shop/pr-1", goes)
    done = go(memory, settings=INGRESS)
    (skipped,) = done.passes[1].plan.skipped
    assert skipped.message == (
        f"the list of {kind} is incomplete: a text 404; all changes of this kind are skipped"
    )
    assert results(done) == [("Ingress shop/pr-1", "done")]
    assert exit_code(done) == 4


def test_where_nothing_got_done_there_is_no_second_pass() -> None:
    memory = running()
    memory.trouble("apply Ingress shop/pr-1", Rejected("no"))
    assert len(go(memory, settings=INGRESS).passes) == 1


HTTPROUTE = Settings(route="httproute", route_given=True, gateway=Gateway(namespace="infra", name="web"))
GET_GATEWAY = "get Gateway infra/web"


def the_gateway() -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "infra"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": metadata}


@pytest.mark.parametrize(
    ("error", "missing"), [(None, True), (Forbidden("no"), False), (ServerTrouble("no"), False)]
)
def test_a_gateway_that_does_not_exist_is_named_by_the_run_that_creates_the_first_route(
    error: ReconcileError | None, missing: bool
) -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2", fqdn="pr-2.example.com"))
    if error:
        memory.trouble(GET_GATEWAY, error)
    done = go(memory, settings=HTTPROUTE)
    told = "Gateway infra/web does not exist: no HTTPRoute of it is accepted; create it, or correct --gateway"
    assert done.notes == ((told,) if missing else ())
    assert memory.log.count(GET_GATEWAY) == 1
    memory.log.clear()
    assert go(memory, settings=HTTPROUTE).notes == ()
    assert GET_GATEWAY not in memory.log


def test_a_gateway_of_another_namespace_is_not_read_by_a_run_in_one() -> None:
    memory = a_cluster()
    go(memory, settings=HTTPROUTE, scope=make_scope("shop", (), None, namespace_only=True))
    assert GET_GATEWAY not in memory.log


def test_an_acceptance_that_does_not_come_is_waited_for_in_no_run() -> None:
    settings = HTTPROUTE
    memory = running()
    memory.put(the_gateway())
    done = go(memory, settings=settings)
    assert len(done.passes) == 2
    assert exit_code(done) == 0
    waits = "Mapping shop/pr-1 waits: deleted 10 seconds after HTTPRoute shop/pr-1 is accepted"
    assert done.notes == (f"{waits}; run again then",)
    again = go(memory, settings=settings)
    assert len(again.passes) == 1
    assert again.notes == (), "its plan says it"


def test_of_many_that_still_wait_at_the_end_of_a_run_one_is_named() -> None:
    names = ["pr-1", "pr-2", "pr-3", "pr-4", "pr-5"]
    memory = a_cluster(*[a_preview(name, fqdn=f"{name}.example.com") for name in names])
    go(memory)
    for name, host in zip(names, [*names[1:], "free"], strict=True):
        memory.put(a_preview(name, fqdn=f"{host}.example.com"))
    (note,) = go(memory).notes
    assert note.startswith("Mapping shop/pr-1 waits: pr-2.example.com: ")
    assert note.endswith("; run again then, also for 1 more")
    assert (len(go(memory).notes), go(memory).notes) == (0, ())


# what becomes of a write


@pytest.mark.parametrize(
    ("error", "result", "allowed"),
    [(Rejected("no"), "rejected", 0), (Forbidden("no"), "failed", 1), (ServerTrouble("no"), "failed", 1)],
)
def test_one_preview_that_fails_does_not_hold_up_another_and_its_later_children_are_left_out(
    error: ReconcileError, result: str, allowed: int
) -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    memory.trouble(SERVED, error)
    done = go(memory)
    assert results(done) == [
        ("Deployment shop/pr-1", "done"),
        ("Service shop/pr-1", result),
        ("Mapping shop/pr-1", "skipped"),
        ("Deployment shop/pr-2", "done"),
        ("Service shop/pr-2", "done"),
        ("Mapping shop/pr-2", "done"),
    ]
    assert messages(done) == [
        "no",
        "Service shop/pr-1 comes first, and was not applied",
    ]
    assert exit_code(done) == 1
    assert (exit_code(done, allow_blocked=True), did_all_it_could(done)) == (allowed, not allowed)
    assert done.statuses["shop/pr-1"].reason == "ApplyFailed"


@pytest.mark.parametrize(("fails", "other"), [("Mapping", "Ingress"), ("Service", "Mapping")])
def test_what_is_protected_though_undesired_holds_up_nothing_and_is_held_up_by_nothing(
    fails: str, other: str
) -> None:
    memory = running()
    memory.put(a_preview(annotations={"platform9.com/prune": "disabled"}))
    memory.trouble(f"apply {fails} shop/pr-1", Rejected("no"))
    done = dict(results(go(memory, settings=INGRESS)))
    assert (done[f"{fails} shop/pr-1"], done[f"{other} shop/pr-1"]) == ("rejected", "done")


def test_what_is_to_be_protected_and_changes_meanwhile_is_re_read() -> None:
    memory = running()
    memory.put(a_preview(annotations={"platform9.com/prune": "disabled"}))
    memory.trouble("apply Mapping shop/pr-1", lambda memory, at: memory.touch(at))
    assert ("Mapping shop/pr-1", "done") in results(go(memory, settings=INGRESS))
    assert memory.objects[key("Mapping")]["metadata"]["annotations"]["platform9.com/prune"] == "disabled"


def drifted() -> Memory:
    """Somebody has edited a Service that is not as it was applied."""
    memory = running()
    history = [
        *memory.objects[key("Service")]["metadata"]["managedFields"],
        entry("kubectl-edit", {("f:spec", "f:x")}),
    ]
    there = edited(memory.objects[key("Service")], "spec", "ports", 0, "targetPort", to=8080)
    memory.put(
        edited(there, "metadata", "annotations", "platform9.com/applied", to="x"), managedFields=history
    )
    return memory


def touched(memory: Memory, at: Key) -> None:
    memory.touch(at)


GIVEN_UP = ["Service shop/pr-1: gave up after 5 update conflicts; the next run will retry"]


@pytest.mark.parametrize(
    ("meanwhile", "writes", "told"),
    [
        ([touched] * 2, 3, []),
        ([touched] * 9, 5, GIVEN_UP),
        ([lambda memory, at: memory.put(SERVICE, managedFields=OURS)], 1, []),
    ],
    ids=["decided again", "given up", "right by now"],
)
def test_a_conflict_is_read_and_decided_again_at_most_five_times(
    meanwhile: list[Any], writes: int, told: list[str]
) -> None:
    memory = drifted()
    memory.trouble(SERVED, *meanwhile)
    done = go(memory)
    assert results(done) == [("Service shop/pr-1", "failed" if told else "done")]
    assert (memory.writes(), messages(done)) == ([SERVED] * writes, told)
    assert exit_code(done) == bool(told)
    assert told or memory.objects[key("Service")]["spec"] == SERVICE["spec"]


def made(memory: Memory, at: Key) -> None:
    memory.put(SERVICE, managedFields=OURS)


def made_without_an_answer(memory: Memory, at: Key) -> None:
    memory.put(SERVICE, managedFields=OURS)
    raise AnswerLost("broke off")


@pytest.mark.parametrize(("happens", "tries"), [(made, 1), (made_without_an_answer, 1), (Conflict("409"), 2)])
def test_a_create_that_another_run_or_a_lost_answer_made_is_not_sent_again(happens: Any, tries: int) -> None:
    memory = a_cluster()
    memory.trouble(SERVED, happens)
    assert exit_code(go(memory)) == 0
    assert memory.writes() == [f"apply {ALL[0]}", *[SERVED] * tries, f"apply {ALL[2]}"]


def test_an_unmanaged_object_that_appears_in_between_has_our_fields_removed_and_blocks() -> None:
    memory = a_cluster()
    stranger = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pr-1", "namespace": "shop"}}
    history = [entry("helm", {("f:spec", "f:selector")})]
    memory.trouble(SERVED, lambda memory, at: memory.put(stranger, managedFields=history))
    done = go(memory)
    assert results(done) == [
        ("Deployment shop/pr-1", "done"),
        ("Service shop/pr-1", "blocked"),
        ("Mapping shop/pr-1", "skipped"),
    ]
    assert messages(done)[0] == (
        "Service shop/pr-1: was created by helm a moment ago and is not managed by preview-reconcile; delete it, or rename the preview"
    )
    assert memory.writes().count("apply Service shop/pr-1") == 2
    assert memory.objects[key("Service")]["metadata"]["managedFields"] == history


def test_a_namespace_that_is_going_is_no_failure() -> None:
    memory = a_cluster()
    for child in ALL:
        memory.trouble(f"apply {child}", NamespaceTerminating("terminating"))
    done = go(memory)
    assert messages(done) == ["namespace shop is being deleted"] * 3
    assert exit_code(done) == 0


# what becomes of a delete


DELETE = "delete Mapping shop/pr-1"


def edit(*path: str | int, to: Any) -> Any:
    """Somebody changes the child a moment before."""
    return lambda memory, at: memory.put(edited(memory.objects[at], *path, to=to))


DELETES: dict[str, tuple[str, Any, str, str]] = {
    "its preview is back": (
        GET,
        lambda memory, at: memory.put(a_preview()),
        "canceled",
        "its preview was recreated",
    ),
    "no proof": (GET, NotInstalled("a text 404"), "failed", "a text 404"),
    "gone already": (
        DELETE,
        lambda memory, at: memory.objects.pop(at),
        "canceled",
        "already deleted, not by this run",
    ),
    "its status changed": (DELETE, lambda memory, at: memory.touch(at), "done", ""),
    "made again": (DELETE, edit("metadata", "uid", to="other"), "canceled", "it was recreated"),
    "protected": (
        DELETE,
        edit(*PROTECTED, to="disabled"),
        "canceled",
        "protected: platform9.com/prune is disabled",
    ),
    "another hostname": (
        DELETE,
        edit("spec", "hostname", to="new"),
        "canceled",
        "its hostnames were changed",
    ),
    "not allowed": (DELETE, Forbidden("may not"), "failed", "may not"),
    "the answer was lost": (DELETE, AnswerLost("broke off"), "done", ""),
}


@pytest.mark.parametrize("row", DELETES)
def test_the_result_of_a_delete(row: str) -> None:
    memory, (asked, happens, result, message) = leaving(), DELETES[row]
    memory.trouble(asked, happens)
    outcome = next(o for o in go(memory).outcomes if o.change.key == key("Mapping"))
    assert (outcome.result, outcome.message) == (result, message)


# what could not be seen


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        ("list services", Forbidden("no right"), "the list of services is incomplete: no right"),
        ("get Service shop/pr-1", ServerTrouble("503"), "Service shop/pr-1 could not be read: 503"),
    ],
)
def test_a_kind_that_cannot_be_read_is_left_alone_and_so_is_what_comes_after_it(
    request_: str, error: ReconcileError, told: str
) -> None:
    memory = a_cluster()
    memory.trouble(request_, error)
    done = go(memory)
    assert memory.writes() == ["apply Deployment shop/pr-1"]
    assert not any(
        line in memory.log for line in ("get Service shop/pr-1", "get Mapping shop/pr-1") if line != request_
    )
    assert done.plan.skipped == (Skipped("Service", f"{told}; all changes of this kind are skipped"),)
    assert exit_code(done) == 4


def test_a_route_kind_that_is_neither_installed_nor_requested_is_ignored() -> None:
    memory = a_cluster()
    memory.trouble("list httproutes", NotInstalled("404"))
    assert exit_code(go(memory)) == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Forbidden("no right"), "the previews of memory could not be listed: no right"),
        (ServerTrouble("500"), "the previews of memory could not be listed: 500"),
        (
            NotInstalled("404"),
            "PreviewEnvironment (platform9.com/v1) is not installed in memory: "
            "install it with `reconcile --print-crd --api-group platform9.com | kubectl apply -f -`",
        ),
    ],
)
def test_without_the_previews_there_is_nothing_to_work_from(error: Any, says: str) -> None:
    memory = a_cluster()
    memory.trouble(f"list {PREVIEWS}", error)
    with pytest.raises(NoAnswer) as raised:
        go(memory)
    assert str(raised.value) == says


# names


def test_a_bare_name_that_nothing_answers_to_is_unknown_and_one_with_a_namespace_is_absent() -> None:
    memory = running()
    done = go(memory, scope=make_scope(None, ("pr-7", "shop/pr-8"), None))
    assert (done.unknown, done.absent) == (("pr-7",), ("shop/pr-8",))
    assert exit_code(done) == 1
    assert exit_code(go(memory, scope=make_scope("shop", ("pr-8",), None))) == 0


def test_a_name_in_two_namespaces_is_a_usage_error_that_lists_them() -> None:
    memory = a_cluster(a_preview("pr-1", "shop"), a_preview("pr-1", "blog", fqdn="b.example.com"))
    with pytest.raises(
        UsageError, match="pr-1 is in more than one namespace; pass one of blog/pr-1, shop/pr-1"
    ):
        go(memory, scope=make_scope(None, ("pr-1",), None))


# told to end


def test_a_stop_before_anything_was_read_raises() -> None:
    stop = Stop()
    stop.ask(15)
    with pytest.raises(Stopped):
        go(a_cluster(), stop=stop)


def told_to_end_at(memory: Memory, request: str, *, then_touches: bool = False) -> Stop:
    """While this request is under way, which meets a conflict where the object is touched meanwhile."""
    stop = Stop()

    def meanwhile(memory: Memory, at: Key) -> None:
        stop.ask(15)
        if then_touches:
            memory.touch(at)

    memory.trouble(request, meanwhile)
    return stop


def test_a_stop_between_two_writes_skips_the_rest() -> None:
    memory = a_cluster()
    done = go(memory, stop=told_to_end_at(memory, SERVED))
    assert results(done) == [
        ("Deployment shop/pr-1", "done"),
        ("Service shop/pr-1", "done"),
        ("Mapping shop/pr-1", "skipped"),
    ]
    assert messages(done) == ["the run was stopped before this"]
    assert done.stopped


def test_after_a_stop_a_delete_whose_preview_is_being_read_is_not_begun() -> None:
    memory = running()
    memory.forget(key("PreviewEnvironment"))
    memory.put(a_preview("pr-2", deleted="2026-01-01T00:00:00Z"))
    go(memory, stop=told_to_end_at(memory, GET))
    assert memory.writes() == []


def test_after_a_stop_a_change_that_met_a_conflict_is_not_tried_again() -> None:
    memory = drifted()
    done = go(memory, stop=told_to_end_at(memory, SERVED, then_touches=True))
    assert (results(done), memory.writes()) == ([("Service shop/pr-1", "skipped")], [SERVED])


def test_after_a_stop_no_further_pass_is_begun() -> None:
    memory = running()
    done = go(memory, settings=INGRESS, stop=told_to_end_at(memory, "apply Ingress shop/pr-1"))
    assert (len(done.passes), memory.writes()) == (1, ["apply Ingress shop/pr-1"])


# the exit code


CREATE = Create(key("Service"), "shop/pr-1", {}, "new preview")
BLOCKED = Blocked(key("Preview"), "shop/pr-1", "Invalid", "")
WAITING = Waiting(key("Mapping"), "shop/pr-1", "")
SKIPPED = (Skipped("Deletes", "too many"),)


def after(result: Any) -> Run:
    return Run((Pass(Plan((CREATE,)), (Outcome(CREATE, result),)),))


def planned(*changes: Any, skipped: tuple[Skipped, ...] = (), **given: Any) -> Run:
    return Run((Pass(Plan(changes, skipped)),), **given)


def stands(state: Any, *, for_a_person: bool = False) -> Run:
    return planned(waited=(Standing("shop", "pr-1", state, for_a_person=for_a_person),))


@pytest.mark.parametrize(
    ("done", "code", "allowed"),
    [
        (planned(), 0, 0),
        (after("done"), 0, 0),
        (after("canceled"), 0, 0),
        (after("failed"), 1, 1),
        (after("skipped"), 1, 1),
        (after("blocked"), 1, 0),
        (after("rejected"), 1, 0),
        (planned(BLOCKED), 1, 0),
        (planned(WAITING), 0, 0),
        (planned(BLOCKED, CREATE, skipped=SKIPPED), 4, 4),
        (Run((Pass(Plan(())), Pass(Plan((BLOCKED,))))), 1, 0),
        (stands("ready"), 0, 0),
        (stands("suspended"), 0, 0),
        (stands("failed"), 1, 1),
        (stands("failed", for_a_person=True), 1, 0),
        (stands("waiting"), 1, 1),
    ],
)
def test_the_exit_code_of_a_run(done: Run, code: int, allowed: int) -> None:
    assert (exit_code(done), exit_code(done, allow_blocked=True)) == (code, allowed)
    assert exit_code(done, pending_is_3=True) == code, "only of a dry run"


@pytest.mark.parametrize(
    ("changes", "skipped", "code"),
    [
        ([], (), 0),
        ([WAITING], (), 0),
        ([CREATE], (), 3),
        ([CREATE, BLOCKED], (), 1),
        ([CREATE, BLOCKED], SKIPPED, 4),
    ],
)
def test_the_exit_code_of_a_dry_run_shows_pending_changes(
    changes: list[Any], skipped: tuple[Skipped, ...], code: int
) -> None:
    done = planned(*changes, skipped=skipped, dry_run=True)
    assert exit_code(done, pending_is_3=True) == code
    assert exit_code(done) == (0 if code == 3 else code)


# what the reports need


def test_the_run_has_the_previews_of_its_scope_as_the_last_pass_read_them() -> None:
    memory = a_cluster(a_preview("pr-2"), a_preview("pr-1"), a_preview("pr-3", "blog"))
    done = go(memory, scope=make_scope("shop", (), None))
    assert [preview.name for preview in done.previews] == ["pr-1", "pr-2"]
    assert (done.now, done.url_scheme) == (memory.now(), "https")
    assert go(memory, settings=Settings(route="none")).url_scheme == ""


def test_a_cluster_that_reports_no_time_is_reconciled_all_the_same() -> None:
    class Timeless(Memory):
        def now(self) -> datetime:
            raise NoAnswer("no Date")

    memory = Timeless()
    memory.put(a_preview())
    done = go(memory)
    assert (done.now, exit_code(done)) == (None, 0)


def test_what_the_first_pass_did_is_reported_if_the_next_cannot_begin() -> None:
    class Tired(Memory):
        def list(self, resource: Resource, **kwargs: Any) -> Listing[Any]:
            if resource.kind == KIND and self.log.count("apply Ingress shop/pr-1"):
                raise ServerTrouble("etcd is away")
            return super().list(resource, **kwargs)

    memory = Tired()
    memory.put(a_preview())
    go(memory)
    done = go(memory, settings=Settings(route="ingress", route_given=True))
    assert [str(outcome.change.key) for outcome in done.outcomes] == ["Ingress shop/pr-1"]
    assert done.notes == (
        "the next pass could not begin: the previews of memory could not be listed: etcd is away",
    )
    assert exit_code(done) == 1, "what waits is not done"
