"""The command's own code, one request at a time: each waits until a schedule lets it through.

A session is one run in a thread of its own. It sends through the adapter as it is, down to the transport of
httpx2, where the request is handed out, and the answer is put in. With `concurrency=1` a run is a function of
the answers that it gets: `Program` remembers what it did after which, so that the code runs once for each.
"""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.errors import ReconcileError, code_of
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import exit_code
from tests.proofs.model.apiserver import Answered, Asked

DATE: Final = "Thu, 01 Jan 2026 12:00:00 GMT"
PATIENCE = 60.0
AGENT = "session-"

_sessions: dict[str, "Session"] = {}
_numbers = itertools.count()
_real = httpx2.HTTPTransport.handle_request


class Aborted(BaseException):
    """This run is not needed any more; no part of the command catches it."""


@dataclass(frozen=True)
class Ended:
    """How a run ended; `said` are the changes that did not succeed, for a person to read."""

    code: int
    said: str = ""


@contextmanager
def in_sessions() -> Iterator[None]:
    """While this lasts, the requests of sessions stop at httpx2's transport."""

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        session = _sessions.get(request.headers.get("User-Agent", ""))
        return session.send(transport, request) if session else _real(transport, request)

    httpx2.HTTPTransport.handle_request = handle  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        httpx2.HTTPTransport.handle_request = _real  # type: ignore[method-assign]


def the_command(cluster: KubernetesCluster, request: Request) -> Ended:
    """What the command does between its options and its exit code."""
    try:
        done = run(cluster, request, show_plan=lambda plan: None, agree=lambda plan: True)
    except ReconcileError as error:
        return Ended(code_of(error), str(error))
    wrong = [
        f"{o.change.key} {o.result}: {o.message}"
        for o in done.outcomes
        if o.result not in ("done", "canceled")
    ]
    return Ended(exit_code(done), "; ".join([*wrong, *done.notes]))


@dataclass
class Session:
    """One run. `asked` is the request that waits; None once it has `ended`.

    With `server` the requests go to the real server when they are let through, and `told` has what it
    answered; else `answer` answers.
    """

    kubeconfig: Path
    request: Request
    server: bool = False
    asked: Asked | None = None
    ended: Ended | None = None
    told: list[tuple[Asked, int]] = field(default_factory=list)
    _out: "queue.SimpleQueue[Asked | Ended | BaseException]" = field(default_factory=queue.SimpleQueue)
    _in: "queue.SimpleQueue[Answered | None]" = field(default_factory=queue.SimpleQueue)
    _aborted: bool = False

    def __post_init__(self) -> None:
        self._agent = f"{AGENT}{next(_numbers)}"
        _sessions[self._agent] = self
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait()

    def _run(self) -> None:
        cluster = connect(
            str(self.kubeconfig), None, deadline_seconds=None, concurrency=1, user_agent=self._agent, env={}
        )
        try:
            self._out.put(the_command(cluster, self.request))
        except BaseException as error:  # an assertion of the model, too, ends the test and not the thread
            self._out.put(error)
        finally:
            cluster.close()
            _sessions.pop(self._agent, None)

    def _wait(self) -> None:
        """Until it asks for something, or has ended."""
        came = self._out.get(timeout=PATIENCE)
        self.asked = came if isinstance(came, Asked) else None
        self.ended = came if isinstance(came, Ended) else None
        if isinstance(came, BaseException) and not isinstance(came, Aborted):
            raise came

    def send(self, transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        """In the run's own thread: hand out the request, wait to be let through."""
        kind = request.headers.get("Content-Type", "")
        asked = Asked.of(request.method, str(request.url), kind, request.read())
        self._out.put(asked)
        answer = self._in.get()
        if self._aborted:
            raise Aborted
        if answer is None and self.server:
            response = _real(transport, request)
            self.told.append((asked, response.status_code))
            return response
        assert answer is not None, "nobody answers"
        headers = {"Date": DATE, "Content-Type": answer.type}
        return httpx2.Response(answer.code, headers=headers, content=answer.body)

    def answer(self, answer: Answered | None = None) -> None:
        """Let its request through, and wait for the next; without an answer, to the real server."""
        self._in.put(answer)
        self._wait()

    def abort(self) -> None:
        if self.ended is None and not self._aborted:
            self._aborted = True
            self._in.put(None)
            self._thread.join(PATIENCE)


@dataclass
class Point:
    """Where a run is, after certain answers: it asks for something, or has ended."""

    parent: "Point | None"
    answer: Answered | None
    asked: Asked | None = None
    ended: Ended | None = None
    after: dict[Answered, "Point"] = field(default_factory=dict)
    session: Session | None = None

    @property
    def answers(self) -> list[Answered]:
        """All that led here, oldest first."""
        before: list[Answered] = []
        point: Point | None = self
        while point is not None and point.answer is not None:
            before.append(point.answer)
            point = point.parent
        return before[::-1]


class Program:
    """One way to call the command: where each answer leads to. `ran` counts how often its code was begun."""

    def __init__(self, start: Callable[[], Session]) -> None:
        self._start = start
        self.ran = 0
        session = self._begin()
        self.first = Point(None, None, session.asked, session.ended, session=session)
        self._parked: list[Point] = [self.first]

    def _begin(self) -> Session:
        self.ran += 1
        return self._start()

    def next(self, point: Point, answer: Answered) -> Point:
        """Where the run is after this answer."""
        if (known := point.after.get(answer)) is not None:
            return known
        session = self._session_at(point)
        session.answer(answer)
        after = Point(point, answer, session.asked, session.ended)
        point.after[answer] = after
        if session.ended is None:
            self._park(after, session)
        return after

    def _session_at(self, point: Point) -> Session:
        """A session that is here: one that stayed here, or another that is given the same answers."""
        if point.session is not None:
            session, point.session = point.session, None
            self._parked.remove(point)
            return session
        session = self._begin()
        for answer in point.answers:
            session.answer(answer)
        assert session.asked == point.asked, "the same answers led to another request"
        return session

    def _park(self, point: Point, session: Session) -> None:
        point.session = session
        self._parked.append(point)
        if len(self._parked) > 64:
            self._abort(self._parked.pop(0))

    @staticmethod
    def _abort(point: Point) -> None:
        if point.session is not None:
            point.session.abort()
            point.session = None

    def close(self) -> None:
        """End the runs that wait somewhere."""
        for point in self._parked:
            self._abort(point)
        self._parked.clear()


def kubeconfig(folder: Path) -> Path:
    """Of a server that nobody ever reaches: a model answers for it."""
    file = folder / "kubeconfig"
    file.write_text(
        "current-context: model\n"
        "contexts: [{name: model, context: {cluster: model, user: model}}]\n"
        "clusters: [{name: model, cluster:"
        " {server: 'http://model.example.com', insecure-skip-tls-verify: true}}]\n"
        "users: [{name: model, user: {}}]\n"
    )
    return file
