"""What the containers that keep previews from being ready wrote last.

It may hold secrets, and goes nowhere but to whoever called the command.
"""

from collections.abc import Callable, Iterable, Mapping

from reconcile.cluster.context import Context
from reconcile.cluster.port import Cluster
from reconcile.errors import NotStarted, ReconcileError, Stopped
from reconcile.kube.health.pods import Container, container_to_look_at
from reconcile.kube.live import Live
from reconcile.status.result import Standing

LINES = 30
SECONDS = 20.0
"""What all logs together may take, after the wait."""

Show = Callable[[Standing, str, list[str]], None]
"""Told of a preview: whose lines these are, or why there are none, and the lines."""


def show_logs(
    context: Context, standings: Iterable[Standing], pods: Mapping[str, tuple[Live, ...]], show: Show
) -> None:
    """Show what the container of each preview that is not ready wrote last."""
    wanted = [one for one in standings if not one.satisfied]
    found = [(one, where) for one in wanted if (where := container_to_look_at(pods.get(one.place, ())))]
    context.restart_clock(SECONDS, "the logs")
    try:
        read = context.read_all(lambda each: _lines(context.cluster, *each), found)
    except Stopped:
        return
    for (one, where), (problem, lines) in zip(found, read, strict=True):
        show(one, f"no logs of {where}: {problem}" if problem else f"the last lines of {where}:", lines)


def _lines(cluster: Cluster, one: Standing, where: Container) -> tuple[str, list[str]]:
    try:
        text = cluster.logs(one.namespace, where.pod, where.name, lines=LINES, previous=where.restarted)
    except NotStarted as error:
        return f"it has not started{error.reason and f' ({error.reason})'}", []
    except ReconcileError as error:
        return str(error), []
    lines = text.splitlines()[-LINES:]
    return ("", lines) if lines else ("it has written nothing", [])
