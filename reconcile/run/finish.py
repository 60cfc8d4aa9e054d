"""The end of a run: what is found of each preview, told in its status, and waited for where that is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from reconcile.plan.changes import Outcome
from reconcile.run.around import Around
from reconcile.run.request import WaitRequest
from reconcile.status.facts import Facts
from reconcile.status.publish import Published, publish
from reconcile.status.result import Run, Standing

if TYPE_CHECKING:
    from reconcile.run.wait import Waited


class Progress(Protocol):
    """Who is told how a wait goes."""

    def wait(self, standings: Sequence[Standing], trouble: str) -> None:
        """How all stand after a look; `trouble` is why that did not work, or ""."""

    def waited(self) -> None:
        """The wait is over."""

    def log(self, standing: Standing, head: str, lines: list[str]) -> None:
        """The last lines of what keeps a preview from being ready."""


def ended(
    done: Run, facts: tuple[Facts, ...], around: Around, wait: WaitRequest | None, progress: Progress | None
) -> Run:
    """The run with what was found of each preview, at once, or after the wait."""
    published = _published(facts, done.outcomes, around)
    if wait is None or progress is None or around.stop.asked:
        return replace(done, statuses=published.statuses, notes=(*published.notes, *published.untold))
    from reconcile.run.wait import wait_for  # which most runs do not need

    try:
        waited = wait_for(facts, published, wait.seconds, _telling(around, wait, progress))
    finally:
        progress.waited()
    if wait.logs:
        _show_logs(waited, around, progress)
    return replace(
        done, statuses=waited.statuses, notes=(*waited.notes, *waited.untold), waited=waited.standings
    )


def _published(facts: tuple[Facts, ...], outcomes: Sequence[Outcome], around: Around) -> Published:
    if not around.cluster.is_server:
        return Published()
    return publish(
        around.cluster,
        facts,
        around.settings,
        namespace=around.namespace,
        concurrency=around.concurrency,
        stop=around.stop,
        outcomes=outcomes,
    )


def _telling(around: Around, wait: WaitRequest, progress: Progress) -> Around:
    if not wait.probe:
        return replace(around, tell=progress.wait)
    from reconcile.run.probe import probe_all

    def probe(urls: Sequence[str], seconds: float) -> Mapping[str, str]:
        return probe_all(urls, seconds, concurrency=around.concurrency, stop=around.stop)

    return replace(around, tell=progress.wait, probe=probe)


def _show_logs(waited: "Waited", around: Around, progress: Progress) -> None:
    from reconcile.run.logs import show_logs

    show_logs(
        around.cluster,
        waited.standings,
        waited.pods,
        show=progress.log,
        concurrency=around.concurrency,
        stop=around.stop,
    )
