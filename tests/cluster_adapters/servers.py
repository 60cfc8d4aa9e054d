"""A server of TLS at a real socket: an API server, a preview and a Pushgateway."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cluster_adapters.authorities import Made

EMPTY_LIST = json.dumps({"metadata": {"resourceVersion": "7"}, "items": []}).encode()
UNKNOWN = json.dumps({"kind": "Status", "code": 401, "reason": "Unauthorized"}).encode()


class Server(ThreadingHTTPServer):
    """It keeps connections open, and shows and asks what it is told at each handshake."""

    def __init__(self, made: Made, clients: Path | None = None) -> None:
        self.connections: list[int] = []
        """The client's port of each request."""
        self.open: set[Any] = set()
        self.token = ""
        self.hold = threading.Event()
        self.hold.set()
        self.show(made, clients)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.open.add(self.request)

            def finish(self) -> None:
                server.open.discard(self.request)
                super().finish()

            def do_GET(self) -> None:
                server.connections.append(self.client_address[1])
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.hold.wait(20)
                known = not server.token or self.headers.get("Authorization") == f"Bearer {server.token}"
                body = EMPTY_LIST if known else UNKNOWN
                self.send_response(200 if known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: stderr is the command's."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def port(self) -> int:
        return self.server_port

    def show(self, made: Made, clients: Path | None = None) -> None:
        """The certificate from now on, and whose clients are let in; ends what was agreed before."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.chain, made.key)
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        self.context = context
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def get_request(self) -> Any:
        plain, address = super().get_request()
        return self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that trusts it not."""

    def close(self) -> None:
        self.hold.set()
        self.shutdown()
        self.server_close()
        self.thread.join()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[Server] = []

    def start(made: Made, clients: Path | None = None) -> Server:
        servers.append(Server(made, clients))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
