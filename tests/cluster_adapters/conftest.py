"""An API server that answers what a test says: mocked, or at a socket where a mock cannot do it.

api       the adapter, connected to SERVER, and what SERVER says; it never really sleeps
time      its clock: what was slept is in `time.slept`
wire      a server at a real socket: each request is answered by the next of its steps
"""

import contextlib
import itertools
import json
import socket
import ssl
import threading
import time as real_time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.cluster.kubernetes.retry import Pacing

SERVER = "http://api.example.com:8001"
DEPLOYMENTS = f"{SERVER}/apis/apps/v1/deployments"
IN_SHOP = f"{SERVER}/apis/apps/v1/namespaces/shop/deployments"
DATE = {"Date": "Sun, 22 Nov 2026 18:57:00 GMT"}


@dataclass
class FakeTime:
    """A clock that only sleeping moves; full jitter is the longest pause."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    @property
    def pacing(self) -> Pacing:
        return Pacing(clock=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)


def write_kubeconfig(
    folder: Path, server: str, user: str = "{}", *, current: str = "test", **cluster: Any
) -> str:
    """A kubeconfig with a context and one that leads nowhere; `user` is YAML, `cluster` has more of the
    cluster's fields, with _ for -."""
    fields = {name.replace("_", "-"): value for name, value in cluster.items()}
    if server.startswith("http:"):
        fields["insecure-skip-tls-verify"] = True  # else each test would read the machine's authorities
    file = folder / "kubeconfig"
    file.write_text(
        f"""
current-context: {current}
contexts:
- {{name: test, context: {{cluster: test, user: test}}}}
- {{name: other, context: {{cluster: other, user: test}}}}
clusters:
- {{name: test, cluster: {json.dumps({"server": server, **fields})}}}
- {{name: other, cluster: {{server: "https://127.0.0.1:1"}}}}
users: [{{name: test, user: {user}}}]
"""
    )
    return str(file)


PROMPT = Pacing(jitter=lambda: 0.0)


def connected_by(
    kubeconfig: str | None, *, env: dict[str, str] | None = None, seconds: float = 20, pacing: Pacing = PROMPT
) -> KubernetesCluster:
    return connect(
        kubeconfig,
        None,
        deadline_seconds=seconds,
        concurrency=4,
        user_agent="preview-reconcile/test",
        env=env or {},
        pacing=pacing,
    )


def connected(
    folder: Path,
    server: str = SERVER,
    *,
    user: str = "{}",
    seconds: float = 300,
    pacing: Pacing,
    **cluster: Any,
) -> KubernetesCluster:
    """By a kubeconfig with these fields; see `write_kubeconfig`."""
    return connected_by(write_kubeconfig(folder, server, user, **cluster), seconds=seconds, pacing=pacing)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def cluster(tmp_path: Path, time: FakeTime) -> Iterator[KubernetesCluster]:
    cluster = connected(tmp_path, pacing=time.pacing)
    yield cluster
    cluster.close()


@dataclass
class Api:
    """The adapter, and the API server that a test speaks for."""

    cluster: KubernetesCluster
    server: respx.Router
    time: FakeTime

    def says(self, method: str, url: str, *answers: httpx.Response | Exception) -> respx.Route:
        """What it answers, one request after the other; to every one of them where there is one answer.
        "" is every method."""
        route = self.server.route(url__startswith=url, **({"method": method} if method else {}))
        repeated = itertools.repeat(answers[0]) if len(answers) == 1 else answers
        return route.mock(side_effect=repeated)


@pytest.fixture
def api(cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime) -> Api:
    return Api(cluster, httpx2_mock, time)


def deployment(name: str = "pr-1", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", **metadata},
    }


def page(*names: str, version: str = "7", **metadata: Any) -> httpx.Response:
    """A page as the server sends it: the items without apiVersion and kind."""
    items = [{"metadata": {"name": name, "namespace": "shop"}} for name in names]
    body = {"kind": "DeploymentList", "metadata": {"resourceVersion": version, **metadata}, "items": items}
    return httpx.Response(200, json=body, headers=DATE)


def status(code: int, reason: str, message: str = "", **details: Any) -> httpx.Response:
    """A refusal as the API server words it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return httpx.Response(code, json={**body, "message": message, "details": details})


def text_404() -> httpx.Response:
    return httpx.Response(404, text="404 page not found\n")


Step = Callable[[socket.socket], None]


def sends(*parts: bytes, pause: float = 0.0) -> Step:
    """Answer with these, so many seconds apart."""

    def step(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            real_time.sleep(pause)

    return step


def silent(connection: socket.socket) -> None:
    """Say nothing until the client leaves."""
    connection.recv(1)


class Wire:
    """A server whose every byte, and every silence, a test decides. `heads` are those of the requests."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self.heads: list[str] = []
        self._steps = list(steps)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def requests(self) -> list[str]:
        return [head.partition("\r\n")[0] for head in self.heads]

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:  # the client has had enough
                speaks = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
                self.heads.append(_request_head(speaks))
                step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
                step(speaks)
                speaks.close()


def _request_head(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk or chunk.startswith(b"\x16\x03"):  # gone, or a handshake of TLS
            return ""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head.decode()


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    servers: list[Wire] = []

    def serve(*steps: Step, tls: ssl.SSLContext | None = None) -> Wire:
        servers.append(Wire(*steps, tls=tls))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()
