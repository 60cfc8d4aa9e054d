"""A run in a few numbers, and where they go: a log record, a pod's termination message."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconcile.cli.logging import JsonFormatter, logs_json, start_logging
from reconcile.cli.monitor import write_termination_message
from reconcile.kube.objects import Key
from reconcile.plan.changes import Blocked, Create, Outcome, Plan, Skipped
from reconcile.report.summary import LONGEST_ERROR, Summary, did_all_it_could, failure, summary_of
from reconcile.status.result import Pass, Run, exit_code
from tests.builders import a_preview
from tests.given import key
from tests.memory import Memory
from tests.run.test_run import a_cluster, go

CREATE = Create(key("Service"), "shop/pr-1", {}, "new preview")
OTHER = Create(key("Mapping"), "shop/pr-1", {}, "new preview")


def a_run(*outcomes: Outcome, **run: Any) -> Run:
    plan = run.pop("plan", Plan(()))
    return Run((Pass(plan, outcomes),), **run)


# what counts


def test_a_complete_run_in_numbers() -> None:
    memory = a_cluster(a_preview("pr-1"), a_preview("pr-2", fqdn="pr-1.preview.example.com"))
    summary = summary_of(go(memory), 1, 1.25)
    assert summary == Summary(
        exit_code=1,
        seconds=1.25,
        success=True,
        now=memory.time,
        planned={"create": 5, "update": 0, "delete": 0},
        writes={("create", "done"): 5},
        previews={"Progressing": 1, "HostnameConflict": 1},
    )
    assert summary.sentence == "exit code 1 after 1.2 s: 5 created, 0 updated, 0 deleted"
    assert json.loads(summary.json) == {
        "exit_code": 1,
        "success": True,
        "duration_seconds": 1.25,
        "dry_run": False,
        "planned": {"create": 5, "update": 0, "delete": 0},
        "writes": {"create": {"done": 5}},
        "previews": {"HostnameConflict": 1, "Progressing": 1},
        "deletes_skipped": 0,
    }


def test_a_dry_run_reports_its_plan() -> None:
    summary = summary_of(go(a_cluster(), dry_run=True), 0, 0.5)
    assert (summary.success, summary.writes) == (True, {})
    assert summary.sentence == "exit code 0 after 0.5 s: 3 to create, 0 to update, 0 to delete"


def test_skipped_deletes_are_counted_once_whatever_the_passes() -> None:
    memory = Memory()
    go(a := a_cluster())
    memory.objects = {k: v for k, v in a.objects.items() if k.kind != "PreviewEnvironment"}
    done = go(memory)
    assert summary_of(done, 4, 0).deletes_skipped == 3
    assert summary_of(Run(done.passes * 2), 4, 0).deletes_skipped == 3


@pytest.mark.parametrize("partly", [True, False])
def test_deletes_that_are_held_in_some_namespaces_keep_the_run_from_no_success(partly: bool) -> None:
    plan = Plan((), (Skipped("Deletes", "40 previews would lose their children", partly=partly),))
    done = a_run(plan=plan)
    assert (exit_code(done), summary_of(done, 4, 0).success) == (4, partly)


BLOCKED = Blocked(Key("Preview", "shop", "pr-1"), "shop/pr-1", "Invalid", "no image")


@pytest.mark.parametrize(
    ("done", "success"),
    [
        (a_run(), True),
        (a_run(Outcome(CREATE, "done"), Outcome(OTHER, "canceled")), True),
        (a_run(plan=Plan((BLOCKED,))), True),
        (a_run(Outcome(CREATE, "blocked"), Outcome(OTHER, "skipped")), True),
        (a_run(unknown=("pr-9",)), True),
        (a_run(dry_run=True), True),
        (a_run(Outcome(CREATE, "rejected"), Outcome(OTHER, "skipped")), True),
        (a_run(cut_short=True), False),
        (a_run(Outcome(CREATE, "failed")), False),
        (a_run(Outcome(CREATE, "skipped")), False),
        (a_run(plan=Plan((), (Skipped("Deletes", "too many"),))), False),
        (a_run(declined=True), False),
        (a_run(stopped=True), False),
    ],
)
def test_a_preview_that_needs_action_does_not_count_against_the_success_of_a_run(
    done: Run, success: bool
) -> None:
    assert did_all_it_could(done) is success


def test_a_run_without_a_plan_reports_why_in_plain_characters() -> None:
    summary = failure(5, "no connection: \x1b\n" + "é" * 9999, 0.1)
    assert (summary.exit_code, summary.success) == (5, False)
    assert summary.sentence.startswith("exit code 5 after 0.1 s: no connection: \\x1b\\n")
    assert summary.json.isprintable()
    assert len(summary.error) == LONGEST_ERROR


# the log


def record(message: str, *args: object, **fields: Any) -> dict[str, Any]:
    made = logging.LogRecord("reconcile", logging.INFO, "f.py", 1, message, args, None)
    made.created = 1_795_387_748.2504
    made.__dict__["fields"] = fields
    line = JsonFormatter().format(made)
    assert line.isascii()
    assert line.isprintable()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_record_is_one_line_of_ascii_whatever_is_in_it() -> None:
    assert record("it said %s", "\n\x1b[2J é ##vso[x]", name="pr-\u202e1") == {
        "time": "2026-11-22T22:49:08.250+00:00",
        "level": "INFO",
        "logger": "reconcile",
        "message": "it said \n\x1b[2J é ##vso[x]",
        "name": "pr-\u202e1",
    }
    made = logging.LogRecord("reconcile", logging.INFO, "f.py", 1, "##vso[x]", (), None)
    assert "##vso" not in JsonFormatter().format(made)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    ("verbose", "quiet", "log_format", "level"),
    [
        (0, False, "text", logging.WARNING),
        (1, False, "text", logging.INFO),
        (0, False, "json", logging.INFO),
        (1, False, "json", logging.DEBUG),
        (2, False, "json", logging.DEBUG),
        (0, True, "json", logging.ERROR),
    ],
)
def test_json_logs_are_one_level_more_verbose(verbose: int, quiet: bool, log_format: Any, level: int) -> None:
    start_logging(verbose, quiet, log_format)
    assert logging.getLogger("reconcile").level == level
    assert logs_json() is (log_format == "json")


# the termination message

SUMMARY = Summary(0, 1.0, success=True, previews={"Available": 3})
POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}


def test_in_a_pod_the_summary_is_the_termination_message(tmp_path: Path) -> None:
    file = tmp_path / "termination-log"
    file.write_text("an earlier run, with a longer one" * 99)
    assert write_termination_message(SUMMARY, {**POD, "RECONCILE_TERMINATION_LOG": str(file)})
    assert json.loads(file.read_text()) == SUMMARY.fields


def test_the_longest_summary_fits_into_a_termination_message() -> None:
    reasons = {f"SomeReasonOfAStatus{number}": 10**6 for number in range(30)}
    writes = {(a, r): 10**6 for a in ("create", "update") for r in ("done", "failed", "skipped")}
    error = failure(5, "\x1b" * 9999, 0).error
    longest = Summary(5, 9e9, success=False, previews=reasons, writes=writes, error=error)
    assert len(longest.json) + 1 <= 4096
    entries = tuple(Skipped(f"{number}{'k' * 300}", "no right") for number in range(30))
    skipped = summary_of(a_run(plan=Plan((), entries)), 4, 0).skipped
    longest = Summary(4, 9e9, success=False, previews=reasons, writes=writes, skipped=skipped)
    assert len(longest.json) + 1 <= 4096


def test_what_was_skipped_is_named_once_and_only_where_there_is_any() -> None:
    entries = (Skipped("Job", "no right"), Skipped("Job", "no answer"), Skipped("Deletes", "too many"))
    summary = summary_of(a_run(plan=Plan((), entries)), 4, 0.1)
    assert summary.fields["skipped"] == ["Job", "Deletes"]
    assert summary.sentence.endswith("created, 0 updated, 0 deleted; skipped: Job, Deletes")
    many = replace(summary, skipped=tuple("abcdefghij"), dry_run=True)
    assert many.sentence.endswith("to delete; skipped: a, b, c, d, e, f, g, h and 2 more")
    assert many.fields["skipped"] == [*"abcdefgh"]


@pytest.mark.parametrize("env", [{}, POD])
def test_nothing_is_written_outside_of_a_pod_or_if_the_file_does_not_exist(
    tmp_path: Path, env: dict[str, str]
) -> None:
    file = tmp_path / "termination-log"
    if not env:
        file.touch()
    assert not write_termination_message(SUMMARY, {**env, "RECONCILE_TERMINATION_LOG": str(file)})
    assert not env or not file.exists()
    assert env or file.read_text() == ""


def test_a_termination_file_that_cannot_be_written_is_skipped(tmp_path: Path) -> None:
    assert not write_termination_message(SUMMARY, {**POD, "RECONCILE_TERMINATION_LOG": str(tmp_path)})
    assert not write_termination_message(SUMMARY, {**POD, "RECONCILE_TERMINATION_LOG": "/proc/version"})


@pytest.mark.parametrize(("length", "state"), [(999, "NotReady"), (9999, "Unknown")])
def test_a_reason_that_others_wrote_has_no_count_of_its_own(length: int, state: str) -> None:
    memory = a_cluster()
    go(memory)
    condition = {"type": "Ready", "status": "False", "reason": "R" * length, "observedGeneration": 1}
    there = memory.objects[key("PreviewEnvironment")]
    memory.put({**there, "status": {"conditions": [condition]}})
    assert summary_of(go(memory, dry_run=True), 0, 0).previews == {state: 1}
