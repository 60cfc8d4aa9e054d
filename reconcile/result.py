"""What a run did, and the exit code that says so; data only."""

from dataclasses import dataclass

from reconcile.changes import Blocked, Outcome, Plan
from reconcile.errors import EXIT_DONE, EXIT_FAILED, EXIT_PENDING, EXIT_WITHHELD


@dataclass(frozen=True)
class Pass:
    """One plan, and what became of it."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a run did. `unknown` are bare NAMEs that nothing answers to, `absent` are names with a namespace
    under which there is nothing; `declined` tells that the question was answered no. `notes` are sentences
    about what came after the plans."""

    passes: tuple[Pass, ...]
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    declined: bool = False
    dry_run: bool = False
    stopped: bool = False
    notes: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        """The first plan: what the run was about."""
        return self.passes[0].plan

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple(outcome for one in self.passes for outcome in one.outcomes)

    @property
    def waiting_for_a_person(self) -> bool:
        blocked = any(isinstance(c, Blocked) for one in self.passes for c in one.plan.changes)
        return blocked or any(outcome.result == "blocked" for outcome in self.outcomes)


def exit_code(done: Run, *, pending_is_3: bool = False, allow_blocked: bool = False) -> int:
    """The exit code of a run that got as far as a plan: the first that holds of 4, 1, 3, 0."""
    failed = any(outcome.result in ("failed", "skipped") for outcome in done.outcomes)
    if any(one.plan.withheld for one in done.passes):
        return EXIT_WITHHELD
    if failed or done.unknown or (done.waiting_for_a_person and not allow_blocked):
        return EXIT_FAILED
    if done.declined or (done.dry_run and pending_is_3 and done.plan.writes):
        return EXIT_PENDING
    return EXIT_DONE
