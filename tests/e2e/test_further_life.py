"""The life of further children on a real API server: they come, change and go with documents, labels and previews."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane import eventually
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
from tests.e2e.gate import Gate, write_of
from tests.e2e.groups import PREVIEWS, installation, without_in_status
from tests.e2e.process import Process
from tests.e2e.story import Result, Story
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


@pytest.mark.usefixtures("control_plane")
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

    living.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", living.namespace)
    eventually(lambda: living.children() == [], "the children of pr-1 are gone")


def test_after_a_kill_and_without_the_documents_nothing_is_left(
    living: Story, far: Story, gate: Gate, folder: Path
) -> None:
    """The kinds are remembered before the first child is made. A kill at each write is in tests/proofs."""
    hold = gate.hold(write_of("statefulsets", "pr-1-db"), answer=True)
    living.apply(replicas=0)
    process = Process.start(far, *put(folder, SETTINGS_DOCUMENT, SERVICE, DATABASE, LIMIT, NIGHTLY))
    hold.reached()
    process.tell(signal.SIGKILL)
    assert process.ended().code == -signal.SIGKILL
    hold.release()
    assert sorted(living.children()) == ["ConfigMap/pr-1-config", "Service/pr-1-db", "StatefulSet/pr-1-db"]
    none = ("--templates", "none")
    living.reconcile(*none)
    assert sorted(living.children()) == sorted(living.all_of())
    living.reconcile(*none)
    assert remembered(living) == []
    living.silent(*none)


def test_an_expired_preview_has_no_further_children(living: Story, folder: Path) -> None:
    options = put(folder, SETTINGS_DOCUMENT)
    living.apply(replicas=0, ttl="2s")
    living.reconcile(*options)
    assert living.there("ConfigMap", "pr-1-config")

    def expired() -> bool:
        living.reconcile(*options)
        return living.children() == []

    eventually(expired, "it has expired", pause=0.5)
    living.reconcile(*options)
    assert remembered(living) == []


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
