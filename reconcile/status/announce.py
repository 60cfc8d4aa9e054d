"""Events to the cluster: what a run did to previews and found out about them; no part of its plan.

What goes wrong here is told in a note, and fails nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconcile.cluster.pool import Stop, write_at_once
from reconcile.cluster.port import Cluster
from reconcile.errors import Forbidden, NamespaceGoing, NotInstalled, ReconcileError
from reconcile.kube.objects import Manifest
from reconcile.model.names import Names
from reconcile.model.snapshot import Preview
from reconcile.status.events import News, event

EVERYWHERE = ""
"""In the place of a namespace."""


def announce(
    cluster: Cluster,
    told: Sequence[tuple[Preview, News]],
    names: Names,
    *,
    now: datetime,
    concurrency: int = 8,
    stop: Stop | None = None,
) -> tuple[str, ...]:
    """Tell all of it, each piece once. The note says what could not be told; after a signal nothing is."""
    stop = stop or Stop()
    # A Date has no fractions of a second: without some, what is sorted by time is in no order.
    times = (now + timedelta(microseconds=number) for number in range(len(told)))
    events = [event(preview, news, names, time) for (preview, news), time in zip(told, times, strict=True)]
    untold: list[ReconcileError] = []
    for_ever: set[str] = set()

    def tell(one: Manifest) -> None:
        if stop.asked or {EVERYWHERE, _namespace(one)} & for_ever:
            return
        try:
            cluster.create(one)
        except NamespaceGoing:
            pass
        except ReconcileError as error:
            untold.append(error)
            if isinstance(error, Forbidden | NotInstalled):  # the next one would be answered alike
                for_ever.add(_namespace(one) if isinstance(error, Forbidden) else EVERYWHERE)

    write_at_once(tell, [events], concurrency, stop, namespace_of=_namespace, seed=str(now))
    return tuple(f"what happened was not told in events: {error}" for error in untold[:1])


def _namespace(manifest: Manifest) -> str:
    namespace: str = manifest["metadata"]["namespace"]
    return namespace
