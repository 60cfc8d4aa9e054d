"""How to plan, beside what is and what is wanted."""

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.scope import Scope
from reconcile.plan.limits import DEFAULT_LIMIT, Limit
from reconcile.plan.rules import Rules


@dataclass(frozen=True)
class PlanOptions:
    """How to plan, beside what is and what is wanted.

    `route_kind` is the kind of route that previews get, "" for none; `switch` tells whether a preview that
    has a route of another kind is switched to it. `max_deletes` is how many previews may lose their
    children. `now` is the time where they live, None where nobody tells it, and `max_ttl` the operator's.
    `gives_only_what_is_held` tells that a hostname is given to nobody whose status does not record it: only
    one namespace is read, and nobody said which hostnames are its own.
    """

    rules: Rules
    scope: Scope
    route_kind: str
    switch: bool
    max_deletes: Limit = DEFAULT_LIMIT
    max_ttl: str | None = None
    now: datetime | None = None
    gives_only_what_is_held: bool = False
