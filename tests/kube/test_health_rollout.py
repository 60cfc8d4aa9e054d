"""How far a Deployment has come: every row of the table."""

from typing import Any

import pytest

from reconcile.kube.health.rollout import is_under_way, rollout, short_line
from reconcile.kube.live import Live
from tests.given import a_read_preview, children_of
from tests.kube.test_health_pod import NOW, condition, runs_again
from tests.kube.test_health_pods import NEW, OLD, RUNNING, a_pod, waiting

CRASH = a_pod(waiting("CrashLoopBackOff", exitCode=1))
AVAILABLE = "Current: its pods are available"
CRASHES = "Failed: CrashLoopBackOff: exit code 1"
UNSEEN = "InProgress: the Deployment controller has not seen this version yet"
TIMED_OUT = 'Failed: ProgressDeadlineExceeded: ReplicaSet "pr-1-a" has timed out.'
OLD_ONE = "; pods of the version before that are still there: 1"


def progressing(text: str, more: str = "") -> str:
    return f"InProgress: {text} pods are available{more}"


def told_of(deployment: Live, *given: Any, **more: Any) -> str:
    found = rollout(deployment, *given, **more)
    return f"{found.health}: {found.message}"


LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "pr-1-a" has timed out.')
QUOTA = condition(
    "ReplicaFailure", "True", "FailedCreate", 'pods "pr-1-a-x7k2p" is forbidden: exceeded quota: small'
)
POLICY = condition(
    "ReplicaFailure", "True", "FailedCreate", 'pods "pr-1-b" is forbidden: policy says no to value hunter22!'
)


def a_deployment(
    total: int = 0,
    updated: int = 0,
    available: int = 0,
    *conditions: dict[str, str],
    wanted: int | None = 2,
    seen: int = 3,
) -> Live:
    """One of generation 3."""
    preview = a_read_preview(env=[{"name": "A", "value": "hunter22!"}], replicas=wanted)
    manifest = children_of(preview)["Deployment"]
    status: dict[str, Any] = {"observedGeneration": seen, "conditions": list(conditions)}
    counts = {"replicas": total, "updatedReplicas": updated, "availableReplicas": available}
    status |= {name: count for name, count in counts.items() if count}
    metadata = {**manifest["metadata"], "generation": 3}
    return Live({**manifest, "metadata": metadata, "status": status})


@pytest.mark.parametrize(
    ("deployment", "told", "asks"),
    [
        (a_deployment(2, 2, 2), AVAILABLE, False),
        (a_deployment(1, 1, 1, wanted=None), AVAILABLE, False),
        (a_deployment(2, 2, 2, seen=2), UNSEEN, False),
        (a_deployment(seen=2), UNSEEN, False),
        (a_deployment(2, 0, 2), progressing("0 of 2"), False),  # both are of the version before
        (a_deployment(3, 2, 3), CRASHES, True),
        (a_deployment(2, 1, 1), CRASHES, True),
        (a_deployment(2, 2, 1), CRASHES, True),
        (a_deployment(2, 2, 2, LATE, QUOTA), AVAILABLE, False),
        (a_deployment(0, 0, 0), progressing("0 of 2"), False),
        (a_deployment(0, 0, 0, QUOTA, LATE), "Failed: FailedCreate: exceeded quota: small", False),
        (a_deployment(0, 0, 0, POLICY), "Failed: FailedCreate: policy says no to value (not shown)", False),
        (a_deployment(0, 0, 0, {**QUOTA, "status": "False"}), progressing("0 of 2"), False),
        (a_deployment(2, 0, 2, LATE), TIMED_OUT, False),
        (a_deployment(2, 2, 0, LATE, QUOTA), CRASHES, True),
        (a_deployment(wanted=0), "Suspended: scaled to zero (replicas is 0)", False),
    ],
)
def test_a_deployment_reports_its_progress(deployment: Live, told: str, asks: bool) -> None:
    assert told_of(deployment, [CRASH]) == told
    assert is_under_way(deployment) is asks


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        (a_deployment(3, 2, 3), progressing("2 of 2", OLD_ONE)),
        (a_deployment(2, 2, 1), progressing("1 of 2")),
        (a_deployment(3, 1, 2), progressing("0 of 2")),
        (a_deployment(3, 1, 3), progressing("1 of 2")),
        (a_deployment(2, 2, 0, LATE), TIMED_OUT),
    ],
)
def test_without_its_pods_its_counts_and_conditions_are_shown(deployment: Live, told: str) -> None:
    assert told_of(deployment) == told


def newest_of(deployment: Live, *pods: Live) -> list[Live]:
    """The pods with the mark of the Deployment's template."""
    marks = deployment.spec["template"]["metadata"]["annotations"]
    return [Live({**pod.manifest, "metadata": {**pod.metadata, "annotations": dict(marks)}}) for pod in pods]


READY = {"type": "Ready", "status": "True"}
ENDED = {"name": "app", "restartCount": 0, "state": {"terminated": {"exitCode": 3}}}


def test_the_pods_of_the_version_before_never_stand_for_those_of_the_new_one() -> None:
    deployment = a_deployment(2, 1, 1, wanted=1)
    old = a_pod(template="1", conditions=(READY,))
    (new,) = newest_of(deployment, a_pod(RUNNING, name="pr-1-b", template="2"))
    assert told_of(deployment, [old, new]) == progressing("0 of 1")
    assert told_of(deployment) == progressing("0 of 1"), "also where its pods may not be listed"


def test_after_a_way_back_the_pods_that_crashed_are_those_of_the_version_before() -> None:
    deployment = a_deployment(2, 1, 1, wanted=1)
    (back,) = newest_of(deployment, a_pod(template="1", created=OLD, conditions=(READY,)))
    crashed = a_pod(waiting("CrashLoopBackOff", exitCode=1), name="pr-1-b", template="2", created=NEW)
    assert told_of(deployment, [back, crashed]) == progressing("1 of 1", OLD_ONE)


def test_what_crashed_twice_and_is_ready_for_a_moment_is_not_available() -> None:
    deployment = a_deployment(1, 1, 1, wanted=1)
    ready = a_pod(runs_again(3, 2, ready=True), conditions=(READY,))
    assert told_of(deployment, [ready], now=NOW) == "Failed: CrashLoopBackOff: exit code 3"
    later = a_pod(runs_again(3, 2, since=60, ready=True), conditions=(READY,))
    assert told_of(deployment, [later], now=NOW) == AVAILABLE


def paused(deployment: Live) -> Live:
    return Live({**deployment.manifest, "spec": {**deployment.spec, "paused": True}})


def test_a_paused_rollout_is_reported_with_how_to_resume() -> None:
    resume = "InProgress: its rollout is paused; kubectl rollout resume deployment/pr-1 -n shop"
    assert told_of(paused(a_deployment(2, 0, 2))) == resume
    assert told_of(paused(a_deployment(2, 2, 2))) == AVAILABLE
    begun = paused(a_deployment(3, 1, 2))
    pods = newest_of(begun, a_pod(ENDED))
    assert told_of(begun, pods) == f"{resume} (container app ended: exit code 3)"


def test_over_its_deadline_a_deployment_shows_what_its_pods_do() -> None:
    deployment = a_deployment(1, 1, 0, LATE, wanted=1)
    pods = newest_of(deployment, a_pod(ENDED))
    late = "Failed: ProgressDeadlineExceeded: container app ended: exit code 3"
    assert told_of(deployment, pods) == late


def test_a_deployment_that_was_just_made_has_not_been_seen() -> None:
    manifest = children_of(a_read_preview())["Deployment"]
    assert told_of(Live({**manifest, "metadata": {**manifest["metadata"], "generation": 1}})) == UNSEEN


def test_a_message_is_one_line_and_not_too_long() -> None:
    assert short_line("a\n  b\tc ") == "a b c"
    assert short_line("x" * 501) == "x" * 499 + "…"
    assert short_line("x" * 500) == "x" * 500
