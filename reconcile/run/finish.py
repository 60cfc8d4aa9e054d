"""The end of a run: what is found of each preview, told in its status, and waited for where that is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from reconcile.cluster.context import Context
from reconcile.kube.objects import Resource
from reconcile.run.request import Request, WaitRequest
from reconcile.status.facts import Facts
from reconcile.status.publish import Published, publish
from reconcile.status.result import Run, Standing

if TYPE_CHECKING:
    from reconcile.run.wait import Probe, Waited


class Watcher(Protocol):
    """Who is told how a wait goes."""

    def wait(self, standings: Sequence[Standing], trouble: str) -> None:
        """How all stand after a look; `trouble` is why that did not work, or ""."""

    def waited(self) -> None:
        """The wait is over."""

    def log(self, standing: Standing, head: str, lines: list[str]) -> None:
        """The last lines of what keeps a preview from being ready."""


def finish(
    context: Context,
    request: Request,
    done: Run,
    facts: tuple[Facts, ...],
    watcher: Watcher | None,
    resources: Mapping[str, Resource],
) -> Run:
    """The run with what was found of each preview, at once, or after the wait; `resources` are what each
    kind is served as."""
    published = publish(context, facts, done.outcomes)
    if request.wait is None or watcher is None or context.stop.asked:
        return _with_published(done, published)
    try:
        waited = _wait(context, request, request.wait, facts, published, watcher, resources)
    finally:
        watcher.waited()
    if request.wait.logs:
        _show_logs(context, waited, watcher)
    return replace(_with_published(done, waited), waited=waited.standings)


def _with_published(done: Run, published: Published) -> Run:
    return replace(
        done, statuses=published.statuses, notes=(*done.notes, *published.notes, *published.unsent)
    )


def _wait(
    context: Context,
    request: Request,
    wait: WaitRequest,
    facts: tuple[Facts, ...],
    published: Published,
    watcher: Watcher,
    resources: Mapping[str, Resource],
) -> "Waited":
    from reconcile.run.wait import wait_for  # which most runs do not need

    rules = request.rules(from_server=context.cluster.is_server)
    probe = _probe(context) if wait.probe else None
    return wait_for(
        context,
        facts,
        published,
        wait.seconds,
        rules=rules,
        resources=resources,
        show=watcher.wait,
        probe=probe,
    )


def _show_logs(context: Context, waited: "Waited", watcher: Watcher) -> None:
    from reconcile.run.logs import show_logs

    show_logs(context, waited.standings, waited.pods, watcher.log)


def _probe(context: Context) -> "Probe":
    from reconcile.run.probe import probe_all

    return partial(probe_all, concurrency=context.concurrency, stop=context.stop)
