"""What one run is asked to do."""

from dataclasses import dataclass
from datetime import datetime

from reconcile.cluster.as_if import Proposed
from reconcile.cluster.context import Context
from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster
from reconcile.model.names import Names
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.plan.limits import DEFAULT_LIMIT, Limit
from reconcile.plan.options import PlanOptions
from reconcile.plan.rules import Rules


@dataclass(frozen=True)
class WaitRequest:
    """Wait until the previews are ready, so many seconds at most; with the last lines of what fails on the
    log, and asking for each preview from the outside."""

    seconds: float
    logs: bool = False
    probe: bool = False


@dataclass(frozen=True)
class Request:
    """What one run is asked to do. `fingerprint`: what one tells to be unchanged is not compared.

    `proposed` are previews that are planned as if they had been applied; then nothing is written.
    """

    scope: Scope
    settings: Settings
    adopt: bool = False
    dry_run: bool = False
    max_deletes: Limit = DEFAULT_LIMIT
    concurrency: int = 8
    wait: WaitRequest | None = None
    fingerprint: bool = True
    proposed: Proposed | None = None

    @property
    def names(self) -> Names:
        return self.settings.names

    @property
    def namespace(self) -> str | None:
        """The only namespace that is asked; None for all."""
        return self.scope.namespace if self.scope.namespace_only else None

    def context(self, cluster: Cluster, stop: Stop) -> Context:
        """What the run works with."""
        return Context(cluster, self.settings, self.namespace, self.concurrency, stop, self.proposed)

    def rules(self, *, from_server: bool) -> Rules:
        """How each child is decided; `from_server` as in `Rules`."""
        return Rules(
            self.names,
            from_server=from_server,
            adopt=self.adopt,
            allow_protect=self.settings.allow_protect,
            templates=self.settings.templates is not None,
        )

    def plan_options(self, *, from_server: bool, now: datetime | None) -> PlanOptions:
        """How the plan is made, at this time where the previews live (None where nobody tells it)."""
        route = self.settings.route_resource
        return PlanOptions(
            rules=self.rules(from_server=from_server),
            scope=self.scope,
            route_kind=route.kind if route else "",
            switch=self.settings.route_given,
            max_deletes=self.max_deletes,
            gives_only_what_is_held=(
                from_server and self.scope.namespace_only and not self.settings.allow_fqdn
            ),
            max_ttl=self.settings.max_ttl,
            now=now,
        )
