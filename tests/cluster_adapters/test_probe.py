"""A preview as seen from the outside: real servers at real sockets, and a resolver that leads to them."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconcile.cluster.pool import Stop
from reconcile.run import probe as module
from reconcile.run.probe import Connect, probe, probe_all

HOST = "pr-1.preview.example.com"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers every connection with these bytes, one after the other, so many seconds apart."""

    def __init__(self, *answer: bytes, tls: ssl.SSLContext | None = None, pause: float = 0.0) -> None:
        self.requests: list[str] = []
        self.names: list[str | None] = []
        self._answer, self._tls, self._pause = answer, tls, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()
        return host, port

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with suppress(OSError), connection:
                    self._talk(
                        self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
                    )

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            self.requests.append(connection.recv(65536).decode("latin-1"))
            for part in self._answer:
                connection.sendall(part)
                time.sleep(self._pause)


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*answer: bytes, tls: ssl.SSLContext | None = None, pause: float = 0.0) -> Server:
        servers.append(Server(*answer, tls=tls, pause=pause))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def leading_to(server: Server) -> Connect:
    """A resolver and a network in which every name is this server."""
    return lambda address, seconds: socket.create_connection(server.address, seconds)


def answered(server: Server, scheme: str = "http", seconds: float = 5.0) -> str:
    return probe(f"{scheme}://{HOST}", seconds, connect=leading_to(server))


# what it answers


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("200 OK", ""),
        ("302 Found\r\nLocation: http://169.254.169.254/", ""),
        ("401 Unauthorized", ""),
        ("404 Not Found", ""),
        ("499 x", ""),
        ("500 Internal Server Error", "answers 500"),
        ("503 Service Unavailable", "answers 503"),
    ],
)
def test_below_500_is_an_answer_and_no_redirect_is_followed(serve: Serve, status: str, told: str) -> None:
    server = serve(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    assert answered(server) == told
    (request,) = server.requests
    assert request.splitlines()[:2] == ["GET / HTTP/1.1", f"Host: {HOST}"]


def test_the_body_is_not_waited_for(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", *[b"x"] * 50, pause=0.2)
    began = time.monotonic()
    assert answered(server) == ""
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_no_answer(serve: Serve, answer: bytes) -> None:
    assert answered(serve(answer)).startswith("no ")


@pytest.mark.parametrize("parts", [[b"H"] * 200, [b"HTTP/1.1 200 OK\r\n", *[b"a: b\r\n"] * 200]])
def test_a_server_that_trickles_is_left(serve: Serve, parts: list[bytes]) -> None:
    began = time.monotonic()
    assert answered(serve(*parts, pause=0.1), seconds=1.0) == "no answer in 1 s"
    assert time.monotonic() - began < 2.0


def test_a_server_that_says_nothing_is_left(serve: Serve) -> None:
    assert answered(serve(b"", pause=5.0), seconds=0.5) == "no answer in 0 s"


def test_a_port_that_is_closed_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    told = probe(f"http://{HOST}", connect=lambda _, seconds: socket.create_connection(address, seconds))
    assert told == "no connection: Connection refused"


def test_a_name_that_does_not_resolve_is_told() -> None:
    def nowhere(address: tuple[str, int], seconds: float) -> socket.socket:
        assert address == (HOST, 443)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert probe(f"https://{HOST}", connect=nowhere) == "does not resolve"


def test_no_proxy_of_the_environment_is_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = serve(OK)
    assert answered(server) == ""
    assert len(server.requests) == 1


# the certificate


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `HOST.pem` and `HOST.key`: a certificate that signs itself."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in (HOST, "another.example.com"):
        certificate(folder, name)
    return folder


def certificate(folder: Path, name: str) -> None:
    openssl(
        folder,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "1"),
        *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
    )


def openssl(folder: Path, *arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("not on the PATH: openssl, which makes the certificates")


def https(serve: Serve, folder: Path, file: str) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{file}.pem", folder / f"{file}.key")
    return serve(OK, tls=context)


def test_a_good_certificate_is_one_that_the_machine_trusts(
    serve: Serve, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = https(serve, authority, HOST)
    assert answered(server, "https") == "certificate is not good: self-signed certificate"
    assert server.requests == [], "nothing is asked of a server that nobody knows"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / f"{HOST}.pem"))
    assert answered(server, "https") == ""


def test_a_certificate_of_another_name_is_not_good(
    serve: Serve, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "another.example.com.pem"))
    told = answered(https(serve, authority, "another.example.com"), "https")
    assert told.startswith(
        f"certificate is not good: Hostname mismatch, certificate is not valid for '{HOST}'"
    )


def test_a_port_without_tls_is_told(serve: Serve) -> None:
    assert answered(serve(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "https").startswith("no TLS: ")


# many


def test_all_are_asked_and_one_that_hangs_holds_up_no_other(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, hangs = serve(OK), threading.Event()

    def resolve(address: tuple[str, int], seconds: float) -> socket.socket:
        if address[0] == "hangs.example.com":
            hangs.wait(20)
        return socket.create_connection(server.address, seconds)

    urls = [f"http://pr-{number}.example.com" for number in range(5)]
    began = time.monotonic()
    found = probe_all(["http://hangs.example.com", *urls], 1.0, concurrency=2, stop=Stop(), connect=resolve)
    hangs.set()
    assert found == {"http://hangs.example.com": "no answer in time", **dict.fromkeys(urls, "")}
    assert time.monotonic() - began < 2.0


def test_a_run_that_is_told_to_end_waits_for_none() -> None:
    stop = Stop()
    stop.ask(15)
    began = time.monotonic()
    slow = threading.Event()

    def resolve(address: tuple[str, int], seconds: float) -> socket.socket:
        slow.wait(5)
        raise TimeoutError

    assert probe_all([f"http://{HOST}"], 5.0, concurrency=1, stop=stop, connect=resolve)
    slow.set()
    assert time.monotonic() - began < 1.0


def test_the_ports_are_those_of_the_schemes() -> None:
    assert module.PORTS == {"https": 443, "http": 80}
