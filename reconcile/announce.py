"""Events to the cluster: what a run did to previews and found out about them; no part of its plan.

What goes wrong here is told in a note, and fails nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from reconcile.changes import Outcome
from reconcile.cluster.port import Cluster
from reconcile.errors import Forbidden, NamespaceGoing, NoAnswer, NotInstalled, ReconcileError
from reconcile.events import event, of_outcomes, of_status
from reconcile.names import Names
from reconcile.objects import Manifest
from reconcile.pool import Stop, write_at_once
from reconcile.publish import Written
from reconcile.snapshot import Preview


def announce(
    cluster: Cluster,
    previews: Iterable[Preview],
    outcomes: Iterable[Outcome],
    written: Iterable[Written],
    names: Names,
    *,
    concurrency: int = 8,
    stop: Stop | None = None,
) -> tuple[str, ...]:
    """Tell of these previews what was done to their children, and what is new in their statuses.

    The notes say what could not be told. After a signal nothing is.
    """
    stop = stop or Stop()
    try:
        events = [*_events(cluster, previews, outcomes, written, names)]
    except NoAnswer:  # a server without a clock: the statuses' note says so
        return ()
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

    write_at_once(tell, events, concurrency, stop)
    return tuple(_notes(untold))


def _events(
    cluster: Cluster,
    previews: Iterable[Preview],
    outcomes: Iterable[Outcome],
    written: Iterable[Written],
    names: Names,
) -> Iterator[Manifest]:
    done = _by_preview(outcomes)
    news = {f"{one.preview.namespace}/{one.preview.name}": one for one in written}
    for preview in previews:
        place = f"{preview.namespace}/{preview.name}"
        if place not in done and place not in news:
            continue
        now = cluster.now()
        happenings = of_outcomes(done.get(place, ()), now)
        if place in news:
            happenings += of_status(news[place].preview.status, news[place].status)
        # A Date has no fractions of a second: without some, what is sorted by time is in no order.
        for number, happening in enumerate(happenings):
            yield event(preview, happening, names, now + timedelta(microseconds=number))


def _by_preview(outcomes: Iterable[Outcome]) -> Mapping[str, Sequence[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.change.preview, []).append(outcome)
    return found


def _says_no_to_all(error: ReconcileError, about: Manifest, other: Manifest) -> bool:
    """Whether the next one would be answered alike: without the right, in the same namespace."""
    same = about["metadata"]["namespace"] == other["metadata"]["namespace"]
    return isinstance(error, NotInstalled) or (isinstance(error, Forbidden) and same)


def _notes(untold: Sequence[tuple[Manifest, ReconcileError]]) -> Iterator[str]:
    """One sentence, however many there are."""
    if untold:
        yield f"what happened was not told in events: {untold[0][1]}"
