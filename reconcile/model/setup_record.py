"""What a status records of a setup Job, so that it runs once, whatever becomes of the Job; pure.

    result     what is known of the Job                  what follows once it is removed
    Running    it was made, and its end was not seen     one read tells whether it is; then Unknown
    Complete   it is complete                            it has run
    Failed     it failed, as `message` says              it has run: SetupFailed
    Unknown    it was removed before its end was seen    it counts as run

The name of a Job is a hash of what it runs once for, so a record of that name is about that image and
revision. A record is kept until one of another Job takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reconcile.kube.objects import map_in

Result = Literal["Running", "Complete", "Failed", "Unknown"]
FIELD = "setup"


@dataclass(frozen=True)
class SetupRecord:
    """The name of a Job and how it ended; `message` says how it failed, else it is ""."""

    job: str
    result: Result
    message: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether its end was seen."""
        return self.result in ("Complete", "Failed")

    def written(self) -> dict[str, str]:
        """The record as a status has it."""
        fields = {"job": self.job, "result": self.result, "message": self.message}
        return {name: value for name, value in fields.items() if value}


def record_in(status: Mapping[str, Any]) -> SetupRecord | None:
    """Return the record that a status has, None where it has none. A result that is none is Unknown."""
    found = map_in(status.get(FIELD))
    job, message = found.get("job"), found.get("message")
    if not isinstance(job, str) or not job:
        return None
    result: Result = found["result"] if found.get("result") in get_args(Result) else "Unknown"
    return SetupRecord(job, result, message if isinstance(message, str) else "")


def newest(before: SetupRecord | None, now: SetupRecord) -> SetupRecord:
    """Return what is recorded now, unless it would take back an end of the same Job that was seen before."""
    keeps = before is not None and before.job == now.job and before.has_ended and not now.has_ended
    return before if keeps and before is not None else now
