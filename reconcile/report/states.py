"""How each preview of a run stands: what this run planned, did and found, else what its status says.

Failed     a write of this run did not work
Blocked    a person has to decide: unreadable, refused, a name or a hostname that is taken
Going      it is being deleted
Pending    a dry run would change something, or the confirmation was declined
Changed    this run wrote; whether it works is not known yet
Ready      Ready is True for the spec as it is
NotReady   Ready is False, or it was waited for in vain
Unknown    nobody has said so far
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reconcile.kube.objects import conditions_in
from reconcile.model.names import APPLY_FAILED, EXPIRED, NAME_TAKEN, PROGRESSING, READY, SUSPENDED
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.snapshot import Preview
from reconcile.model.status import Status
from reconcile.plan.changes import Outcome
from reconcile.status.result import GONE, Run, Standing

StateName = Literal["Failed", "Blocked", "NotReady", "Going", "Pending", "Changed", "Unknown", "Ready"]
"""Whoever needs a person stands first."""

_WORDS = {"NotReady": "Not ready", "Pending": "Changes pending"}


@dataclass(frozen=True)
class State:
    """How one preview stands.

    `reason` is one word for programs and `message` a sentence for people; both may be empty. `url` is ""
    where there is no link that would lead to it, and `image` where it cannot be read. `created` and
    `expires` are as the server wrote them.
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
    def word(self) -> str:
        """The state as people say it."""
        return _WORDS.get(self.state, self.state)

    @property
    def rank(self) -> int:
        """0 for the worst; of what is not ready, what comes up or is suspended stands behind what fails."""
        order: tuple[StateName, ...] = get_args(StateName)
        return 2 * order.index(self.state) + self.calm

    @property
    def calm(self) -> bool:
        """Not ready, and nobody need do anything."""
        return self.state == "NotReady" and self.reason in (PROGRESSING, SUSPENDED)

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"


def states(done: Run) -> tuple[State, ...]:
    """Every preview of the run's scope, sorted by namespace and name."""
    said = _by_this_run(done)
    waited = {one.place: one for one in done.waited}
    previews = done.previews
    if settled := [one.preview(done.group) for one in done.settled]:
        previews = tuple(sorted((*previews, *settled), key=lambda one: (one.namespace, one.name)))
    return tuple(_safe_state(preview, said, waited.get(preview.key.place), done) for preview in previews)


def worst_first(found: Iterable[State]) -> list[State]:
    """By their rank, and else as they are."""
    return sorted(found, key=lambda one: one.rank)


def gone(done: Run) -> tuple[str, ...]:
    """The places of the run's scope that have no preview any more: NAMEs, and owners of leftovers."""
    there = {one.key.place for one in done.previews} | {one.place for one in done.settled}
    leftovers = {change.preview for one in done.passes for change in one.plan.changes} - there
    return tuple(sorted(leftovers | set(done.absent)))


Said = tuple[StateName, str, str]
"""State, reason and message."""


def _safe_state(preview: Preview, said: Mapping[str, Said], waited: Standing | None, done: Run) -> State:
    """How it stands. What cannot be told of one preview, by a defect of ours, hides none of the others."""
    try:
        return _state(preview, said, waited, done)
    except Exception as error:  # its text may hold what an author wrote
        message = f"how it stands cannot be reported ({type(error).__name__}): this is a bug"
        return State(preview.namespace, preview.name, "Unknown", "", message)


def _state(preview: Preview, said: Mapping[str, Said], waited: Standing | None, done: Run) -> State:
    place = preview.key.place
    found = done.statuses.get(place)
    told = _by_the_wait(waited) or _told(said.get(place), found)
    state, reason, message = told or _by_its_status(preview)
    if preview.deletion_timestamp:
        state, reason, message = "Going", "", "it is being deleted"
    expires = found.expires_at if found else _status(preview).get("expiresAt")
    return State(
        preview.namespace,
        preview.name,
        state,
        reason,
        message,
        "" if state in ("Blocked", "Going") or reason == EXPIRED else _url(preview, done.url_scheme),
        preview.creation_timestamp,
        expires if isinstance(expires, str) else "",
        preview.spec.image if isinstance(preview, PreviewEnvironment) else "",
    )


def _by_the_wait(one: Standing | None) -> Said | None:
    """What the wait alone knows: that the time was over, that nobody answered from the outside, or that it is
    another one by now."""
    if one is not None and (one.state == "waiting" or one.reason == GONE):
        return "NotReady", one.reason, one.message
    return None


def _told(said: Said | None, found: Status | None) -> Said | None:
    """What the run says of it: the status that it found knows more than that a write worked."""
    if found is None or (said and said[0] != "Changed"):
        return said
    if said and found.reason == PROGRESSING:
        return "Changed", found.reason, found.message
    return "Ready" if found.ready else "NotReady", found.reason, found.message


def _url(preview: Preview, scheme: str) -> str:
    """Only of one that could be read: then it is a hostname and nothing else."""
    return f"{scheme}://{preview.spec.fqdn}" if scheme and isinstance(preview, PreviewEnvironment) else ""


_WORST_FIRST: tuple[StateName, ...] = ("Failed", "Blocked", "Pending", "Changed")


def _by_this_run(done: Run) -> Mapping[str, Said]:
    """What the run's plans and writes say of each preview: the worst of it, the first of equals."""
    found: dict[str, Said] = {}
    for place, said in sorted(_all_said(done), key=lambda one: _WORST_FIRST.index(one[1][0])):
        found.setdefault(place, said)
    return found


def _all_said(done: Run) -> Iterator[tuple[str, Said]]:
    for one in done.passes:
        for blocked in one.plan.blocked:
            yield blocked.preview, ("Blocked", blocked.verdict, blocked.reason)
        for write in one.plan.writes if done.dry_run or done.declined else ():
            yield write.preview, ("Pending", "", "")
        for outcome in one.outcomes:
            if outcome.result != "kept":
                yield outcome.change.preview, _became(outcome)


def _became(outcome: Outcome) -> Said:
    match outcome.result:
        case "failed" | "rejected":
            return "Failed", APPLY_FAILED, f"{outcome.change.key}: {outcome.message}"
        case "blocked":
            return "Blocked", NAME_TAKEN, outcome.message
        case "skipped":
            return "Pending", "", outcome.message
        case _:
            return "Changed", PROGRESSING, ""


def _by_its_status(preview: Preview) -> Said:
    """What its condition Ready says, where that is about the spec as it is."""
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
