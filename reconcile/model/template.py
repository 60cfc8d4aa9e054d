"""One document of `--templates`, read and checked: fields of a child that the operator sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconcile.kube.check import Location
from reconcile.kube.objects import Manifest
from reconcile.model.scope import Labels, Requirement


@dataclass(frozen=True)
class Template:
    """A document for one kind of child; `manifest` has its expressions, and of metadata what is merged.

    `when` is the label selector of the previews whose child it changes, "" for all; `lines` are those of its
    fields in `file`, by their paths such as `("spec", "template")`; `()` is its first.
    """

    manifest: Manifest = field(hash=False)
    file: str
    lines: Mapping[Location, int] = field(default_factory=dict, compare=False, repr=False)
    when: str = ""
    requirements: tuple[Requirement, ...] = field(default=(), compare=False, repr=False)

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    def selects(self, labels: Labels) -> bool:
        """Whether the child of a preview with these labels is changed."""
        return all(holds(labels) for holds in self.requirements)

    def where(self, path: Sequence[str | int] = ()) -> str:
        """`FILE:LINE` of a field, or of the nearest above it that is there."""
        steps = tuple(path)
        above = (steps[:length] for length in range(len(steps), -1, -1))
        return f"{self.file}:{next((self.lines[one] for one in above if one in self.lines), 1)}"
