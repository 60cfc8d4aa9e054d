"""What a decision about a child needs to know beside the objects."""

from dataclasses import dataclass

from reconcile.kube.managedfields import FieldSet, Path
from reconcile.model.globs import matches_any
from reconcile.model.names import Names
from reconcile.model.ttl import Deadline

REPLICAS: Path = ("f:spec", "f:replicas")


@dataclass(frozen=True)
class Rules:
    """How to decide, for every child.

    `allow_protect` are globs of `NAMESPACE/NAME`: the previews whose protection outlives `--max-ttl`.
    `keeps_edits` tells that what somebody added by hand stays, `templates` that the run was told of all.
    """

    names: Names
    from_server: bool = True
    adopt: bool = False
    allow_protect: tuple[str, ...] = ()
    keeps_edits: bool = False
    templates: bool = True

    @property
    def let_go(self) -> FieldSet:
        """What is left to others who own it too: replicas to an autoscaler, protection to its hand."""
        return frozenset({REPLICAS, self.names.prune_path})

    def may_protect(self, place: str) -> bool:
        """Whether what this `NAMESPACE/NAME` protects outlives the operator's limits."""
        return matches_any(place.split("/"), self.allow_protect, "/")

    def ends(self, deadline: Deadline | None, place: str) -> bool:
        """Whether what is protected there goes all the same: past the operator's limit, without the right."""
        return deadline is not None and deadline.over and not self.may_protect(place)
