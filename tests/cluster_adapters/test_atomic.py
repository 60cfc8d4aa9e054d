"""What a killed writer leaves beside its file: removed by the next run, unless its writer lives."""

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconcile.cluster.atomic import remove_abandoned, replace_file
from tests.shop import Shop

STOPPED = "print(flush=True), input()"
"""A writer that goes on when it is told to."""
KILLED = "os.kill(os.getpid(), 9)"
WRITER = """
import os
from reconcile.cluster.atomic import replace_file
replace = os.replace
def instead(*paths):
    {what}
    replace(*paths)
os.replace = instead
replace_file({path!r}, "text")
"""


def writer(path: Path, what: str) -> subprocess.Popen[bytes]:
    """A process that has written everything but for putting it in its place."""
    command = [sys.executable, "-c", WRITER.format(what=what, path=str(path))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def leave_behind(path: Path) -> None:
    with writer(path, KILLED) as killed:
        assert killed.wait() == -9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("by", ["child", "report"])
def test_a_run_removes_what_killed_ones_have_left(shop: Shop, by: str) -> None:
    folder = Path("children" if by == "child" else "reports")
    arguments = ("--report", f"json={folder}/report") if by == "report" else ()
    shop.write()
    folder.mkdir(exist_ok=True)
    shop.reconcile(*arguments)
    before = names(folder)
    for _ in range(2):
        leave_behind(folder / "file")
    with writer(folder / "file", STOPPED) as living:
        assert living.stdout
        assert living.stdin
        living.stdout.readline()
        theirs = folder / ".preview-reconcile-notes.tmp"
        theirs.touch()
        assert len(names(folder)) == len(before) + 4
        if by == "child":
            shop.reconcile("--dry-run")
            assert len(names(folder)) == len(before) + 4
        shop.reconcile(*arguments)
        assert len(names(folder)) == len(before) + 2, "one lives, and one has another name"
        living.stdin.write(b"\n")
        living.stdin.close()
        assert living.wait() == 0
    assert names(folder) == sorted([*before, theirs.name, "file"])


def test_a_file_that_is_taken_before_it_is_locked_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, taken = fcntl.flock, list[str]()

    def late(file: int, how: int) -> None:
        if not taken:
            taken.extend(names(tmp_path))
            (tmp_path / taken[0]).unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    replace_file(str(tmp_path / "file"), "text")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "text"


def test_where_there_are_no_locks_files_are_written_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError("No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    replace_file(str(tmp_path / "file"), "text")
    assert names(tmp_path) == ["file"]
    leave_behind(tmp_path / "file")
    remove_abandoned(str(tmp_path))
    assert len(names(tmp_path)) == 2


def test_runs_that_write_and_tidy_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    def work(number: int) -> None:
        remove_abandoned(str(tmp_path))
        replace_file(str(tmp_path / f"{number % 3}"), "text" * number)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(work, range(300)))) == 300
    assert names(tmp_path) == ["0", "1", "2"]
    assert len(os.listdir("/proc/self/fd")) < 100
