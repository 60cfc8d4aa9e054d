"""How far a Deployment has come, by its own word and its newest pods'; pure.

The first row that holds:

    the Deployment                                       health      message

    wants no pods                                        Suspended   replicas is 0
    is of a generation that its controller has not seen  InProgress  that
    has a pod that does not become ready by itself       Failed      what that pod shows (`pod`)
    has all pods of the newest template available        Current
    cannot make pods: condition ReplicaFailure           Failed      FailedCreate: a quota, a policy
    is paused                                            InProgress  that, and how to resume it
    is over its deadline: condition Progressing           Failed      ProgressDeadlineExceeded, a pod
    has ready pods, and older ones are still there       InProgress  how many
    anything else                                        InProgress  N of M pods are available, and why
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.pod import is_ready, refusal, trouble_of
from reconcile.kube.health.pods import newest
from reconcile.kube.live import Live
from reconcile.kube.objects import map_in
from reconcile.kube.redact import redacted

LONGEST_MESSAGE = 500


# The words of kstatus, and Argo CD's for what is scaled down on purpose:
# https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
Health = Literal["Current", "InProgress", "Failed", "Suspended"]


@dataclass(frozen=True)
class Rollout:
    """How it is, and why; Suspended where no pods are wanted."""

    health: Health
    message: str


def is_under_way(deployment: Live) -> bool:
    """Whether only the pods can tell more: some of the newest template are there, and not all available."""
    status, wanted = deployment.status, _wanted(deployment)
    updated = _count(status, "updatedReplicas")
    return updated > 0 and _is_current(deployment, status) and not _is_complete(status, wanted)


def newest_pods(deployment: Live, pods: Iterable[Live]) -> list[Live]:
    """Those of the Deployment's pods that have its newest template, the oldest first."""
    template = map_in(map_in(deployment.spec.get("template")).get("metadata"))
    return newest(pods, map_in(template.get("annotations")))


def rollout(
    deployment: Live,
    pods: Iterable[Live] = (),
    events: Sequence[PodEvent] = (),
    now: datetime | None = None,
) -> Rollout:
    """What a Deployment is doing; `pods` are its own, and `events` about them, where they were asked for.

    Its conditions count only once its controller has seen the current generation:
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
    """
    status, wanted = deployment.status, _wanted(deployment)
    if wanted == 0:
        return Rollout("Suspended", "scaled to zero (replicas is 0)")
    if not _is_current(deployment, status):
        return Rollout("InProgress", "the Deployment controller has not seen this version yet")
    complete = _is_complete(status, wanted)
    mine = newest_pods(deployment, pods) if _count(status, "updatedReplicas") else []
    # What crashes again and again may be ready in between: of a complete Deployment only such pods are heard.
    trouble = trouble_of((pod for pod in mine if is_ready(pod) or not complete), events, now)
    if trouble and trouble.failed:
        return Rollout("Failed", short_line(trouble.message))
    if complete:
        return Rollout("Current", "its pods are available")
    if refused := _refused(deployment):
        return Rollout("Failed", short_line(refused))
    why = trouble.message if trouble else ""
    if deployment.spec.get("paused") is True:
        key = deployment.key
        resume = f"kubectl rollout resume deployment/{key.name} -n {key.namespace}"
        return Rollout(
            "InProgress", short_line(f"its rollout is paused; {resume}" + (f" ({why})" if why else ""))
        )
    if late := _too_late(deployment):
        return Rollout("Failed", short_line(f"ProgressDeadlineExceeded: {why or late}"))
    return Rollout("InProgress", short_line(_on_the_way(status, wanted, mine, why)))


def _on_the_way(status: Mapping[str, Any], wanted: int, mine: Sequence[Live], why: str) -> str:
    updated, old = _count(status, "updatedReplicas"), _old(status)
    ready = (
        sum(map(is_ready, mine)) if mine else min(updated, max(0, _count(status, "availableReplicas") - old))
    )
    if ready >= wanted and old and not why:
        return (
            f"{ready} of {wanted} pods are available; pods of the version before that are still there: {old}"
        )
    return f"{ready} of {wanted} pods are available" + (f": {why}" if why else "")


def _is_current(deployment: Live, status: Mapping[str, Any]) -> bool:
    generation = deployment.metadata.get("generation", 0)
    return bool(_count(status, "observedGeneration") >= generation)


def _is_complete(status: Mapping[str, Any], wanted: int) -> bool:
    enough = min(_count(status, "updatedReplicas"), _count(status, "availableReplicas")) >= wanted
    return enough and not _old(status)


def _old(status: Mapping[str, Any]) -> int:
    """How many pods have an older template."""
    return max(0, _count(status, "replicas") - _count(status, "updatedReplicas"))


def _refused(deployment: Live) -> str:
    """Why no pod can be made: a quota, or an admission that says no."""
    condition = deployment.condition("ReplicaFailure")
    if condition.get("status") != "True":
        return ""
    message = f"{condition.get('reason')}: {refusal(str(condition.get('message', '')))}"
    return redacted(message, deployment.manifest)


def _too_late(deployment: Live) -> str:
    condition = deployment.condition("Progressing")
    late = (condition.get("status"), condition.get("reason")) == ("False", "ProgressDeadlineExceeded")
    return str(condition.get("message") or "no progress in time") if late else ""


def _wanted(deployment: Live) -> int:
    wanted = deployment.spec.get("replicas")
    return wanted if isinstance(wanted, int) else 1


def _count(status: Mapping[str, Any], name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) else 0


def short_line(text: str) -> str:
    """A message on one line, and not longer than people read."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
