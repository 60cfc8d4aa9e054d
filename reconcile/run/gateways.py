"""The Gateways of the HTTPRoutes that a run has created: one that does not exist accepts none."""

from collections.abc import Iterable

from reconcile.cluster.context import Context
from reconcile.errors import ReconcileError
from reconcile.kube.listeners import gateways_of
from reconcile.kube.live import Live
from reconcile.kube.objects import GATEWAY, Key
from reconcile.plan.changes import Create, Outcome


def missing_gateways(context: Context, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """A sentence for each Gateway that does not exist, of those that the new routes have as parents.

    Only here is it asked for: a run that creates no HTTPRoute sends no request more. One that may not be read
    counts as existing.
    """
    made = (one.change for one in outcomes if one.result == "done" and isinstance(one.change, Create))
    keys = {gateway for change in made for gateway in gateways_of(Live(change.manifest))}
    within = sorted(key for key in keys if context.namespace in (None, key.namespace))
    if not (within and context.cluster.is_server) or context.stop.asked:
        return ()
    try:
        missing = context.read_all(lambda key: _is_missing(context, key), within)
    except ReconcileError:
        return ()
    return tuple(
        f"{key} does not exist: no HTTPRoute of it is accepted; create it, or correct --gateway"
        for key, is_missing in zip(within, missing, strict=True)
        if is_missing
    )


def _is_missing(context: Context, key: Key) -> bool:
    return context.cluster.get(GATEWAY, key.namespace, key.name) is None
