"""How a preview with further children stands: what of them is told, in which order, and when it settles."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.kube.live import Live
from reconcile.kube.objects import Key
from reconcile.model.scope import Scope
from reconcile.plan.changes import Create, Keep, NoDelete, Outcome, Plan
from reconcile.status.facts import Facts, further_by_preview, gather
from reconcile.status.reason import asks_for_events, asks_for_pods, failed_further, status_of
from reconcile.status.result import Pass
from tests.given import SETUP, a_read_preview, a_setup_job, key, live
from tests.kube.test_health_pods import a_pod, waiting
from tests.status.test_reason import CRASH, NOW, STARTING, UP, said
from tests.templates import all_children, further, with_templates

PODS = "template: {spec: {containers: [{name: db, image: 'registry.example.com/db:1'}]}}"
DB = further("apps/v1", "StatefulSet", "-db", f"spec: {{{PODS}}}")
CLAIM = further("v1", "PersistentVolumeClaim", "-db", "spec: {accessModes: [ReadWriteOnce]}")
CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
REDIS = further("example.com/v1", "Redis", "-r", "spec: {a: b}")
VIRTUAL = further("networking.istio.io/v1", "VirtualService", "-v", "spec: {hosts: ['${preview.spec.fqdn}']}")

READY = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "observedGeneration": 1}
NOT_READY = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 0, "observedGeneration": 1}
FINE = {
    "StatefulSet": READY,
    "PersistentVolumeClaim": {"phase": "Bound"},
    "Deployment": UP,
    "Redis.example.com": {"conditions": [{"type": "Ready", "status": "True"}]},
}


def facts(
    text: str,
    *,
    settings: dict[str, Any] | None = None,
    without: str = "",
    preview: Any = None,
    **status: Any,
) -> Facts:
    """A preview with everything, whose children have these statuses, by the names of their kinds."""
    preview = preview or a_read_preview(generation=3)
    chosen = with_templates(text, **(settings or {}))
    lives = {}
    for name, manifest in all_children(preview, text, **(settings or {})).items():
        made = live(manifest, generation=1)
        said = {**FINE, **status}.get(made.key.kind.replace(".example.com", "")) or FINE.get(made.key.kind)
        found = Live({**made.manifest, **({"status": said} if said else {})})
        if name != without:
            lives[found.key] = found
    (desired,) = desire([preview], chosen, Scope(), now=NOW)
    keeps = tuple(Keep(one, desired.place) for one in desired.wanted if one in lives)
    (known,) = gather([desired], [Pass(Plan(keeps))], lives)
    return replace(known, setup=a_setup_job("Complete") if preview.spec.setup else None)


def of_db(*containers: dict[str, Any]) -> Live:
    """A pod of the StatefulSet."""
    pod = a_pod(*containers)
    labels = {
        "platform9.com/preview": "pr-1",
        "app.kubernetes.io/component": "db",
    }
    return Live(
        {**pod.manifest, "metadata": {**pod.manifest["metadata"], "namespace": "shop", "labels": labels}}
    )


CRASHING = of_db(waiting("CrashLoopBackOff", exitCode=1))
PENDING = {"phase": "Pending"}
UNREADY = {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}

ROWS = {
    "all is well": (facts(DB + CLAIM + CONFIG + REDIS), "Available: its pods are available"),
    "one that is not there": (
        facts(DB + CONFIG, without="ConfigMap pr-1-config"),
        "Progressing: ConfigMap shop/pr-1-config does not exist",
    ),
    "the Deployment comes before one that is not there": (
        replace(facts(CONFIG, without="ConfigMap pr-1-config"), deployment=None),
        "Progressing: its Deployment does not exist",
    ),
    "pods that start": (
        facts(DB, StatefulSet=NOT_READY),
        "Progressing: StatefulSet pr-1-db: 0 of 1 pods are ready",
    ),
    "pods that crash": (
        replace(facts(DB, StatefulSet=NOT_READY), further_pods=(CRASHING,)),
        "RolloutFailed!: StatefulSet pr-1-db: 0 of 1 pods are ready: CrashLoopBackOff: exit code 1",
    ),
    "a claim that waits": (
        facts(CLAIM, PersistentVolumeClaim=PENDING),
        "Progressing: PersistentVolumeClaim pr-1-db: is not bound yet",
    ),
    "a claim that is lost": (
        facts(CLAIM, PersistentVolumeClaim={"phase": "Lost"}),
        "RolloutFailed!: PersistentVolumeClaim pr-1-db: has lost its volume",
    ),
    "a custom resource that is not ready": (
        facts(REDIS, Redis=UNREADY),
        "Progressing: Redis.example.com pr-1-r: is not ready yet: R: m",
    ),
    "the app's pods come before what is not ready": (
        facts(DB, StatefulSet=NOT_READY, Deployment=STARTING),
        "Progressing: 0 of 1 pods are available",
    ),
    "and after what has failed, for they may wait for it": (
        replace(facts(CLAIM, PersistentVolumeClaim={"phase": "Lost"}, Deployment=STARTING), pods=(CRASH,)),
        "RolloutFailed!: PersistentVolumeClaim pr-1-db: has lost its volume",
    ),
    "so does the setup": (
        replace(
            facts(CLAIM, PersistentVolumeClaim={"phase": "Lost"}, preview=a_read_preview(generation=3, setup=SETUP)),
            setup=a_setup_job("Failed"),
        ),
        "RolloutFailed!: PersistentVolumeClaim pr-1-db: has lost its volume",
    ),
    "suspended": (
        facts(DB, StatefulSet=NOT_READY, preview=a_read_preview(generation=3, suspend=True)),
        "Suspended: suspended (spec.suspend is true)",
    ),
    "a link where a custom route leads to it": (
        facts(VIRTUAL, settings={"route": "none"}),
        "Available: its pods are available",
    ),
    "no link where that is not there": (
        facts(VIRTUAL, settings={"route": "none"}, without="VirtualService.networking.istio.io pr-1-v"),
        "Progressing: VirtualService.networking.istio.io shop/pr-1-v does not exist (no link)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_status_matches_its_row(row: str) -> None:
    given, told = ROWS[row]
    assert said(given) == told


def test_the_hostname_of_a_custom_route_is_recorded() -> None:
    status = status_of(facts(VIRTUAL, settings={"route": "none"}), NOW)
    assert status is not None
    assert status.hostname is not None
    assert status.hostname.name == "pr-1.preview.example.com"


def test_the_pods_of_each_are_its_own() -> None:
    found = replace(facts(DB, StatefulSet=NOT_READY), further_pods=(CRASHING,))
    (db,) = found.further
    assert found.pods_of(db) == (CRASHING,)
    others = Live(
        {**db.manifest, "metadata": {**db.metadata, "labels": {"app.kubernetes.io/component": "x"}}}
    )
    assert found.pods_of(others) == ()
    assert failed_further(found) == db
    assert failed_further(facts(DB)) is None


def test_the_pods_of_further_children_are_neither_those_of_the_app_nor_of_the_setup() -> None:
    app, setup = (
        Live({**CRASHING.manifest, "metadata": {**CRASHING.metadata, "labels": {"platform9.com/preview": "pr-1", "app.kubernetes.io/component": one}}})
        for one in ("app", "setup")
    )  # fmt: skip
    assert further_by_preview([app, setup, CRASHING], "platform9.com/preview") == {"shop/pr-1": (CRASHING,)}


@pytest.mark.parametrize(
    ("given", "pods", "events"),
    [
        (facts(DB + CLAIM + CONFIG + REDIS), False, False),
        (facts(DB, StatefulSet=NOT_READY), True, True),
        (facts(CLAIM, PersistentVolumeClaim=PENDING), True, True),
        (replace(facts(DB, StatefulSet=NOT_READY), further_pods=(CRASHING,)), True, False),
    ],
)
def test_pods_and_events_are_requested_where_they_can_add_something(
    given: Facts, *, pods: bool, events: bool
) -> None:
    assert (asks_for_pods(given), asks_for_events(given)) == (pods, events)


# settling


GONE = "kept: no template makes it any more, and it holds data; kubectl delete it"


def settled(*changes: Keep, text: str = CONFIG) -> Facts:
    known = facts(text)
    return replace(known, changes=(*known.changes, *changes), observed_digest="digest")


@pytest.mark.parametrize(
    ("change", "unchanged"),
    [
        (Keep(key("PersistentVolumeClaim", "pr-1-db"), "shop/pr-1", GONE, NoDelete.HOLDS_DATA), True),
        (Keep(key("PersistentVolumeClaim", "pr-1-db"), "shop/pr-1", GONE, NoDelete.PROTECTED), False),
        (Keep(key("PersistentVolumeClaim", "pr-1-db"), "shop/pr-1", "delete skipped", NoDelete.SKIPPED), False),
        (Keep(key("ConfigMap", "pr-1-other"), "shop/pr-1"), False),
    ],
)  # fmt: skip
def test_what_stays_for_a_reason_that_lies_in_it_settles_its_preview(
    change: Keep, *, unchanged: bool
) -> None:
    assert settled(change).is_unchanged is unchanged
    names = [(one.kind, one.name, one.reason) for one in settled(change).kept]
    assert names == ([("PersistentVolumeClaim", "pr-1-db", GONE)] if unchanged else [])


def test_one_that_is_as_desired_settles_and_a_missing_one_does_not() -> None:
    assert settled().is_unchanged
    known = settled()
    without = [c for c in known.changes if c.key.kind != "ConfigMap"]
    assert not replace(known, changes=tuple(without)).is_unchanged


def test_a_further_route_beside_the_route_settles_its_preview() -> None:
    mapping = further("getambassador.io/v3alpha1", "Mapping", "-api", "spec: {hostname: '${preview.spec.fqdn}', prefix: /api/}")  # fmt: skip
    found = settled(text=mapping)
    assert found.is_unchanged
    assert found.route is not None
    assert found.route.key == Key("Mapping", "shop", "pr-1")


def test_a_child_that_was_made_in_this_run_exists() -> None:
    known = facts(CONFIG)
    made = Create(Key("ConfigMap", "shop", "pr-1-config"), "shop/pr-1", {}, "new preview")
    there = known.further[0]
    (found,) = gather([known.desired], [Pass(Plan((made,)), (Outcome(made, "done", live=there),))], {})
    assert found.further == (there,)
