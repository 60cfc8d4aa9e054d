"""How far an object of any kind has come, by its own word and its pods'; pure.

The first row that holds, after that of an object that is being deleted (InProgress). What is not here is
Current as soon as it exists: a PodDisruptionBudget or an autoscaler may never be what kstatus calls Current.

    the object                                               health      message

    a Deployment                                             that of `rollout`

    a StatefulSet or a DaemonSet: replicas is 0              Suspended   that
    ... its controller has not seen this generation          InProgress  that
    ... a pod does not become ready by itself                Failed      N of M pods, what it shows (`pod`)
    ... all pods are ready, and new if they are to be        Current
    ... without pods: a Warning FailedCreate                 Failed      N of M pods, a quota or a policy
    ... anything else                                        InProgress  N of M pods, and why

    a PersistentVolumeClaim: phase Bound, Lost               Current, Failed
    ... any other phase                                      InProgress  that, a Warning ProvisioningFailed

    a custom resource: it says that it is of an older        InProgress  that
    generation
    ... the first of `CONDITIONS` that it has is True        Current
    ... that one is False or Unknown                         InProgress  its reason and message
    ... it has none of them                                  Current

Of a StatefulSet each pod counts, also one of the version before: while such a pod is not ready, none is
replaced (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback). With a
partition or `OnDelete` old pods stay, and its `currentRevision` never becomes its `updateRevision`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconcile.kube.health.events import LONGEST, PodEvent
from reconcile.kube.health.pod import is_ready, trouble_of, warning_about
from reconcile.kube.health.pods import age_and_name
from reconcile.kube.health.rollout import Rollout, rollout, short_line
from reconcile.kube.live import Live
from reconcile.kube.objects import is_custom, is_custom_kind, map_in
from reconcile.kube.redact import redacted

CONDITIONS = ("Ready", "Accepted", "Available")
"""Those of custom resources that say whether one is of use."""


def has_health(full_kind: str) -> bool:
    """Whether more than its existence tells how an object stands.

    A kind of others has its group: `StatefulSet`, `Certificate.cert-manager.io`.
    """
    return full_kind in _HEALTH or is_custom_kind(full_kind)


def health_of(
    live: Live, pods: Iterable[Live] = (), events: Sequence[PodEvent] = (), now: datetime | None = None
) -> Rollout:
    """How far an object has come; `pods` are its own, `events` about them and about it, if they were read."""
    if live.terminating:
        return Rollout("InProgress", "is being deleted")
    if is_custom(live.manifest):
        return _custom_resource(live)
    of_kind = _HEALTH.get(live.key.kind)
    return of_kind(live, pods, events, now) if of_kind else Rollout("Current", "exists")


def _workload(live: Live, pods: Iterable[Live], events: Sequence[PodEvent], now: datetime | None) -> Rollout:
    if live.spec.get("replicas") == 0:
        return Rollout("Suspended", "scaled to zero (replicas is 0)")
    if not _is_seen(live, _count(live.status, "observedGeneration")):
        return _unseen(f"the {live.key.kind} controller")
    wanted, ready = _wanted_and_ready(live)
    mine = sorted(pods, key=age_and_name)
    # As of a Deployment: what crashes again and again may be ready in between.
    trouble = trouble_of((pod for pod in mine if is_ready(pod) or ready < wanted), events, now)
    failed = trouble is not None and trouble.failed
    if ready >= wanted and not failed:
        return Rollout("Current", "its pods are ready")
    refused = "" if mine else warning_about(live, events, "FailedCreate")
    message = _because(f"{ready} of {wanted} pods are ready", trouble.message if trouble else refused)
    return Rollout("Failed" if failed or refused else "InProgress", message)


def _wanted_and_ready(live: Live) -> tuple[int, int]:
    """How many pods there are to be, and how many are ready, and new where they have to be."""
    spec, status = live.spec, live.status
    strategy = map_in(spec.get("updateStrategy"))
    if live.key.kind == "DaemonSet":
        wanted = _count(status, "desiredNumberScheduled")
        ready, new = _count(status, "numberAvailable"), _count(status, "updatedNumberScheduled")
    else:
        wanted = _count(spec, "replicas", 1)
        ready, new = _count(status, "readyReplicas"), _count(status, "updatedReplicas")
    on_delete = strategy.get("type") == "OnDelete"  # people replace its pods
    may_be_old = wanted if on_delete else _count(map_in(strategy.get("rollingUpdate")), "partition")
    return wanted, min(ready, new + may_be_old, wanted)


def _claim(live: Live, pods: Iterable[Live], events: Sequence[PodEvent], now: datetime | None) -> Rollout:
    match live.status.get("phase"):
        case "Bound":
            return Rollout("Current", "is bound")
        case "Lost":
            return Rollout("Failed", "has lost its volume")
    return Rollout(
        "InProgress", _because("is not bound yet", warning_about(live, events, "ProvisioningFailed"))
    )


def _custom_resource(live: Live) -> Rollout:
    """By the conventions for conditions:
    https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
    """
    type_ = next((type_ for type_ in CONDITIONS if live.condition(type_)), "")
    condition = live.condition(type_)
    if not _is_seen(live, condition.get("observedGeneration", live.status.get("observedGeneration"))):
        return _unseen("its controller")
    if not condition:
        return Rollout("Current", "exists")
    if condition.get("status") == "True":
        return Rollout("Current", f"is {type_.lower()}")
    told = (str(condition.get(name) or "")[:LONGEST] for name in ("reason", "message"))
    why = redacted(": ".join(filter(None, told)), live.manifest)
    return Rollout("InProgress", _because(f"is not {type_.lower()} yet", why))


_HEALTH: Mapping[str, Callable[[Live, Iterable[Live], Sequence[PodEvent], datetime | None], Rollout]] = {
    "Deployment": rollout,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "PersistentVolumeClaim": _claim,
}


def _is_seen(live: Live, generation: Any) -> bool:
    """Whether what its controller saw last is what it is now; also where nothing tells."""
    now = live.metadata.get("generation")
    return not (isinstance(generation, int) and isinstance(now, int)) or generation >= now


def _unseen(controller: str) -> Rollout:
    return Rollout("InProgress", f"{controller} has not seen this version yet")


def _because(what: str, why: str) -> str:
    return short_line(f"{what}: {why}" if why else what)


def _count(values: Mapping[str, Any], name: str, default: int = 0) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else default
