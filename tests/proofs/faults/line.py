"""The line between the command and the server: it writes down what passes, and breaks where it is told."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx2

from reconcile.cluster.kubernetes import connect
from reconcile.desire.children import RESOURCES
from reconcile.model.names import KIND, PLURAL
from tests.cluster_adapters.conftest import FakeTime
from tests.e2e import further
from tests.proofs.faults.faults import Broken, Fault, Send

READ, DELETE = "GET", "DELETE"
KINDS = {**RESOURCES, **further.ALL}


class Place(NamedTuple):
    """What is asked: the method, and the path without its query."""

    method: str
    path: str

    @property
    def is_list(self) -> bool:
        """Whether a GET is of a whole kind: of `/apis/GROUP/VERSION/[namespaces/NAME/]PLURAL`."""
        return len(self.path.split("/")) % 2 == (1 if self.path.startswith("/apis/") else 0)

    @property
    def kind_listed(self) -> str | None:
        """Whose list this asks for."""
        plurals = {PLURAL: KIND} | {resource.plural: kind for kind, resource in KINDS.items()}
        return plurals.get(self.path.split("/")[-1]) if self.method == READ and self.is_list else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Passed:
    """One request that was made: what the server answered, and whether that reached the command.

    `code` is the server's own, 0 where it never got the request. Sent again it is the same `request`.
    """

    place: Place
    code: int
    whole: bool
    request: httpx2.Request

    @property
    def done(self) -> bool:
        """Whether the server has done what it was asked."""
        return 200 <= self.code < 300

    @property
    def preconditions(self) -> dict[str, Any]:
        """Those of a delete."""
        found: dict[str, Any] = json.loads(self.request.content or b"{}").get("preconditions", {})
        return found


@dataclass(frozen=True)
class Strike:
    """Which request is struck: the `nth` of its place, counted from 1, and with `lasting` all after it."""

    place: Place
    nth: int
    fault: Fault
    lasting: bool = False

    def meets(self, place: Place, count: int) -> bool:
        return place == self.place and (count == self.nth or (self.lasting and count > self.nth))

    def __str__(self) -> str:
        return f"{self.fault} at {self.place}, its {self.nth}.{' and all later' if self.lasting else ''}"


Meddle = Callable[[httpx2.Request], Broken | None]
"""What is to become of this request; None lets it pass."""


@dataclass
class Line:
    """What passed in one run of the command, in the order in which the answers came."""

    strike: Strike | None = None
    meddle: Meddle | None = None
    trace: list[Passed] = field(default_factory=list)
    struck: int = 0
    counts: Counter[Place] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[Passed]:
        return [passed for passed in self.trace if passed.place.method != READ]

    def carry(self, request: httpx2.Request, send: Send) -> httpx2.Response:
        """Pass one request on, or what becomes of it."""
        place = Place(request.method, request.url.path)
        with self.lock:
            self.counts[place] += 1
            strike = self.strike if self.strike and self.strike.meets(place, self.counts[place]) else None
            self.struck += strike is not None
        codes = [0]

        def really() -> httpx2.Response:
            answer = send()
            codes.append(answer.status_code)
            return answer

        whole = False
        try:
            if strike is not None:
                return strike.fault.breaks(request, really)
            if self.meddle and (broken := self.meddle(request)):
                with self.lock:
                    self.struck += 1
                return broken(request, really)
            answer = really()
            whole = True
            return answer
        finally:
            with self.lock:
                self.trace.append(Passed(place, codes[-1], whole, request))


@contextmanager
def on(line: Line) -> Iterator[None]:
    """Every run of the command in here goes over this line, and waits by a clock that only waiting moves.

    The connections are real; only what lies above them, and below the command's retries, is the line's.
    """
    real = httpx2.HTTPTransport.handle_request

    def handle_request(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        def send() -> httpx2.Response:
            answer = real(transport, request)
            answer.read()
            answer.close()
            return answer

        return line.carry(request, send)

    def paced(*args: Any, **kwargs: Any) -> Any:
        return connect(*args, **kwargs, pacing=FakeTime().pacing)

    with (
        patch.object(httpx2.HTTPTransport, "handle_request", handle_request),
        patch("reconcile.cluster.kubernetes.connect", paced),
    ):
        yield
