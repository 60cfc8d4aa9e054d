"""What a status remembers of kinds after a run: what may still be there, and nothing else."""

from typing import Any

import pytest

from reconcile.errors import Forbidden, NamespaceTerminating, ReconcileError, ServerTrouble
from reconcile.model.kinds_record import full_kind_in, kinds_in, resource_in, written
from reconcile.model.settings import Settings
from reconcile.status.result import exit_code
from tests.builders import a_preview
from tests.execute.test_remembered import (
    CONFIG,
    NONE,
    REDIS,
    REMEMBER,
    SECRET,
    a_cluster_of_everything,
    edits,
    kinds,
)
from tests.given import key
from tests.memory import Memory
from tests.run.test_run import go
from tests.templates import further, with_templates

CLAIM = further("v1", "PersistentVolumeClaim", "-db", "spec: {accessModes: [ReadWriteOnce]}")


def running(text: str = CONFIG, *previews: dict[str, Any]) -> Memory:
    """Previews whose children an earlier run has made and remembered."""
    memory = a_cluster_of_everything(*previews)
    go(memory, settings=with_templates(text))
    memory.log.clear()
    return memory


def without_memory(memory: Memory, name: str = "pr-1") -> None:
    there = memory.objects[key("PreviewEnvironment", name)]
    memory.put({**there, "status": {k: v for k, v in there["status"].items() if k != "kinds"}})


def test_a_kind_is_forgotten_if_a_complete_list_has_none() -> None:
    memory = running(CONFIG + SECRET)
    memory.forget(key("ConfigMap", "pr-1-config"))
    go(memory, settings=with_templates(SECRET))
    assert kinds(memory) == ["v1/Secret"]


def test_what_may_still_be_there_is_not_forgotten() -> None:
    """It is deleted in this run, and the list that shows it is from before."""
    memory = running(CONFIG)
    go(memory, settings=NONE)
    assert (kinds(memory), key("ConfigMap", "pr-1-config") in memory.objects) == (["v1/ConfigMap"], False)


def test_a_kind_whose_list_failed_is_not_forgotten_and_nothing_of_it_deleted() -> None:
    memory = running(CONFIG)
    memory.trouble("list configmaps", Forbidden("may not list configmaps"))
    done = go(memory, settings=NONE)
    assert (kinds(memory), memory.writes()) == (["v1/ConfigMap"], [])
    assert [one.message for one in done.plan.skipped] == [
        "the list of configmaps is incomplete: may not list configmaps; further children need the rule "
        '{apiGroups: [""], resources: [configmaps], verbs: [get, list, create, patch, delete]}: '
        "reconcile --print-rights prints it; all changes of this kind are skipped"
    ]
    assert (exit_code(done), REMEMBER in memory.log) == (4, False)


def test_a_kind_that_is_not_served_any_more_is_not_forgotten() -> None:
    """It may be in another version: its objects are there still."""
    memory = running(REDIS)
    memory.unserved.add("Redis")
    done = go(memory, settings=NONE)
    assert (kinds(memory), exit_code(done)) == (["example.com/v1/Redis"], 0)
    assert REMEMBER not in memory.log
    memory.unserved.clear()
    assert [str(o.change.key) for o in go(memory, settings=NONE).outcomes] == [
        "Redis.example.com shop/pr-1-r"
    ]


def test_what_is_served_in_another_version_by_now_is_found_and_forgotten() -> None:
    """The document had the new version for a while, so both are remembered; the old one is gone."""
    memory = running(REDIS)
    status = memory.objects[key("PreviewEnvironment")]["status"]
    for texts in (["example.com/v1/Redis"], ["example.com/v1/Redis", "example.com/v1alpha1/Redis"]):
        there = {**memory.objects[key("PreviewEnvironment")], "status": {**status, "kinds": texts}}
        memory.put(there)
        memory.served["example.com"] = ("v2",)
        memory.log.clear()
        assert [str(one.change.key) for one in go(memory, settings=NONE).outcomes] == [
            "Redis.example.com shop/pr-1-r"
        ]
        go(memory, settings=NONE)
        assert kinds(memory) == []
        memory.served.clear()
        go(memory, settings=with_templates(REDIS))


NONSENSE = ["v1/Node", "v1/", "//", "a b/c/d", "rbac.authorization.k8s.io/v1/ClusterRole", "v1/Binding", "v1!/ConfigMap"]  # fmt: skip


def test_what_cannot_be_a_child_is_forgotten_and_skips_nothing() -> None:
    """Somebody edited a status: that is no list that failed."""
    memory = running(CONFIG)
    there = memory.objects[key("PreviewEnvironment")]
    memory.put({**there, "status": {**there["status"], "kinds": [*NONSENSE, "v1/ConfigMap"]}})
    done = go(memory, settings=NONE)
    assert (exit_code(done), done.plan.skipped) == (0, ())
    assert [str(one.change.key) for one in done.outcomes] == ["ConfigMap shop/pr-1-config"]
    go(memory, settings=NONE)
    assert kinds(memory) == []


def test_what_holds_data_and_is_kept_is_remembered() -> None:
    memory = running(CLAIM)
    for _ in range(3):
        go(memory, settings=NONE)
    assert kinds(memory) == ["v1/PersistentVolumeClaim"]
    memory.forget(key("PersistentVolumeClaim", "pr-1-db"))
    go(memory, settings=NONE)
    assert kinds(memory) == []


def test_a_memory_that_somebody_removed_is_written_again() -> None:
    memory = running(CONFIG)
    without_memory(memory)
    go(memory, settings=with_templates(CONFIG))
    assert kinds(memory) == ["v1/ConfigMap"]
    assert memory.writes() == []


def test_what_another_run_may_have_made_meanwhile_is_not_forgotten() -> None:
    """It has other templates, and has written the status since the list that shows no child."""
    memory = running(CONFIG)
    memory.forget(key("ConfigMap", "pr-1-config"))
    memory.trouble(REMEMBER, edits(url="https://else.example.com"))
    go(memory, settings=NONE)
    assert kinds(memory) == ["v1/ConfigMap"]
    go(memory, settings=NONE)
    assert kinds(memory) == []


def test_what_another_run_makes_while_its_kind_is_forgotten_is_remembered_again() -> None:
    memory = running(CONFIG)
    child = memory.objects[key("ConfigMap", "pr-1-config")]
    memory.forget(key("ConfigMap", "pr-1-config"))
    memory.trouble(REMEMBER, lambda memory, of: memory.put(child))
    go(memory, settings=NONE)
    assert kinds(memory) == ["v1/ConfigMap"]
    go(memory, settings=NONE)
    assert key("ConfigMap", "pr-1-config") not in memory.objects


def test_what_only_has_a_childs_label_is_no_reason_to_remember_its_kind_again() -> None:
    """Controllers copy labels to what they make, such as the claims of a StatefulSet."""
    memory = running(CONFIG)
    child = memory.objects[key("ConfigMap", "pr-1-config")]
    memory.forget(key("ConfigMap", "pr-1-config"))
    copied = {"name": "made-by-others", "namespace": "shop", "labels": child["metadata"]["labels"]}
    memory.put({**child, "metadata": {**copied, "uid": "u"}})
    go(memory, settings=NONE)
    assert kinds(memory) == []


def test_a_kind_that_cannot_be_listed_again_is_remembered_again() -> None:
    memory = running(CONFIG)
    memory.forget(key("ConfigMap", "pr-1-config"))
    memory.trouble(REMEMBER, lambda memory, of: memory.trouble("list configmaps", Forbidden("may not")))
    go(memory, settings=NONE)
    assert kinds(memory) == ["v1/ConfigMap"]


def test_whoever_has_made_a_child_of_a_kind_that_another_run_forgets_meanwhile_remembers_it_again() -> None:
    memory = running(CONFIG)
    memory.forget(key("ConfigMap", "pr-1-config"))
    memory.trouble("apply ConfigMap shop/pr-1-config", lambda memory, of: without_memory(memory))
    go(memory, settings=with_templates(CONFIG))
    assert kinds(memory) == ["v1/ConfigMap"]


def test_a_dry_run_forgets_nothing() -> None:
    memory = running(CONFIG)
    memory.forget(key("ConfigMap", "pr-1-config"))
    go(memory, settings=NONE, dry_run=True)
    assert kinds(memory) == ["v1/ConfigMap"]


def test_one_that_is_being_deleted_is_left_alone() -> None:
    memory = running(CONFIG)
    memory.forget(key("ConfigMap", "pr-1-config"))
    there = memory.objects[key("PreviewEnvironment")]
    memory.put(there, deletionTimestamp="2026-01-01T00:00:00Z")
    go(memory, settings=NONE)
    assert REMEMBER not in memory.log


@pytest.mark.parametrize(
    ("error", "tries", "note"),
    [
        (Forbidden("may not"), 1, "status.kinds was not written: may not"),
        (ServerTrouble("busy"), 2, "status.kinds was not written: busy"),
        (NamespaceTerminating("ends"), 2, ""),
    ],
)
def test_what_could_not_be_forgotten_is_noted_once(error: ReconcileError, tries: int, note: str) -> None:
    """And not tried for each preview, where all would get the same answer."""
    names = ("pr-1", "pr-2")
    memory = running(CONFIG, *map(a_preview, names))
    for name in names:
        memory.forget(key("ConfigMap", f"{name}-config"))
        memory.trouble(REMEMBER.replace("pr-1", name), error)
    done = go(memory, settings=NONE)
    assert len([line for line in memory.log if line.startswith("remember")]) == tries
    assert [one for one in done.notes if "kinds" in one] == ([note] if note else [])


def test_the_status_and_the_kinds_beside_it_do_not_touch_each_other() -> None:
    memory = running(CONFIG)
    status = memory.objects[key("PreviewEnvironment")]["status"]
    assert status["kinds"] == ["v1/ConfigMap"]
    assert status["conditions"][0]["reason"] == "Progressing"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("v1/ConfigMap", "ConfigMap"),
        ("apps/v1/StatefulSet", "StatefulSet"),
        ("serving.knative.dev/v1/Service", "Service.serving.knative.dev"),
        ("gateway.networking.k8s.io/v1/GRPCRoute", "GRPCRoute"),
    ],
)
def test_a_kind_is_read_as_it_was_written(text: str, kind: str) -> None:
    assert (written(resource_in(text)), full_kind_in(text)) == (text, kind)


@pytest.mark.parametrize("found", [None, "v1/ConfigMap", {"a": 1}, [1, None, "x", "a/b/c/d", ""]])
def test_what_somebody_else_wrote_there_does_no_harm(found: Any) -> None:
    assert kinds_in({"kinds": found}) == frozenset()


def test_no_status_makes_a_run_list_without_end() -> None:
    assert len(kinds_in({"kinds": [f"a.com/v1/Kind{number}" for number in range(5000)]})) == 100


def test_settings_without_templates_have_no_further_kinds() -> None:
    assert Settings().further_kinds == ()
    found = with_templates(SECRET + CONFIG + CONFIG.replace("-config", "-b")).further_kinds
    assert [one.kind for one in found] == ["ConfigMap", "Secret"]
