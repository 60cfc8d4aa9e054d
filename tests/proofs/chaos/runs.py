"""The runs: processes of the command with `--interval`, killed, stopped, and what their logs tell."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.process import REPOSITORY, environment
from tests.proofs.chaos.credentials import RUNS, Credentials

OPTIONS = (
    *("--interval", "1s", "--timeout", "60s", "--allow-blocked", "--max-deletes", "40"),
    *("--url-scheme", "http", "--output", "none", "--log-format", "json"),
)
FLAGS = {
    "Ingress": ("--route", "ingress"),
    "HTTPRoute": ("--route", "httproute", "--gateway", "gateway/shared"),
}


class Run:
    """One of them: the same user, process after process."""

    def __init__(self, name: str, credentials: Credentials, folder: Path) -> None:
        self.name = name
        self._kubeconfig = credentials.kubeconfig(name)
        self.log = folder / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._read = 0
        self.ends: Counter[str] = Counter()
        """How many passes ended with which exit code."""
        self.last: dict[str, Any] = {}
        self.has_traceback = False

    def start(self, route: str) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.proofs.chaos.small_pages",
            "--kubeconfig",
            str(self._kubeconfig),
        ]
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*command, *OPTIONS, *FLAGS[route]],
                cwd=REPOSITORY,
                env={**environment(), "TMPDIR": str(self.log.parent)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    @property
    def ended_with(self) -> int | None:
        """The exit code of a run that has ended; None while it runs."""
        return self._popen.poll() if self._popen else None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._popen:
            self._popen.wait()

    def signal(self, number: signal.Signals) -> None:
        if self._popen:
            with suppress(ProcessLookupError):
                os.kill(self._popen.pid, number)

    def read_on(self) -> None:
        """Read the log since the last time: how each pass ended is counted, and the last one kept."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._note(line.decode(errors="replace"))

    def _note(self, line: str) -> None:
        self.has_traceback |= "Traceback (most recent call last)" in line
        if summary := _record(line).get("summary"):
            self.last = summary
            self.ends[f"exit {summary['exit_code']}"] += 1


def _record(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def all_runs(credentials: Credentials, folder: Path) -> tuple[Run, ...]:
    return tuple(Run(name, credentials, folder) for name in RUNS)
