"""How far a Job has come, by its own conditions and its pods'; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.pod import has_ended, trouble_of, warning_about
from reconcile.kube.health.pods import age_and_name, exit_of
from reconcile.kube.live import Live
from reconcile.kube.redact import redacted

# On a Job's pods: https://kubernetes.io/docs/reference/labels-annotations-taints/#batch-kubernetes-io-job-name
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
COMPLETE, FAILED = "Complete", "Failed"


@dataclass(frozen=True)
class Progress:
    """Whether a Job failed, or is not over yet, and why; one that cannot come to its end counts as failed."""

    failed: bool
    message: str


def is_finished(job: Live) -> bool:
    """Whether it has ended, well or not: nothing of it runs any more, or will.

    https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
    """
    return _is(job, COMPLETE) or _is(job, FAILED)


def progress(job: Live, pods: Iterable[Live] = (), events: Sequence[PodEvent] = ()) -> Progress | None:
    """What a Job that is not complete is doing; None for one that is.

    `pods`, and `events` about them and about the Job, where they were asked for. No condition of a Job says
    that its pods are refused (a quota, a policy): only its Events do.
    """
    if _is(job, COMPLETE):
        return None
    mine = sorted(_pods_of(job, pods), key=age_and_name)
    if _is(job, FAILED):
        failed = job.condition(FAILED)
        message = f"{failed.get('reason')}: {failed.get('message', '')}"
        return Progress(True, exit_of(mine) or redacted(message, job.manifest))
    if job.spec.get("suspend") is True:
        return Progress(False, "is suspended (spec.suspend), as a queue does until there is room")
    if not mine and (refused := warning_about(job, events, "FailedCreate")):
        return Progress(True, refused)
    trouble = trouble_of((pod for pod in mine if not has_ended(pod)), events)
    if trouble and trouble.failed:
        return Progress(True, trouble.message)
    runs = f"is starting: {trouble.message}" if trouble else "runs"
    return Progress(False, runs + _failed_so_far(job, exit_of(mine)))


def lacks_pods(job: Live, pods: Iterable[Live]) -> bool:
    """Whether a Job that is under way has no pods, so that only Events may say why."""
    return not is_finished(job) and job.spec.get("suspend") is not True and not list(_pods_of(job, pods))


def _pods_of(job: Live, pods: Iterable[Live]) -> Iterable[Live]:
    return (pod for pod in pods if pod.labels.get(JOB_NAME_LABEL) == job.key.name)


def _failed_so_far(job: Live, last: str) -> str:
    failed = job.status.get("failed")
    return f"; tries that failed so far: {failed}" + (f" ({last})" if last else "") if failed else ""


def _is(job: Live, type_: str) -> bool:
    return job.condition(type_).get("status") == "True"
