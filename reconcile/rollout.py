"""How far a Deployment has come, by its own word and its pods'; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.names import AVAILABLE, PROGRESSING, ROLLOUT_FAILED, SUSPENDED
from reconcile.pods import failure_of
from reconcile.redact import redacted
from reconcile.snapshot import Live

LONGEST_MESSAGE = 500
# A pod that was refused gets another name at each try.
_REFUSED_POD = re.compile(r'pods "[^"]*" is forbidden: ')


@dataclass(frozen=True)
class Rollout:
    """Available, Progressing, RolloutFailed or Suspended (no pods are wanted), and why."""

    reason: str
    message: str


def is_under_way(deployment: Live) -> bool:
    """Whether only the pods can tell more: some of the newest template are there, and not all available."""
    status, wanted = deployment.status, _wanted(deployment)
    updated = _count(status, "updatedReplicas")
    return updated > 0 and _is_current(deployment, status) and not _is_complete(status, wanted)


def rollout(deployment: Live, pods: Iterable[Live] = ()) -> Rollout:
    """What a Deployment is doing; `pods` are its own, where they were asked for.

    Its conditions count only once its controller has seen the current generation:
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
    """
    status, wanted = deployment.status, _wanted(deployment)
    if wanted == 0:
        return Rollout(SUSPENDED, "no pods are wanted: replicas is 0")
    if not _is_current(deployment, status):
        return Rollout(PROGRESSING, "the Deployment controller has not seen this version yet")
    if _is_complete(status, wanted):
        return Rollout(AVAILABLE, "its pods are available")
    failure = failure_of(pods) if is_under_way(deployment) else ""
    if failure := failure or _refused(deployment) or _too_late(deployment):
        return Rollout(ROLLOUT_FAILED, short_line(failure))
    there = min(_count(status, "updatedReplicas"), _count(status, "availableReplicas"))
    return Rollout(PROGRESSING, f"{there} of {wanted} pods are available")


def _is_current(deployment: Live, status: Mapping[str, Any]) -> bool:
    generation = deployment.metadata.get("generation", 0)
    return bool(_count(status, "observedGeneration") >= generation)


def _is_complete(status: Mapping[str, Any], wanted: int) -> bool:
    updated = _count(status, "updatedReplicas")
    nothing_old = _count(status, "replicas") <= updated
    return updated >= wanted and nothing_old and _count(status, "availableReplicas") >= wanted


def _refused(deployment: Live) -> str:
    """Why no pod can be made: a quota, or an admission that says no."""
    condition = deployment.condition("ReplicaFailure")
    if condition.get("status") != "True":
        return ""
    message = _REFUSED_POD.sub("", str(condition.get("message", "")))
    return redacted(f"{condition.get('reason')}: {message}", deployment.manifest)


def _too_late(deployment: Live) -> str:
    condition = deployment.condition("Progressing")
    late = (condition.get("status"), condition.get("reason")) == ("False", "ProgressDeadlineExceeded")
    return f"ProgressDeadlineExceeded: {condition.get('message', '')}" if late else ""


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
