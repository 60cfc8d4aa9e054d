"""The Events about one preview and its children, newest last.

A Pod and a ReplicaSet are known by the name that their controllers give them. An event may quote what a
container was started with: it is shown without the values of the existing Deployment and pods, unless these
are names. One that is older than the last change of the Deployment, about pods that are gone, is shown
without its message.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.desire.children import KINDS
from reconcile.desire.children.setup_job import is_job_of_pod
from reconcile.kube.health.events import event_count, event_time
from reconcile.kube.live import Live
from reconcile.kube.objects import JOB, Manifest, key_of, map_in
from reconcile.kube.redact import redacted
from reconcile.model.names import KIND

MOST = 20
"""At most so many events are shown: the newest."""

# https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go
_GIVEN = "[bcdfghjklmnpqrstvwxz2456789]"
_LONGEST_BASE = 58
_RUNS = frozenset({"Deployment", "ReplicaSet", "Pod", "Job"})
# The messages of these have only names and images.
_PLAIN = frozenset(
    {"Created", "Killing", "Pulled", "Pulling", "ScalingReplicaSet", "Scheduled", "Started"}
    | {"SuccessfulCreate", "SuccessfulDelete"}
)
OLD = "(not shown: it may quote a spec that is no more)"


@dataclass(frozen=True)
class HistoryEvent:
    """One event: what it is about, how often it came, and when it came last ("" if that is not recorded)."""

    time: str
    kind: str
    name: str
    type: str
    reason: str
    message: str
    count: int = 1


@dataclass(frozen=True)
class EventHistory:
    """The newest events, newest last, and how many older ones are left out."""

    shown: tuple[HistoryEvent, ...] = ()
    older: int = 0


NO_EVENTS = EventHistory()


def event_history(
    events: Iterable[Manifest],
    namespace: str,
    name: str,
    *,
    pods: Sequence[Live] = (),
    manifests: Sequence[Manifest] = (),
    since: str = "",
) -> EventHistory:
    """Return the events about a preview. `manifests` are its children as they exist and as they are desired;
    `since` is when its Deployment was last changed."""
    known = {pod.uid: pod for pod in pods if pod.uid}
    values = (*manifests, *({"spec": {"template": pod.manifest}} for pod in pods))
    mine = (
        event
        for event in events
        if event["metadata"].get("namespace") == namespace and _is_about(_about(event), name, known)
    )
    jobs = {key_of(manifest).name for manifest in manifests if manifest["kind"] == JOB.kind}

    def is_current(event: Manifest) -> bool:
        """Whether a value that it may quote is among `values`."""
        about, time = _about(event), event_time(event)
        if job := _job_of(about, name):
            return job in jobs
        return str(about.get("uid")) in known or bool(since and time >= since)

    found = [_history_event(event, values, current=is_current(event)) for event in sorted(mine, key=_order)]
    return EventHistory(tuple(found[-MOST:]), max(0, len(found) - MOST))


def _order(event: Manifest) -> tuple[str, int, str]:
    """Sort by time, to the second, and then in the order of the writes."""
    version = str(event["metadata"].get("resourceVersion", ""))
    return event_time(event), int(version) if version.isdecimal() else 0, str(event["metadata"].get("name"))


def _about(event: Manifest) -> Mapping[str, Any]:
    return map_in(event.get("involvedObject"))


def _is_about(about: Mapping[str, Any], name: str, known: Mapping[str, Live]) -> bool:
    kind, called = str(about.get("kind")), str(about.get("name", ""))
    if kind == "ReplicaSet":
        return re.fullmatch(rf"{re.escape(name)}-{_GIVEN}+", called) is not None
    if kind == "Pod":
        return str(about.get("uid")) in known or _is_pod_of(called, name) or _is_pod_of_a_job(called, name)
    return called == name if kind == KIND else kind in KINDS and KINDS[kind].is_named(called, name)


def _is_pod_of(pod: str, name: str) -> bool:
    """The base of a generated name is cut: https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/storage/names/generate.go"""
    if len(name) + 1 >= _LONGEST_BASE - 12:  # then nothing is sure of the hash, and uids must tell
        return False
    return re.fullmatch(rf"{re.escape(name)}-{_GIVEN}+-{_GIVEN}{{5}}", pod) is not None


def _is_pod_of_a_job(pod: str, name: str) -> bool:
    job, _, given = pod.rpartition("-")
    return is_job_of_pod(job, name) and re.fullmatch(f"{_GIVEN}{{5}}", given) is not None


def _job_of(about: Mapping[str, Any], name: str) -> str:
    """Return the name of the Job that this is, or is a pod of; "" if it is neither."""
    kind, called = about.get("kind"), str(about.get("name", ""))
    is_pod = kind == "Pod" and _is_pod_of_a_job(called, name)
    return called if kind == JOB.kind else called.rpartition("-")[0] if is_pod else ""


def _history_event(event: Manifest, values: Sequence[Manifest], *, current: bool) -> HistoryEvent:
    about, time = _about(event), event_time(event)
    kind, message = str(about.get("kind", "")), " ".join(str(event.get("message") or "").split())
    runs, plain = kind in _RUNS, event.get("reason") in _PLAIN
    if message and runs and not plain and not current:
        message = OLD
    elif not (runs and plain):
        message = redacted(message, *values)
    return HistoryEvent(
        time,
        kind,
        str(about.get("name", "")),
        str(event.get("type") or ""),
        str(event.get("reason") or ""),
        message,
        event_count(event),
    )
