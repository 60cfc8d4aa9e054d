"""The end of a run: what is found of each preview, told in its status, and waited for where that is asked."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from reconcile.cluster.context import Context
from reconcile.plan.decide import Rules
from reconcile.run.request import WaitRequest
from reconcile.status.facts import Facts
from reconcile.status.publish import publish
from reconcile.status.result import Run, Standing

if TYPE_CHECKING:
    from reconcile.run.wait import Probe


class Progress(Protocol):
    """Who is told how a wait goes."""

    def wait(self, standings: Sequence[Standing], trouble: str) -> None:
        """How all stand after a look; `trouble` is why that did not work, or ""."""

    def waited(self) -> None:
        """The wait is over."""

    def log(self, standing: Standing, head: str, lines: list[str]) -> None:
        """The last lines of what keeps a preview from being ready."""


def finish(
    context: Context,
    done: Run,
    facts: tuple[Facts, ...],
    rules: Rules,
    wait: WaitRequest | None,
    progress: Progress | None,
) -> Run:
    """The run with what was found of each preview, at once, or after the wait."""
    published = publish(context, facts, done.outcomes)
    if wait is None or progress is None or context.stop.asked:
        return replace(done, statuses=published.statuses, notes=(*published.notes, *published.untold))
    from reconcile.run.wait import wait_for  # which most runs do not need

    probe = _probe(context) if wait.probe else None
    try:
        waited = wait_for(
            context, facts, published, wait.seconds, rules=rules, tell=progress.wait, probe=probe
        )
    finally:
        progress.waited()
    if wait.logs:
        from reconcile.run.logs import show_logs

        show_logs(context, waited.standings, waited.pods, progress.log)
    return replace(
        done, statuses=waited.statuses, notes=(*waited.notes, *waited.untold), waited=waited.standings
    )


def _probe(context: Context) -> "Probe":
    from reconcile.run.probe import probe_all

    return partial(probe_all, concurrency=context.concurrency, stop=context.stop)
