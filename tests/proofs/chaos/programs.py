"""etcd and the API server of the node: killed, stopped, started; etcd put back in time, and its history compacted."""

import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx2

from tests.controlplane import eventually

ETCD = "http://127.0.0.1:2379"
_KEY = "Y2hhb3M="  # in base64
_BEYOND = 100
"""Revisions that etcd is moved on to, beyond the last one that anybody can have seen."""


class Program:
    """A program of the node, by its name; it runs when this is made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid = _pid_of(name)
        self._popen: subprocess.Popen[bytes] | None = None
        self._argv = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")[:-1]
        self._folder = os.readlink(f"/proc/{self.pid}/cwd")
        self._environment = dict(
            line.split(b"=", 1)
            for line in Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")
            if b"=" in line
        )

    @property
    def is_alive(self) -> bool:
        if self._popen:
            return self._popen.poll() is None
        return not _has_ended(self.pid)

    def stop(self) -> None:
        """It takes no step until it goes on."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a machine that loses its power."""
        self._signal(signal.SIGKILL)
        if self._popen:
            self._popen.wait()
        eventually(lambda: not self.is_alive, f"{self.name} has ended")

    def start(self) -> None:
        """With the arguments that it had."""
        if self.is_alive:
            return
        with Path(self._folder, "log", f"{self.name}.log").open("ab") as log:
            self._popen = subprocess.Popen(
                self._argv,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def _has_ended(pid: int) -> bool:
    """Whether each of its threads has: the last one closes what it listened on, and another could not listen there."""
    with suppress(ProcessLookupError), os.fdopen(os.pidfd_open(pid)) as process:
        return bool(select.select([process], [], [], 0)[0])
    return True


def _pid_of(name: str) -> int:
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError):
                argv = (process / "cmdline").read_bytes().split(b"\0")
                if Path(os.fsdecode(argv[0])).name == name:
                    return int(process.name)
    raise AssertionError(f"no {name} runs here")


class Store:
    """etcd, and what was in it."""

    def __init__(self, etcd: Program, api_server: Program, node: Path, folder: Path) -> None:
        self.etcd, self.api_server = etcd, api_server
        self._data, self._kept = node / "etcd", folder / "kept"
        self._client = httpx2.Client(base_url=ETCD, timeout=5, trust_env=False)
        self._seen = 0
        """The newest revision that was there before etcd was put back unnoticed."""

    @property
    def is_kept(self) -> bool:
        return self._kept.exists()

    def keep(self) -> None:
        """Take a snapshot: the files, while nobody writes."""
        self.etcd.stop()
        shutil.rmtree(self._kept, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", self._data, self._kept], check=True)
        self.etcd.go_on()

    def put_back(self) -> None:
        """By the book, as `etcdutl snapshot restore --bump-revision --mark-compacted`: who watches has to list anew.

        The API server takes no step meanwhile: a watch of a revision that is still to come is never told.
        """
        self.api_server.stop()
        self.put_back_unnoticed()
        self._move_on()
        self.api_server.go_on()

    def put_back_unnoticed(self) -> None:
        """Without that: an API server that goes on takes the old state of its cache for the new one."""
        self._seen = max(self._seen, self.revision())
        self.etcd.kill()
        shutil.rmtree(self._data)
        subprocess.run(["cp", "-a", "--sparse=always", self._kept, self._data], check=True)
        self.etcd.start()
        self.wait()

    def make_noticed(self) -> None:
        """End the API server, with what it remembers, where etcd was put back unnoticed."""
        if self._seen:
            self.api_server.kill()
            self._move_on()

    def _move_on(self) -> None:
        """Beyond each revision that somebody has seen, without a history."""
        while self.revision() < self._seen + _BEYOND:
            pass
        self.compact()
        self._seen = 0

    def compact(self) -> None:
        """Forget the history up to now: pages of a list that is under way are answered with 410."""
        self._post("kv/compaction", revision=str(self.revision()))

    def revision(self) -> int:
        """A new one, since what was there before it is to be forgotten too."""
        return int(self._post("kv/put", key=_KEY, value="")["header"]["revision"])

    def wait(self, within: float = 120) -> None:
        eventually(self._is_healthy, "etcd answers", within)

    def _is_healthy(self) -> bool:
        with suppress(httpx2.TransportError):
            return bool(self._client.get("/health").json()["health"] == "true")
        return False

    def _post(self, what: str, **body: str) -> dict[str, dict[str, str]]:
        answer = self._client.post(f"/v3/{what}", json=body)
        answer.raise_for_status()
        found: dict[str, dict[str, str]] = answer.json()
        return found


def for_a_while(begin: Callable[[], None], seconds: float, end: Callable[[], None]) -> None:
    """Something begins, and ends after so many seconds."""
    begin()
    time.sleep(seconds)
    end()
