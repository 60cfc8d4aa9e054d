"""Requests at once: in order, and given up when the run is told to end."""

import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.cluster.pool import Stop, read_at_once, write_at_once
from reconcile.errors import Stopped
from tests.builders import a_preview
from tests.threads import no_more_threads_than


def double(number: int) -> int:
    return 2 * number


def test_results_come_in_the_order_of_the_items() -> None:
    assert read_at_once(double, [3, 1, 2], 2, Stop()) == [6, 2, 4]
    assert read_at_once(double, [], 2, Stop()) == []


def test_the_first_error_is_raised() -> None:
    def fail(number: int) -> int:
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        read_at_once(fail, [1, 2], 2, Stop())
    with pytest.raises(ValueError, match=r"[12]"):
        write_at_once(fail, [[1, 2]], 2, Stop(), namespace_of=str, seed="")


def test_no_more_than_so_many_run_at_once() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def count(number: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1
        return number

    read_at_once(count, list(range(12)), 3, Stop())
    assert most == [3]


def test_a_read_is_given_up_at_once() -> None:
    stop, never = Stop(), threading.Event()

    def hang(number: int) -> bool:
        stop.ask(signal.SIGTERM)
        return never.wait(30)

    try:
        with pytest.raises(Stopped):
            read_at_once(hang, [1], 1, stop)
    finally:
        never.set()


def test_a_write_under_way_gets_its_time_and_no_more() -> None:
    stop, never, written = Stop(), threading.Event(), list[int]()
    stop.grace = 1.0

    def write(number: int) -> None:
        stop.ask(signal.SIGINT)
        never.wait(0.05 if number == 1 else 30)
        written.append(number)

    try:
        write_at_once(write, [[1, 2]], 2, stop, namespace_of=str, seed="")
        assert written == [1]
    finally:
        never.set()


def test_the_first_signal_counts() -> None:
    stop = Stop()
    stop.ask(signal.SIGTERM)
    stop.ask(signal.SIGINT)
    assert stop.signal == signal.SIGTERM


@pytest.mark.parametrize("most", [0, 1, 2])
def test_where_no_more_threads_are_to_be_had_those_that_there_are_have_to_do(
    most: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def work(number: int) -> int:
        for _ in range(20_000):  # else the first threads may be done before another one is missed
            if caplog.records:
                break
            time.sleep(0.001)
        return double(number)

    no_more_threads_than(most, monkeypatch)
    assert read_at_once(work, list(range(12)), 4, Stop()) == list(range(0, 24, 2))
    said = f"can't start new thread after {most} of 4: raise the limit of processes or of memory"
    assert [record.getMessage() for record in caplog.records] == [said]


def test_without_any_thread_each_item_is_written_once_and_stages_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_more_threads_than(0, monkeypatch)
    written = list[str]()
    write_at_once(written.append, [["a", "b"], ["A"]], 4, Stop(), namespace_of=str.lower, seed="")
    assert sorted(written) == ["A", "a", "b"]
    assert written.index("a") < written.index("A")


def test_without_any_thread_nothing_is_begun_after_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    no_more_threads_than(0, monkeypatch)
    stop, begun = Stop(), list[int]()

    def read(number: int) -> None:
        begun.append(number)
        stop.ask(signal.SIGTERM)

    with pytest.raises(Stopped):
        read_at_once(read, [1, 2], 4, stop)
    assert begun == [1]


def test_the_command_does_its_work_on_a_machine_that_has_no_threads(tmp_path: Path) -> None:
    """Each thread takes a stack of 8 GiB, for which 4 GiB leave no room."""
    (tmp_path / "previews.yaml").write_text("---\n".join(dump(a_preview(f"pr-{n}")) for n in range(20)))
    command = [sys.executable, "-m", "reconcile", "--from", str(tmp_path), "--to", str(tmp_path / "out")]
    limited = f"ulimit -v {4 * 1024**2} -s {8 * 1024**2}; exec {shlex.join(command)}"
    ended = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=60)
    assert "WARNING reconcile.cluster.pool: can't start new thread after" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (ended.returncode, len(list((tmp_path / "out").iterdir()))) == (0, 60)
