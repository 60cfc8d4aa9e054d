"""The command as a person runs it, in this process, against a mocked API server.

world     the API server: has nothing until a test puts it there
command   runs `reconcile` with the arguments; it never really sleeps
"""

import functools
import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import respx

from reconcile.cluster.kubernetes import connect
from reconcile.command.cli import exit_code_of
from tests.http.conftest import SERVER, FakeTime, write_kubeconfig
from tests.http.world import World


@dataclass(frozen=True)
class Ended:
    """How a run ended; the properties are those of a run with `-o json`."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def plan(self) -> Any:
        """The first plan."""
        return self.report["passes"][0]["plan"]

    @property
    def planned(self) -> set[tuple[str, str, str]]:
        """Of the first plan, every change that is told: action, kind, name."""
        return {(change["action"], change["kind"], change["name"]) for change in self.plan["changes"]}

    @property
    def withheld(self) -> dict[str, str]:
        """Of the first plan: subject to reason."""
        return {entry["subject"]: entry["reason"] for entry in self.plan["withheld"]}

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """What became of each write, in all passes: `KIND NAME` to result and message."""
        return {
            f"{write['kind']} {write['name']}": (write["result"], write["message"])
            for one in self.report["passes"]
            for write in one["outcomes"]["writes"]
        }


class RunCommand(Protocol):
    def __call__(self, *args: str) -> Ended: ...


@pytest.fixture
def world(httpx2_mock: respx.Router) -> World:
    world = World()
    httpx2_mock.route().mock(side_effect=world)
    return world


@pytest.fixture
def command(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    _as_before: None,
) -> RunCommand:
    for name in [name for name in os.environ if name.startswith("RECONCILE_")]:
        monkeypatch.delenv(name)
    kubeconfig = write_kubeconfig(tmp_path, SERVER)

    def run(*args: str) -> Ended:
        paced = functools.partial(connect, pacing=FakeTime().pacing)
        monkeypatch.setattr("reconcile.cluster.kubernetes.connect", paced)
        code = exit_code_of(["--kubeconfig", kubeconfig, *args])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def _as_before() -> Iterator[None]:
    """The command is made to be a process of its own: it takes signals and the log for itself."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(level)
