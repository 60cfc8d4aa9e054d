"""Whether somebody reads what is told never decides what is done: real processes, whose streams are closed,
full, or read by nobody any more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shop import Shop

FULL = "stdout: cannot be written: No space left on device"
CLOSED = "stdout: cannot be written: Bad file descriptor"
WORK = "--from previews --to children --yes"
STREAMS = [
    # how the streams are, exit code, what stderr has (None if nobody can read it)
    (">/dev/full", 1, FULL),
    (">&-", 1, CLOSED),
    ("2>/dev/full", 0, None),
    ("2>&-", 0, None),
    ("<&-", 0, ""),
    ("<&- >&-", 1, CLOSED),
    ("2>&- <&-", 0, None),
    ("<&- >&- 2>&-", 1, None),
    (">/dev/full 2>&1", 1, None),
    ("| true", 0, ""),
    ("| head -1", 0, ""),
    ("2>&1 | true", 0, ""),
]


def bash(options: str, streams: str) -> tuple[int, str, str]:
    """Run the command so; its exit code, what came through stdout, and its stderr."""
    run, pipe, reader = f"{sys.executable} -m reconcile {options} {streams}".partition(" | ")
    # A reader that goes at once has gone before anything is written.
    script = f"({run}; echo $? > code)" + (f"{pipe}{reader}; wait" if pipe else "")
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILE_")}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return int(Path("code").read_text()), done.stdout, done.stderr


@pytest.mark.parametrize(("streams", "code", "err"), STREAMS)
def test_the_work_is_done_whoever_reads_of_it(shop: Shop, streams: str, code: int, err: str | None) -> None:
    shop.write()
    a_long_log = "-vv" if "2>" in streams else ""
    ended, _, printed = bash(f"{WORK} -o json {a_long_log}", streams)
    assert (ended, len(shop.children())) == (code, 3)
    assert err is None or printed == (f"Error: {err}\n" if err else "")


@pytest.mark.parametrize(
    ("streams", "code"), [(">/dev/full", 1), (">/dev/full 2>&1", 1), ("| head -1", 0), ("2>&1 | true", 0)]
)
def test_so_is_work_whose_report_does_not_fit_into_a_buffer(shop: Shop, streams: str, code: int) -> None:
    for number in range(30):
        shop.write(f"pr-{number:050}")
    assert (bash(WORK, streams)[0], len(shop.children())) == (code, 30 * 3)


@pytest.mark.parametrize(
    ("options", "streams", "code"),
    [
        *(
            (one, ">/dev/full", 1)
            for one in ("--help", "--version", "--print-crd", "--from previews --explain pr-1")
        ),
        *(("--print-crd", *one) for one in ((">&-", 1), ("| true", 0))),
    ],
)
def test_what_is_only_printed_fails_where_it_cannot_be_written(
    shop: Shop, options: str, streams: str, code: int
) -> None:
    shop.write()
    assert bash(options, streams)[0] == code


@pytest.mark.parametrize(
    ("options", "streams", "code"),
    [
        ("--nonsense", "2>/dev/full", 2),
        ("--from previews --dry-run --exit-code", "<&- 2>&- | true", 3),
        ("--from previews --dry-run unknown", "<&- 2>&- | true", 1),
        ("--kubeconfig nowhere", "2>/dev/full", 5),
    ],
)
def test_another_exit_code_stays(shop: Shop, options: str, streams: str, code: int) -> None:
    shop.write()
    assert bash(options, streams)[0] == code


def test_no_output_is_written_into_a_file_that_has_the_number_of_a_closed_stream(shop: Shop) -> None:
    shop.write()
    shop.reconcile()
    before = {file: text for file, (text, _) in shop.state().items()}
    for file in before:
        Path("children", file).unlink()
    bash(f"{WORK} -vv --report json=report.json --report html=page.html", ">&- 2>&-")
    json.loads(Path("report.json").read_text())
    assert Path("page.html").read_text().startswith("<!DOCTYPE html>")
    assert {file: text for file, (text, _) in shop.state().items()} == before


def test_without_output_a_closed_stdout_is_not_a_failure(shop: Shop) -> None:
    shop.write()
    assert bash(f"{WORK} -o none", ">&-") == (0, "", "")


@pytest.mark.parametrize("options", ["--from - --to children", "-f - --from previews --dry-run"])
def test_what_is_to_be_read_from_a_closed_stdin_is_missed(shop: Shop, options: str) -> None:
    shop.write()
    code, _, err = bash(options, "<&-")
    assert (code, shop.children()) == (2, [])
    assert err.startswith("Error: -: stdin is closed; pipe the manifests in, or name a file\n")


def test_the_json_log_reports_the_stream_too(shop: Shop) -> None:
    shop.write()
    _, _, err = bash(f"{WORK} --log-format json", ">/dev/full")
    records = [json.loads(line) for line in err.splitlines()]
    (summary,) = [record["summary"] for record in records if "summary" in record]
    assert (summary["exit_code"], records[-1]["message"]) == (1, FULL)
