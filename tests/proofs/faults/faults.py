"""The faults: what the server gets of a request, and what the command gets of its answer."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx2

Send = Callable[[], httpx2.Response]
"""Lets the real server do what was asked, and gives its answer, whose body has come whole."""
Broken = Callable[[httpx2.Request, Send], httpx2.Response]

WEB_PAGE = b"<!doctype html><html><title>502</title><body><h1>Bad gateway</h1></body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Fault:
    """One way for a request to fail. `acts` tells that the server has done what it was asked."""

    name: str
    acts: bool
    breaks: Broken

    def __str__(self) -> str:
        return self.name


class _BreaksOff(httpx2.SyncByteStream):
    """The first half of a body, and then the connection is reset."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx2.ReadError("[Errno 104] Connection reset by peer")


def _refused(request: httpx2.Request, send: Send) -> httpx2.Response:
    raise httpx2.ConnectError("[Errno 111] Connection refused")


def _times_out(request: httpx2.Request, send: Send) -> httpx2.Response:
    raise httpx2.ReadTimeout("The read operation timed out")


def _times_out_afterwards(request: httpx2.Request, send: Send) -> httpx2.Response:
    send()
    raise httpx2.ReadTimeout("The read operation timed out")


def closes(request: httpx2.Request, send: Send) -> httpx2.Response:
    send()
    raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")


def _resets(request: httpx2.Request, send: Send) -> httpx2.Response:
    answer = send()
    headers = {"Content-Type": answer.headers.get("Content-Type", ""), "Date": answer.headers["Date"]}
    return httpx2.Response(answer.status_code, headers=headers, stream=_BreaksOff(answer.content))


def _truncates(request: httpx2.Request, send: Send) -> httpx2.Response:
    """What a proxy passes on that counts the bytes itself: whole to HTTP, broken to JSON."""
    answer = send()
    half = answer.content[: len(answer.content) // 2]
    headers = {"Content-Type": answer.headers.get("Content-Type", ""), "Date": answer.headers["Date"]}
    return httpx2.Response(answer.status_code, headers=headers, content=half)


def says(
    code: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, acts: bool = False
) -> Broken:
    """Somebody between the command and the server answers in its place, before or after it has acted."""

    def answer(request: httpx2.Request, send: Send) -> httpx2.Response:
        if acts:
            send()
        return httpx2.Response(code, headers=dict(headers or {}), content=body)

    return answer


def refuses(code: int, reason: str, headers: Mapping[str, str] | None = None) -> Broken:
    """The API server itself says no, as it words it."""
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    body = json.dumps({**said, "reason": reason, "message": f"told by the test: {reason}"}).encode()
    return says(code, body, {"Content-Type": "application/json", **(headers or {})})


EXPIRED = refuses(410, "Expired")
UNSERVED = Fault("404 as text", False, says(404, b"404 page not found\n", {"Content-Type": "text/plain"}))
"""As the API server itself says it of a kind that it does not serve."""
FAULTS: tuple[Fault, ...] = (
    Fault("refused", False, _refused),
    Fault("reset mid-body", True, _resets),
    Fault("closed without an answer", True, closes),
    Fault("timeout before", False, _times_out),
    Fault("timeout after", True, _times_out_afterwards),
    Fault("500", False, refuses(500, "InternalError")),
    Fault("502 with HTML", False, says(502, WEB_PAGE, HTML)),
    Fault("502 with HTML, after", True, says(502, WEB_PAGE, HTML, acts=True)),
    Fault("503 without Content-Type", False, says(503, b"upstream connect error")),
    Fault("504 after", True, says(504, WEB_PAGE, HTML, acts=True)),
    Fault("429", False, refuses(429, "TooManyRequests", {"Retry-After": "1"})),
    Fault("401", False, refuses(401, "Unauthorized")),
    Fault("403", False, refuses(403, "Forbidden")),
    UNSERVED,
    Fault("404 with HTML", False, says(404, WEB_PAGE, HTML)),
    Fault("409", False, refuses(409, "Conflict")),
    Fault("410", False, EXPIRED),
    Fault("422", False, refuses(422, "Invalid")),
    Fault("302", False, says(302, b"", {"Location": "https://login.example.com/", **HTML})),
    Fault("200 with HTML", False, says(200, WEB_PAGE, HTML)),
    Fault("truncated JSON", True, _truncates),
)
