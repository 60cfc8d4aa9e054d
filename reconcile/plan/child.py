"""A live object, as the preview sees it whose child it would be: asked once, read wherever it is decided."""

from dataclasses import dataclass
from functools import cached_property

from reconcile.kube.health.job import is_finished
from reconcile.kube.live import Entry, Live
from reconcile.kube.managedfields import FieldSet, Path
from reconcile.kube.objects import Key, Manifest
from reconcile.model.names import Names
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
    def names(self) -> Names:
        return self.rules.names

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

    @cached_property
    def applied(self) -> FieldSet | None:
        """What our last apply of it holds; None where nothing tells."""
        return self.live.applied_by(self.names.field_manager)

    def applied_before(self, wanted: Manifest) -> bool:
        """Whether it was this manifest that we applied last, as its hash tells."""
        hash_ = self.names.applied_annotation
        return bool(self.live.annotations.get(hash_) == wanted["metadata"]["annotations"][hash_])

    @cached_property
    def others(self) -> tuple[Entry, ...]:
        """Every entry of its managedFields but that of our last apply."""
        return self.live.others(self.names.field_manager)

    def owners_of(self, path: Path) -> list[str]:
        """Who else owns this path, something below it, or the atomic whole that it lies in."""
        return sorted({entry.manager for entry in self.others if path in entry.fields or path in entry.above})

    @property
    def protected(self) -> bool:
        """Whether it says itself that it must not be deleted."""
        return self.names.protects(self.live.annotations)

    @property
    def protected_by_others(self) -> bool:
        """Whether somebody else protected it: then it stays so, whatever the preview says.

        Where nothing tells who wrote the annotation, it counts as somebody else's.
        """
        if not self.protected:
            return False
        path = self.names.prune_path
        ours = self.applied is not None and path in self.applied
        return not ours or any(path in entry.fields for entry in self.others)

    @property
    def preview_protects(self) -> bool:
        """Whether its preview, which is there, says so of all that it has."""
        return self.preview is not None and self.names.protects(self.preview.annotations)

    @property
    def at_work(self) -> bool:
        """Whether this Job of ours may still run. A file has no status, and nothing runs in a folder."""
        if is_finished(self.live) or not (self.rules.from_server or self.live.manifest.get("status")):
            return False
        return self.ours


def child_of(preview: Preview, live: Live | None, rules: Rules) -> Child | None:
    """What is there, as a preview sees it that is there too; None where nothing is."""
    return None if live is None else Child(live, preview.name, rules, preview, preview.uid)
