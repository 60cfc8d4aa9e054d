"""A gate before the API server: it passes requests on, and holds those that a test chooses."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from tests.controlplane.starting import certificate
from tests.e2e.story import Story

WRITES = frozenset({"PATCH", "POST", "PUT", "DELETE"})
# Of one connection only; the rest of a request and of an answer is passed on as it is.
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class Seen(NamedTuple):
    """One request; `path` has no query."""

    method: str
    path: str

    @property
    def writes(self) -> bool:
        return self.method in WRITES


Match = Callable[[Seen], bool]


def any_write(seen: Seen) -> bool:
    return seen.writes


def write_of(kind: str, name: str = "pr-1") -> Match:
    """A write of one object, its kind in the plural."""
    return lambda seen: seen.writes and seen.path.endswith(f"/{kind}/{name}")


def read_of(kind: str, name: str = "") -> Match:
    """A read of one object, or the list of its kind."""
    return lambda seen: seen.method == "GET" and seen.path.endswith(f"/{kind}/{name}".rstrip("/"))


@dataclass
class Hold:
    """Holds the first request that matches, or every one; before it is passed on, or its answer."""

    match: Match
    answer: bool = False
    every: bool = False
    held: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def release(self) -> None:
        """Let everything through, now and later."""
        self.released.set()

    def reached(self, times: int = 1, within: float = 90) -> None:
        """Wait until so many requests are held."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.held >= times, within), f"{self.held} were held"

    def takes(self, seen: Seen, *, answer: bool) -> bool:
        """Whether this request, or this answer, is one to hold."""
        if answer != self.answer or not self.match(seen):
            return False
        with self.changed:
            if self.held and not self.every:
                return False
            self.held += 1
            self.changed.notify_all()
            return True


class Gate(ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1; `requests` are those that were passed on, oldest first."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, server: str, context: ssl.SSLContext, bearer: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port: int = self.server_address[1]
        self.host = urlsplit(server).netloc
        self.context = context
        self.bearer = bearer
        self.requests: list[Seen] = []
        self.closed = False
        self._lock = threading.Lock()
        self._holds: list[Hold] = []
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    def hold(self, match: Match, *, answer: bool = False, every: bool = False) -> Hold:
        """Hold what is to come from now on, until it is released."""
        hold = Hold(match, answer, every)
        with self._lock:
            self._holds.append(hold)
        return hold

    @property
    def writes(self) -> list[Seen]:
        return [seen for seen in self.requests if seen.writes]

    def wait(self, seen: Seen, *, answer: bool) -> None:
        """Stop here while the request, or its answer, is held."""
        with self._lock:
            matching = [hold for hold in self._holds if hold.takes(seen, answer=answer)]
        for hold in matching:
            hold.released.wait()

    def close(self) -> None:
        """End; what is held never goes through."""
        self.closed = True
        for hold in self._holds:
            hold.release()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection of the process, and the one to the API server that belongs to it."""

    protocol_version = "HTTP/1.1"
    server: Gate

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPSConnection(self.server.host, context=self.server.context)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the process was killed
            self.close_connection = True

    def _pass_on(self) -> None:
        seen = Seen(self.command, self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.wait(seen, answer=False)
        if self.server.closed:
            self.close_connection = True
            return
        self.server.requests.append(seen)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        self.upstream.request(self.command, self.path, body or None, headers)
        answer = self.upstream.getresponse()
        content = answer.read()
        self.server.wait(seen, answer=True)
        self._answer(answer, content)

    do_GET = do_PATCH = do_DELETE = _pass_on

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests have no use for it."""


@contextmanager
def gate_before(story: Story) -> Iterator[Gate]:
    """A gate before the story's API server, for the story's user."""
    context = ssl.create_default_context(cafile=certificate(story.plane.folder))
    users = yaml.safe_load(story.account.kubeconfig.read_text())["users"]
    gate = Gate(story.plane.server, context, users[0]["user"]["token"])
    try:
        yield gate
    finally:
        gate.close()
