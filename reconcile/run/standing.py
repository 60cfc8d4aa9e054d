"""Whether a preview that is waited for is ready, or cannot become so; pure.

Available                                   ready
Suspended, Asleep                           suspended
its children could not be read              failed, at once
Terminating, Invalid, Expired, Refused,     failed, at once
NameTaken, HostnameConflict, ApplyFailed,
SetupFailed where its Job has ended,
RouteNotAccepted where its kind of route is
not installed
RolloutFailed, SetupFailed where its pods   failed, once that was seen for `patience` seconds
do not come up, RouteNotAccepted where its
parent refused it
Progressing, anything else, no word         waiting
"""

from reconcile.kube.health.job import is_finished
from reconcile.kube.health.pod import UNSCHEDULABLE
from reconcile.model.names import (
    APPLY_FAILED,
    ASLEEP,
    HOSTNAME_CONFLICT,
    INVALID,
    NAME_TAKEN,
    REFUSED,
    ROLLOUT_FAILED,
    ROUTE_NOT_ACCEPTED,
    SETUP_FAILED,
    SUSPENDED,
    UNREAD,
)
from reconcile.model.status import Status
from reconcile.status.facts import Facts
from reconcile.status.result import FOR_A_PERSON, TERMINATING, Standing, StandingState

PATIENCE = 10.0
"""Seconds from the first look at a failure to the one that counts. An application that crashed once because
its database came later, a registry that hiccupped, and what a Deployment still says of an older template
pass in that time."""

PATIENCE_FOR_A_NODE = 120.0
"""Seconds for a pod that fits nowhere: an autoscaler may bring the node."""

_FOR_A_PERSON = frozenset({INVALID, REFUSED, NAME_TAKEN, HOSTNAME_CONFLICT})


def standing(facts: Facts, status: Status | None) -> Standing:
    """How a preview stands by what its status says; None where there was nothing to say, or no time."""
    preview = facts.desired.preview
    if facts.unread:
        return Standing(
            preview.namespace, preview.name, "failed", UNREAD, "its children could not all be read"
        )
    if facts.desired.reason == "Terminating":
        return Standing(preview.namespace, preview.name, "failed", TERMINATING, "it is being deleted")
    if status is None:
        return Standing(preview.namespace, preview.name, "waiting", "", "its state is unknown")
    rejected = any(outcome.result in FOR_A_PERSON for outcome in facts.outcomes)
    return Standing(
        preview.namespace,
        preview.name,
        _state(status),
        status.reason,
        status.message,
        status.url,
        for_a_person=bool(facts.blocks) or rejected or status.reason in _FOR_A_PERSON,
    )


def _state(status: Status) -> StandingState:
    if status.ready:
        return "ready"
    if status.reason in (SUSPENDED, ASLEEP):
        return "suspended"
    return "failed" if status.stalled or status.reason == APPLY_FAILED else "waiting"


def patience(facts: Facts, found: Standing) -> float:
    """For how many seconds a failure must have been seen before it counts; 0.0 for at once."""
    ended = facts.setup is None or is_finished(facts.setup)  # one that is not there was recorded as Failed
    may_pass = {ROLLOUT_FAILED, ROUTE_NOT_ACCEPTED} | (set() if ended else {SETUP_FAILED})
    if facts.blocks or found.reason not in may_pass:
        return 0.0
    return PATIENCE_FOR_A_NODE if f"{UNSCHEDULABLE}:" in found.message else PATIENCE
