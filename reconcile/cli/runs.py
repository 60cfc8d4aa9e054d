"""What the options ask for, from their check to the exit code: a run, one after the other, an explanation."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from reconcile.cli.console import Console
from reconcile.cli.logging import complain
from reconcile.cli.monitor import Monitor
from reconcile.cli.options import Options
from reconcile.cli.request import cluster_of, read_again, request_of, wanted_of
from reconcile.cli.signals import Signals
from reconcile.cli.validate import check
from reconcile.cli.variables import Variables, naming
from reconcile.cluster.pool import Stop, pause
from reconcile.cluster.port import Cluster, restart_clock
from reconcile.errors import ReconcileError, Stopped, UsageError, code_of
from reconcile.report.summary import Summary, failure, summary_of
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import exit_code


@dataclass
class Once:
    """Runs, one after the other; each has the whole of `--timeout`. Raises what `run` raises."""

    cluster: Cluster
    request: Request
    options: Options
    console: Console
    monitor: Monitor
    stop: Stop
    runs: int = 0

    def __call__(self) -> tuple[int, Summary]:
        """The exit code, and the run in a few numbers."""
        self._begin()
        console = self.console
        done = run(
            self.cluster,
            self.request,
            show_plan=console.show_plan,
            agree=console.agree,
            stop=self.stop,
            progress=console,
        )
        code = exit_code(
            done,
            pending_is_3=self.options.pending_is_3,
            allow_blocked=self.options.allow_blocked,
            waits=self.options.wait,
        )
        code = console.finish(done, 128 + self.stop.signal if self.stop.asked else code)
        self.monitor.did(done)
        summary = summary_of(done, code, self.monitor.seconds)
        return self.monitor.ended(summary), summary

    def _begin(self) -> None:
        self.monitor.begin()
        self.console.begin()
        if self.runs:
            self.request = read_again(self.request, self.options)
            restart_clock(self.cluster, self.options.timeout.total_seconds(), "--timeout")
        self.runs += 1


log = logging.getLogger("reconcile")


def reconcile(options: Options, variables: Variables) -> int:
    """What the options ask for, from their check to the exit code. Raises what ends it before a plan."""
    with naming(variables):
        check(options)
    monitor, stop = Monitor(options), Stop()
    signals = Signals(stop)
    try:
        with naming(variables):
            return _run(options, variables, monitor, signals)
    except Stopped as stopped:
        _report_failure(stopped, monitor, 128 + stop.signal)
        return complain(f"{stopped}: nothing was changed", 128 + stop.signal)
    except ReconcileError as error:
        _report_failure(error, monitor, code_of(error))
        raise
    finally:
        signals.restore()


def _report_failure(error: ReconcileError, monitor: Monitor, code: int) -> None:
    monitor.ended(failure(code, str(error), monitor.seconds))


def _run(options: Options, variables: Variables, monitor: Monitor, signals: Signals) -> int:
    """One run, or with --interval many. Their exit code."""
    request, stop = request_of(options), signals.stop
    wanted = wanted_of(options)
    cluster, proposed = cluster_of(options, (wanted,) if wanted else request.scope.names)
    request = replace(request, proposed=proposed)
    try:
        console = Console(options, request, cluster, signals)
        if wanted:
            from reconcile.explain.inquire import inquire  # what only an explanation needs

            explained = inquire(request.context(cluster, stop), request, wanted)
            return console.explain(explained, str(options.explain))
        once = Once(cluster, request, options, console, monitor, stop)
        if not options.interval:
            return once()[0]
        _run_again_and_again(once, options.interval, variables, monitor, stop)
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
        _report_failure(error, monitor, code_of(error))

    again_and_again(run, failed=failed, interval=interval, stop=stop)


JITTER = 0.1
"""Up to so much of a pause is added to it, so that many installations do not ask at once."""
LONGEST = 300.0
"""Seconds that the pauses after failures grow to, unless the interval itself is longer."""
_DOUBLINGS = 30


def again_and_again(
    once: Callable[[], bool],
    *,
    failed: Callable[[ReconcileError], None],
    interval: timedelta,
    stop: Stop,
    chance: Callable[[], float] = random.random,
) -> None:
    """Call `once`, which tells whether the run did all that it could, until the process is told to end.

    `failed` is told of a run that got nowhere. A UsageError of the first run ends it: what was asked wrongly
    stays wrong. Later it is what came up in the cluster, such as a second preview of a bare NAME.
    Raises `Stopped` where the signal came while a run was only reading.
    """
    failures, ran = 0, False
    while not stop.asked:
        try:
            went_well = once()
            ran = True
        except Stopped:
            raise
        except ReconcileError as error:
            if isinstance(error, UsageError) and not ran:
                raise
            failed(error)
            went_well = False
        failures = 0 if went_well else failures + 1
        pause(pause_after(failures, interval.total_seconds(), chance()), stop)


def pause_after(failures: int, interval: float, chance: float) -> float:
    """Seconds until the next run, after so many failed ones in a row: doubled with each, to 5 minutes."""
    longest = max(interval, LONGEST)
    return min(interval * 2.0 ** min(failures, _DOUBLINGS), longest) * (1 + JITTER * chance)
