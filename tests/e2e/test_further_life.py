"""The life of further children on a real API server: they come, change and go with documents, labels and previews."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconcile.kube.objects import Resource
from tests.controlplane import eventually, service_account
from tests.e2e.further import (
    BUDGET,
    CLAIM,
    CONFIG,
    CRON_JOB,
    NAME,
    STATEFUL_SET,
    document,
    install,
    put,
    remove,
    shapes,
    with_kinds,
)
from tests.e2e.gate import Gate, gate_before, read_of, write_of
from tests.e2e.granted import allow_runs
from tests.e2e.groups import PREVIEWS, installation, without_in_status
from tests.e2e.process import Process, behind
from tests.e2e.story import STATUS, Result, Story
from tests.e2e.test_discovery import crds_of

KINDS = (CONFIG, CLAIM, STATEFUL_SET, BUDGET, CRON_JOB)
SETTINGS_DOCUMENT = document("v1", "ConfigMap", "-config", "data: {mode: one}")
STORE = document(
    "v1",
    "PersistentVolumeClaim",
    "-store",
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
)
DATABASE = document(
    "apps/v1",
    "StatefulSet",
    "-db",
    f"""spec:
  serviceName: "{NAME}-db"
  replicas: 0
  persistentVolumeClaimRetentionPolicy: {{whenDeleted: Retain}}
  template: {{spec: {{containers: [{{name: db, image: "registry.example.com/db:1"}}]}}}}
  volumeClaimTemplates:
  - {{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}""",
)
SERVICE = document("v1", "Service", "-db", "spec: {clusterIP: None, selector: {a: b}, ports: [{port: 5432}]}")
WORKER = document(
    "apps/v1",
    "Deployment",
    "-worker",
    """spec:
  replicas: 0
  template:
    metadata: {annotations: {config: "${hash}"}}
    spec: {containers: [{name: worker, image: "${preview.spec.image}"}]}""",
)
LIMIT = document("policy/v1", "PodDisruptionBudget", "-budget", "spec: {minAvailable: 1, selector: {}}")
NIGHTLY = document(
    "batch/v1",
    "CronJob",
    "-nightly",
    """spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}}""",
)
ALL = (SETTINGS_DOCUMENT, STORE, SERVICE, DATABASE, WORKER, LIMIT, NIGHTLY)
IN_ORDER = [
    *("ConfigMap pr-1-config", "PersistentVolumeClaim pr-1-store", "Service pr-1-db", "StatefulSet pr-1-db"),
    *("Deployment pr-1-worker", "Deployment pr-1", "CronJob pr-1-nightly", "PodDisruptionBudget pr-1-budget"),
    *("Service pr-1", "Mapping pr-1"),
]
REMEMBERED = [
    *("apps/v1/StatefulSet", "batch/v1/CronJob", "policy/v1/PodDisruptionBudget", "v1/ConfigMap"),
    "v1/PersistentVolumeClaim",
]


@pytest.fixture
def living(story: Story) -> Story:
    story.allow_no_pods()
    return with_kinds(story, *KINDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def done(result: Result, symbol: str) -> list[str]:
    """The changes of one sort, as `KIND NAME`."""
    words = (line.split() for line in result.changes if line.startswith(symbol))
    return [f"{kind} {place.partition('/')[2]}" for _, kind, place, *_ in words]


def remembered(story: Story, name: str = "pr-1") -> list[str]:
    kinds: list[str] = story.live("PreviewEnvironment", name).get("status", {}).get("kinds", [])
    return kinds


def test_children_come_with_documents_change_with_them_go_and_come_back(living: Story, folder: Path) -> None:
    living.apply(replicas=0)
    options = put(folder, *ALL)
    assert done(living.reconcile(*options), "+") == IN_ORDER
    assert remembered(living) == REMEMBERED
    living.silent(*options)
    before = living.uids()

    options = put(folder, SETTINGS_DOCUMENT.replace("one", "two"), *ALL[1:])
    assert done(living.reconcile(*options), "~") == ["ConfigMap pr-1-config", "Deployment pr-1-worker"]
    assert living.live("ConfigMap", "pr-1-config")["data"] == {"mode": "two"}
    living.silent(*options)

    options = put(folder, SETTINGS_DOCUMENT)
    removed = living.reconcile(*options)
    gone = [name for name in IN_ORDER[1:] if name.partition(" ")[2] != "pr-1"][::-1]
    gone.remove("PersistentVolumeClaim pr-1-store")
    deletes = [(e.resource, e.name) for e in living.writes() if e.verb == "delete"]
    assert sorted(done(removed, "-")) == sorted(gone)
    plurals = {"statefulsets": "StatefulSet", "deployments": "Deployment", "services": "Service",
               "cronjobs": "CronJob", "poddisruptionbudgets": "PodDisruptionBudget"}  # fmt: skip
    assert [f"{plurals[resource]} {name}" for resource, name in deletes] == gone
    kept = f"= PersistentVolumeClaim {living.namespace}/pr-1-store kept: no template makes it any more, and it holds data; kubectl delete it"
    assert kept in removed.lines
    living.reconcile(*options)
    assert remembered(living) == ["v1/ConfigMap", "v1/PersistentVolumeClaim"]
    living.silent(*options)

    options = put(folder, *ALL)
    living.reconcile(*options)
    assert living.uids()["PersistentVolumeClaim/pr-1-store"] == before["PersistentVolumeClaim/pr-1-store"]
    assert living.uids().keys() >= before.keys()
    living.silent(*options)


@pytest.mark.parametrize("written", [1, 3, 5])
def test_after_a_kill_and_without_the_documents_nothing_is_left(
    living: Story, folder: Path, tmp_path: Path, written: int
) -> None:
    """The kinds are remembered before the first child is made."""
    documents = (SETTINGS_DOCUMENT, SERVICE, DATABASE, LIMIT, NIGHTLY)
    writes = [
        lambda seen: seen.writes and seen.path.endswith("/pr-1/status"),
        *(write_of(plural, name) for plural, name in (
            ("configmaps", "pr-1-config"), ("services", "pr-1-db"), ("statefulsets", "pr-1-db"),
            ("deployments", "pr-1"), ("cronjobs", "pr-1-nightly"))),
    ]  # fmt: skip
    living.apply(replicas=0)
    with gate_before(living) as gate:
        hold = gate.hold(writes[written], answer=True)
        process = Process.start(behind(living, gate, tmp_path), *put(folder, *documents))
        hold.reached()
        process.tell(signal.SIGKILL)
        assert process.ended().code == -signal.SIGKILL
    assert len([name for name in living.children() if "pr-1-" in name]) == min(written, 3) + (written > 4)
    other = put(folder, document("v1", "LimitRange", "-x", "spec: {limits: []}", when="never"))
    again = with_kinds(living, Resource("", "v1", "LimitRange", "limitranges"))
    again = replace(again, further={**living.further, **again.further})
    again.reconcile(*other)
    assert sorted(again.children()) == sorted(again.all_of())
    again.reconcile(*other)
    assert remembered(again) == []
    again.silent(*other)


def test_a_run_without_documents_is_refused_and_none_deletes(living: Story, folder: Path) -> None:
    living.apply(replicas=0)
    living.reconcile(*put(folder, SETTINGS_DOCUMENT, LIMIT))
    before = living.uids()
    refused = living.reconcile(code=1)
    assert "pass --templates DIR, or --templates none to delete it" in refused.stdout, refused.stdout
    assert living.uids() == before
    none = ("--templates", "none")
    assert done(living.reconcile(*none), "-") == ["ConfigMap pr-1-config", "PodDisruptionBudget pr-1-budget"]
    assert sorted(living.children()) == sorted(living.all_of())
    living.reconcile(*none)
    assert remembered(living) == []
    living.silent(*none)
    living.silent()


def test_what_a_stateful_set_makes_with_its_labels_is_no_child(living: Story, folder: Path) -> None:
    """A claim has the labels of the selector; where claims are listed, it is told and kept by nobody."""
    living.apply(replicas=0)
    options = put(folder, STORE, SERVICE, DATABASE)
    living.reconcile(*options)
    labels = living.live("StatefulSet", "pr-1-db")["spec"]["selector"]["matchLabels"]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    living.create({**kind, "metadata": {"name": "pr-1-db-0", "labels": labels}, "spec": claim})
    living.silent(*options)
    assert living.reconcile(*options, "--no-fingerprint").changes == []
    living.delete("PersistentVolumeClaim", "pr-1-store")
    living.reconcile("--templates", "none")
    living.reconcile("--templates", "none")
    assert remembered(living) == []
    assert living.there("PersistentVolumeClaim", "pr-1-db-0")


# with its preview


def test_a_recreated_preview_keeps_its_further_children(living: Story, folder: Path) -> None:
    options = put(folder, *ALL)
    living.apply(replicas=0)
    living.reconcile(*options)
    before = living.uids()
    living.orphan()
    uid = living.apply(replicas=0)["metadata"]["uid"]
    living.reconcile(*options)
    assert {name: found for name, found in living.uids().items() if name in before} == before
    for child in living.everything_now().values():
        assert [owner["uid"] for owner in child["metadata"].get("ownerReferences", ())] == [uid]
    assert remembered(living) == REMEMBERED
    living.silent(*options)


@pytest.mark.usefixtures("control_plane")
def test_a_deleted_preview_takes_its_further_children_along(living: Story, folder: Path) -> None:
    options = put(folder, *ALL)
    living.apply(replicas=0)
    living.reconcile(*options)
    living.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", living.namespace)
    eventually(lambda: living.children() == [], "the children of pr-1 are gone")


def test_what_was_orphaned_is_found_as_long_as_somebody_remembers_the_kind(
    living: Story, folder: Path
) -> None:
    """With the document, or another preview that had it: else nobody lists the kind. A documented limit."""
    living.apply("pr-1", replicas=0)
    living.apply("pr-2", replicas=0)
    living.reconcile(*put(folder, SETTINGS_DOCUMENT, LIMIT))
    living.orphan("pr-1")
    deleted = living.reconcile(*put(folder, LIMIT))
    assert [line for line in deleted.changes if "pr-1-config" in line] == [
        f"- ConfigMap {living.namespace}/pr-1-config its preview is gone"
    ]
    assert [name for name in living.children() if "pr-1" in name or "config" in name] == []

    living.reconcile("--templates", "none")
    living.reconcile(*put(folder, NIGHTLY))
    living.orphan("pr-2")
    none = ("--templates", "none", "--max-deletes", "100%")
    living.reconcile(*none)
    assert living.children() == ["CronJob/pr-2-nightly"]
    living.reconcile(*put(folder, NIGHTLY), "--max-deletes", "100%")
    assert living.children() == []


def test_an_expired_preview_has_no_further_children(living: Story, folder: Path) -> None:
    options = put(folder, *ALL)
    living.apply(replicas=0, ttl="2s")
    living.reconcile(*options)
    assert len(living.children()) == len(IN_ORDER)

    def expired() -> bool:
        living.reconcile(*options)
        return living.children() == []

    eventually(expired, "it has expired", pause=0.5)
    living.reconcile(*options)
    assert remembered(living) == []
    living.silent(*options)


def test_a_suspended_preview_runs_nothing_and_a_protected_one_loses_nothing(
    living: Story, folder: Path
) -> None:
    options = put(folder, *(text.replace("replicas: 0", "replicas: 1") for text in ALL))
    living.apply(suspend=True)
    living.reconcile(*options)
    replicas = [living.live(kind, name)["spec"]["replicas"] for kind, name in (
        ("Deployment", "pr-1-worker"), ("StatefulSet", "pr-1-db"))]  # fmt: skip
    assert (replicas, living.live("CronJob", "pr-1-nightly")["spec"]["suspend"]) == ([0, 0], True)
    living.silent(*options)
    protect: Any = {"annotations": {living.names.prune_annotation: "disabled"}}
    living.patch("PodDisruptionBudget", {"metadata": protect}, "pr-1-budget")
    living.apply(replicas=0)
    less = put(folder, SETTINGS_DOCUMENT, LIMIT)
    living.reconcile(*less)
    less = put(folder, SETTINGS_DOCUMENT)
    kept = living.reconcile(*less)
    assert [line.split()[:3] for line in kept.changes if "protected" in line] == [
        ["=", "PodDisruptionBudget", f"{living.namespace}/pr-1-budget"]
    ]
    living.apply(replicas=0, **protect)
    before = living.uids()
    living.reconcile("--templates", "none")
    assert living.uids() == before
    assert "v1/ConfigMap" in remembered(living)


# by labels


def test_a_label_decides_and_is_read_again_before_a_delete(
    living: Story, far: Story, gate: Gate, folder: Path
) -> None:
    def label(value: str) -> None:
        living.plane.kubectl(
            "label", "--overwrite", PREVIEWS, "pr-1", f"lean={value}", "-n", living.namespace
        )

    lean = document(
        "policy/v1", "PodDisruptionBudget", "-budget", "spec: {minAvailable: 1}", when="lean!=yes"
    )
    options = put(folder, SETTINGS_DOCUMENT, lean)
    living.apply(replicas=0)
    living.reconcile(*options)
    label("yes")
    assert done(living.reconcile(*options), "-") == ["PodDisruptionBudget pr-1-budget"]
    living.silent(*options)
    label("no")
    assert done(living.reconcile(*options), "+") == ["PodDisruptionBudget pr-1-budget"]
    living.silent(*options)

    label("yes")
    hold = gate.hold(read_of("previewenvironments", "pr-1"))
    process = Process.start(far, *options)
    hold.reached()
    label("no")
    hold.release()
    result = process.ended()
    assert "its preview's labels were changed" in result.stdout, result.stdout
    assert living.there("PodDisruptionBudget", "pr-1-budget")
    living.silent(*options)


# kinds and CRDs that are not there


def test_a_kind_that_comes_and_goes(living: Story, folder: Path) -> None:
    group = f"late-{living.namespace}.example.com"
    free, strict = shapes(group)
    own = replace(with_kinds(living, free, strict), further={**living.further, free.full_kind: free})
    options = put(folder, SETTINGS_DOCUMENT, document(free.api_version, "Free", "-free", "spec: {a: 1}"))
    own.apply("pr-1", replicas=0)
    missing = own.reconcile(*options, code=1)
    sentence = f"Free ({free.api_version}) is not installed in this cluster: install it, or remove the template of pr-1-free"
    assert sentence in missing.stdout
    assert own.children() == []
    crds = crds_of(group)
    install(own.plane, crds)
    try:
        own.reconcile(*options)
        assert own.there(free.full_kind, "pr-1-free")
        own.silent(*options)
    finally:
        remove(own.plane, crds)
    before = {name: uid for name, uid in own.uids().items() if not name.startswith("Free")}

    def served() -> bool:
        return own.attempt(*options).code == 0

    eventually(lambda: not served(), "it is not served any more")
    assert sentence in own.reconcile(*options, code=1).stdout
    own.reconcile(*put(folder, SETTINGS_DOCUMENT))
    assert own.uids() == before
    own.silent(*put(folder, SETTINGS_DOCUMENT))


def test_where_the_status_cannot_be_written_no_further_child_is_made(living: Story, folder: Path) -> None:
    """Nor what comes after it; previews without any go on."""
    account = service_account(living.plane, living.namespace, "short")
    allow_runs(living.plane, account.user, living.group, without=(STATUS,))
    short = replace(with_kinds(living, *KINDS, account=account), account=account, further=living.further)
    options = put(folder, document("v1", "ConfigMap", "-config", "data: {}", when="config"))
    living.apply("pr-1", replicas=0, labels={"config": "yes"})
    living.apply("pr-2", replicas=0)
    result = short.reconcile(*options, code=1)
    place, what = f"{living.namespace}/pr-1", "previewenvironments.platform9.com in namespace"
    failed = f"x ConfigMap {place}-config failed: status.kinds was not written: patch status of PreviewEnvironment {place}"
    (line,) = [line for line in result.lines if line.startswith("x ")]
    assert line.startswith(f"{failed}: no right to patch status of {what} {living.namespace} (403)"), line
    assert sorted(living.children()) == sorted(living.all_of("pr-2"))


def test_with_an_older_crd_the_remedy_is_shown(story: Story, folder: Path) -> None:
    options = put(folder, document("v1", "ConfigMap", "-config", "data: {}"), LIMIT)
    with installation(story, lambda version: without_in_status(version, "kinds")) as older:
        older = with_kinds(older, *KINDS)
        older.apply("pr-1", replicas=0)
        result = older.reconcile(*options, code=1)
        (line,) = [line for line in result.lines if line.startswith("x ")]
        remedy = f"install the CRD anew with `reconcile --print-crd --api-group {older.group} | kubectl apply -f -`"
        assert "status.kinds was not written" in line
        assert line.endswith(remedy)
        assert older.children() == []


def test_two_installations_have_the_same_documents_and_nothing_of_each_other(
    living: Story, folder: Path
) -> None:
    documents = (SETTINGS_DOCUMENT, LIMIT, SERVICE, DATABASE)
    options = put(folder, *documents)
    with installation(living) as second:
        living.apply("pr-1", replicas=0)
        second.apply("pr-2", replicas=0, fqdn=living.host("pr-2"))
        living.reconcile(*options)
        second.reconcile(*options)
        living.silent(*options)
        second.silent(*options)
        first = {name: uid for name, uid in living.uids().items() if "pr-1" in name}
        assert len(first) == 7
        second.reconcile(*put(folder, SETTINGS_DOCUMENT))
        assert {name: uid for name, uid in second.uids().items() if "pr-2" in name}.keys() == {
            *second.all_of("pr-2"), "ConfigMap/pr-2-config"}  # fmt: skip
        second.orphan("pr-2")
        second.reconcile(*put(folder, *documents), "--max-deletes", "100%")
        assert {name: uid for name, uid in living.uids().items() if "pr-1" in name} == first
        assert [name for name in second.uids() if "pr-2" in name] == []
        living.silent(*options)
