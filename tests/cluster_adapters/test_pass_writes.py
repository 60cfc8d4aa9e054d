"""What one write meets, and what the run makes of it: requests that follow, outcome, exit code."""

import signal
from typing import Any

import httpx
import httpx2
import pytest

from reconcile.execute.write import TRIES
from reconcile.kube.managedfields import Path
from tests.builders import a_preview
from tests.cluster_adapters.command import RunCommand
from tests.cluster_adapters.conftest import status, text_404
from tests.cluster_adapters.world import (
    APPLY,
    MANAGER,
    PREVIEWS,
    Answer,
    World,
    a_list,
    after_apply,
    after_patch,
    an_object,
    changed,
    gone,
    path,
)
from tests.given import a_read_preview, children_of, edited, entry, live

Manifest = dict[str, Any]

PREVIEW = PREVIEWS.kind
DEPLOYMENT, SERVICE, MAPPING = "Deployment", "Service", "Mapping"
PUTS = (DEPLOYMENT, SERVICE, MAPPING)
WANTED = children_of(a_read_preview())
CONFLICT = status(409, "Conflict", "the object has been modified; please apply your changes to the latest")
TOO_OFTEN = "gave up after 5 update conflicts; the next run will retry"
PR_1 = path(PREVIEW, "pr-1")
NAME_LABEL: Path = ("f:metadata", "f:labels", "f:app.kubernetes.io/name")


def breaks_off(request: httpx.Request) -> httpx.Response:
    raise httpx2.ReadError("connection reset by peer")


def there(kind: str, name: str = "pr-1", *others: Manifest, **metadata: Any) -> Manifest:
    """A child as the server has it after our apply of it."""
    return dict(live(children_of(a_read_preview(name))[kind], *others, **metadata).manifest)


def drifted(kind: str, name: str = "pr-1", **metadata: Any) -> Manifest:
    """The same after somebody changed one of its labels."""
    by = entry("kubectl-edit", [NAME_LABEL])
    manifest = there(kind, name, by, **metadata)
    return edited(manifest, "metadata", "labels", "app.kubernetes.io/name", to="edited")


def guarded(kind: str, version: str, uid: str | None = None) -> Manifest:
    """The body of an update: what is wanted, for this very object in this very state."""
    return changed(WANTED[kind], uid=uid or f"uid-of-{kind}", resourceVersion=version)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """That they are long enough is shown where somebody really writes between."""
    monkeypatch.setattr("reconcile.execute.write.PAUSE", 0.0)


# before a delete the preview is read again


@pytest.fixture
def leftover(world: World) -> str:
    """A Service whose preview is gone, beside a preview that has all it wants; the Service's path."""
    world.has(a_preview("pr-1"), there(SERVICE, "pr-0"), *(there(kind) for kind in PUTS))
    return path(SERVICE, "pr-0")


def test_the_servers_own_word_that_the_preview_is_gone_lets_the_delete_go(
    world: World, command: RunCommand, leftover: str
) -> None:
    ended = command("-o", "json")
    assert [str(sent) for sent in world.sent[-3:]] == [
        f"GET {path(PREVIEW, 'pr-0')}",
        f"DELETE {leftover}",
        f"PATCH {PR_1}/status",
    ]
    assert world.bodies("DELETE", leftover) == [delete_options("7")]
    assert ended.outcomes == {"Service pr-0": ("deleted", "")}
    assert ended.code == 0


def delete_options(version: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-of-Service", "resourceVersion": version},
        "propagationPolicy": "Background",
    }


NO_PROOF: dict[str, tuple[Answer, str]] = {
    "a text 404": (text_404(), "does not serve previewenvironments.platform9.com of v1 (404)"),
    "a 404 of the kind": (status(404, "NotFound", "could not find the requested resource"), "(404)"),
    "a 404 of another object": (
        status(404, "NotFound", name="pr-9", kind="previewenvironments"),
        "does not serve previewenvironments.platform9.com of v1 (404)",
    ),
    "403": (
        status(403, "Forbidden", '"ci" cannot get resource "previewenvironments"'),
        "no right to get previewenvironments.platform9.com in namespace shop (403); have it granted",
    ),
    "500": (status(500, "InternalError", "etcd is slow"), "the API server is in trouble (500): etcd is slow"),
    "401": (status(401, "Unauthorized", "Unauthorized"), "does not know who we are (401)"),
    "200 and a web page": (httpx.Response(200, html="<p>log in"), "cannot be used: it is no JSON"),
    "200 and another object": (an_object(a_preview("pr-9")), "cannot be used: it is another object"),
    "no answer": (breaks_off, "no whole answer from the API server: connection reset by peer"),
}


@pytest.mark.parametrize("case", NO_PROOF)
def test_any_other_answer_about_the_preview_is_a_failure_and_no_delete(
    world: World, command: RunCommand, leftover: str, case: str
) -> None:
    answer, words = NO_PROOF[case]
    world.says("GET", path(PREVIEW, "pr-0"), answer)
    ended = command("-o", "json")
    assert world.writes == []
    [(result, message)] = ended.outcomes.values()
    assert result == "failed"
    assert message.startswith("get PreviewEnvironment shop/pr-0: ")
    assert words in message
    assert ended.code == 1


@pytest.mark.parametrize("uid", ["uid-of-shop-pr-0", "another"])
def test_a_preview_that_is_there_again_keeps_its_child(
    world: World, command: RunCommand, leftover: str, uid: str
) -> None:
    world.says("GET", path(PREVIEW, "pr-0"), an_object(a_preview("pr-0", uid=uid)))
    ended = command("-o", "json")
    assert world.writes == []
    assert ended.outcomes == {"Service pr-0": ("kept", "its preview was recreated")}
    assert ended.code == 0


MADE_AGAIN = "its preview was deleted or recreated"
CHANGED = "its preview was changed"
MEANWHILE: dict[str, tuple[dict[str, Any], str]] = {
    "another uid": ({"uid": "another"}, MADE_AGAIN),
    "being deleted": ({"deleted": "2026-11-22T18:00:00Z"}, MADE_AGAIN),
    "another generation": ({"generation": 2}, CHANGED),
    "protected": ({"annotations": {"platform9.com/prune": "disabled"}}, CHANGED),
}


@pytest.fixture
def unwanted(world: World) -> str:
    """The Mapping of a preview that has an Ingress now; its path."""
    ingress = children_of(a_read_preview(), route="ingress")["Ingress"]
    world.has(a_preview("pr-1"), *(there(kind) for kind in PUTS), dict(live(ingress).manifest))
    return path(MAPPING, "pr-1")


def test_a_child_that_its_preview_still_does_not_want_goes(
    world: World, command: RunCommand, unwanted: str
) -> None:
    ended = command("-o", "json", "--route", "ingress")
    assert [str(sent) for sent in world.sent[-4:]] == [
        f"GET {PR_1}",
        f"DELETE {unwanted}",
        f"PATCH {PR_1}/status",
        "POST /apis/events.k8s.io/v1/namespaces/shop/events",
    ]
    assert ended.outcomes == {"Mapping pr-1": ("deleted", "")}
    assert ended.code == 0


@pytest.mark.parametrize("case", MEANWHILE)
def test_a_preview_that_is_another_now_keeps_the_child_that_it_did_not_want(
    world: World, command: RunCommand, unwanted: str, case: str
) -> None:
    fields, words = MEANWHILE[case]
    world.says("GET", PR_1, an_object(a_preview("pr-1", **fields)))
    ended = command("-o", "json", "--route", "ingress")
    assert world.writes == []
    assert ended.outcomes == {"Mapping pr-1": ("kept", words)}
    assert ended.code == 0


PROTECTED = {"platform9.com/prune": "disabled"}
WEEK = ("--max-ttl", "7d")
PAST = {"observedGeneration": 1, "ttl": "7d", "ttlCountsFrom": "2026-11-01T00:00:00Z"}
ENDED: dict[str, dict[str, Any]] = {
    "expired": {"status": PAST, "annotations": PROTECTED},
    "being deleted": {"deleted": "2026-11-01T00:00:00Z", "annotations": PROTECTED},
}
NOT_THE_SAME: dict[str, tuple[dict[str, Any], str]] = {
    "another uid": ({"uid": "another"}, MADE_AGAIN),
    "another generation": ({"generation": 2}, CHANGED),
}


def protected_service(name: str = "pr-1", **metadata: Any) -> Manifest:
    """The Service of a protected preview, as the server has it after our apply of it."""
    service = children_of(a_read_preview(name, annotations=PROTECTED))[SERVICE]
    return dict(live(service, creationTimestamp="2026-11-01T00:00:00Z", **metadata).manifest)


@pytest.mark.parametrize("how", ENDED)
def test_what_is_protected_goes_when_the_operators_most_has_ended(
    world: World, command: RunCommand, how: str
) -> None:
    world.has(a_preview("pr-1", **ENDED[how]), protected_service())
    assert command("-o", "json", *WEEK).outcomes == {"Service pr-1": ("deleted", "")}
    assert world.count("DELETE", path(SERVICE, "pr-1")) == 1
    assert command(*WEEK, "--allow-protect", "shop/*").code == 0
    assert world.count("DELETE", path(SERVICE, "pr-1")) == 1


@pytest.mark.parametrize("case", NOT_THE_SAME)
@pytest.mark.parametrize("how", ENDED)
def test_but_not_when_its_preview_is_another_by_then(
    world: World, command: RunCommand, how: str, case: str
) -> None:
    world.has(a_preview("pr-1", **ENDED[how]), protected_service())
    fields, words = NOT_THE_SAME[case]
    world.says("GET", PR_1, an_object(a_preview("pr-1", **{**ENDED[how], **fields})))
    assert command("-o", "json", *WEEK).outcomes == {"Service pr-1": ("kept", words)}
    assert world.writes == []


def test_one_that_expired_and_is_being_deleted_by_then_waits_for_the_next_run(
    world: World, command: RunCommand
) -> None:
    world.has(a_preview("pr-1", **ENDED["expired"]), protected_service())
    world.says("GET", PR_1, an_object(a_preview("pr-1", deleted="2026-11-22T18:00:00Z", **ENDED["expired"])))
    assert command("-o", "json", *WEEK).outcomes == {"Service pr-1": ("kept", MADE_AGAIN)}
    assert world.writes == []


def test_what_a_gone_preview_left_protected_is_kept_where_it_was_applied_again_meanwhile(
    world: World, command: RunCommand
) -> None:
    world.has(a_preview("pr-1"), *(there(kind) for kind in PUTS), protected_service("pr-0"))
    leftover, again = path(SERVICE, "pr-0"), protected_service("pr-0", resourceVersion="8")
    again["metadata"]["managedFields"][0]["time"] = "2026-11-22T18:56:59Z"
    world.says("DELETE", leftover, CONFLICT)
    world.says("GET", leftover, an_object(again))
    ended = command("-o", "json", *WEEK)
    assert ended.outcomes == {"Service pr-0": ("kept", "it was applied again")}
    assert world.count("DELETE", leftover) == 1


# deletes


@pytest.mark.parametrize("again", [a_list(), a_list([there(SERVICE, "pr-0", uid="another")]), text_404()])
def test_a_child_that_is_gone_already_is_a_success_of_somebody_else(
    world: World, command: RunCommand, leftover: str, again: httpx.Response
) -> None:
    world.says("DELETE", leftover, gone(leftover))
    namespaced = leftover.rpartition("/")[0]
    world.says("GET", namespaced, again)
    ended = command("-o", "json")
    assert world.count("DELETE", leftover) == 1
    assert world.count("GET", namespaced) == 1
    assert ended.outcomes == {"Service pr-0": ("kept", "already deleted, not by this run")}
    assert ended.code == 0


def test_a_child_that_is_gone_and_still_listed_is_a_failure_of_the_server(
    world: World, command: RunCommand, leftover: str
) -> None:
    world.says("DELETE", leftover, gone(leftover))
    world.says("GET", leftover.rpartition("/")[0], a_list([there(SERVICE, "pr-0")]))
    ended = command("-o", "json")
    assert ended.outcomes == {
        "Service pr-0": (
            "failed",
            "Service shop/pr-0 is listed and does not exist: the lists of the API server are of another time "
            "than what it stores, such as after etcd was restored under it; restart the API server",
        )
    }
    assert ended.code == 1


def test_a_child_that_somebody_changed_and_deleted_was_not_deleted_by_this_run(
    world: World, command: RunCommand, leftover: str
) -> None:
    world.says("DELETE", leftover, CONFLICT)
    world.says("GET", leftover, gone(leftover))
    ended = command("-o", "json")
    assert ended.outcomes == {"Service pr-0": ("kept", "already deleted, not by this run")}


def test_a_404_that_is_not_about_the_child_is_no_success(
    world: World, command: RunCommand, leftover: str
) -> None:
    world.says("DELETE", leftover, text_404())
    ended = command("-o", "json")
    [(result, message)] = ended.outcomes.values()
    assert (result, message[:27]) == ("failed", "delete Service shop/pr-0: t")
    assert ended.code == 1


def test_a_child_that_has_changed_is_deleted_as_it_is_now(
    world: World, command: RunCommand, leftover: str
) -> None:
    world.says("DELETE", leftover, CONFLICT, httpx.Response(200, json={"kind": "Status"}))
    world.says("GET", leftover, an_object(there(SERVICE, "pr-0", resourceVersion="8")))
    ended = command("-o", "json")
    assert world.bodies("DELETE", leftover) == [delete_options("7"), delete_options("8")]
    assert world.count("GET", path(PREVIEW, "pr-0")) == 2, "the preview is read before each of them"
    assert ended.outcomes == {"Service pr-0": ("deleted", "")}
    assert ended.code == 0


NO_LONGER = {
    "another uid": (there(SERVICE, "pr-0", uid="another"), "it was recreated"),
    "protected": (
        changed(
            there(SERVICE, "pr-0"),
            annotations={
                **there(SERVICE, "pr-0")["metadata"]["annotations"],
                "platform9.com/prune": "disabled",
            },
        ),
        "protected: platform9.com/prune is disabled",
    ),
    "another controller": (
        there(
            SERVICE,
            "pr-0",
            ownerReferences=[
                {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
            ],
        ),
        "kept, its preview is gone, but not managed by preview-reconcile (controlled by Pod p)",
    ),
    "being deleted": (
        there(SERVICE, "pr-0", deletionTimestamp="2026-11-22T18:00:00Z"),
        "is being deleted, and waits for its finalizers",
    ),
}


@pytest.mark.parametrize("case", NO_LONGER)
def test_a_child_that_is_another_now_is_kept(
    world: World, command: RunCommand, leftover: str, case: str
) -> None:
    now, words = NO_LONGER[case]
    world.says("DELETE", leftover, CONFLICT)
    world.says("GET", leftover, an_object(now))
    ended = command("-o", "json")
    assert world.count("DELETE", leftover) == 1
    assert ended.outcomes == {"Service pr-0": ("kept", words)}
    assert ended.code == 0


def test_a_delete_that_conflicts_for_ever_is_a_failure(
    world: World, command: RunCommand, leftover: str
) -> None:
    world.says("DELETE", leftover, CONFLICT)
    ended = command("-o", "json")
    assert world.count("DELETE", leftover) == TRIES
    assert ended.outcomes == {"Service pr-0": ("failed", f"Service shop/pr-0: {TOO_OFTEN}")}
    assert ended.code == 1


def test_a_delete_whose_answer_was_lost_is_looked_after(
    world: World, command: RunCommand, leftover: str
) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx2.ReadTimeout("timed out")

    world.says("DELETE", leftover, late)
    world.says("GET", leftover, gone(leftover))
    ended = command("-o", "json")
    assert world.count("DELETE", leftover) == 1
    assert ended.outcomes == {"Service pr-0": ("deleted", "")}
    assert ended.code == 0


# creates


@pytest.fixture
def new(world: World) -> str:
    """A preview that lacks its Service alone; the Service's path."""
    world.has(a_preview("pr-1"), there(DEPLOYMENT), there(MAPPING))
    return path(SERVICE, "pr-1")


def strange(**metadata: Any) -> Manifest:
    """A stranger's Service of the right name, before anything of ours came into it."""
    manifest = {
        "apiVersion": "v1",
        "kind": SERVICE,
        "metadata": {"name": "pr-1", "namespace": "shop"},
        "spec": {"selector": {"app": "theirs"}},
    }
    return dict(live(manifest, managedFields=[entry("helm", manifest)], uid="theirs", **metadata).manifest)


def merged(version: str = "8") -> Manifest:
    """What becomes of it when an unforced apply of ours meets it: the server says 200, and merges."""
    both = changed(after_apply(WANTED[SERVICE], strange()), resourceVersion=version)
    spec = {**both["spec"], "selector": {**strange()["spec"]["selector"], **both["spec"]["selector"]}}
    return {**both, "spec": spec}


def withdrawal(version: str) -> Manifest:
    """An apply of nothing: by server-side apply's own rules, it takes out what we had put in."""
    metadata = {"name": "pr-1", "namespace": "shop", "uid": "theirs", "resourceVersion": version}
    return {"apiVersion": "v1", "kind": SERVICE, "metadata": metadata}


BY_HELM = "Service shop/pr-1: was created by helm a moment ago and is not managed by preview-reconcile; delete it, or rename the preview"


def test_a_create_is_one_unforced_apply_without_uid_or_version(
    world: World, command: RunCommand, new: str
) -> None:
    ended = command("-o", "json")
    [sent] = world.writes
    assert (str(sent), sent.type, sent.params, sent.body) == (
        f"PATCH {new}",
        APPLY,
        {"fieldManager": MANAGER},
        WANTED[SERVICE],
    )
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


@pytest.mark.parametrize("others", [[], [entry("kube-proxy", [("f:status",)], subresource="status")]])
def test_a_create_that_met_what_another_run_of_ours_made_is_a_success(
    world: World, command: RunCommand, new: str, others: list[Manifest]
) -> None:
    world.says("PATCH", new, an_object(after_apply(WANTED[SERVICE], None, *others), 200))
    ended = command("-o", "json")
    assert len(world.writes) == 1
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


def test_a_create_that_met_a_strangers_object_is_taken_out_again(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, an_object(merged("8")), an_object(strange(resourceVersion="9")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], withdrawal("8")]
    assert [sent.params for sent in world.writes] == [{"fieldManager": MANAGER}] * 2, "neither is forced"
    assert ended.outcomes == {"Service pr-1": ("blocked", BY_HELM)}
    assert ended.code == 1


def test_a_withdrawal_that_met_a_change_is_tried_again_and_the_object_never_taken_for_ours(
    world: World, command: RunCommand, new: str
) -> None:
    """What our create was merged into has our label, our annotation and our Apply entry."""
    world.says("PATCH", new, an_object(merged("8")), CONFLICT, an_object(strange(resourceVersion="10")))
    world.says("GET", new, gone(new), an_object(merged("9")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], withdrawal("8"), withdrawal("9")]
    assert ended.outcomes == {"Service pr-1": ("blocked", BY_HELM)}
    assert ended.code == 1


def test_a_withdrawal_that_never_succeeds_is_a_failure(world: World, command: RunCommand, new: str) -> None:
    world.says("PATCH", new, an_object(merged("8")), CONFLICT)
    world.says("GET", new, gone(new), an_object(merged("9")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], withdrawal("8"), *[withdrawal("9")] * (TRIES - 1)]
    assert ended.outcomes == {"Service pr-1": ("failed", f"Service shop/pr-1: {TOO_OFTEN}")}
    assert ended.code == 1


def test_a_run_that_is_told_to_end_still_takes_out_what_it_put_into_a_strangers_object(
    world: World, command: RunCommand, new: str
) -> None:
    def told_to_end(request: httpx.Request) -> httpx.Response:
        handler = signal.getsignal(signal.SIGTERM)
        assert callable(handler)
        handler(signal.SIGTERM, None)
        return CONFLICT

    world.says("PATCH", new, an_object(merged("8")), told_to_end, an_object(strange(resourceVersion="10")))
    world.says("GET", new, gone(new), an_object(merged("9")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], withdrawal("8"), withdrawal("9")]
    assert ended.outcomes == {"Service pr-1": ("blocked", BY_HELM)}
    assert ended.code == 143


def test_a_create_whose_answer_was_lost_after_it_was_done_is_a_success(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, breaks_off)
    world.says("GET", new, gone(new), an_object(there(SERVICE)))
    ended = command("-o", "json")
    assert world.count("PATCH", new) == 1, "it is read, not sent again"
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


def test_a_create_whose_answer_was_lost_before_it_was_done_is_decided_again(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, breaks_off, an_object(after_apply(WANTED[SERVICE], None), 201))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE]] * 2
    assert world.count("GET", new) == 2, "the look, and once more"
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


def test_a_create_whose_answer_was_lost_and_that_met_a_strangers_object_is_taken_out_again(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, breaks_off, an_object(strange(resourceVersion="9")))
    world.says("GET", new, gone(new), an_object(merged("8")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], withdrawal("8")]
    assert ended.outcomes == {"Service pr-1": ("blocked", BY_HELM)}
    assert ended.code == 1


def test_what_was_once_seen_to_be_ours_after_a_lost_answer_stays_so_whoever_edits_it_then(
    world: World, command: RunCommand, new: str
) -> None:
    edit = entry("kubectl-edit", [("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")])
    made = drifted(SERVICE, resourceVersion="8", uid="ours")
    then = there(SERVICE, "pr-1", edit, resourceVersion="9", uid="ours")
    then["spec"]["ports"][0]["targetPort"] = 81
    world.says(
        "PATCH", new, breaks_off, CONFLICT, an_object(there(SERVICE, resourceVersion="10", uid="ours"))
    )
    world.says("GET", new, gone(new), an_object(made), an_object(then))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [
        WANTED[SERVICE],
        guarded(SERVICE, "8", "ours"),
        guarded(SERVICE, "9", "ours"),
    ]
    assert ended.outcomes == {"Service pr-1": ("created", "")}


def test_a_create_that_is_refused_for_what_another_run_made_and_somebody_edited_mends_it(
    world: World, command: RunCommand, new: str
) -> None:
    """Refused, it was not merged: what carries our marks had them before, and nothing is taken out of it."""
    edit = entry("kubectl-edit", [("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")])
    made = there(SERVICE, "pr-1", edit, resourceVersion="8", uid="ours")
    made["spec"]["ports"][0]["targetPort"] = 81
    world.says("PATCH", new, CONFLICT, an_object(there(SERVICE, resourceVersion="9", uid="ours")))
    world.says("GET", new, gone(new), an_object(made))
    ended = command("-o", "json")
    assert world.bodies("PATCH", new) == [WANTED[SERVICE], guarded(SERVICE, "8", "ours")]
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


def test_a_create_whose_last_answer_was_lost_is_done_when_it_is_there(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, breaks_off)
    world.says("GET", new, *[gone(new)] * TRIES, an_object(there(SERVICE)))
    ended = command("-o", "json")
    assert world.count("PATCH", new) == TRIES
    assert ended.outcomes == {"Service pr-1": ("created", "")}
    assert ended.code == 0


def test_a_create_that_conflicts_finds_the_strangers_object(
    world: World, command: RunCommand, new: str
) -> None:
    world.says("PATCH", new, CONFLICT)
    world.says("GET", new, gone(new), an_object(strange()))
    ended = command("-o", "json")
    assert len(world.writes) == 1
    [(result, message)] = ended.outcomes.values()
    assert result == "blocked"
    assert message == (
        "Service shop/pr-1: exists and is not managed by preview-reconcile (no label platform9.com/preview and no "
        "annotation platform9.com/identity; field managers: helm); delete it, or rename the preview"
    )
    assert ended.code == 1


# updates


@pytest.fixture
def changed_by_hand(world: World) -> str:
    """A preview whose Service has drifted; the Service's path."""
    world.has(a_preview("pr-1"), there(DEPLOYMENT), drifted(SERVICE), there(MAPPING))
    return path(SERVICE, "pr-1")


def test_an_update_is_one_forced_apply_of_this_very_object(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    ended = command("-o", "json")
    [sent] = world.writes
    assert (str(sent), sent.type, sent.params, sent.body) == (
        f"PATCH {changed_by_hand}",
        APPLY,
        {"fieldManager": MANAGER, "force": "true"},
        guarded(SERVICE, "7"),
    )
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


def test_an_update_that_conflicts_is_decided_again_on_what_is_there_now(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    done = an_object(after_apply(WANTED[SERVICE], drifted(SERVICE)))
    world.says("PATCH", changed_by_hand, CONFLICT, done)
    world.says("GET", changed_by_hand, an_object(drifted(SERVICE, resourceVersion="8")))
    ended = command("-o", "json")
    assert world.bodies("PATCH", changed_by_hand) == [guarded(SERVICE, "7"), guarded(SERVICE, "8")]
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


def test_an_update_that_conflicts_five_times_is_a_failure_that_says_what_to_do(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    world.says("PATCH", changed_by_hand, CONFLICT)
    ended = command("-o", "json")
    assert world.count("PATCH", changed_by_hand) == TRIES == 5
    assert ended.outcomes == {"Service pr-1": ("failed", f"Service shop/pr-1: {TOO_OFTEN}")}
    assert ended.code == 1


def test_an_update_that_succeeds_at_the_fifth_try_is_a_success(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    done = an_object(after_apply(WANTED[SERVICE], drifted(SERVICE)))
    world.says("PATCH", changed_by_hand, *[CONFLICT] * (TRIES - 1), done)
    ended = command("-o", "json")
    assert world.count("PATCH", changed_by_hand) == TRIES
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


def test_an_update_of_an_object_that_was_made_again_by_a_stranger_is_blocked(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    cause = {"reason": "FieldValueInvalid", "message": "field is immutable", "field": "metadata.uid"}
    world.says("PATCH", changed_by_hand, status(422, "Invalid", "field is immutable", causes=[cause]))
    world.says("GET", changed_by_hand, an_object(strange()))
    ended = command("-o", "json")
    assert len(world.writes) == 1
    [(result, message)] = ended.outcomes.values()
    assert (result, message.partition(" (")[0]) == (
        "blocked",
        "Service shop/pr-1: exists and is not managed by preview-reconcile",
    )
    assert ended.code == 1


def test_an_update_whose_answer_was_lost_after_it_was_done_is_a_success(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx2.ReadTimeout("timed out")

    world.says("PATCH", changed_by_hand, late)
    world.says("GET", changed_by_hand, an_object(there(SERVICE, resourceVersion="8")))
    ended = command("-o", "json")
    assert world.count("PATCH", changed_by_hand) == 1
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


# taking over


PORTS: Path = ("f:spec", "f:ports")
THEIR_PORT: Path = (*PORTS, 'k:{"port":8081,"protocol":"TCP"}')
THEIR_FIELDS = [
    THEIR_PORT,
    *((*THEIR_PORT, f"f:{name}") for name in ("name", "port", "protocol", "targetPort")),
]


@pytest.fixture
def collides(world: World) -> Manifest:
    """A Service whose port somebody has edited: theirs took our name, and our own port is gone."""
    port = {"name": "http", "port": 8081, "protocol": "TCP", "targetPort": "http"}
    by = entry("kubectl-edit", [*THEIR_FIELDS, ("f:metadata", "f:annotations", "f:note")])
    service = edited(there(SERVICE, "pr-1", by), "spec", "ports", to=[port])
    world.has(a_preview("pr-1"), there(DEPLOYMENT), service, there(MAPPING))
    return service


def test_what_collides_with_ours_is_taken_over_and_then_applied(
    world: World, command: RunCommand, collides: Manifest
) -> None:
    ended = command("-o", "json")
    takeover, apply = world.writes
    assert takeover.type == "application/json-patch+json"
    assert takeover.params == {"fieldManager": MANAGER}
    uid, version, fields = takeover.body
    assert uid == {"op": "replace", "path": "/metadata/uid", "value": "uid-of-Service"}
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    assert (fields["op"], fields["path"]) == ("add", "/metadata/managedFields")
    theirs, ours = fields["value"]
    assert theirs == entry("kubectl-edit", [("f:metadata", "f:annotations", "f:note")]), "and no more of it"
    own = collides["metadata"]["managedFields"][0]["fieldsV1"]
    their_port = entry("kubectl-edit", THEIR_FIELDS)["fieldsV1"]["f:spec"]["f:ports"]
    assert ours == {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            **own,
            "f:spec": {**own["f:spec"], "f:ports": {**own["f:spec"]["f:ports"], **their_port}},
        },
    }
    assert (apply.type, apply.params) == (APPLY, {"fieldManager": MANAGER, "force": "true"})
    assert apply.body == guarded(SERVICE, "8"), "of the version that the takeover has made"
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


def test_a_takeover_that_conflicts_is_decided_again(
    world: World, command: RunCommand, collides: Manifest
) -> None:
    to = path(SERVICE, "pr-1")
    now = changed(collides, resourceVersion="20")

    def taken(request: httpx.Request) -> httpx.Response:
        return an_object(after_patch(now, world.sent[-1].body))

    done = an_object(after_apply(WANTED[SERVICE], None))
    world.says("PATCH", to, CONFLICT, taken, done)
    world.says("GET", to, an_object(now))
    ended = command("-o", "json")
    first, second, apply = world.bodies("PATCH", to)
    assert [first[1]["value"], second[1]["value"]] == ["7", "20"]
    assert apply == guarded(SERVICE, "21")
    assert ended.outcomes == {"Service pr-1": ("updated", "")}
    assert ended.code == 0


def test_a_removal_that_did_not_happen_is_a_failure_that_names_the_owner(
    world: World, command: RunCommand, collides: Manifest
) -> None:
    to = path(SERVICE, "pr-1")
    still = after_apply(WANTED[SERVICE], None, entry("kubectl-edit", THEIR_FIELDS))
    ports = [*WANTED[SERVICE]["spec"]["ports"], *collides["spec"]["ports"]]
    world.says(
        "PATCH",
        to,
        an_object(changed(collides, resourceVersion="8")),
        an_object({**still, "spec": {**still["spec"], "ports": ports}}),
    )
    ended = command("-o", "json")
    assert ended.outcomes == {
        "Service pr-1": ("failed", "spec.ports[http]: not removed, because kubectl-edit also sets it")
    }
    assert ended.code == 1


# refusals


def test_a_refusal_names_the_object_the_servers_words_and_the_remedy(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    world.says("PATCH", changed_by_hand, status(422, "Invalid", 'Service "pr-1" is invalid: spec.ports: no'))
    ended = command("-o", "json")
    assert world.count("PATCH", changed_by_hand) == 1
    message = (
        'patch Service shop/pr-1: the API server does not take it (422): Service "pr-1" is invalid: '
        "spec.ports: no; correct its preview, or the policy that refuses it"
    )
    assert ended.outcomes == {"Service pr-1": ("rejected", message)}
    assert ended.code == 1


def namespace_going() -> httpx.Response:
    cause = {"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}
    return status(403, "Forbidden", "unable to create new content", causes=[cause])


def test_a_namespace_that_is_going_is_no_failure(world: World, command: RunCommand) -> None:
    world.has(a_preview("pr-1"))
    for kind in PUTS:
        world.says("PATCH", path(kind, "pr-1"), namespace_going())
    ended = command("-o", "json")
    assert ended.outcomes == {f"{kind} pr-1": ("kept", "namespace shop is being deleted") for kind in PUTS}
    assert ended.code == 0


REJECTED: dict[str, Answer] = {
    "422": status(422, "Invalid", "no"),
    "a quota": status(403, "Forbidden", 'deployments.apps "pr-2" is forbidden: exceeded quota: deployments'),
}
REFUSALS: dict[str, Answer] = {
    **REJECTED,
    "403": status(403, "Forbidden", 'User "ci" cannot patch resource "services"'),
    "500": status(500, "InternalError", "webhook is down"),
    "a text 404": text_404(),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("kind", PUTS)
def test_one_previews_failure_stops_what_comes_after_it_and_holds_up_nobody_else(
    world: World, command: RunCommand, kind: str, case: str
) -> None:
    names = ("pr-1", "pr-2", "pr-3")
    world.has(*(a_preview(name) for name in names), there(SERVICE, "pr-0"))
    world.says("PATCH", path(kind, "pr-2"), REFUSALS[case])
    ended = command("-o", "json")
    place = PUTS.index(kind)
    results = {name: result for name, (result, _) in ended.outcomes.items()}
    assert results == {
        **{f"{other} {name}": "created" for other in PUTS for name in ("pr-1", "pr-3")},
        **{f"{other} pr-2": "created" for other in PUTS[:place]},
        f"{kind} pr-2": "rejected" if case in REJECTED else "failed",
        **{f"{other} pr-2": "skipped" for other in PUTS[place + 1 :]},
        "Service pr-0": "deleted",
    }
    for later in PUTS[place + 1 :]:
        assert ended.outcomes[f"{later} pr-2"][1] == f"{kind} shop/pr-2 comes first, and was not applied"
        assert world.count("PATCH", path(later, "pr-2")) == 0
    assert ended.code == 1


def test_the_text_names_what_failed_and_sums_up(
    world: World, command: RunCommand, changed_by_hand: str
) -> None:
    world.says("PATCH", changed_by_hand, CONFLICT)
    ended = command()
    assert ended.out.splitlines()[-2:] == [
        f"x Service shop/pr-1  failed: Service shop/pr-1: {TOO_OFTEN}",
        "Done: 0 created, 0 updated, 0 deleted, 1 failed.",
    ]
    assert ended.code == 1


def test_nothing_to_do_is_silence(world: World, command: RunCommand) -> None:
    world.has(a_preview("pr-1"), *(there(kind) for kind in PUTS))
    world.says("GET", path("Ingress"), a_list())
    ended = command("-o", "json")
    assert (world.writes, ended.planned, ended.outcomes, ended.code) == ([], set(), {}, 0)
