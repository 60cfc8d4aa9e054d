"""One run from its beginning to its end, as everybody sees it: report, exit code, log, metrics."""

from dataclasses import dataclass
from typing import Any

from reconcile.cli.console import Console
from reconcile.cli.monitor import Monitor
from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster
from reconcile.report.summary import Summary, summary_of
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import exit_code


@dataclass
class Once:
    """Runs, one after the other; each has the whole of `--timeout`. Raises what `run` raises."""

    cluster: Cluster
    request: Request
    options: dict[str, Any]
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
            tell=console.tell,
            agree=console.agree,
            stop=self.stop,
            progress=console,
        )
        code = exit_code(
            done,
            pending_is_3=self.options["pending_is_3"],
            allow_blocked=self.options["allow_blocked"],
            waits=self.options["wait"],
        )
        code = console.finish(done, 128 + self.stop.signal if self.stop.asked else code)
        self.monitor.did(done)
        summary = summary_of(done, code, self.monitor.seconds)
        return self.monitor.ended(summary), summary

    def _begin(self) -> None:
        self.monitor.begin()
        self.console.begin()
        if self.runs:
            self.cluster.restart_clock(self.options["timeout"].total_seconds(), "--timeout")
        self.runs += 1
