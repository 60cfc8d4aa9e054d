"""What a run did, and the exit code that says so; data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reconcile.errors import EXIT_DONE, EXIT_FAILED, EXIT_PENDING, EXIT_SKIPPED
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.snapshot import Preview, Settled
from reconcile.model.status import Status
from reconcile.plan.changes import Blocked, Outcome, Plan, Skipped


@dataclass(frozen=True)
class Pass:
    """One plan, and what became of it."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()


# Reasons that no status has: only a wait knows them.
TERMINATING = "Terminating"
GONE = "Gone"
PROBE_FAILED = "ProbeFailed"

FOR_A_PERSON = ("blocked", "rejected")
"""What becomes of a write that only its author, or whoever has set a policy or a quota, can change."""

StandingState = Literal["ready", "suspended", "failed", "waiting"]


@dataclass(frozen=True)
class Standing:
    """How a preview stands that is waited for.

    ready      it is Ready, and answered where it was probed
    suspended  no pods are wanted, which is as good
    failed     it cannot become ready, or nobody can tell: waiting on is no use
    waiting    not yet; when the wait is over, not in time

    `reason` is one word, mostly that of the status, and `message` a sentence; `url` is "" where no route of
    its own has the hostname. `for_a_person` tells of a failure that `--allow-blocked` is about.
    """

    namespace: str
    name: str
    state: StandingState
    reason: str = ""
    message: str = ""
    url: str = ""
    for_a_person: bool = False

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def satisfied(self) -> bool:
        return self.state in ("ready", "suspended")


@dataclass(frozen=True)
class Run:
    """What a run did. `unknown` are bare NAMEs that nothing answers to, `absent` are names with a namespace
    under which there is nothing; `declined` tells that the confirmation was declined.

    `previews` are those of the scope, as the last pass read them, sorted by namespace and name, but for the
    `settled` ones, which are of the API group `group`; `now` is when
    the first did (None where the cluster tells no time), `url_scheme` is that of their links ("" where they
    get no route). `statuses` are what the run's end found of each preview, by `NAMESPACE/NAME`; nothing in a
    dry run and in a folder. `waited` are the previews that were waited for, in the same order, and how they
    stood at the end. `notes` are sentences about what came after the plans.
    `cut_short` tells that something waited for this run, and the pass for it could not begin."""

    passes: tuple[Pass, ...]
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    declined: bool = False
    dry_run: bool = False
    stopped: bool = False
    previews: tuple[Preview, ...] = ()
    settled: tuple[Settled, ...] = ()
    group: str = DEFAULT_GROUP
    now: datetime | None = None
    url_scheme: str = "https"
    statuses: Mapping[str, Status] = field(default_factory=dict)
    waited: tuple[Standing, ...] = ()
    notes: tuple[str, ...] = ()
    cut_short: bool = False

    @property
    def plan(self) -> Plan:
        """The first plan: what the run was about."""
        return self.passes[0].plan

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple(outcome for one in self.passes for outcome in one.outcomes)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What no pass did, each once."""
        return tuple(dict.fromkeys(entry for one in self.passes for entry in one.plan.skipped))

    @property
    def waiting_for_a_person(self) -> bool:
        blocked = any(isinstance(c, Blocked) for one in self.passes for c in one.plan.changes)
        return blocked or any(outcome.result in FOR_A_PERSON for outcome in self.outcomes)

    @property
    def failed(self) -> bool:
        """Whether a write did not work for a reason that is the run's and not one preview's.

        What was skipped behind a child that waits for a person waits for that person too.
        """
        waiting = {one.change.preview for one in self.outcomes if one.result in FOR_A_PERSON}
        return any(
            one.result == "failed" or (one.result == "skipped" and one.change.preview not in waiting)
            for one in self.outcomes
        )


def exit_code(
    done: Run, *, pending_is_3: bool = False, allow_blocked: bool = False, waits: bool = False
) -> int:
    """The exit code of a run that got as far as a plan: the first that holds of 4, 1, 3, 0.

    A name under which there is nothing is as it should be after a close; who waits for it waits in vain.
    """
    if done.skipped:
        return EXIT_SKIPPED
    if done.failed or done.cut_short or done.unknown or (done.waiting_for_a_person and not allow_blocked):
        return EXIT_FAILED
    if waits and done.absent:
        return EXIT_FAILED
    if not all(one.satisfied or (one.for_a_person and allow_blocked) for one in done.waited):
        return EXIT_FAILED
    if done.declined or (done.dry_run and pending_is_3 and done.plan.writes):
        return EXIT_PENDING
    return EXIT_DONE
