"""How far a Deployment has come: every row of the table."""

from typing import Any

import pytest

from reconcile.rollout import Rollout, is_under_way, rollout, short_line
from reconcile.snapshot import Live
from tests.unit.given import a_read_preview, children_of
from tests.unit.test_pods import a_pod, waiting

CRASH = a_pod(waiting("CrashLoopBackOff", exitCode=1))
AVAILABLE = Rollout("Available", "its pods are available")
CRASHES = Rollout("RolloutFailed", "CrashLoopBackOff: exit code 1")
UNSEEN = Rollout("Progressing", "the Deployment controller has not seen this version yet")


def progressing(text: str) -> Rollout:
    return Rollout("Progressing", f"{text} pods are available")


def condition(type_: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


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
        (a_deployment(2, 0, 2), progressing("0 of 2"), False),
        (a_deployment(3, 2, 3), CRASHES, True),
        (a_deployment(2, 1, 1), CRASHES, True),
        (a_deployment(2, 2, 1), CRASHES, True),
        (a_deployment(2, 2, 2, LATE, QUOTA), AVAILABLE, False),
        (a_deployment(0, 0, 0), progressing("0 of 2"), False),
        (
            a_deployment(0, 0, 0, QUOTA, LATE),
            Rollout("RolloutFailed", "FailedCreate: exceeded quota: small"),
            False,
        ),
        (
            a_deployment(0, 0, 0, POLICY),
            Rollout("RolloutFailed", "FailedCreate: policy says no to value (not shown)"),
            False,
        ),
        (
            a_deployment(0, 0, 0, {**QUOTA, "status": "False"}),
            progressing("0 of 2"),
            False,
        ),
        (
            a_deployment(2, 0, 2, LATE),
            Rollout("RolloutFailed", 'ProgressDeadlineExceeded: ReplicaSet "pr-1-a" has timed out.'),
            False,
        ),
        (a_deployment(2, 2, 0, LATE, QUOTA), CRASHES, True),
        (a_deployment(wanted=0), Rollout("Suspended", "no pods are wanted: replicas is 0"), False),
    ],
)
def test_a_deployment_says_how_far_it_is(deployment: Live, told: Rollout, asks: bool) -> None:
    assert rollout(deployment, [CRASH]) == told
    assert is_under_way(deployment) is asks


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        (a_deployment(3, 2, 3), progressing("2 of 2")),
        (a_deployment(2, 2, 1), progressing("1 of 2")),
        (a_deployment(3, 1, 2), progressing("1 of 2")),
        (
            a_deployment(2, 2, 0, LATE),
            Rollout("RolloutFailed", 'ProgressDeadlineExceeded: ReplicaSet "pr-1-a" has timed out.'),
        ),
    ],
)
def test_without_a_word_of_its_pods_its_counts_and_conditions_tell(deployment: Live, told: Rollout) -> None:
    assert rollout(deployment) == told


def test_a_deployment_that_was_just_made_has_not_been_seen() -> None:
    manifest = children_of(a_read_preview())["Deployment"]
    assert rollout(Live({**manifest, "metadata": {**manifest["metadata"], "generation": 1}})) == UNSEEN


def test_a_message_is_one_line_and_not_too_long() -> None:
    assert short_line("a\n  b\tc ") == "a b c"
    assert short_line("x" * 501) == "x" * 499 + "…"
    assert short_line("x" * 500) == "x" * 500
