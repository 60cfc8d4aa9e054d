"""The state of each preview of a run: what this run planned, did and found, else what its status reports.

Failed       a write of this run did not work
Blocked      needs action: unreadable, refused, or its name or hostname is taken
Terminating  it is being deleted
Pending      a dry run would change something, or the confirmation was declined
Changed      this run wrote; whether it works is not known yet
Ready        Ready is True for the spec as it is
NotReady     Ready is False, or the wait for it has failed
Unknown      no status reports it
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reconcile.kube.objects import conditions_in
from reconcile.model.names import APPLY_FAILED, ASLEEP, EXPIRED, NAME_TAKEN, PROGRESSING, READY, SUSPENDED
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Preview
from reconcile.model.status import Status
from reconcile.plan.changes import Delete, Outcome, Write
from reconcile.status.result import GONE, Run, Standing

StateName = Literal["Failed", "Blocked", "NotReady", "Terminating", "Pending", "Changed", "Unknown", "Ready"]
"""What needs action comes first."""

_WORST_FIRST: tuple[StateName, ...] = get_args(StateName)
_WORDS = {"NotReady": "Not ready", "Pending": "Changes pending"}


@dataclass(frozen=True)
class State:
    """The state of one preview.

    `reason` is one word for programs and `message` a sentence for people; both may be empty. `url` is ""
    if no link leads to it, and `image` if it cannot be read. `created` and `expires` are as the server
    wrote them.
    """

    namespace: str
    name: str
    state: StateName
    reason: str = ""
    message: str = ""
    url: str = ""
    created: str = ""
    expires: str = ""
    image: str = ""

    @property
    def group(self) -> str:
        """Where a page counts it: a preview that is not ready and needs no action is no failure."""
        return self.reason if self.calm else self.state

    @property
    def group_word(self) -> str:
        """The group in words for people."""
        return _WORDS.get(self.group, self.group)

    @property
    def word(self) -> str:
        """The state in words for people."""
        return _WORDS.get(self.state, self.state)

    @property
    def rank(self) -> int:
        """0 for the worst; of those not ready, one that needs no action comes after one that fails."""
        return 2 * _WORST_FIRST.index(self.state) + self.calm

    @property
    def calm(self) -> bool:
        """Not ready, and needs no action."""
        return self.state == "NotReady" and self.reason in (PROGRESSING, SUSPENDED, ASLEEP)

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"


def states(done: Run) -> tuple[State, ...]:
    """Return every preview of the run's scope, sorted by namespace and name."""
    reported = _by_this_run(done)
    waited = {one.place: one for one in done.waited}
    previews = done.previews
    if settled := [one.preview(done.group) for one in done.settled]:
        previews = tuple(sorted((*previews, *settled), key=lambda one: (one.namespace, one.name)))
    return tuple(_safe_state(preview, reported, waited.get(preview.key.place), done) for preview in previews)


def worst_first(found: Iterable[State]) -> list[State]:
    """Sort by rank, and otherwise keep the order."""
    return sorted(found, key=lambda one: one.rank)


def gone(done: Run) -> tuple[str, ...]:
    """Return the places of the run's scope that have no preview any more: NAMEs, and owners of orphans."""
    existing = {one.key.place for one in done.previews} | {one.place for one in done.settled}
    orphaned = {change.preview for one in done.passes for change in one.plan.changes} - existing
    return tuple(sorted(orphaned | set(done.absent)))


def gone_word(done: Run) -> str:
    """Name that state for people: after an incomplete or suspiciously empty list, nobody knows it is gone."""
    return "No preview was seen" if done.skipped else "Gone"


Report = tuple[StateName, str, str]
"""State, reason and message."""


def _safe_state(
    preview: Preview, reported: Mapping[str, Report], waited: Standing | None, done: Run
) -> State:
    """Return its state; one that cannot be reported, by a defect of ours, hides none of the others."""
    try:
        return _state(preview, reported, waited, done)
    except Exception as error:  # its text may hold what an author wrote
        message = f"how it stands cannot be reported ({type(error).__name__}): this is a bug"
        return State(preview.namespace, preview.name, "Unknown", "", message)


def _state(preview: Preview, reported: Mapping[str, Report], waited: Standing | None, done: Run) -> State:
    place = preview.key.place
    found = done.statuses.get(place)
    known = _by_the_wait(waited) or _by_the_end(reported.get(place), found)
    state, reason, message = known or _by_its_status(preview)
    if preview.deletion_timestamp:
        state, reason, message = "Terminating", "", "it is being deleted"
    expires = found.expires_at if found else _status(preview).get("expiresAt")
    return State(
        preview.namespace,
        preview.name,
        state,
        reason,
        message,
        "" if state in ("Blocked", "Terminating") or reason == EXPIRED else _url(preview, done.url_scheme),
        preview.creation_timestamp,
        expires if isinstance(expires, str) else "",
        preview.spec.image if isinstance(preview, PreviewEnvironment) else "",
    )


def _by_the_wait(one: Standing | None) -> Report | None:
    """Report what only the wait knows: a timeout, a probe without an answer, a preview that was recreated."""
    if one is not None and (one.state == "waiting" or one.reason == GONE):
        return "NotReady", one.reason, one.message
    return None


def _by_the_end(reported: Report | None, found: Status | None) -> Report | None:
    """Report the status that the run's end found if all that is known is that a write worked."""
    if found is None or (reported and reported[0] != "Changed"):
        return reported
    if reported and found.reason == PROGRESSING:
        return "Changed", found.reason, found.message
    return "Ready" if found.ready else "NotReady", found.reason, found.message


def _url(preview: Preview, scheme: str) -> str:
    """Return a link only if the preview could be read: then it is a hostname and nothing else."""
    return f"{scheme}://{preview.spec.fqdn}" if scheme and isinstance(preview, PreviewEnvironment) else ""


def _by_this_run(done: Run) -> Mapping[str, Report]:
    """Report each preview by the run's plans and writes: the worst of them, the first of equals."""
    found: dict[str, Report] = {}
    for place, report in sorted(_reports(done), key=lambda one: _WORST_FIRST.index(one[1][0])):
        found.setdefault(place, report)
    return found


def _reports(done: Run) -> Iterator[tuple[str, Report]]:
    for one in done.passes:
        for blocked in one.plan.blocked:
            yield blocked.preview, ("Blocked", blocked.reason, blocked.message)
        for write in one.plan.writes if done.dry_run or done.declined else ():
            yield write.preview, _by_plan(write)
        for outcome in one.outcomes:
            if outcome.result != "canceled":
                yield outcome.change.preview, _by_outcome(outcome)


def _by_plan(write: Write) -> Report:
    """Report a write that was only planned: that the preview has expired, no status may report yet."""
    if isinstance(write, Delete) and write.expired_at:
        return "Pending", EXPIRED, write.message
    return "Pending", "", ""


def _by_outcome(outcome: Outcome) -> Report:
    match outcome.result:
        case "failed" | "rejected":
            return "Failed", APPLY_FAILED, f"{outcome.change.key}: {outcome.message}"
        case "blocked":
            return "Blocked", NAME_TAKEN, outcome.message
        case "skipped":
            return "Pending", "", outcome.message
        case _:
            return "Changed", PROGRESSING, ""


def _by_its_status(preview: Preview) -> Report:
    """Report its condition Ready, if that is about the spec as it is."""
    ready = conditions_in(_status(preview)).get(READY, {})
    reason, message = str(ready.get("reason", "")), str(ready.get("message", ""))
    seen = ready.get("observedGeneration", _status(preview).get("observedGeneration"))
    current = isinstance(preview, PreviewEnvironment) and seen in (None, preview.generation)
    match ready.get("status"):
        case "True" if current:
            return "Ready", reason, message
        case "False" if current:
            return "NotReady", reason, message
        case "True" | "False":
            return "Unknown", "", "its status is about an older spec"
        case _:
            return "Unknown", reason, message


def _status(preview: Preview) -> Mapping[str, Any]:
    return preview.status if isinstance(preview, PreviewEnvironment) else {}
