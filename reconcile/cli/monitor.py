"""What is told of a run's end to those who watch from afar: log, termination message, metrics."""

import logging
import os
import time
from collections.abc import Mapping

from reconcile.cli.options import Options
from reconcile.errors import with_failure
from reconcile.report.counts import done_word
from reconcile.report.summary import Summary
from reconcile.status.result import Run

log = logging.getLogger("reconcile")

SIGNALLED = 128
"""Exit codes above it: somebody waits for us to be gone."""


class Monitor:
    """Tells of each run of this process; also its stopwatch."""

    def __init__(self, options: Options) -> None:
        self._files = [path for format_name, path in options.report if format_name == "metrics"]
        self._gateway = options.pushgateway
        # Where no report has it, it must be seen without -v too.
        self._of_skipped = logging.WARNING if options.output == "none" else logging.INFO
        self._group = {"api_group": options.api_group, "scope": options.namespace or "all"}
        self.begin()

    def begin(self) -> None:
        """A run begins."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def did(self, done: Run) -> None:
        """A record for all that was skipped, for each write, and for each preview that needs action."""
        for entry in done.skipped:
            fields = {"result": "skipped", "subject": entry.subject}
            log.log(self._of_skipped, "%s", entry.sentence, extra={"fields": fields})
        for outcome in done.outcomes:
            change = outcome.change
            word = done_word(change) if outcome.result == "done" else outcome.result
            fields = {"kind": change.key.kind, "namespace": change.key.namespace, "name": change.key.name}
            fields |= {"preview": change.preview, "result": word}
            log.info(
                "%s %s: %s", word, change.key, outcome.message or change.message, extra={"fields": fields}
            )
        for blocked in done.passes[-1].plan.blocked if done.passes else ():
            fields = {"preview": blocked.preview, "result": "blocked", "reason": blocked.reason}
            log.info("%s: %s: %s", blocked.preview, blocked.reason, blocked.message, extra={"fields": fields})

    def ended(self, summary: Summary) -> int:
        """Tell of its end; the exit code, with what went wrong in telling.

        A file that cannot be written is a failure, as with every report; a gateway that cannot be reached
        is not: the run did its work.
        """
        code = self._write_files(summary)
        log.info("run ended: %s", summary.sentence, extra={"fields": {"summary": summary.fields}})
        write_termination_message(summary)
        if self._gateway and summary.exit_code < SIGNALLED:
            from reconcile.cli.metrics import push

            push(self._gateway, summary, self._group)
        return code

    def _write_files(self, summary: Summary) -> int:
        code = summary.exit_code
        for path in self._files:
            from reconcile.cli.metrics import write_metrics

            try:
                write_metrics(path, summary)
            except OSError as error:
                log.error("--report metrics=%s: cannot be written: %s", path, error.strerror or error)
                code = with_failure(code)
        return code


# https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
DEFAULT_PATH = "/dev/termination-log"
PATH_VARIABLE = "RECONCILE_TERMINATION_LOG"
"""For a container whose `terminationMessagePath` is another."""
IN_A_POD = "KUBERNETES_SERVICE_HOST"


def write_termination_message(summary: Summary, env: Mapping[str, str] = os.environ) -> bool:
    """Put the summary there, in a pod where the file is; elsewhere nothing is written. Whether it was.

    The file is a mount: it can be written, and nothing can be put in its place.
    """
    path = env.get(PATH_VARIABLE, DEFAULT_PATH)
    if IN_A_POD not in env or not os.path.isfile(path):
        return False
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(summary.json + "\n")
    except OSError:
        return False
    return True
