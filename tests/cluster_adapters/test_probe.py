"""A preview as seen from the outside: real servers at real sockets, and a resolver that leads to them."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile.cluster.pool import Stop
from reconcile.run import probe as module
from reconcile.run.probe import Connect, probe, probe_all
from tests.cluster_adapters.authorities import HOST, NAMES, Sort, make
from tests.cluster_adapters.conftest import Wire, sends, silent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


Serve = Callable[..., Wire]


def leading_to(server: Wire) -> Connect:
    """A resolver and a network in which every name is this server."""
    return lambda address, seconds: socket.create_connection(("127.0.0.1", server.port), seconds)


def answered(server: Wire, scheme: str = "http", seconds: float = 5.0) -> str:
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
def test_below_500_is_an_answer_and_no_redirect_is_followed(wire: Serve, status: str, told: str) -> None:
    server = wire(sends(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()))
    assert answered(server) == told
    (head,) = server.heads
    assert head.splitlines()[:2] == ["GET / HTTP/1.1", f"Host: {HOST}"]


def test_the_body_is_not_waited_for(wire: Serve) -> None:
    server = wire(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", *[b"x"] * 50, pause=0.2))
    began = time.monotonic()
    assert answered(server) == ""
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_no_answer(wire: Serve, answer: bytes) -> None:
    assert answered(wire(sends(answer))).startswith("no ")


@pytest.mark.parametrize("parts", [[b"H"] * 200, [b"HTTP/1.1 200 OK\r\n", *[b"a: b\r\n"] * 200]])
def test_a_server_that_trickles_is_left(wire: Serve, parts: list[bytes]) -> None:
    began = time.monotonic()
    assert answered(wire(sends(*parts, pause=0.1)), seconds=1.0) == "no answer in 1 s"
    assert time.monotonic() - began < 2.0


def test_a_silent_server_is_given_up(wire: Serve) -> None:
    assert answered(wire(silent), seconds=0.5) == "no answer in 0 s"


def test_a_closed_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    told = probe(f"http://{HOST}", connect=lambda _, seconds: socket.create_connection(address, seconds))
    assert told == "no connection: Connection refused"


def test_an_unresolved_name_is_reported() -> None:
    def nowhere(address: tuple[str, int], seconds: float) -> socket.socket:
        assert address == (HOST, 443)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert probe(f"https://{HOST}", connect=nowhere) == "does not resolve"


def test_no_proxy_of_the_environment_is_asked(wire: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = wire(sends(OK))
    assert answered(server) == ""
    assert len(server.requests) == 1


# the certificate


def test_a_certificate_that_the_machine_does_not_trust_is_reported(wire: Serve, tmp_path: Path) -> None:
    """Of what is taken and what is not, test_certificates.py has a table."""
    made = make(Sort("its own", (NAMES,), ()), tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    server = wire(sends(OK), tls=context)
    assert answered(server, "https").startswith("certificate is not good: self-signed certificate")
    assert server.heads == [], "nothing is asked of a server that nobody knows"


def test_missing_tls_is_reported(wire: Serve) -> None:
    assert answered(wire(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "https").startswith("no TLS: ")


# many


def test_all_are_asked_and_one_that_hangs_holds_up_no_other(
    wire: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, hangs = wire(sends(OK)), threading.Event()

    def resolve(address: tuple[str, int], seconds: float) -> socket.socket:
        if address[0] == "hangs.example.com":
            hangs.wait(20)
        return socket.create_connection(("127.0.0.1", server.port), seconds)

    urls = [f"http://pr-{number}.example.com" for number in range(5)]
    began = time.monotonic()
    found = probe_all(["http://hangs.example.com", *urls], 1.0, concurrency=2, stop=Stop(), connect=resolve)
    hangs.set()
    assert found == {"http://hangs.example.com": "no answer in time", **dict.fromkeys(urls, "")}
    assert time.monotonic() - began < 2.0


def test_a_run_asked_to_stop_waits_for_none() -> None:
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
