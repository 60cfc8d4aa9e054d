"""How objects of other kinds stand, by the statuses that a real cluster writes."""

from datetime import UTC, datetime
from typing import Any

from reconcile.kube.health.events import pod_events
from reconcile.kube.health.kinds import health_of
from reconcile.kube.live import Live
from tests.controlplane import eventually
from tests.node.node import Node

READY = "Current: its pods are ready"
NO_IMAGE = "Failed: 0 of 1 pods are ready: ImagePullBackOff: "
PARTITION = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
ON_DELETE = {"type": "OnDelete"}


def a_workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """A web server, or what else `spec` has; `pod` is more of its pods' spec, `app` of their container."""
    app = {"name": "app", "image": "app:1", **spec.pop("app", {})}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [app], **spec.pop("pod", {})}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def a_claim(name: str, class_: str) -> dict[str, Any]:
    size = {"resources": {"requests": {"storage": "1Mi"}}}
    spec = {"storageClassName": class_, "accessModes": ["ReadWriteOnce"], **size}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def a_volume(name: str) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": name,
        "hostPath": {"path": f"/tmp/{name}"},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def rows(volume: str) -> list[tuple[dict[str, Any], str, str]]:
    """Objects, and how each stands in the end; then after its image became another."""
    crash, quota = {"args": ["crash", "3", "1"]}, {"resources": {"requests": {"memory": "1Gi"}}}
    crashes = "Failed: 0 of 1 pods are ready: CrashLoopBackOff: exit code 3"
    refused = "Failed: 0 of 1 pods are ready: FailedCreate: exceeded quota: small"
    unbound = 'InProgress: is not bound yet: ProvisioningFailed: storageclass.storage.k8s.io "none" not found'
    found = []
    for kind in ("StatefulSet", "DaemonSet"):
        found += [
            (a_workload(kind, f"{kind}-plain".lower()), READY, READY),
            (a_workload(kind, f"{kind}-by-hand".lower(), updateStrategy=ON_DELETE), READY, READY),
            (a_workload(kind, f"{kind}-crashes".lower(), app=crash), crashes, crashes),
            (a_workload(kind, f"{kind}-refused".lower(), app=quota), refused, refused),
        ]
    return [
        *found,
        (a_workload("DaemonSet", "nowhere", pod={"nodeSelector": {"no": "node"}}), READY, READY),
        (a_workload("StatefulSet", "parted", replicas=2, updateStrategy=PARTITION), READY, READY),
        # Nothing replaces the pod of a StatefulSet that never became ready.
        (a_workload("StatefulSet", "no-image", app={"image": "app:9"}), NO_IMAGE, NO_IMAGE),
        (a_workload("DaemonSet", "no-image", app={"image": "app:9"}), NO_IMAGE, READY),
        (a_claim("bound", volume), "Current: is bound", "Current: is bound"),
        (a_claim("unbound", "none"), unbound, unbound),
    ]


def told(node: Node, namespace: str) -> dict[tuple[str, str], str]:
    """What is told of each object, with its pods and all Warnings."""
    events = pod_events(node.get("-n", namespace, "events")["items"])
    pods = [pod for pod in map(Live, node.get("-n", namespace, "pods")["items"]) if not pod.terminating]
    found = {}
    for live in map(
        Live, node.get("-n", namespace, "statefulsets,daemonsets,persistentvolumeclaims")["items"]
    ):
        mine = [pod for pod in pods if pod.owner_references[0]["uid"] == live.uid]
        health = health_of(live, mine, events, datetime.now(UTC))
        found[live.key.kind, live.key.name] = f"{health.health}: {health.message}"
    return found


def test_each_kind_is_reported_as_in_a_real_cluster_before_and_after_an_update(
    node: Node, namespace: str
) -> None:
    # Of objects without a request for memory the quota knows nothing.
    hard = {"hard": {"requests.memory": "1Mi"}, "scopes": ["NotBestEffort"]}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": hard}
    table = rows(namespace)
    for made in (a_volume(namespace), quota, *(row for row, _, _ in table)):
        node.kubectl("apply", "-n", namespace, "-f", "-", input=made)
    try:
        eventually_told(node, namespace, {key_of(row): before for row, before, _ in table})
        for kind in ("statefulsets", "daemonsets"):
            node.kubectl("set", "image", "-n", namespace, kind, "--all", "app=app:2")
        eventually_told(node, namespace, {key_of(row): after for row, _, after in table})
    finally:
        node.kubectl("delete", "pv", namespace, "--wait=false")


def key_of(manifest: dict[str, Any]) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def eventually_told(node: Node, namespace: str, expected: dict[tuple[str, str], str]) -> None:
    """Each object stands as expected, or as a text that begins so."""

    def wrong() -> dict[tuple[str, str], str]:
        found = told(node, namespace)
        return {
            key: found.get(key, "")
            for key, text in expected.items()
            if not found.get(key, "").startswith(text)
        }

    try:
        eventually(lambda: not wrong(), "each object is told", timeout=60, pause=1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {wrong()}") from None
