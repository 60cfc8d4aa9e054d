"""What the options ask for, from their check to the exit code: a run, one after the other, an explanation."""

import logging
from datetime import timedelta
from typing import Any

from reconcile.cli.console import Console
from reconcile.cli.interval import again_and_again
from reconcile.cli.logging import complain
from reconcile.cli.monitor import Monitor
from reconcile.cli.once import Once
from reconcile.cli.request import cluster_of, request_of, wanted_of
from reconcile.cli.signals import Signals
from reconcile.cli.validate import check
from reconcile.cli.variables import Variables, naming
from reconcile.cluster.pool import Stop
from reconcile.errors import ReconcileError, Stopped, code_of
from reconcile.report.summary import failure

log = logging.getLogger("reconcile")


def reconcile(options: dict[str, Any], variables: Variables, *, route_given: bool) -> int:
    """What the options ask for, from their check to the exit code. Raises what ends it before a plan."""
    with naming(variables):
        check(options)
    monitor, stop = Monitor(options), Stop()
    signals = Signals(stop)
    try:
        with naming(variables):
            return _run(options, variables, monitor, signals, route_given=route_given)
    except Stopped as stopped:
        _told(stopped, monitor, 128 + stop.signal)
        return complain(f"{stopped}: nothing was changed", 128 + stop.signal)
    except ReconcileError as error:
        _told(error, monitor, code_of(error))
        raise
    finally:
        signals.restore()


def _told(error: ReconcileError, monitor: Monitor, code: int) -> None:
    monitor.ended(failure(code, str(error), monitor.seconds))


def _run(
    options: dict[str, Any], variables: Variables, monitor: Monitor, signals: Signals, *, route_given: bool
) -> int:
    """One run, or with --interval many. Their exit code."""
    request, stop = request_of(options, route_given=route_given), signals.stop
    wanted = wanted_of(options)
    cluster = cluster_of(options, (wanted,) if wanted else request.scope.names)
    try:
        console = Console(options, request, cluster, signals)
        if wanted:
            from reconcile.explain.inquire import inquire  # what only an explanation needs

            return console.explain(inquire(cluster, request, wanted, stop), options["explain"])
        once = Once(cluster, request, options, console, monitor, stop)
        if not options["interval"]:
            return once()[0]
        _run_again_and_again(once, options["interval"], variables, monitor, stop)
        return 128 + stop.signal
    finally:
        cluster.close()


def _run_again_and_again(
    once: Once, interval: timedelta, variables: Variables, monitor: Monitor, stop: Stop
) -> None:
    def run() -> bool:
        with naming(variables):
            return once()[1].success

    def failed(error: ReconcileError) -> None:
        log.error("%s", error)
        _told(error, monitor, code_of(error))

    again_and_again(run, failed=failed, interval=interval, stop=stop)
