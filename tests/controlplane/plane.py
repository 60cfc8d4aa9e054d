"""All programs of a control plane together, and what tests ask of them."""

import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx2

from tests.controlplane.audit import AuditEvent, events_of
from tests.controlplane.kubeconfig import token
from tests.controlplane.programs import alive, kill, program
from tests.controlplane.starting import (
    NODE,
    certificate,
    node,
    start_api_server,
    start_controllers,
    wait_for,
)

T = TypeVar("T")


class AskFailed(Exception):
    """The server answered a request of `ask` with an error: its code, and in the message what it said."""

    def __init__(self, answer: httpx2.Response) -> None:
        request = answer.request
        super().__init__(f"{request.method} {request.url.path}: {answer.status_code} {answer.text}")
        self.code = answer.status_code


class KubectlFailed(Exception):
    """kubectl ended with another code than 0; the message has its stderr."""


def eventually(
    check: Callable[[], T | Literal[False] | None], what: str, timeout: float = 60, pause: float = 0.1
) -> T:
    """The first answer of `check` that is true; an AssertionError with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := check()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(pause)
    return answer


@dataclass(frozen=True)
class ControlPlane:
    """A control plane that runs; all that is known of it is in `folder`, so several processes can use it."""

    folder: Path

    @classmethod
    def start(cls, folder: Path) -> "ControlPlane":
        """Start etcd and kube-apiserver in a folder that is empty or not there; ready when this returns.

        Raises `NotStarted`, and leaves nothing running then.
        """
        plane = cls(folder.resolve())
        plane.folder.mkdir(parents=True, exist_ok=True)
        try:
            start_api_server(plane.folder)
            wait_for(plane.folder, "kube-apiserver", lambda: plane._answers("/readyz"))
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def attach(cls, folder: Path) -> "ControlPlane | None":
        """The control plane that runs in a folder already; None where there is none."""
        return cls(folder.resolve()) if alive(folder.resolve(), "kube-apiserver") else None

    def start_controllers(self) -> None:
        """Start kube-controller-manager, kube-scheduler, kwok and one fake node.

        Install CRDs before: the garbage collector looks for new kinds every 30 seconds only.
        Its first sync of Deployments and Jobs comes 5 to 15 seconds after its start.
        """
        try:
            start_controllers(self.folder)
            self.ask("POST", "/api/v1/nodes", node())
            wait_for(self.folder, "kwok", self._node_is_ready)
            wait_for(
                self.folder,
                "kube-controller-manager",
                lambda: self._answers("/api/v1/namespaces/default/serviceaccounts/default"),
            )
        except BaseException:
            self.stop()
            raise

    @property
    def has_controllers(self) -> bool:
        """Whether Deployments become pods here, and the garbage collector works."""
        return alive(self.folder, "kube-controller-manager")

    def stop(self) -> None:
        """End every program; the folder stays, for its logs."""
        self.close()
        kill(self.folder)

    def close(self) -> None:
        """Let go of the connections of this process; the programs run on."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def server(self) -> str:
        """The URL of the API server."""
        return (self.folder / "server").read_text().strip()

    @property
    def kubeconfig(self) -> Path:
        """For `admin`, who may do everything."""
        return self.folder / "kubeconfigs" / "admin"

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
    ) -> Any:
        """One request as admin; the answer's JSON. Raises `AskFailed`."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.request(method, path, content, content_type=content_type)
        if not answer.is_success:
            raise AskFailed(answer)
        return answer.json()

    def request(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        *,
        params: Iterable[tuple[str, str]] = (),
        content_type: str = "",
    ) -> httpx2.Response:
        """One request as admin, and its answer, whatever it is."""
        headers = {"Content-Type": content_type} if content_type else {}
        # An empty list would take the query of the path away.
        return self._client.request(
            method, path, content=content or None, params=list(params) or None, headers=headers
        )

    def kubectl(
        self, *arguments: str, input: str | Mapping[str, Any] | None = None, kubeconfig: Path | None = None
    ) -> str:
        """kubectl as admin, or with another kubeconfig; gives its stdout, raises `KubectlFailed`.

        `input` is what `-f -` reads: text, or one manifest.
        """
        content = input if input is None or isinstance(input, str) else json.dumps(input)
        done = subprocess.run(
            [program("kubectl"), *arguments],
            input=content,
            stdin=subprocess.DEVNULL if content is None else None,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "KUBECONFIG": str(kubeconfig or self.kubeconfig),
                "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
            },
        )
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    @property
    def audit_log(self) -> Path:
        """Every request of everybody, one JSON document a line, at level Metadata."""
        return self.folder / "audit.log"

    def audit(self, user: str, since: int = 0) -> tuple[AuditEvent, ...]:
        """What a user has asked for, oldest first; all of it, or since the log had this size."""
        time.sleep(0.2)  # the line of a long answer is written after its first bytes were sent
        return tuple(events_of(user, self.audit_log, since))

    @cached_property
    def _client(self) -> httpx2.Client:
        trust = ssl.create_default_context(cafile=certificate(self.folder))
        headers = {"Authorization": f"Bearer {token('admin')}"}
        return httpx2.Client(base_url=self.server, headers=headers, verify=trust, timeout=30, trust_env=False)

    def _answers(self, path: str) -> bool:
        try:
            return certificate(self.folder).exists() and self._client.get(path).status_code == 200
        except httpx2.TransportError:
            return False

    def _node_is_ready(self) -> bool:
        conditions = self.ask("GET", f"/api/v1/nodes/{NODE}")["status"].get("conditions", [])
        return {"Ready": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()
