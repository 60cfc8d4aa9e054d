"""What is wanted of one preview: its children's manifests, or why there are none; data only."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from reconcile.children import runs_once
from reconcile.children.metadata import Rendered
from reconcile.objects import Key, Manifest
from reconcile.preview import PreviewEnvironment
from reconcile.snapshot import Preview
from reconcile.ttl import Ttl

Verdict = Literal["", "Going", "Invalid", "Expired", "Refused"]


@dataclass(frozen=True)
class Wish:
    """One preview, and what it wants.

    `verdict` is "" for one that gets its children; else `message` says why it does not: the children of an
    expired one go, those of the others stay as they are. `children` are in apply order, and empty outside
    the scope. `ttl` is None where none is in force, or nobody can tell.
    """

    preview: Preview
    in_scope: bool
    verdict: Verdict = ""
    message: str = ""
    children: tuple[Rendered, ...] = ()
    ttl: Ttl | None = None

    @cached_property
    def place(self) -> str:
        return self.preview.key.place

    @cached_property
    def wanted(self) -> frozenset[Key]:
        """The children that it wants."""
        return frozenset(manifest.key for manifest in self.children)

    def makes(self, manifest: Manifest) -> bool:
        """Whether this child of it is made where it is not there: a suspended preview sets nothing up."""
        preview = self.preview
        suspended = isinstance(preview, PreviewEnvironment) and preview.spec.suspend
        return not (suspended and runs_once(manifest["kind"]))

    @cached_property
    def fqdn(self) -> str:
        """The hostname that it wants; "" when it can want none."""
        wants = isinstance(self.preview, PreviewEnvironment) and not self.verdict
        return self.preview.spec.fqdn if wants and isinstance(self.preview, PreviewEnvironment) else ""
