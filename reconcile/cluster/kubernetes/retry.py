"""The transport: sends a request again where that is safe and may help, all inside one deadline."""

import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import httpx2

from reconcile.cluster.kubernetes.deadline import RequestDeadline
from reconcile.cluster.kubernetes.throttle import Throttle

logger = logging.getLogger(__name__)

ATTEMPTS = 7
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
LONGEST_RETRY_AFTER = 60.0
SPREAD = 1.0
"""Seconds, at most, over which those come back that were told the same time; half of a shorter one."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
# The API server gives a write a minute, webhooks included, and says so itself when that is over.
WRITE_SECONDS = 65.0

# What a handshake ends with whose bytes did not arrive as they were sent; seen where many are made at once.
GARBLED = ("TLSV1_ALERT_DECODE_ERROR", "SSLV3_ALERT_BAD_RECORD_MAC", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC")

# How a body was sent: of no meaning once it is decoded.
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")

Answer = httpx2.Response | httpx2.RequestError


class TooLarge(Exception):
    """An answer was given up: it has more bytes than the request's extension `most_bytes` takes."""


class Repeat(Enum):
    """Whether a request may be sent a second time. Goes along as the request's extension `repeat`."""

    READ = "read"
    """It changes nothing."""
    GUARDED = "guarded"
    """It names the object's uid, so that the second one finds the work done, or a conflict."""
    ONCE = "once"
    """It changes nothing, and nobody wants to wait for it."""
    NEVER = "never"
    """It may make something, or is otherwise not the same twice."""


@dataclass(frozen=True)
class Pacing:
    """Time and chance, so that tests need neither."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class RetryTransport(httpx2.BaseTransport):
    """Answers with a response whose body has come whole, or raises what kept it from coming.

    `transport` reads the body of an answer, so that one that breaks off can still be asked for again.
    """

    def __init__(
        self, transport: httpx2.BaseTransport, deadline: RequestDeadline, pacing: Pacing, concurrency: int
    ) -> None:
        self._throttle = Throttle(concurrency)
        self._transport = transport
        self._deadline = deadline
        self._pacing = pacing

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        repeat: Repeat = request.extensions["repeat"]
        answers: list[Answer] = []
        taken = self._throttle.taken
        while True:
            answers.append(self._attempt(request, repeat))
            if asked_to_come_back(answers[-1]) and self._throttle.taken > taken:
                taken = self._throttle.taken
                del answers[:-1]  # others get on, so this one will
            pause = self._pause(repeat, answers)
            if pause is None:
                return _unwrap(answers[-1])
            logger.info("%s; again in %.1f s", _describe(request, answers[-1]), pause)
            self._pacing.sleep(pause)

    def close(self) -> None:
        self._transport.close()

    def _attempt(self, request: httpx2.Request, repeat: Repeat) -> Answer:
        sent = self._throttle.begin(self._deadline)
        if sent is None:
            return httpx2.PoolTimeout("the deadline of the run has passed")
        turned_away = None
        try:
            answer = self._send(request, repeat)
            if isinstance(answer, httpx2.Response):
                turned_away = answer.status_code == httpx2.codes.TOO_MANY_REQUESTS
            return answer
        finally:
            self._throttle.end(sent, turned_away=turned_away)

    def _send(self, request: httpx2.Request, repeat: Repeat) -> Answer:
        wait = READ_SECONDS if repeat in (Repeat.READ, Repeat.ONCE) else WRITE_SECONDS
        timeout = httpx2.Timeout(wait, connect=CONNECT_SECONDS, pool=self._deadline.cap(None))
        request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
        try:
            return self._transport.handle_request(request)
        except httpx2.RequestError as error:
            return error

    def _pause(self, repeat: Repeat, answers: list[Answer]) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        if len(answers) >= ATTEMPTS or not may_help(repeat, answers):
            return None
        least = retry_after(answers[-1])
        # All that were turned away together are told the same time.
        longest = max(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(answers) - 1)), min(least / 2, SPREAD))
        pause = least + self._pacing.jitter() * longest
        return pause if pause < self._deadline.remaining() else None


def read_whole(response: httpx2.Response, most_bytes: int | None) -> httpx2.Response:
    """The answer with its body, decompressed. Raises TooLarge as soon as that has more than `most_bytes`."""
    if most_bytes is None:
        response.read()
        return response
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > most_bytes:
            raise TooLarge
        parts.append(part)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_WIRE]
    return httpx2.Response(
        response.status_code, headers=headers, content=b"".join(parts), extensions=response.extensions
    )


def may_help(repeat: Repeat, answers: list[Answer]) -> bool:
    """Whether sending it once more is safe, and may be answered better."""
    answer = answers[-1]
    if isinstance(answer, httpx2.Response):
        return _status_may_pass(repeat, answer.status_code, len(answers))
    match answer:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return not is_hopeless(answer)  # nothing was sent, so even a create may be sent now
        case httpx2.ProxyError() | httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError():
            return False
        case httpx2.TimeoutException():
            return repeat is Repeat.READ
        case _:
            return repeat in (Repeat.READ, Repeat.GUARDED)


def _status_may_pass(repeat: Repeat, status: int, attempts: int) -> bool:
    match status:
        case httpx2.codes.TOO_MANY_REQUESTS:
            return True  # turned away unread: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
        case 502 | 503 | 504:
            return repeat in (Repeat.READ, Repeat.GUARDED)
        case 500:  # to an apply that is the object's own fault (a duplicate key) more often than the server's
            return repeat is Repeat.READ or (repeat is Repeat.GUARDED and attempts == 1)
        case _:
            return False


def asked_to_come_back(answer: Answer) -> bool:
    """Whether the server was too busy to take it up, and names a time. A webhook that says no names none."""
    if not isinstance(answer, httpx2.Response):
        return False
    return answer.status_code == httpx2.codes.TOO_MANY_REQUESTS and retry_after(answer) > 0


def is_hopeless(error: BaseException) -> bool:
    """Whether connecting failed for a reason that stays: an unknown name, a certificate that does not fit."""
    for cause in causes(error):
        if isinstance(cause, socket.gaierror):
            return cause.errno != socket.EAI_AGAIN
        if isinstance(cause, ssl.SSLError):
            return not isinstance(cause, ssl.SSLEOFError) and cause.reason not in GARBLED
    return False


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, what caused that; each once, for one raised twice can cause itself."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def retry_after(answer: Answer) -> float:
    """Seconds that the server asks to wait, one minute at most; 0.0 where it gives none, or a date."""
    value = answer.headers.get("Retry-After", "") if isinstance(answer, httpx2.Response) else ""
    return min(float(value), LONGEST_RETRY_AFTER) if value.isascii() and value.isdigit() else 0.0


def _unwrap(answer: Answer) -> httpx2.Response:
    if isinstance(answer, httpx2.Response):
        return answer
    raise answer


def _describe(request: httpx2.Request, answer: Answer) -> str:
    what = (
        str(answer.status_code)
        if isinstance(answer, httpx2.Response)
        else f"{type(answer).__name__}: {answer}"
    )
    return f"{request.method} {request.url.path}: {what}"
