"""How far a Job has come, by its own conditions and its pods'; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.pods import exit_of, failure_of
from reconcile.redact import redacted
from reconcile.snapshot import Live

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


def progress(job: Live, pods: Iterable[Live] = ()) -> Progress | None:
    """What a Job that is not complete is doing; None for one that is. `pods` where they were asked for."""
    if _is(job, COMPLETE):
        return None
    mine = [pod for pod in pods if pod.labels.get(JOB_NAME_LABEL) == job.key.name]
    if _is(job, FAILED):
        failed = job.condition(FAILED)
        told = f"{failed.get('reason')}: {failed.get('message', '')}"
        return Progress(True, exit_of(mine) or redacted(told, job.manifest))
    if waiting := failure_of(mine):
        return Progress(True, waiting)
    return Progress(False, "runs" + _failed_so_far(job, exit_of(mine)))


def _failed_so_far(job: Live, last: str) -> str:
    failed = job.status.get("failed")
    return f"; tries that failed so far: {failed}" + (f" ({last})" if last else "") if failed else ""


def _is(job: Live, type_: str) -> bool:
    return job.condition(type_).get("status") == "True"
