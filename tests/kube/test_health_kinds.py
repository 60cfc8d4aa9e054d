"""How far an object of any kind has come: every row of the table, with statuses as a real node wrote them."""

from typing import Any

import pytest

from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.kinds import has_health, health_of
from reconcile.kube.health.rollout import rollout
from reconcile.kube.live import Live
from reconcile.kube.redact import HIDDEN
from tests.kube.test_health_pod import NOW, condition, crashed, runs_again
from tests.kube.test_health_pods import NEW, OLD, RUNNING, a_pod, waiting
from tests.kube.test_health_rollout import CRASH, READY, a_deployment

READY_NOW = "Current: its pods are ready"
QUOTA = 'pods "pr-1-db-0" is forbidden: exceeded quota: small, not hunter22!'
REFUSED = PodEvent(
    "uid-1", "FailedCreate", f"Create Pod pr-1-db-0 in StatefulSet pr-1-db failed error: {QUOTA}"
)


def an_object(
    kind: str, status: dict[str, Any], spec: dict[str, Any] | None = None, api: str = "apps/v1", **more: Any
) -> Live:
    """One of generation 2; `more` is metadata."""
    metadata = {"name": "pr-1-db", "namespace": "shop", "uid": "uid-1", "generation": 2, **more}
    pod = {"containers": [{"name": "db", "args": ["hunter22!"]}]}
    spec = {"template": {"spec": pod}, **(spec or {})}
    return Live({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "status": status})


def a_stateful_set(ready: int = 0, updated: int = 0, wanted: int = 2, seen: int = 2, **strategy: Any) -> Live:
    status: dict[str, Any] = {"observedGeneration": seen, "replicas": wanted, "availableReplicas": ready}
    counts = {"readyReplicas": ready, "updatedReplicas": updated}
    status |= {name: count for name, count in counts.items() if count}  # a server leaves a zero out
    return an_object("StatefulSet", status, {"replicas": wanted, "updateStrategy": strategy})


def partition(number: int) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}


def a_daemon_set(ready: int = 0, updated: int = 0, wanted: int = 1, seen: int = 2, **strategy: Any) -> Live:
    status: dict[str, Any] = {"observedGeneration": seen, "desiredNumberScheduled": wanted}
    counts = {"numberAvailable": ready, "updatedNumberScheduled": updated}
    status |= {name: count for name, count in counts.items() if count}
    return an_object("DaemonSet", status, {"updateStrategy": strategy})


def unseen(kind: str) -> str:
    return f"InProgress: the {kind} controller has not seen this version yet"


def told_of(live: Live, *given: Any, **more: Any) -> str:
    found = health_of(live, *given, **more)
    return f"{found.health}: {found.message}"


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (a_stateful_set(2, 2), READY_NOW),
        (a_stateful_set(2, 2, **partition(0)), READY_NOW),
        (a_stateful_set(1, 2), "InProgress: 1 of 2 pods are ready"),
        (a_stateful_set(2, 1), "InProgress: 1 of 2 pods are ready"),
        (a_stateful_set(2), "InProgress: 0 of 2 pods are ready"),  # both are of the version before
        (a_stateful_set(3, 3), READY_NOW),  # one is on its way out
        (a_stateful_set(2, 1, **partition(1)), READY_NOW),
        (a_stateful_set(2, 0, **partition(5)), READY_NOW),
        (a_stateful_set(2, 0, **partition(1)), "InProgress: 1 of 2 pods are ready"),
        (a_stateful_set(2, type="OnDelete"), READY_NOW),
        (a_stateful_set(1, 2, type="OnDelete"), "InProgress: 1 of 2 pods are ready"),
        (a_stateful_set(wanted=0), "Suspended: scaled to zero (replicas is 0)"),
        (a_stateful_set(2, 2, seen=1), unseen("StatefulSet")),
        (an_object("StatefulSet", {"replicas": 0, "availableReplicas": 0}), unseen("StatefulSet")),
        (an_object("StatefulSet", {"observedGeneration": 2}), "InProgress: 0 of 1 pods are ready"),
        (a_daemon_set(1, 1), READY_NOW),
        (a_daemon_set(wanted=0), READY_NOW),
        (a_daemon_set(0, 1), "InProgress: 0 of 1 pods are ready"),
        (a_daemon_set(1, 0), "InProgress: 0 of 1 pods are ready"),
        (a_daemon_set(1, 0, type="OnDelete"), READY_NOW),
        (a_daemon_set(0, 1, type="OnDelete"), "InProgress: 0 of 1 pods are ready"),
        (an_object("DaemonSet", {"desiredNumberScheduled": 0, "numberReady": 0}), unseen("DaemonSet")),
    ],
)
def test_the_counts_show_how_far_a_workload_is(live: Live, told: str) -> None:
    assert told_of(live) == told


@pytest.mark.parametrize("live", [a_stateful_set(0, 1, wanted=1), a_daemon_set(0, 1)])
def test_a_workload_that_is_not_ready_shows_what_its_pods_do(live: Live) -> None:
    counts = "0 of 1 pods are ready"
    assert told_of(live, [CRASH]) == f"Failed: {counts}: CrashLoopBackOff: exit code 1"
    pulls = a_pod(waiting("ErrImagePull", "no\nsuch image"))
    assert told_of(live, [pulls]) == f"Failed: {counts}: ImagePullBackOff: no such image"
    once = a_pod(crashed(3, 1))
    assert told_of(live, [once]) == f"InProgress: {counts}: container app ended: exit code 3"
    assert told_of(live, [a_pod(RUNNING)]) == f"InProgress: {counts}"


def test_a_workload_whose_pod_crashed_twice_and_is_ready_for_a_moment_is_not_ready() -> None:
    ready = a_pod(runs_again(3, 2, ready=True), conditions=(READY,))
    told = "Failed: 1 of 1 pods are ready: CrashLoopBackOff: exit code 3"
    assert told_of(a_stateful_set(1, 1, wanted=1), [ready], now=NOW) == told
    left_over = a_pod(waiting("CrashLoopBackOff"))
    assert told_of(a_stateful_set(1, 1, wanted=1), [left_over], now=NOW) == READY_NOW


def test_a_stateful_set_waits_for_a_broken_pod_of_the_version_before() -> None:
    broken = a_pod(waiting("ErrImagePull", "no such image"), created=OLD)
    told = "Failed: 0 of 2 pods are ready: ImagePullBackOff: no such image"
    for other in (RUNNING, waiting("ErrImagePull", "another")):
        younger = a_pod(other, name="pr-1-db-1", created=NEW)
        assert told_of(a_stateful_set(1), [younger, broken]) == told, "the oldest of those that failed"


@pytest.mark.parametrize("live", [a_stateful_set(wanted=1), a_daemon_set()])
def test_a_workload_whose_pods_are_refused_shows_why(live: Live) -> None:
    counts = "0 of 1 pods are ready"
    told = f"Failed: {counts}: FailedCreate: exceeded quota: small, not {HIDDEN}"
    assert told_of(live, (), [REFUSED]) == told
    assert told_of(live, [a_pod(RUNNING)], [REFUSED]) == f"InProgress: {counts}", "one was let in since"
    assert told_of(live, (), [PodEvent("uid-2", "FailedCreate", QUOTA)]) == f"InProgress: {counts}"
    assert told_of(a_stateful_set(2, 2), (), [REFUSED]) == READY_NOW, "it is ready"


def test_a_deployments_health_is_its_rollout() -> None:
    for deployment in (a_deployment(2, 2, 2), a_deployment(2, 2, 1), a_deployment(wanted=0)):
        assert health_of(deployment, [CRASH]) == rollout(deployment, [CRASH])


def test_of_a_deployment_whose_template_has_no_annotation_the_youngest_pods_count() -> None:
    """Until the pod of a template that was corrected is ready, the one that crashes stays."""
    spec = {"replicas": 1, "template": {"metadata": {"labels": {"app": "db"}}}}
    deployment = an_object("Deployment", {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1}, spec)
    crashes = a_pod(waiting("CrashLoopBackOff", exitCode=1), created=OLD)
    starts = a_pod(RUNNING, name="pr-1-b", template="2", created=NEW)
    assert told_of(deployment, [crashes, starts]) == "InProgress: 0 of 1 pods are available"
    assert told_of(deployment, [crashes]) == "Failed: CrashLoopBackOff: exit code 1"


# what has no pods


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ("Bound", "Current: is bound"),
        ("Lost", "Failed: has lost its volume"),
        ("Pending", "InProgress: is not bound yet: ProvisioningFailed: storageclass nope not found"),
        (None, "InProgress: is not bound yet: ProvisioningFailed: storageclass nope not found"),
    ],
)
def test_a_claim_is_current_once_it_is_bound(phase: str | None, told: str) -> None:
    live = an_object("PersistentVolumeClaim", {"phase": phase}, api="v1")
    assert told_of(live, (), [PodEvent("uid-1", "ProvisioningFailed", "storageclass nope not found")]) == told
    assert told_of(live) == told.partition(": ProvisioningFailed")[0]


@pytest.mark.parametrize(
    ("kind", "api"),
    [
        ("CronJob", "batch/v1"),
        ("ConfigMap", "v1"),
        ("PodDisruptionBudget", "policy/v1"),
        ("HorizontalPodAutoscaler", "autoscaling/v2"),
        ("NetworkPolicy", "networking.k8s.io/v1"),
        ("Service", "v1"),
        ("GRPCRoute", "gateway.networking.k8s.io/v1"),
        ("Mapping", "getambassador.io/v3alpha1"),
    ],
)
def test_any_other_kind_is_current_as_soon_as_it_exists(kind: str, api: str) -> None:
    never = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]}
    assert told_of(an_object(kind, never, api=api)) == "Current: exists"
    assert not has_health(kind)


@pytest.mark.parametrize(
    "kind", ["Deployment", "StatefulSet", "DaemonSet", "PersistentVolumeClaim", "Certificate.cert-manager.io"]
)
def test_the_kinds_that_report_health_are_known(kind: str) -> None:
    assert has_health(kind)


@pytest.mark.parametrize("kind", ["ConfigMap", "StatefulSet", "PersistentVolumeClaim", "Certificate"])
def test_what_is_being_deleted_is_not_current(kind: str) -> None:
    status = {"phase": "Bound", "observedGeneration": 2, "conditions": [condition("Ready", "True")]}
    api = {"Certificate": "cert-manager.io/v1", "StatefulSet": "apps/v1"}.get(kind, "v1")
    live = an_object(kind, status, {"replicas": 0}, api, deletionTimestamp=OLD)
    assert told_of(live) == "InProgress: is being deleted"


def a_certificate(*conditions: dict[str, Any], **status: Any) -> Live:
    status["conditions"] = list(conditions)
    return an_object("Certificate", status, {"secretName": "pr-1-secret"}, "cert-manager.io/v1")


UNSEEN = "InProgress: its controller has not seen this version yet"


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (a_certificate(condition("Ready", "True")), "Current: is ready"),
        (a_certificate(condition("Accepted", "True")), "Current: is accepted"),
        (a_certificate(condition("Available", "True")), "Current: is available"),
        (a_certificate(condition("Available", "True"), condition("Ready", "False")), "InProgress: is not ready yet"),
        (a_certificate(condition("Available", "False"), condition("Accepted", "True")), "Current: is accepted"),
        (
            a_certificate(condition("Ready", "False", "DoesNotExist", "Issuing\nas  none exists")),
            "InProgress: is not ready yet: DoesNotExist: Issuing as none exists",
        ),
        (
            a_certificate(condition("Ready", "False", "Failed", "no pr-1-secret")),
            f"InProgress: is not ready yet: Failed: no {HIDDEN}",
        ),
        (a_certificate(condition("Ready", "Unknown", "Waiting")), "InProgress: is not ready yet: Waiting"),
        (a_certificate(condition("Ready", "False", "", "no")), "InProgress: is not ready yet: no"),
        (a_certificate(condition("Ready", "True"), observedGeneration=2), "Current: is ready"),
        (a_certificate(condition("Ready", "True"), observedGeneration=1), UNSEEN),
        (a_certificate(condition("Ready", "True", observedGeneration=1)), UNSEEN),
        (a_certificate(condition("Ready", "True", observedGeneration=1), observedGeneration=2), UNSEEN),
        (a_certificate(condition("Ready", "True", observedGeneration=2), observedGeneration=1), "Current: is ready"),
        (a_certificate(condition("Ready", "False", observedGeneration=1)), UNSEEN),
        (a_certificate(condition("Issuing", "True")), "Current: exists"),
        (a_certificate(condition("Ready", "True"), observedGeneration="1"), "Current: is ready"),
        (a_certificate(observedGeneration=1), UNSEEN),  # as kstatus has it
        (an_object("Service", {}, api="serving.knative.dev/v1"), "Current: exists"),
        (
            an_object("Service", {"conditions": [condition("Ready", "False", "NoRevision")]}, api="serving.knative.dev/v1"),
            "InProgress: is not ready yet: NoRevision",
        ),
    ],
)  # fmt: skip
def test_a_custom_resource_is_what_its_current_condition_reports(live: Live, told: str) -> None:
    assert told_of(live) == told


def test_a_long_message_is_cut() -> None:
    found = health_of(a_certificate(condition("Ready", "False", "No", "x" * 40_000)))
    assert len(found.message) == 500


@pytest.mark.parametrize("junk", [None, 5, "x", [5], {"conditions": [5, {"type": 7}]}, {"replicas": "x"}])
@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "PersistentVolumeClaim", "Certificate"])
def test_whatever_stands_in_a_file_is_no_exception(kind: str, junk: Any) -> None:
    api = "cert-manager.io/v1" if kind == "Certificate" else "apps/v1"
    for generation in (2, None, "x"):
        live = an_object(kind, junk, {"updateStrategy": junk, "replicas": junk}, api, generation=generation)
        assert health_of(live).message
