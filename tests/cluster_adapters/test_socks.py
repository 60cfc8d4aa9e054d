"""A proxy of SOCKS5 on the way to the API server: `ssh -D`, as Kubernetes' documentation has it."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.authorities import HOST, TAKEN, make
from tests.cluster_adapters.conftest import PROMPT, Wire, connected, deployment
from tests.cluster_adapters.servers import Server, Start, start
from tests.cluster_adapters.test_adapter_wire import whole

__all__ = ["start"]

IPV4, NAME, IPV6 = 1, 3, 4
LENGTHS = {IPV4: 4, IPV6: 16}
NO_AUTH, PASSWORD, NONE = 0, 2, 255
DONE, REFUSED = 0, 5


@dataclass
class Socks:
    """A proxy that leads every name to one port of this machine: https://www.rfc-editor.org/rfc/rfc1928."""

    leads_to: int | None = None
    password: str = ""
    answer: bytes = b""
    """What it says instead of SOCKS5."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def socks() -> Iterator[Socks]:
    proxy = Socks()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            methods = self.rfile.read(self.rfile.read(2)[1])
            if proxy.answer:
                self.request.sendall(proxy.answer)
                return
            method = PASSWORD if proxy.password else NO_AUTH
            self.request.sendall(bytes([5, method if method in methods else NONE]))
            if proxy.password and method in methods:
                given = [self.rfile.read(self.rfile.read(size)[-1]) for size in (2, 1)]
                good = b":".join(given) == proxy.password.encode()
                self.request.sendall(bytes([1, 0 if good else 1]))
            if len(head := self.rfile.read(4)) < 4:
                return
            kind = head[3]
            host = self.rfile.read(LENGTHS.get(kind) or self.rfile.read(1)[0])
            name = (
                host.decode()
                if kind == NAME
                else socket.inet_ntop(socket.AF_INET if kind == IPV4 else socket.AF_INET6, host)
            )
            proxy.asked.append((name, int.from_bytes(self.rfile.read(2), "big")))
            code = DONE if proxy.leads_to else REFUSED
            self.request.sendall(bytes([5, code, 0, IPV4, 0, 0, 0, 0, 0, 0]))
            if proxy.leads_to:
                self.join(socket.create_connection(("127.0.0.1", proxy.leads_to)))

        def join(self, server: socket.socket) -> None:
            with server:
                back = threading.Thread(target=_copy, args=(server, self.request))
                back.start()
                _copy(self.request, server)
                back.join()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: the client has had enough."""

    listener = Listener(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.port = listener.server_address[1]
    yield proxy
    listener.shutdown()
    listener.server_close()
    thread.join()


def _copy(source: socket.socket, to: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def through(folder: Path, url: str, server: str = f"http://{HOST}:6443") -> KubernetesCluster:
    return connected(folder, server, proxy_url=url, pacing=PROMPT)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("host", [HOST, "10.1.2.3", "[fd00::1]"])
def test_the_proxy_resolves_the_servers_name(
    tmp_path: Path, socks: Socks, wire: Callable[..., Wire], scheme: str, host: str
) -> None:
    socks.leads_to = int(wire(whole).url.rpartition(":")[2])
    cluster = through(tmp_path, f"{scheme}://127.0.0.1:{socks.port}", f"http://{host}:6443")
    assert cluster.list(DEPLOYMENT).items == (deployment(),)
    assert socks.asked == [(host.strip("[]"), 6443)]
    cluster.close()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_the_servers_certificate_is_verified_behind_it(
    tmp_path: Path, socks: Socks, start: Start, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    made = make(TAKEN[0], tmp_path)
    server: Server = start(made)
    socks.leads_to = server.port
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, f"socks5://127.0.0.1:{socks.port}")
    trusted: dict[str, Any] = {"certificate_authority": str(made.trusted)}
    cluster = connected(tmp_path, f"https://{HOST}:6443", pacing=PROMPT, **trusted)
    assert cluster.list(DEPLOYMENT).items == ()
    assert socks.asked == [(HOST, 6443)]
    cluster.close()
    other = connected(tmp_path, "https://other.example.com:6443", pacing=PROMPT, **trusted)
    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        other.list(DEPLOYMENT)


def test_user_and_password_are_sent(tmp_path: Path, socks: Socks, wire: Callable[..., Wire]) -> None:
    socks.password = "ben:sword fish"
    socks.leads_to = int(wire(whole).url.rpartition(":")[2])
    cluster = through(tmp_path, f"socks5://ben:sword%20fish@127.0.0.1:{socks.port}")
    assert cluster.list(DEPLOYMENT).items == (deployment(),)
    cluster.close()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Proxy Server could not connect: Connection refused."),
        ({"password": "ben:other"}, "Invalid username/password"),
        (
            {"answer": b"\x05\xff"},
            "Requested USERNAME/PASSWORD from proxy server, but got NO ACCEPTABLE METHODS.",
        ),
        ({"answer": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, "the proxy does not speak SOCKS5"),
        ({"answer": b"\x05"}, "the proxy does not speak SOCKS5"),
    ],
)
def test_what_a_proxy_refuses_is_shown_with_its_address_and_no_password(
    tmp_path: Path, socks: Socks, given: dict[str, Any], words: str
) -> None:
    socks.password = "ben:canary"
    for name, value in given.items():
        setattr(socks, name, value)
    cluster = through(tmp_path, f"socks5://ben:canary@127.0.0.1:{socks.port}")
    with pytest.raises(Unreachable) as caught:
        cluster.list(DEPLOYMENT)
    assert str(caught.value) == (
        f"list deployments.apps in all namespaces: no connection to the API server http://{HOST}:6443 "
        f"through the proxy socks5://127.0.0.1:{socks.port} (proxy-url): {words}"
    )


def test_an_unreachable_proxy_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"through the proxy socks5://127\.0\.0\.1:{port} .*refused"):
        through(tmp_path, f"socks5://127.0.0.1:{port}").list(DEPLOYMENT)
