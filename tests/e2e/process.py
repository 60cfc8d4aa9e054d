"""The command as a process of its own: started, told to end, waited for."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.controlplane.kubeconfig import write_kubeconfig
from tests.controlplane.starting import certificate
from tests.e2e.gate import Gate
from tests.e2e.story import ROUTES, Result, Story
from tests.shells import terminal as shells

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 90.0


def behind(story: Story, gate: Gate, folder: Path) -> Story:
    """The same user, who reaches the API server through a gate."""
    file = write_kubeconfig(
        folder / f"gate-{gate.port}",
        server=f"http://127.0.0.1:{gate.port}",
        authority=certificate(story.plane.folder),
        bearer=gate.bearer,
    )
    return replace(story, account=story.account._replace(kubeconfig=file))


def command_line(story: Story, *arguments: str, route: bool = True) -> list[str]:
    """What a shell would run for this story."""
    return [
        *(sys.executable, "-m", "reconcile", "--kubeconfig", str(story.account.kubeconfig)),
        *("-n", story.namespace, "--api-group", story.group),
        *(ROUTES[story.route] if route else ()),
        *arguments,
    ]


def environment() -> dict[str, str]:
    """Ours, without what would be options of the command or would colour its output."""
    dropped = ("RECONCILE_", "FORCE_COLOR", "NO_COLOR", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


@dataclass(frozen=True)
class Process:
    """The command under way."""

    popen: subprocess.Popen[str]

    @classmethod
    def start(cls, story: Story, *arguments: str, route: bool = True) -> "Process":
        return cls(
            subprocess.Popen(
                command_line(story, *arguments, route=route),
                cwd=REPOSITORY,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def ended(self, within: float = PATIENCE) -> Result:
        """How it ended; it is killed, and the test fails, when it has not ended after so many seconds."""
        try:
            out, err = self.popen.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            out, err = self.popen.communicate()
            raise AssertionError(f"it had not ended after {within:g} s:\n{out}\n{err}") from None
        return Result(self.popen.returncode, out, err)


class Terminal(shells.Terminal):
    """The command with a person at a terminal before it; `said` is all that the screen has had."""

    @classmethod
    def start(cls, story: Story, *arguments: str) -> Self:
        return cls(command_line(story, *arguments), REPOSITORY, environment())

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ended(self, within: float = PATIENCE) -> int:
        """The exit code."""
        deadline = time.monotonic() + within
        with suppress(OSError):  # nobody holds the other end any more
            while time.monotonic() < deadline:
                if select.select([self._ours], [], [], 0.05)[0]:
                    self.said += os.read(self._ours, 65_536).decode(errors="replace")
        with suppress(subprocess.TimeoutExpired):  # it lets go of the terminal a moment before
            return self._process.wait(max(1.0, deadline - time.monotonic()))
        raise AssertionError(f"it had not ended after {within:g} s:\n{self.said}")
