"""Runs one after the other: their pauses, what ends them, and what is printed of them."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile.cli.runs import LONGEST, again_and_again, pause_after
from reconcile.cluster.pool import Stop
from reconcile.errors import NoAnswer, ReconcileError, ServerTrouble, Stopped, UsageError
from reconcile.observe import observe as reads
from tests.shop import Shop

Run = bool | ReconcileError
Go = Callable[..., tuple[list[float], list[str]]]


class Sleeper(Stop):
    """Does not sleep, and asks to end in the pause after so many runs."""

    def __init__(self, runs: int) -> None:
        super().__init__()
        self.runs, self.paused = runs, list[float]()

    def pause(self, seconds: float, stop: Stop) -> None:
        self.paused.append(seconds)
        if len(self.paused) == self.runs:
            self.ask(15)


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Go:
    """The pauses after these runs, and the errors of those that got nowhere."""

    def run(*runs: Run, interval: float = 10, chance: float = 0) -> tuple[list[float], list[str]]:
        stop, coming, printed = Sleeper(len(runs)), list(runs), list[str]()
        monkeypatch.setattr("reconcile.cli.runs.pause", stop.pause)

        def once() -> bool:
            run = coming.pop(0)
            if isinstance(run, ReconcileError):
                raise run
            return run

        again_and_again(
            once,
            failed=lambda error: printed.append(str(error)),
            interval=timedelta(seconds=interval),
            stop=stop,
            chance=lambda: chance,
        )
        return stop.paused, printed

    return run


@pytest.mark.parametrize(
    ("runs", "pauses", "printed"),
    [
        ([True, True, True], [10, 10, 10], []),
        # After failures the pauses grow, and one success ends that.
        (
            [False, NoAnswer("no connection"), ServerTrouble("503"), True, False],
            [20, 40, 80, 10, 20],
            ["no connection", "503"],
        ),
        # A second preview of a bare NAME, which a tenant may make, comes up in the cluster later.
        ([True, UsageError("it is in two namespaces"), True], [10, 20, 10], ["it is in two namespaces"]),
    ],
)
def test_the_pause_is_the_interval_and_longer_after_failures(
    go: Go, runs: list[Run], pauses: list[float], printed: list[str]
) -> None:
    assert go(*runs) == (pauses, printed)


def test_a_pause_gets_a_little_longer_by_chance_so_that_many_do_not_come_at_once(go: Go) -> None:
    assert go(True, chance=1.0)[0] == [11.0]


@pytest.mark.parametrize(("interval", "longest"), [(1.0, LONGEST), (3600.0, 3600.0)])
def test_the_pauses_have_an_end(interval: float, longest: float) -> None:
    assert pause_after(10_000, interval, 0) == longest


@pytest.mark.parametrize(
    "runs", [[UsageError("pr-1 is in two namespaces")], [Stopped("signal")], [True, Stopped("signal")]]
)
def test_a_usage_error_of_the_first_run_and_a_signal_in_any_end_it(go: Go, runs: list[Run]) -> None:
    with pytest.raises((UsageError, Stopped)):
        go(*runs, True)


def test_a_signal_before_the_first_run_ends_it_too() -> None:
    stop = Stop()
    stop.ask(15)
    again_and_again(
        lambda: pytest.fail("a run was begun"),
        failed=lambda error: None,
        interval=timedelta(seconds=1),
        stop=stop,
    )


# the command


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What happens in the pauses, one after the other; after the last the command is told to end."""

    def happen(*steps: Callable[[], Any]) -> None:
        coming = list(steps)

        def pause(seconds: float, stop: Stop) -> None:
            if coming:
                coming.pop(0)()
            else:
                stop.ask(15)

        monkeypatch.setattr("reconcile.cli.runs.pause", pause)

    return happen


def nothing() -> None:
    """Happens in a pause."""


def test_only_a_run_with_something_new_is_printed(shop: Shop, between: Callable[..., None]) -> None:
    shop.write("pr-1")
    other = "pr-1.preview.example.com"
    between(
        nothing,
        nothing,
        lambda: shop.write("pr-2", fqdn=other),
        nothing,
        lambda: shop.remove("pr-2"),
        nothing,
    )
    ended = shop.reconcile("--interval", "1s", code=143)
    assert ended.out.count("Every preview, in the files in previews/") == 3
    assert ended.lines == [
        *(f"+ {kind} shop/pr-1 new preview" for kind in ("Deployment", "Service", "Mapping")),
        "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged.",
        "Done: 3 created, 0 updated, 0 deleted.",
        *(f"+ {kind} shop/pr-2 new preview" for kind in ("Deployment", "Service")),
        "! Preview shop/pr-2 pr-1.preview.example.com: belongs to shop/pr-1; change spec.fqdn",
        "Plan: 2 to create, 0 to update, 0 to delete, 1 blocked, 3 unchanged.",
        "Done: 2 created, 0 updated, 0 deleted.",
        *(f"- {kind} shop/pr-2 its preview is gone" for kind in ("Deployment", "Service")),
        "Plan: 0 to create, 0 to update, 2 to delete, 3 unchanged.",
        "Done: 0 created, 0 updated, 2 deleted.",
    ]


STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  "


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_each_report_begins_with_its_time_whatever_it_shows(
    shop: Shop, between: Callable[..., None], quiet: list[str]
) -> None:
    shop.write("pr-1")
    between(nothing, lambda: shop.write("pr-2"), nothing, lambda: shop.write("pr-2", fqdn="Bad"))
    ended = shop.reconcile("--interval", "1s", *quiet, code=143)
    head = f"^{STAMP}Every preview, in the files in previews/\n\n"
    assert len(re.findall(head, ended.out, re.MULTILINE)) == ended.out.count("Plan: ") == 3
    assert re.match(head, ended.out)


def test_a_single_run_prints_no_time(shop: Shop) -> None:
    shop.write("pr-1")
    ended = shop.reconcile("-v")
    assert not re.search(STAMP, ended.out + ended.err)
    assert ended.err.startswith("INFO reconcile.run.phases: ")


def test_each_line_of_the_log_of_many_runs_begins_with_its_time(
    shop: Shop, between: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def observe(*args: Any, **kwargs: Any) -> Any:
        raise NoAnswer("the folder is away")

    monkeypatch.setattr("reconcile.run.passes.observe", observe)
    between(nothing)
    lines = shop.reconcile("--interval", "1s", "-v", code=143).err.splitlines()
    assert [line for line in lines if not re.match(STAMP, line)] == []
    assert sum(line.endswith("Z  ERROR reconcile: the folder is away") for line in lines) == 2


def test_the_end_of_a_block_is_reported(shop: Shop, between: Callable[..., None]) -> None:
    shop.write("pr-1", fqdn="Bad")
    between(nothing, lambda: shop.remove("pr-1"), nothing)
    ended = shop.reconcile("--interval", "1s", code=143)
    assert [line for line in ended.lines if line.startswith("Plan")] == [
        "Plan: 0 to create, 0 to update, 0 to delete, 1 blocked, 0 unchanged.",
        "Plan: 0 to create, 0 to update, 0 to delete, 0 unchanged.",
    ]


def test_a_dry_run_that_would_do_the_same_is_printed_once(shop: Shop, between: Callable[..., None]) -> None:
    shop.write("pr-1")
    between(nothing, lambda: shop.write("pr-1", replicas=2), lambda: shop.write("pr-2"), nothing)
    ended = shop.reconcile("--interval", "1s", "--dry-run", code=143)
    assert [line for line in ended.lines if line.startswith("Plan")] == [
        "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged.",
        "Plan: 6 to create, 0 to update, 0 to delete, 0 unchanged.",
    ]
    assert not Path("children").exists()


def test_a_run_that_cannot_read_is_reported_and_the_next_one_starts(
    shop: Shop, between: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("pr-1")
    troubles = [NoAnswer("the folder is away")]

    def observe(*args: Any, **kwargs: Any) -> Any:
        if troubles:
            raise troubles.pop()
        return reads(*args, **kwargs)

    monkeypatch.setattr("reconcile.run.passes.observe", observe)
    between(nothing)
    ended = shop.reconcile("--interval", "1s", "--log-format", "json", "-o", "none", code=143)
    records = [json.loads(line) for line in ended.err.splitlines()]
    assert [record["message"] for record in records] == [
        "the folder is away",
        records[1]["message"],
        records[2]["message"],
        *(f"created {kind} shop/pr-1: new preview" for kind in ("Deployment", "Service", "Mapping")),
        records[-1]["message"],
    ]
    assert [r["summary"]["exit_code"] for r in records if "summary" in r] == [5, 0]
    assert re.fullmatch(r"run ended: exit code 5 after \d\.\d s: the folder is away", records[1]["message"])
    assert records[2]["message"].startswith("read ")
    assert records[3]["kind"] == "Deployment"
    assert ended.out == ""


def test_what_was_skipped_is_logged_with_its_reason_if_no_report_is_printed(shop: Shop) -> None:
    shop.write("pr-1")
    shop.reconcile()
    shop.remove("pr-1")
    refusal = "Refusing to delete 3 children: the list of previews is empty"
    assert shop.reconcile("-o", "none", code=4).err.startswith(f"WARNING reconcile: {refusal}")
    assert refusal not in (ended := shop.reconcile(code=4)).err
    assert refusal in ended.out
    records = map(json.loads, shop.reconcile("--log-format", "json", "-o", "none", code=4).err.splitlines())
    (skipped,) = [one for one in records if one.get("result") == "skipped"]
    assert (skipped["level"], skipped["subject"]) == ("WARNING", "Deletes")
    assert skipped["message"].startswith(refusal)


def test_the_reports_in_files_are_those_of_the_newest_run(shop: Shop, between: Callable[..., None]) -> None:
    shop.write("pr-1")
    between(nothing)
    shop.reconcile("--interval", "1s", "--report", "json=report.json", code=143)
    (one,) = json.loads(Path("report.json").read_text())["passes"]
    assert one["plan"]["summary"]["unchanged"] == 3


def test_at_a_terminal_interval_requires_yes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, between: Callable[..., None]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    between()
    ended = shop.reconcile("--interval", "1s", code=2)
    assert "--interval at a terminal needs --yes: nobody is asked before each run" in ended.err
    shop.reconcile("--interval", "1s", "--yes", code=143)


def test_the_log_of_programs_names_each_preview_that_needs_action(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", fqdn="pr-2.elsewhere.example.com")
    ended = shop.reconcile("--log-format=json", "--output=none", "--allow-fqdn=*.preview.example.com", code=1)
    records = [json.loads(line) for line in ended.err.splitlines()]
    (blocked,) = [record for record in records if record.get("result") == "blocked"]
    assert (blocked["preview"], blocked["reason"]) == ("shop/pr-2", "Refused")
    assert blocked["message"].startswith(
        "shop/pr-2: Refused: spec.fqdn: pr-2.elsewhere.example.com is not allowed"
    )
