"""Kinds of further children are remembered before the first child of them is made, or it is not made."""

from typing import Any

import pytest

from reconcile.errors import Conflict, Forbidden, NotInstalled, ReconcileError, ServerTrouble, UnknownFields
from reconcile.kube.objects import Key, NamespacedName
from reconcile.kube.schema import schema_of
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.status.result import exit_code
from tests.builders import a_preview
from tests.given import key
from tests.memory import Memory
from tests.run.test_run import PREVIEW, a_cluster, go, messages, results
from tests.templates import further, with_templates

CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
SECRET = further("v1", "Secret", "-s", "stringData: {a: b}")
SERVICE = further("v1", "Service", "-x", "spec: {ports: [{port: 1}]}")
REDIS = further("example.com/v1", "Redis", "-r", "spec: {a: b}")
NONE = Settings(templates=())
REMEMBER = f"remember {PREVIEW}"
LIST = "list previewenvironments"


def kinds(memory: Memory, name: str = "pr-1") -> list[str]:
    found: list[str] = memory.objects[key("PreviewEnvironment", name)].get("status", {}).get("kinds", [])
    return found


def run(memory: Memory, text: str | Settings, **request: Any) -> list[str]:
    """What a run with these documents writes, in order."""
    memory.log.clear()
    settings = with_templates(text) if isinstance(text, str) else text
    go(memory, settings=settings, **request)
    return [line for line in memory.log if line.split()[0] in ("remember", "apply", "delete")]


def a_cluster_of_everything(*previews: dict[str, Any]) -> Memory:
    memory = a_cluster(*previews)
    memory.schemas["Redis"] = schema_of({})
    return memory


def test_all_kinds_are_remembered_at_once_and_before_the_first_child() -> None:
    memory = a_cluster_of_everything()
    assert run(memory, CONFIG + SECRET + REDIS)[:4] == [
        REMEMBER,
        "apply Secret shop/pr-1-s",
        "apply ConfigMap shop/pr-1-config",
        "apply Redis shop/pr-1-r",
    ]
    assert kinds(memory) == ["example.com/v1/Redis", "v1/ConfigMap", "v1/Secret"]
    assert REMEMBER not in run(memory, CONFIG + SECRET + REDIS), "it is there already"


def test_a_kind_of_which_all_are_listed_anyway_need_not_be_remembered() -> None:
    memory = a_cluster()
    assert REMEMBER not in run(memory, SERVICE)
    assert "kinds" not in memory.objects[key("PreviewEnvironment")]["status"]


def test_a_kind_that_comes_later_joins_the_existing_ones() -> None:
    memory = a_cluster()
    run(memory, CONFIG)
    assert run(memory, CONFIG + SECRET) == [REMEMBER, "apply Secret shop/pr-1-s"]
    assert kinds(memory) == ["v1/ConfigMap", "v1/Secret"]


REMEDY = "; install the CRD anew with `reconcile --print-crd --api-group platform9.com | kubectl apply -f -`"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Forbidden("may not"), "status.kinds was not written: may not"),
        (UnknownFields("no kinds", frozenset({"kinds"})), f"status.kinds was not written: no kinds{REMEDY}"),
        (ServerTrouble("busy"), "status.kinds was not written: busy"),
        (NotInstalled("gone"), "status.kinds was not written: gone"),
    ],
)
def test_what_nobody_would_find_again_is_not_made(error: ReconcileError, told: str) -> None:
    memory = a_cluster(a_preview("pr-1"))
    memory.trouble(REMEMBER, error, error)
    done = go(memory, settings=with_templates(CONFIG + SERVICE))
    assert memory.writes() == []
    assert results(done)[:2] == [
        ("ConfigMap shop/pr-1-config", "failed"),
        ("Service shop/pr-1-x", "skipped"),
    ]
    assert messages(done)[0] == told
    assert exit_code(done) == 1


def test_another_preview_goes_on() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2"))
    memory.trouble(REMEMBER, Forbidden("may not"), Forbidden("may not"))
    go(memory, settings=with_templates(CONFIG))
    assert [line.split()[-1] for line in memory.writes() if "ConfigMap" in line] == ["shop/pr-2-config"]


def test_what_was_never_remembered_is_not_even_updated() -> None:
    """Somebody took the memory away, and it cannot be written."""
    memory = a_cluster()
    run(memory, CONFIG)
    there = memory.objects[key("PreviewEnvironment")]
    memory.put({**there, "status": {k: v for k, v in there["status"].items() if k != "kinds"}})
    memory.trouble(REMEMBER, Forbidden("may not"), Forbidden("may not"))
    assert run(memory, CONFIG.replace("a: b", "a: c")) == [REMEMBER, REMEMBER]


def edits(**status: Any) -> Any:
    """Another run writes the status meanwhile, or somebody the preview."""

    def happens(memory: Memory, of: Key) -> None:
        there = memory.objects[of]
        memory.put({**there, "status": {**there.get("status", {}), **status}})
        raise Conflict("it was changed")

    return happens


def test_what_another_run_has_remembered_meanwhile_stays() -> None:
    memory = a_cluster()
    memory.trouble(REMEMBER, edits(kinds=["v1/Secret"]), edits(kinds=["apps/v1/StatefulSet", "v1/Secret"]))
    assert run(memory, CONFIG)[:4] == [REMEMBER, REMEMBER, REMEMBER, "apply ConfigMap shop/pr-1-config"]
    assert kinds(memory) == ["apps/v1/StatefulSet", "v1/ConfigMap", "v1/Secret"]


def test_what_another_run_has_remembered_for_us_is_not_written_again() -> None:
    memory = a_cluster()
    memory.trouble(REMEMBER, edits(kinds=["v1/ConfigMap"]))
    assert run(memory, CONFIG)[:2] == [REMEMBER, "apply ConfigMap shop/pr-1-config"]


def test_where_others_write_without_end_nothing_is_made() -> None:
    memory = a_cluster()
    memory.trouble(REMEMBER, *[edits(a=number) for number in range(20)])
    done = go(memory, settings=with_templates(CONFIG))
    assert messages(done)[0] == (
        "status.kinds was not written: others write the status of shop/pr-1 all the time"
    )
    assert memory.writes() == []


def goes(memory: Memory, of: Key) -> None:
    memory.forget(of)
    raise Conflict("it was changed")


def comes_again(memory: Memory, of: Key) -> None:
    memory.forget(of)
    memory.put(a_preview(uid="another"))
    raise Conflict("it was changed")


@pytest.mark.parametrize("happens", [goes, comes_again])
def test_nothing_is_remembered_of_a_preview_that_has_gone_meanwhile(happens: Any) -> None:
    memory = a_cluster()
    memory.trouble(REMEMBER, happens)
    run(memory, CONFIG)
    assert memory.log.count(REMEMBER) == 1
    found = memory.objects.get(key("PreviewEnvironment"), {})
    assert "kinds" not in found.get("status", {})


# deletes


def test_deletes_go_the_other_way_and_are_forgotten_a_run_later() -> None:
    memory = a_cluster_of_everything()
    run(memory, CONFIG + SERVICE + REDIS)
    assert run(memory, NONE) == [
        "delete Service shop/pr-1-x",
        "delete Redis shop/pr-1-r",
        "delete ConfigMap shop/pr-1-config",
    ]
    assert kinds(memory) == ["example.com/v1/Redis", "v1/ConfigMap"]
    assert run(memory, NONE) == [REMEMBER]
    assert kinds(memory) == []
    assert run(memory, NONE) == []


GET = f"get {PREVIEW}"


@pytest.mark.parametrize(
    ("labels", "told"),
    [({"team": "shop"}, "its preview's labels were changed"), ({"a": "b"}, ""), ({}, "its preview's labels were changed")],
)  # fmt: skip
def test_a_label_that_was_changed_since_the_plan_cancels_the_delete(
    labels: dict[str, str], told: str
) -> None:
    """It changes no generation."""
    text = further("v1", "ConfigMap", "-config", "data: {a: b}", when="team=shop")
    memory = a_cluster(a_preview(labels={"team": "shop"}))
    run(memory, text)
    there = memory.objects[key("PreviewEnvironment")]
    memory.put(there, labels={"a": "b"})
    memory.trouble(GET, lambda memory, of: memory.put(memory.objects[of], labels=labels))
    done = go(memory, settings=with_templates(text))
    assert [(o.result, o.message) for o in done.outcomes] == [("canceled" if told else "done", told)]
    assert (key("ConfigMap", "pr-1-config") in memory.objects) is bool(told)


def test_claims_that_would_go_by_now_keep_a_stateful_set_from_being_deleted() -> None:
    """Its policy was changed between the plan and the delete."""
    claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]"
    policy = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}"
    pods = "template: {spec: {containers: [{name: db, image: db}]}}"
    memory, database = a_cluster(), key("StatefulSet", "pr-1-db")
    run(
        memory,
        further("apps/v1", "StatefulSet", "-db", f"spec: {{serviceName: db, {pods}, {policy}, {claims}}}"),
    )

    def is_edited(memory: Memory, of: Key) -> None:
        spec = memory.objects[of]["spec"]
        edited = {**spec, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
        memory.put({**memory.objects[of], "spec": edited})

    memory.trouble(f"delete {database}", is_edited)
    (outcome,) = go(memory, settings=NONE).outcomes
    assert (outcome.result, "its claims, which hold data" in outcome.message) == ("canceled", True)
    assert database in memory.objects


def test_what_a_document_made_before_stays_until_all_of_its_preview_was_applied() -> None:
    """A document that is renamed: the new child is to be there before the old one goes."""
    memory = a_cluster()
    run(memory, CONFIG)
    renamed = CONFIG.replace("-config", "-settings")
    memory.troubles["apply ConfigMap shop/pr-1-settings"] = [Forbidden("may not")]
    assert "delete ConfigMap shop/pr-1-config" not in run(memory, renamed)
    assert key("ConfigMap", "pr-1-config") in memory.objects
    assert run(memory, renamed)[-1] == "delete ConfigMap shop/pr-1-config"


def test_a_run_needs_no_right_to_what_only_previews_out_of_its_scope_have() -> None:
    memory = a_cluster(a_preview(), a_preview("pr-2", fqdn="pr-2.example.com"))
    run(memory, CONFIG, scope=Scope(names=(NamespacedName("shop", "pr-1"),)))
    run(memory, NONE, scope=Scope(names=(NamespacedName("shop", "pr-2"),)))
    assert "list configmaps" not in memory.log
    run(memory, NONE)
    assert "list configmaps" in memory.log
