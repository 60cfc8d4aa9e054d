"""A local clock that is wrong by ten years changes no request, and no line that is told.

`PROOF=whole` (`make races`) takes every mode of the command; else it is one of them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from reconcile.run.request import Request
from tests.clocks import CLOCKS, local_clock
from tests.e2e.story import Result, call
from tests.proofs.model.apiserver import Asked, Model
from tests.proofs.model.interleavings import Alone
from tests.proofs.model.sessions import DATE, in_sessions, kubeconfig
from tests.proofs.model.worlds import SMALL, World, available, large
from tests.whole import WHOLE


class Sent(NamedTuple):
    """One request, all of it."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass
class Served:
    """A model that answers the command at once, and keeps what it was sent."""

    state: Model
    sent: list[Sent] = field(default_factory=list)

    def handle(self, transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        body, kind = request.read(), request.headers.get("Content-Type", "")
        self.sent.append(Sent(request.method, str(request.url), tuple(request.headers.raw), body))
        self.state, answer, _ = self.state.answer(Asked.of(request.method, str(request.url), kind, body))
        headers = {"Date": DATE, "Content-Type": answer.type}
        return httpx2.Response(answer.code, headers=headers, content=answer.body)


@contextmanager
def served(state: Model) -> Iterator[Served]:
    """While this lasts, the model is what there is behind httpx2's transport."""
    server = Served(state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx2.HTTPTransport, "handle_request", lambda *about: server.handle(*about))
        yield server


def command(file: Path, request: Request, *arguments: str) -> Result:
    """The whole command, called as the request says."""
    names = [str(name) for name in request.scope.names]
    allowed = [part for glob in request.settings.allow_image for part in ("--allow-image", glob)]
    return call(
        *names, "--kubeconfig", str(file), "--concurrency", "1", "--route", request.settings.route,
        *allowed, *arguments,
    )  # fmt: skip


def all_ready(settled: Callable[[Model, Request], Model]) -> World:
    """Nothing is left to do, and nothing to wait for."""
    world = SMALL["new"](settled)
    return World(available(settled(world.state, world.calls[0])), world.calls)


WORLDS = {**SMALL, "large": large, "all_ready": all_ready}
MODES = {"": (), "dry": ("--dry-run",), "json": ("-o", "json"), "ttl": ("--default-ttl", "1h")}
TAKEN = MODES if WHOLE else ["ttl"]


@pytest.mark.parametrize("mode", TAKEN)
@pytest.mark.parametrize("name", WORLDS)
def test_no_request_is_another_by_a_clock_that_is_wrong_by_ten_years(
    tmp_path: Path, name: str, mode: str
) -> None:
    file = kubeconfig(tmp_path)
    with in_sessions():
        world = WORLDS[name](Alone(file).settled)
    wait = ("--wait", "--wait-timeout", "1m") if name == "all_ready" and mode != "dry" else ()
    runs = {}
    for clock, wrong_by in CLOCKS.items():
        with served(world.state) as server, local_clock(wrong_by):
            results = [command(file, request, *MODES[mode], *wait) for request in world.calls]
        told = [(result.code, result.stdout) for result in results]
        runs[clock] = (told, server.sent)
    assert len(runs["right"][1]) >= 7
    for clock in CLOCKS:
        assert runs[clock] == runs["right"], clock
    sys.stdout.write(f"{name} {mode}: {len(runs['right'][1])} requests, the same by {len(CLOCKS)} clocks\n")
