"""What a run says to who called it: its report on stdout and in files, its question at a terminal."""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconcile.cli.files import write_report
from reconcile.cli.options import Options
from reconcile.cli.signals import Signals
from reconcile.cli.streams import attended, trouble
from reconcile.cluster.port import Cluster
from reconcile.errors import EXIT_DONE, EXIT_FAILED, with_failure
from reconcile.plan.changes import Plan, Write
from reconcile.report.formats import FORMATS, ReportContext
from reconcile.report.safe import safe_line
from reconcile.report.text import end_text, head_text, plan_text, standing_lines, title_of
from reconcile.run.passes import time_of
from reconcile.run.request import Request
from reconcile.status.result import Run, Standing

if TYPE_CHECKING:
    from reconcile.cli.live import LiveLines
    from reconcile.explain.explain import Explanation

_STYLES = {"ready": "green", "suspended": "cyan", "failed": "red", "waiting": ""}

_AGAIN = "the cluster could not be read; retrying"

log = logging.getLogger("reconcile")


class Console:
    """What the run says, on stdout as its report, on stderr as its log."""

    plans, headed = 0, False
    said: tuple[str, str] | None = None
    live: "LiveLines | None" = None
    stood: Mapping[str, Standing] = MappingProxyType({})

    def __init__(self, options: Options, request: Request, cluster: Cluster, signals: Signals) -> None:
        self.options = options
        self.signals = signals
        self.scope = str(request.scope)
        self.cluster = ", ".join(map(str, filter(None, (cluster.description, request.proposed))))
        self.now = partial(time_of, cluster)
        self.color = wants_color(options.color)
        self.dry_run = request.dry_run
        self.repeats = bool(options.interval)

    @property
    def text(self) -> bool:
        return self.options.output == "text"

    def begin(self) -> None:
        """A run begins."""
        self.plans, self.headed = 0, False

    def show_plan(self, plan: Plan) -> None:
        """Print a plan before it is executed."""
        if not self.text:
            return
        quiet, title = self.options.quiet, title_of(self.plans)
        if not self.plans and self._is_news_to_nobody(plan):
            return
        self.plans += 1
        self._say(plan_text(plan, color=self.color, title=title, quiet=quiet))

    def _say(self, text: str) -> None:
        """Print it; before the first text of a run what it is about, and when, where it is one of many."""
        if text and not self.headed and (self.repeats or not self.options.quiet):
            at = self.now() if self.repeats else None
            print(head_text(self.scope, self.cluster, at), end="")
            self.headed = True
        print(text, end="", flush=True)

    def _is_news_to_nobody(self, plan: Plan) -> bool:
        """With --interval: it does nothing, and says nothing but what the last run said."""
        pending = self.dry_run  # the same writes each time, and none of them is done
        changes = tuple(c for c in plan.changes if pending or not isinstance(c, Write))
        resting = replace(plan, changes=changes)
        says, before = _without_sums(plan_text(resting, quiet=self.options.quiet)), self.said
        self.said = (says, before[1] if before else "")
        nothing_done = pending or not plan.writes
        return self.repeats and nothing_done and before is not None and before[0] == says

    def agree(self, plan: Plan) -> bool:
        """Ask, where somebody sits there to answer."""
        if self.options.yes or not attended() or not self.text:
            return True
        with self.signals.ending_questions():
            return click.confirm("Apply these changes?", default=False, err=True)

    def explain(self, explained: "Explanation | None", name: str) -> int:
        """Print why a preview is as it is; the exit code."""
        if explained is None:
            log.error("%s: no such preview, and no children of one", name)
            return EXIT_FAILED
        from reconcile.explain.text import explanation_text

        print(explanation_text(explained, cluster=self.cluster, color=self.color), end="")
        return EXIT_DONE

    # the wait

    def wait(self, standings: Sequence[Standing], trouble: str) -> None:
        """Tell how all stand: at a terminal in lines of their own, elsewhere where there is news."""
        if self.live is None and sys.stderr.isatty() and not self.options.quiet:
            from reconcile.cli.live import LiveLines  # what only a terminal needs

            self.live = LiveLines(color=self.color, stays=not (self.text and sys.stdout.isatty()))
        lines = dict(zip(standings, standing_lines(standings, over=False), strict=True))
        if self.live is not None:
            first = sorted(standings, key=lambda one: one.state != "waiting")  # those at the end may be cut
            shown = [(lines[one], _STYLES[one.state]) for one in first]
            self.live.show([*shown, *([(safe_line(f"{_AGAIN}: {trouble}"), "yellow")] if trouble else [])])
            return
        if trouble:
            log.warning("%s: %s", _AGAIN, trouble)
        for one in self._news(standings):
            print(lines[one], file=sys.stderr, flush=True)

    def _news(self, standings: Sequence[Standing]) -> list[Standing]:
        before, self.stood = self.stood, {one.place: one for one in standings}
        news = [one for one in standings if before.get(one.place) != one]
        return [one for one in news if one.state == "failed" or not self.options.quiet]

    def waited(self) -> None:
        """Give the terminal back."""
        if self.live is not None:
            self.live.end()

    def log(self, standing: Standing, head: str, lines: list[str]) -> None:
        """Lines of a program of the author's: each behind the preview's name, and as plain characters."""
        print(safe_line(f"{standing.place}: {head}"), file=sys.stderr)
        for line in lines:
            print(f"{standing.place} | {safe_line(line)}", file=sys.stderr)

    def finish(self, done: Run, code: int) -> int:
        """Print what became of it, on stdout and into files; the exit code, with what went wrong there."""
        for name in done.unknown:
            log.error("%s: no such preview, and no children of one", name)
        code = self._write_files(done, code)
        if self.text:
            self._print_end(done)
        elif self.options.output != "none":
            self._print_report(done, code)
        return with_failure(code) if trouble() else code

    def _print_report(self, done: Run, code: int) -> None:
        for name in done.absent:
            print(safe_line(f"{name}: not found"), file=sys.stderr)
        print(FORMATS[self.options.output](done, ReportContext(self.cluster, self.scope, code)), end="")

    def _print_end(self, done: Run) -> None:
        """With --interval, after a run that printed no plan, only what the last one did not say."""
        text = end_text(done, color=self.color)
        says, before = self.said or ("", "")
        self.said = (says, text)
        if not (self.repeats and not self.plans and text == before):
            self._say(text)

    def _write_files(self, done: Run, code: int) -> int:
        """JSON comes last: it tells the exit code, which a file that cannot be written changes."""
        reports = [report for report in self.options.report if report[0] in FORMATS]  # metrics come later
        for format_name, path in sorted(reports, key=lambda report: report[0] == "json"):
            try:
                write_report(format_name, path, done, ReportContext(self.cluster, self.scope, code))
            except OSError as error:
                log.error("--report %s=%s: cannot be written: %s", format_name, path, error.strerror or error)
                code = with_failure(code)
            except Exception as error:  # a defect of one report: the run was done, and the others are written
                name = type(error).__name__
                log.error("--report %s=%s: cannot be made (%s): this is a bug", format_name, path, name)
                code = with_failure(code)
        return code


def _without_sums(text: str) -> str:
    """A plan without its last line, which counts also what is unchanged."""
    return text.rstrip("\n").rpartition("\n")[0]


def wants_color(said: bool | None) -> bool:
    """https://no-color.org and https://force-color.org; what was said on the command line wins."""
    if said is not None:
        return said
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
