"""A cluster whose pods run: commands on it, requests through its router, images for it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.process import REPOSITORY, environment
from tests.e2e.story import Result

DOMAIN = "preview.test"
"""Every name in it leads to the router."""
NO_ANSWER = 0
"""The code of a request that got no answer."""
PATIENCE = 120.0


class CommandFailed(Exception):
    """A command on the node ended with another code than 0; the message has its stderr."""


@dataclass(frozen=True)
class Answer:
    """What came back through the router."""

    code: int
    text: str


@dataclass(frozen=True)
class Running:
    """A command on the node, under way."""

    popen: subprocess.Popen[str]

    def signal(self, number: signal.Signals) -> None:
        """Signal it, and the command that led it inside, which passes no signal on."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def ended(self, within: float = PATIENCE) -> Result:
        """Wait for its end; it is killed, and the test fails, when it has not ended after so many seconds."""
        try:
            out, err = self.popen.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            out, err = self.popen.communicate()
            raise AssertionError(f"it had not ended after {within:g} s:\n{out}\n{err}") from None
        return Result(self.popen.returncode, out, err)


@dataclass(frozen=True)
class Node:
    """A cluster to try previews on: a node of this test run, or a cluster that somebody named."""

    prefix: tuple[str, ...]
    """What leads a command to where the cluster and its router are reached; nothing for a named cluster."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What commands find in their environment."""
    router: str = ""
    """The router's address, where `DOMAIN` does not lead to it by itself."""
    pusher: str = ""
    """The command that pushes an image; none for a named cluster, which has its images already."""

    @property
    def is_named(self) -> bool:
        """Whether somebody named this cluster: its names are not resolved, and its images not pushed."""
        return not self.pusher

    def start(self, *command: str | Path, env: Mapping[str, str] | None = None) -> Running:
        """Start a command inside, in the repository's folder; `env` is what its environment has besides."""
        return Running(self._popen(command, env or {}))

    def run(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        input: str = "",
        within: float = PATIENCE,
    ) -> Result:
        """Run a command inside to its end, however it ends."""
        popen = self._popen(command, env or {}, bool(input))
        if popen.stdin:
            with popen.stdin as stdin:
                stdin.write(input)
            popen.stdin = None
        return Running(popen).ended(within)

    def call(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        input: str = "",
        within: float = PATIENCE,
    ) -> str:
        """Run a command inside that has to end with 0; gives its stdout, raises `CommandFailed`."""
        done = self.run(*command, env=env, input=input, within=within)
        if done.code:
            raise CommandFailed(f"{' '.join(map(str, command))}: exit {done.code}: {done.stderr.strip()}")
        return done.stdout

    def module(self, name: str, *arguments: str) -> Running:
        """Start a module of this repository inside: `node.module("tests.node.load", url)`."""
        return self.start(sys.executable, "-m", name, *arguments)

    def reconcile(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run the command, as a process of its own, to its end."""
        return self.run(sys.executable, "-m", "reconcile", *arguments, env=env)

    def kubectl(self, *arguments: str | Path, input: str | Mapping[str, Any] = "") -> str:
        """kubectl as admin; gives its stdout, raises `CommandFailed`. `input` is what `-f -` reads."""
        return self.call("kubectl", *arguments, input=input if isinstance(input, str) else json.dumps(input))

    def get(self, *arguments: str) -> dict[str, Any]:
        """What `kubectl get … -o json` prints."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def request(self, url: str, *, authority: Path | None = None) -> Answer:
        """GET a URL through the router; over HTTPS only a certificate of this authority is good."""
        options = ["--cacert", str(authority)] if authority else []
        options += ["--connect-to", f"::{self.router}:"] if self.router else []
        done = self.run("curl", "-sS", "--max-time", "10", "-w", "\n%{http_code}", *options, url)
        text, _, code = done.stdout.rpartition("\n")
        return Answer(NO_ANSWER if done.code else int(code), text or done.stderr)

    def push(self, name: str, archive: Path) -> None:
        """Make the image of an archive (docker-archive) one that pods can name: `push("app:3", path)`.

        Pods that are made from now on have it, also where the node had another of that name.
        """
        assert self.pusher, f"{name} has to be in the cluster already"
        subprocess.run([self.pusher, name, archive], check=True, capture_output=True, timeout=PATIENCE)
        full = name if "/" in name else f"docker.io/library/{name}"
        self.run("ctr", "--namespace", "k8s.io", "images", "remove", full)

    def _popen(
        self, command: Sequence[str | Path], env: Mapping[str, str], has_input: bool = False
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.prefix, *command],
            cwd=REPOSITORY,
            env={**environment(), **self.variables, **env},
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
