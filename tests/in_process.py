"""What the tests that run the command in their own process have in common."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Ended:
    """How a call of the command ended; but for `lines`, the properties are those of one with `-o json`."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was told of the plan and the writes: with single spaces, without scope and empty lines."""
        lines = [" ".join(line.split()) for line in self.out.splitlines()]
        return [line for line in lines if line and ", in the file" not in line]

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
    def skipped(self) -> dict[str, str]:
        """Of the first plan: subject to reason."""
        return {entry["subject"]: entry["message"] for entry in self.plan["skipped"]}

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """What became of each write, in all passes: `KIND NAME` to result and message."""
        return {
            f"{write['kind']} {write['name']}": (write["result"], write["message"])
            for one in self.report["passes"]
            for write in one["outcomes"]["writes"]
        }


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command is made to be a process of its own, and takes signals and the log for itself; before it,
    none of its variables is set."""
    for name in [name for name in os.environ if name.startswith("RECONCILE_")]:
        monkeypatch.delenv(name)
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root, ours = logging.getLogger(), logging.getLogger("reconcile")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
