"""What a decision about a child needs to know beside the objects."""

from dataclasses import dataclass

from reconcile.model.globs import matches_any
from reconcile.model.names import Names
from reconcile.model.ttl import Deadline


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

    def may_protect(self, place: str) -> bool:
        """Whether what this `NAMESPACE/NAME` protects outlives the operator's limits."""
        return matches_any(place.split("/"), self.allow_protect, "/")

    def ends(self, deadline: Deadline | None, place: str) -> bool:
        """Whether what is protected there goes all the same: past the operator's limit, without the right."""
        return deadline is not None and deadline.over and not self.may_protect(place)
