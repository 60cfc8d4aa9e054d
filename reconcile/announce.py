"""Events to the cluster: what a run did to previews and found out about them; no part of its plan.

What goes wrong here is told in a note, and fails nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconcile.cluster.port import Cluster
from reconcile.errors import Forbidden, NamespaceGoing, NotInstalled, ReconcileError
from reconcile.events import News, event
from reconcile.names import Names
from reconcile.objects import Manifest
from reconcile.pool import Stop, write_at_once
from reconcile.snapshot import Preview


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
    untold: list[tuple[Manifest, ReconcileError]] = []

    def tell(one: Manifest) -> None:
        if stop.asked or any(_says_no_to_all(error, other, one) for other, error in untold):
            return
        try:
            cluster.create(one)
        except NamespaceGoing:
            pass
        except ReconcileError as error:
            untold.append((one, error))

    write_at_once(tell, [events], concurrency, stop, namespace_of=_namespace, seed=str(now))
    return tuple(f"what happened was not told in events: {error}" for _, error in untold[:1])


def _namespace(manifest: Manifest) -> str:
    namespace: str = manifest["metadata"]["namespace"]
    return namespace


def _says_no_to_all(error: ReconcileError, about: Manifest, other: Manifest) -> bool:
    """Whether the next one would be answered alike: without the right, in the same namespace."""
    same = _namespace(about) == _namespace(other)
    return isinstance(error, NotInstalled) or (isinstance(error, Forbidden) and same)
