"""A live object, as the preview sees it whose child it would be: asked once, read wherever it is decided."""

from dataclasses import dataclass
from functools import cached_property

from reconcile.kube.health.job import is_finished
from reconcile.kube.live import Live
from reconcile.kube.managedfields import FieldSet
from reconcile.kube.objects import Key
from reconcile.model.snapshot import Preview
from reconcile.plan.ownership import Ownership, ownership
from reconcile.plan.rules import Rules


@dataclass(frozen=True)
class Child:
    """One object that is there, and the preview named `owner` in its namespace.

    `preview` is that preview, None where it is gone, or is asked for by itself; `uid` is its uid, "" where it
    is gone.
    """

    live: Live
    owner: str
    rules: Rules
    preview: Preview | None = None
    uid: str = ""

    @property
    def key(self) -> Key:
        return self.live.key

    @property
    def place(self) -> str:
        """The `NAMESPACE/NAME` of the preview."""
        return f"{self.key.namespace}/{self.owner}"

    def decoded(self) -> "Child":
        """The same, all of it decoded; nothing was asked of it yet."""
        return Child(self.live.decoded(), self.owner, self.rules, self.preview, self.uid)

    @cached_property
    def ownership(self) -> Ownership:
        return ownership(self.live, self.owner, self.uid, self.rules)

    @property
    def ours(self) -> bool:
        return self.ownership.ours

    @property
    def adoptable(self) -> bool:
        """Whether it is not ours yet, and is to be."""
        return self.rules.adopt and self.ownership.state == "adoptable"

    @property
    def applied(self) -> FieldSet | None:
        """What our last apply of it holds; None where nothing tells."""
        return self.live.applied_by(self.rules.names.field_manager)

    @property
    def protected(self) -> bool:
        """Whether it says itself that it must not be deleted."""
        return self.rules.names.protects(self.live.annotations)

    @property
    def preview_protects(self) -> bool:
        """Whether its preview, which is there, says so of all that it has."""
        return self.preview is not None and self.rules.names.protects(self.preview.annotations)

    @property
    def at_work(self) -> bool:
        """Whether this Job of ours may still run. A file has no status, and nothing runs in a folder."""
        if is_finished(self.live) or not (self.rules.from_server or self.live.manifest.get("status")):
            return False
        return self.ours


def child_of(preview: Preview, live: Live | None, rules: Rules) -> Child | None:
    """What is there, as a preview sees it that is there too; None where nothing is."""
    return None if live is None else Child(live, preview.name, rules, preview, preview.uid)
