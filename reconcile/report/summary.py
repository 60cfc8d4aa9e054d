"""A run in a few numbers: for the log, the termination message of a pod, and metrics."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, get_args

from reconcile.model.names import REASONS
from reconcile.model.problems import first_of
from reconcile.plan.changes import NoDelete, Result, not_deleted
from reconcile.report.counts import WRITES, action_of, counts
from reconcile.report.safe import LONGEST_VALUE, cut, safe, safe_json
from reconcile.report.states import states
from reconcile.status.result import Run

ACTIONS = WRITES
RESULTS: tuple[Result, ...] = get_args(Result)
LONGEST_ERROR = 1000
MOST_SKIPPED = 8
"""So many kinds are named: a termination message has 4096 bytes."""


@dataclass(frozen=True)
class Summary:
    """One run. `seconds` is how long it took, `now` when it began by the API server's clock.

    `success`: it did all that it could. A preview that is blocked, refused, unreadable or rejected by the API
    server does not count against it; a write that failed, a delete that was skipped, a pass that could not
    begin, a plan that was declined and a signal do. `writes` are counted by action and result, `previews` by
    the reason of Ready, or by their state if none is known. `skipped` are kinds, or `Deletes`.
    """

    exit_code: int
    seconds: float
    success: bool
    now: datetime | None = None
    dry_run: bool = False
    planned: Mapping[str, int] = field(default_factory=dict)
    writes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    previews: Mapping[str, int] = field(default_factory=dict)
    deletes_skipped: int = 0
    skipped: tuple[str, ...] = ()
    error: str = ""

    @property
    def sentence(self) -> str:
        """Sum up the run, such as `exit code 0 after 1.2 s: 3 created, 0 updated, 1 deleted`."""
        head = f"exit code {self.exit_code} after {self.seconds:.1f} s"
        if self.error:
            return f"{head}: {self.error}"
        skipped = f"; skipped: {first_of(self.skipped, MOST_SKIPPED)}" if self.skipped else ""
        if self.dry_run:
            numbers = [f"{self.planned.get(name, 0)} to {name}" for name in ACTIONS]
        else:
            numbers = [f"{self.writes.get((name, 'done'), 0)} {name}d" for name in ACTIONS]
        return f"{head}: {', '.join(numbers)}{skipped}"

    @property
    def fields(self) -> dict[str, Any]:
        """The same as JSON has it, without the counts that are zero."""
        written = {
            action: {result: n for result in RESULTS if (n := self.writes.get((action, result)))}
            for action in ACTIONS
        }
        found = {
            "exit_code": self.exit_code,
            "success": self.success,
            "duration_seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "planned": {name: self.planned.get(name, 0) for name in ACTIONS},
            "writes": {action: results for action, results in written.items() if results},
            "previews": dict(sorted(self.previews.items())),
            "deletes_skipped": self.deletes_skipped,
        }
        if self.skipped:
            found["skipped"] = list(self.skipped[:MOST_SKIPPED])
        return {**found, **({"error": self.error} if self.error else {})}

    @property
    def json(self) -> str:
        """One line of ASCII, of less than 4096 bytes."""
        return safe_json(json.dumps(self.fields, ensure_ascii=True, separators=(",", ":")))


def summary_of(done: Run, exit_code: int, seconds: float) -> Summary:
    """Sum up a run that got as far as a plan."""
    compared = replace(done, settled=())  # the others' statuses are as they were
    return Summary(
        exit_code,
        seconds,
        success=did_all_it_could(done),
        now=done.now,
        dry_run=done.dry_run,
        planned={name: counts(done.plan)[name] for name in ACTIONS},
        writes=Counter((action_of(o.change), o.result) for o in done.outcomes),
        # A status that somebody else wrote may give any reason: no label and no message grows by it.
        previews=Counter(s.reason if s.reason in REASONS else s.state for s in states(compared))
        + Counter(one.reason for one in done.settled),
        deletes_skipped=len(
            {c.key for one in done.passes for c in one.plan.changes if not_deleted(c, NoDelete.SKIPPED)}
        ),
        skipped=tuple(dict.fromkeys(cut(entry.subject, LONGEST_VALUE) for entry in done.skipped)),
    )


def failure(exit_code: int, error: str, seconds: float) -> Summary:
    """Sum up a run that has no plan."""
    short = safe(error).encode("ascii", "backslashreplace").decode()[:LONGEST_ERROR]
    return Summary(exit_code, seconds, success=False, error=short)


def did_all_it_could(done: Run) -> bool:
    """Whether the run did its work; trouble of a single preview or namespace does not count against it."""
    skipped = any(not entry.partly for entry in done.skipped)
    return not (done.failed or done.cut_short or skipped or done.declined or done.stopped)
