"""One document of `--templates`, read and checked: fields of a child, or a further child."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconcile.kube.check import Location
from reconcile.kube.objects import Manifest, Resource, resource_of
from reconcile.model.scope import Labels, Requirement


@dataclass(frozen=True)
class Template:
    """A document for one child; `manifest` has its expressions, and of metadata what is merged.

    `name` is the child's, such as `${preview.metadata.name}-redis`; `further` tells that no preview has the
    child without it. `when` is the label selector of the previews that it is for, "" for all; `lines` are
    those of its fields in `file`, by their paths such as `("spec", "template")`; `()` is its first.
    `own` are the kinds and names of further children that it may refer to, since a preview that has what this
    makes has them too.
    """

    manifest: Manifest = field(hash=False)
    file: str
    lines: Mapping[Location, int] = field(default_factory=dict, compare=False, repr=False)
    when: str = ""
    requirements: tuple[Requirement, ...] = field(default=(), compare=False, repr=False)
    name: str = ""
    further: bool = False
    own: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False, repr=False)

    @cached_property
    def kind(self) -> str:
        """Its full kind."""
        return self.resource.full_kind

    @property
    def resource(self) -> Resource:
        """Its kind, without the plural that only a cluster knows."""
        return resource_of(str(self.manifest["apiVersion"]), str(self.manifest["kind"]))

    def selects(self, labels: Labels) -> bool:
        """Whether the child of a preview with these labels is changed."""
        return all(holds(labels) for holds in self.requirements)

    def where(self, path: Sequence[str | int] = ()) -> str:
        """`FILE:LINE` of a field, or of the nearest above it that is there."""
        steps = tuple(path)
        above = (steps[:length] for length in range(len(steps), -1, -1))
        return f"{self.file}:{next((self.lines[one] for one in above if one in self.lines), 1)}"
