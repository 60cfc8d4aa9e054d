"""What is wanted of one preview: its children's manifests, or why there are none; data only."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from reconcile.desire.children import is_route, runs_once
from reconcile.desire.children.metadata import Rendered
from reconcile.kube.objects import JOB, Key
from reconcile.model.hostname_record import HostnameRecord, hostname_record_in
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.setup_record import SetupRecord, record_in
from reconcile.model.snapshot import Preview
from reconcile.model.ttl import Deadline, Ttl

Reason = Literal["", "Terminating", "Invalid", "Expired", "Refused", "InternalError"]


@dataclass(frozen=True)
class Desired:
    """One preview, and what it wants.

    `reason` is "" for one that gets its children; else `message` says why it does not: the children of an
    expired one go, those of the others stay as they are. `children` are in apply order, and empty outside
    the scope. `ttl` is None where none is in force, or nobody can tell; `deadline` is the operator's, which
    one that is being deleted has too. `asleep` is why it has no pods out of its awake hours, "" where it is
    awake.
    """

    preview: Preview
    in_scope: bool
    reason: Reason = ""
    message: str = ""
    children: tuple[Rendered, ...] = ()
    ttl: Ttl | None = None
    deadline: Deadline | None = None
    asleep: str = ""

    @cached_property
    def place(self) -> str:
        return self.preview.key.place

    @cached_property
    def wanted(self) -> frozenset[Key]:
        """The children that it wants."""
        return frozenset(manifest.key for manifest in self.children)

    @cached_property
    def at_hostname(self) -> frozenset[Key]:
        """Those of them that lead its hostname to it, as far as is known."""
        return frozenset(one.key for one in self.children if is_route(one.key.kind) or one.at_hostname)

    @cached_property
    def record(self) -> SetupRecord | None:
        """What its status records of a setup Job, which may be that of an earlier image or revision."""
        return record_in(self.preview.status)

    @cached_property
    def hostname_record(self) -> HostnameRecord | None:
        """What its status records of the hostname that it holds, which may be another than it wants now."""
        return hostname_record_in(self.preview.status, self.preview.creation_timestamp or "")

    def record_of(self, key: Key) -> SetupRecord | None:
        """What its status records of this very child."""
        record = self.record if key.kind == JOB.kind else None
        return record if record is not None and record.job == key.name else None

    def makes(self, child: Rendered) -> bool:
        """Whether this child of it is made where it is not there: not what runs once and has run, nor while
        the preview has no pods."""
        return not (runs_once(child.key.kind) and (self.without_pods or self.record_of(child.key)))

    @cached_property
    def without_pods(self) -> bool:
        """Whether it is suspended or asleep."""
        preview = self.preview
        return bool(self.asleep) or (isinstance(preview, PreviewEnvironment) and preview.spec.suspend)

    def looks_for(self, child: Rendered) -> bool:
        """Whether this child of it is asked for by name where no list shows it: one that would be made, and a
        setup Job that ran when it was recorded, for a list may be older than the record."""
        record = self.record_of(child.key)
        return self.makes(child) or (record is not None and record.result == "Running")

    @cached_property
    def fqdn(self) -> str:
        """The hostname that it wants; "" when it can want none."""
        wants = isinstance(self.preview, PreviewEnvironment) and not self.reason
        return self.preview.spec.fqdn if wants and isinstance(self.preview, PreviewEnvironment) else ""
