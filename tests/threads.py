"""A machine that has no more threads: a limit of processes (pids, nproc) or of memory was reached."""

import threading

import pytest


def no_more_threads_than(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, so many threads can be started; then Python says what it says."""
    start, left = threading.Thread.start, [most]

    def limited(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
