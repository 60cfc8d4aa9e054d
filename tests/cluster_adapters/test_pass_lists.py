"""What one list that is incomplete does to a pass: to its plan, its deletes, its writes and its exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from tests.builders import a_preview
from tests.cluster_adapters.conftest import status, text_404
from tests.cluster_adapters.world import PREVIEWS, Answer, World, a_list, full_name, path
from tests.given import a_read_preview, available, children_of, edited, entry, live, told
from tests.in_process import Ended
from tests.templates import all_children, further

DEPLOYMENT, SERVICE, MAPPING, INGRESS = "Deployment", "Service", "Mapping", "Ingress"
CHILDREN = (DEPLOYMENT, SERVICE, MAPPING, INGRESS)
PREVIEW = PREVIEWS.kind

Manifest = dict[str, Any]

# pr-0 is gone, and has left two kinds of route; pr-1 is new; of pr-2 every child has drifted.
CREATES = {("create", kind, "pr-1") for kind in (DEPLOYMENT, SERVICE, MAPPING)}
UPDATES = {("update", kind, "pr-2") for kind in (DEPLOYMENT, SERVICE, MAPPING)}
DELETES = {("delete", kind, "pr-0") for kind in CHILDREN}
EVERYTHING = CREATES | UPDATES | DELETES
PUTS_IN_ORDER = (DEPLOYMENT, SERVICE, MAPPING)


def drifted(manifest: Manifest) -> Manifest:
    """The child as the server has it after somebody changed one of its labels."""
    by = entry("kubectl-edit", [("f:metadata", "f:labels", "f:app.kubernetes.io/name")])
    return edited(live(manifest, by).manifest, "metadata", "labels", "app.kubernetes.io/name", to="edited")


def children(kind: str) -> list[Manifest]:
    """The children of this kind, in the order of a list: what is to be deleted comes first."""
    routes = {"route": "ingress"} if kind == INGRESS else {}
    wanted = {name: children_of(a_read_preview(name), **routes)[kind] for name in ("pr-0", "pr-2")}
    gone = dict(live(wanted["pr-0"]).manifest)
    return [gone] if kind == INGRESS else [gone, drifted(wanted["pr-2"])]


def objects(kind: str) -> list[Manifest]:
    return [a_preview("pr-1"), a_preview("pr-2")] if kind == PREVIEW else children(kind)


@pytest.fixture
def world(world: World) -> World:
    for kind in (*CHILDREN, PREVIEW):
        world.has(*objects(kind))
    return world


def writes_of(planned: set[tuple[str, str, str]]) -> set[str]:
    """The requests that carry these changes out."""
    methods = {"create": "PATCH", "update": "PATCH", "delete": "DELETE"}
    return {f"{methods[action]} {path(kind, name)}" for action, kind, name in planned}


def without(kind: str) -> set[tuple[str, str, str]]:
    """What is still planned when this kind's list is incomplete: nothing of it, and in a preview that has it
    what comes after it waits."""
    place = PUTS_IN_ORDER.index(kind) if kind in PUTS_IN_ORDER else len(PUTS_IN_ORDER)
    after = PUTS_IN_ORDER[place + 1 :]
    return {
        ("wait" if action != "delete" and other in after else action, other, name)
        for action, other, name in EVERYTHING
        if other != kind
    }


# failures


def page_one(kind: str) -> httpx.Response:
    """All but the last item, and a token: taken for the whole, it would cost somebody their children."""
    items = objects(kind)
    return a_list(items[:-1] or items, **{"continue": "page-two"})


def forbidden(kind: str) -> httpx.Response:
    plural, _, group = full_name(kind).partition(".")
    words = (
        f'{full_name(kind)} is forbidden: User "ci" cannot list resource "{plural}" in API group "{group}"'
    )
    return status(403, "Forbidden", words)


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx2.ReadTimeout("timed out")


# That each other answer is an error too, is shown of the list itself: test_adapter_list.py.
NOT_WHOLE: dict[str, tuple[list[Callable[[str], Answer]], str]] = {
    "403": ([forbidden], "user ci has no right to list {kind} in all namespaces (403); "),
    "410 for ever": ([lambda _: status(410, "Expired")], "it expired 4 times before its last page came"),
    "500 on page two": (
        [page_one, lambda _: status(500, "InternalError", "etcd is slow")],
        "the API server is in trouble (500): etcd is slow",
    ),
    "a timeout on page two": (
        [page_one, lambda _: times_out],
        "no whole answer from the API server: timed out",
    ),
    "another resourceVersion on page two": (
        [page_one, lambda _: a_list(version="101")],
        "its pages are of different states (100, 101)",
    ),
}


def fail(world: World, kind: str, case: str) -> str:
    """Answer the list of a kind so; returns what is told of it."""
    answers, words = NOT_WHOLE[case]
    world.says("GET", path(kind), *(answer(kind) for answer in answers))
    return words.format(kind=full_name(kind))


def carried_out(world: World, *arguments: str) -> Ended:
    """A run, of which all that is planned is done, and nothing else."""
    ended = world.run("-o", "json", *arguments)
    todo = {change for change in ended.planned if change[0] in ("create", "update", "delete")}
    assert {str(sent) for sent in world.writes} == writes_of(todo)
    assert {result for result, _ in ended.outcomes.values()} <= {"created", "updated", "deleted"}
    return ended


# Each way for one kind, and one way for each other.
@pytest.mark.parametrize(
    ("kind", "case"),
    [*((SERVICE, case) for case in NOT_WHOLE), *((kind, "403") for kind in CHILDREN if kind != SERVICE)],
)
def test_an_incomplete_list_skips_its_kind_and_what_comes_after_it_waits(
    world: World, kind: str, case: str
) -> None:
    words = fail(world, kind, case)
    ended = carried_out(world)
    assert ended.planned == without(kind)
    assert list(ended.skipped) == [kind]
    assert_told(kind, words, ended.skipped[kind])
    assert reasons(ended, "wait") <= {f"waits: {kind} comes first, and could not be read"}
    assert ended.code == 4
    waiting = {name for action, _, name in ended.planned if action == "wait"}
    assert {name for name in ("pr-1", "pr-2") if ready(world, name).get("reason") == "Unread"} == waiting


CONFIG, NEW, PUSHED, SAME, PLAIN = "ConfigMap", "pr-1", "pr-2", "pr-3", "pr-4"
TEMPLATE = further("v1", CONFIG, "-config", "data: {a: b}", when="config")
LABELS = {"config": ""}


@pytest.fixture
def configured(world: World, tmp_path: Path) -> tuple[str, ...]:
    """The options of a run with a document for a ConfigMap, for one new preview, one with another image, one
    that has not changed, and a new one that has no ConfigMap."""
    for name in (PUSHED, SAME):
        before = all_children(a_read_preview(name, labels=LABELS), TEMPLATE).values()
        children = [dict(live(child).manifest) for child in before]
        world.has(*(available(one) if one["kind"] == DEPLOYMENT else one for one in children))
    ready_before = told(a_preview(PUSHED, labels=LABELS))
    pushed = a_preview(PUSHED, labels=LABELS, image="registry.example.com/shop:2", generation=2)
    world.has(a_preview(NEW, labels=LABELS), {**pushed, "status": ready_before["status"]})
    world.has(told(a_preview(SAME, labels=LABELS)), a_preview(PLAIN))
    (tmp_path / "config.yaml").write_text(TEMPLATE)
    return "--templates", str(tmp_path)


@pytest.mark.parametrize("case", NOT_WHOLE)
def test_a_preview_whose_further_kind_could_not_be_read_waits_and_reports_it(
    world: World, configured: tuple[str, ...], case: str
) -> None:
    answers, words = NOT_WHOLE[case]
    first = a_list([], **{"continue": "page-two"})
    world.says("GET", path(CONFIG), *(first if one is page_one else one(CONFIG) for one in answers))
    same = world.has_now(PREVIEW, SAME)
    ended = carried_out(world, *configured)
    waiting = {*(("wait", kind, NEW) for kind in PUTS_IN_ORDER), ("wait", DEPLOYMENT, PUSHED)}
    made = {("create", kind, PLAIN) for kind in PUTS_IN_ORDER}
    assert {change for change in ended.planned if change[2] != "pr-0"} == waiting | made
    assert (list(ended.skipped), ended.code) == ([CONFIG], 4)
    for name, generation in ((NEW, 1), (PUSHED, 2)):
        found = ready(world, name)
        summary = (found["status"], found["reason"], found["observedGeneration"])
        assert summary == ("False", "Unread", generation)
        why = "ConfigMap could not be read, and what comes after waits: the list of configmaps"
        assert found["message"].startswith(why)
        assert words.format(kind=full_name(CONFIG)) in found["message"]
    assert world.has_now(PREVIEW, SAME) == same, "nothing of it waits, and it was ready with this spec"

    world.says("GET", path(CONFIG))  # the list comes whole again
    world.sent.clear()
    ended = carried_out(world, *configured)
    assert ended.planned == {
        ("create", CONFIG, f"{NEW}-config"),
        *(("create", kind, NEW) for kind in PUTS_IN_ORDER),
        ("update", DEPLOYMENT, PUSHED),
    }
    assert (ended.skipped, ended.code) == ({}, 0)
    assert {ready(world, name)["reason"] for name in (NEW, PUSHED)} == {"Progressing"}


def ready(world: World, name: str) -> Manifest:
    """The condition Ready of a preview, as its status has it."""
    found = world.has_now(PREVIEW, name)
    assert found is not None
    conditions: list[Manifest] = found.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def test_the_text_of_a_dry_run_shows_the_same(world: World) -> None:
    words = fail(world, MAPPING, "500 on page two")
    ended = world.run("--dry-run")
    [line] = [line for line in ended.out.splitlines() if line.startswith(f"! {MAPPING}: ")]
    assert_told(MAPPING, words, line.removeprefix(f"! {MAPPING}: "))
    assert (world.writes, ended.code) == ([], 4)


def assert_told(kind: str, words: str, reason: str) -> None:
    """The reason names the kind, what was asked, what went wrong, and what follows."""
    assert reason.startswith(f"the list of {full_name(kind).partition('.')[0]} is incomplete: ")
    assert reason.count(f"list {full_name(kind)} in all namespaces") == 1
    assert words in reason
    assert reason.endswith("; all changes of this kind are skipped")


def test_no_list_at_all_names_every_kind(world: World) -> None:
    for kind in CHILDREN:
        world.says("GET", path(kind), status(500, "InternalError", "etcd is slow"))
    ended = carried_out(world)
    assert (set(ended.skipped), ended.planned, ended.code) == (set(CHILDREN), set(), 4)


NO_PREVIEWS = "Error: the previews of context test (http://api.example.com:8001) could not be listed: "


@pytest.mark.parametrize(("case", "output"), [*((case, "text") for case in NOT_WHOLE), ("403", "json")])
def test_an_incomplete_list_of_previews_makes_no_plan(world: World, case: str, output: str) -> None:
    words = fail(world, PREVIEW, case)
    ended = world.run("-o", output)
    assert ended.err.startswith(NO_PREVIEWS)
    assert ended.err.count(f"list {full_name(PREVIEW)} in all namespaces") == 1
    assert words in ended.err
    assert (ended.out, world.writes, ended.code) == ("", [], 5)


def test_unserved_previews_are_no_answer_and_the_remedy_is_shown(world: World) -> None:
    world.says("GET", path(PREVIEW), text_404())
    ended = world.run()
    assert ended.err == (
        "Error: PreviewEnvironment (platform9.com/v1) is not installed in context test "
        "(http://api.example.com:8001): install it with "
        "`reconcile --print-crd --api-group platform9.com | kubectl apply -f -`\n"
    )
    assert (ended.out, world.writes, ended.code) == ("", [], 5)


# what is no failure


@pytest.mark.parametrize("kind", [SERVICE, PREVIEW])
def test_a_list_that_expires_once_is_re_read_and_then_counts(world: World, kind: str) -> None:
    expired = httpx.Response(
        410, json={"kind": "Status", "reason": "Expired", "code": 410, "metadata": {"continue": "offered"}}
    )
    world.says("GET", path(kind), page_one(kind), expired, a_list(objects(kind)))
    ended = carried_out(world)
    assert (ended.planned, ended.skipped, ended.code) == (EVERYTHING, {}, 0)
    tokens = [sent.params.get("continue") for sent in world.sent if sent.path == path(kind)]
    assert tokens == [None, "page-two", None]


# kinds that are not served


@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE])
def test_a_built_in_kind_that_is_not_served_is_a_list_that_failed(world: World, kind: str) -> None:
    world.says("GET", path(kind), text_404())
    ended = carried_out(world)
    assert (ended.planned, list(ended.skipped), ended.code) == (without(kind), [kind], 4)
    assert f"the API server does not serve {full_name(kind)} of v1 (404)" in ended.skipped[kind]


def test_a_route_kind_that_is_not_served_blocks_who_would_have_a_route_of_it(world: World) -> None:
    world.says("GET", path(MAPPING), text_404())
    ended = carried_out(world)
    blocked = {("blocked", "Preview", name) for name in ("pr-1", "pr-2")}
    assert (ended.planned, ended.skipped, ended.code) == (without(MAPPING) | blocked, {}, 1)
    assert reasons(ended, "blocked") == {
        "Mapping (getambassador.io/v3alpha1) is not installed in this cluster: "
        "install it, or choose another --route"
    }


INGRESS_ALONE = ("--route", "ingress", "--route-kind", "ingress")


def test_a_route_kind_that_is_left_out_is_not_requested_whatever_its_list_returns(world: World) -> None:
    """Nor read, nor deleted: what a gone preview has of it stays, and the run is as good as any, also where
    the rights to it are missing."""
    world.says("GET", path(MAPPING), status(500, "InternalError", "conversion webhook failed"))
    world.says("GET", path("HTTPRoute"), forbidden("HTTPRoute"))
    ended = world.run(*INGRESS_ALONE, "-o", "json")
    left_out = {path(kind).rpartition("/")[2] for kind in (MAPPING, "HTTPRoute")}
    assert [str(sent) for sent in world.sent if left_out & set(sent.path.split("/"))] == []
    assert {kind for _, kind, _ in ended.planned} == {DEPLOYMENT, SERVICE, INGRESS}
    assert ("delete", INGRESS, "pr-0") in ended.planned
    assert (ended.skipped, ended.code) == ({}, 0)


def test_each_plan_notes_the_route_kinds_that_were_left_out(world: World) -> None:
    noted = "mappings and httproutes were not read (--route-kind): hostnames on them were not seen"
    assert noted in world.run(*INGRESS_ALONE).out
    assert "--route-kind" not in world.run("--route", "ingress").out


# an empty list of previews


def test_an_empty_list_of_previews_skips_every_delete(world: World) -> None:
    world.says("GET", path(PREVIEW), a_list())
    ended = carried_out(world)
    left = {(kind, "pr-0") for kind in CHILDREN} | {(kind, "pr-2") for kind in PUTS_IN_ORDER}
    assert ended.planned == {("keep", kind, name) for kind, name in left}
    assert reasons(ended, "keep") == {"delete skipped (its preview is gone)"}
    assert list(ended.skipped) == ["Deletes"]
    assert ended.skipped["Deletes"].startswith("Refusing to delete ")
    assert ended.skipped["Deletes"].endswith("if this is intended, pass --max-deletes 100%")
    assert (world.writes, ended.code) == ([], 4)


def test_an_empty_list_of_previews_deletes_all_when_requested(world: World) -> None:
    world.says("GET", path(PREVIEW), a_list())
    world.says("GET", path(PREVIEW, "pr-2"), gone_preview())
    ended = carried_out(world, "--max-deletes", "100%")
    everything = DELETES | {("delete", kind, "pr-2") for kind in PUTS_IN_ORDER}
    assert (ended.planned, ended.skipped, ended.code) == (everything, {}, 0)


def test_an_empty_list_of_previews_with_nothing_left_of_any_is_no_failure(world: World) -> None:
    for kind in (*CHILDREN, PREVIEW):
        world.says("GET", path(kind), a_list())
    ended = world.run("-o", "json")
    assert (ended.planned, ended.skipped, ended.code) == (set(), {}, 0)


def gone_preview() -> httpx.Response:
    words = 'previewenvironments.platform9.com "pr-2" not found'
    return status(404, "NotFound", words, name="pr-2", group="platform9.com", kind="previewenvironments")


def reasons(ended: Ended, action: str) -> set[str]:
    return {change["message"] for change in ended.plan["changes"] if change["action"] == action}
