"""What a pass may do to one child, and what became of it; data only.

Create   it is not there                                +
Update   it is ours, and not as wanted                  ~
Delete   it is ours, and nobody wants it                -
Keep     it stays as it is                              =
Waiting  its time comes when something else is done     .
Blocked  a person has to decide                         !
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Literal

from reconcile.kube.live import Live
from reconcile.kube.managedfields import EMPTY, FieldSet
from reconcile.kube.objects import Key, Manifest
from reconcile.model.ttl import Deadline


class UpdateMessage(StrEnum):
    """Why an update is made."""

    ADOPTED = "adopted"
    DRIFTED = "drifted"
    CHANGED = "its preview or an option changed"
    TEMPLATE = "its templates changed"
    ASLEEP = "its preview is asleep"
    AWAKE = "its preview is awake again"
    PREVIEW_PROTECTED = "its preview is protected"
    PREVIEW_UNPROTECTED = "its preview is no longer protected"
    PROTECTED = "it is protected"


class NoDelete(Enum):
    """Why a child that nobody wants is not deleted."""

    PROTECTED = "it, or its preview, says that it must not be deleted"
    SKIPPED = "this run must not delete it"
    HOLDS_DATA = "what it stores would be lost"


@dataclass(frozen=True)
class FieldChange:
    """One field of an update, as text for people; a value that may be secret is not in it."""

    path: str
    before: str | None
    after: str | None
    note: str = ""


@dataclass(frozen=True)
class Create:
    """Apply, unforced, what was not there a moment ago."""

    key: Key
    preview: str
    manifest: Manifest
    message: str


@dataclass(frozen=True)
class Update:
    """Apply over what is ours; `takeover` holds the foreign paths that must be ours before that.

    `message` is an `UpdateMessage`. `keeps_spec` tells that the manifest has the spec that is there, and not
    the one that is wanted."""

    key: Key
    preview: str
    manifest: Manifest
    live: Live
    fields: tuple[FieldChange, ...]
    message: str
    takeover: FieldSet = EMPTY
    keeps_spec: bool = False


@dataclass(frozen=True)
class Delete:
    """Delete what is ours.

    `preview_uid` is None when no preview of that name is there, else the uid of the preview that no longer
    wants it ("" in a file that gives none); `preview_terminating`: that one is being deleted. `counts` is
    False where `--max-deletes` does not count it. `expired_at` is when its preview expired, "" where it did
    not. `deadline` is the one that ended the protection of it or of its preview. `preview_labels` are those
    by which no template is for it any more, None where they decide nothing."""

    key: Key
    preview: str
    live: Live
    message: str
    preview_uid: str | None = None
    preview_generation: int | None = None
    counts: bool = True
    expired_at: str = ""
    preview_terminating: bool = False
    deadline: Deadline | None = None
    preview_labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave as it is; a message is given where somebody might have expected otherwise."""

    key: Key
    preview: str
    message: str = ""
    no_delete: NoDelete | None = None


@dataclass(frozen=True)
class Waiting:
    """Not now. `for_this_run` says that something that this run does ends the wait."""

    key: Key
    preview: str
    message: str
    for_this_run: bool = False


@dataclass(frozen=True)
class Blocked:
    """Not without a person. The key names the preview (kind `Preview`) or the child.

    `reason` and `message` are as in the condition Ready."""

    key: Key
    preview: str
    reason: str
    message: str


Change = Create | Update | Delete | Keep | Waiting | Blocked
Write = Create | Update | Delete


def not_deleted(change: Change, why: NoDelete) -> bool:
    """Whether it stands in the place of a delete, for this reason."""
    return isinstance(change, Keep) and change.no_delete is why


SYMBOLS: Mapping[type, str] = {Create: "+", Update: "~", Delete: "-", Keep: "=", Waiting: ".", Blocked: "!"}

PREVIEW = "Preview"
DELETES = "Deletes"


@dataclass(frozen=True)
class Skipped:
    """What this pass does not do: everything of a kind that could not be listed, or `DELETES` of any kind.

    `partly` tells that these are the deletes of some namespaces, and that those of others go on.
    """

    subject: str
    message: str
    partly: bool = False

    @property
    def sentence(self) -> str:
        """A refusal names what it refuses; any other message comes after its kind."""
        return self.message if self.subject == DELETES else f"{self.subject}: {self.message}"


@dataclass(frozen=True)
class Plan:
    """The changes from what is to what is wanted, sorted; `notes` are sentences about the whole.

    `settled` are so many children more that are unchanged, of previews that were not compared anew.
    """

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    settled: int = 0

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(change for change in self.changes if isinstance(change, Create | Update | Delete))

    @property
    def blocked(self) -> tuple[Blocked, ...]:
        return tuple(change for change in self.changes if isinstance(change, Blocked))

    @property
    def waits_for_this_run(self) -> tuple[Waiting, ...]:
        return tuple(c for c in self.changes if isinstance(c, Waiting) and c.for_this_run)


Result = Literal["done", "canceled", "failed", "rejected", "blocked", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What became of a write.

    done      the cluster is as the change wanted it
    canceled  decided again just before, it was not to be done after all
    failed    it was tried, and did not work; `message` says why
    rejected  the API server does not take this object: its preview's fault or its namespace's, not the run's
    blocked   an unmanaged object is in the way
    skipped   an earlier child of the same preview did not succeed, or the run was stopped

    `live` is the object as the server has it now, where a create or an update was done. `gone` tells that
    somebody else had deleted it before.
    """

    change: Write
    result: Result
    message: str = ""
    live: Live | None = field(default=None, compare=False, repr=False)
    gone: bool = False
