"""A case: SIGKILL before or after one write of a process of its own, then a clean run."""

import os
import signal
from collections.abc import Iterator

import httpx2

from tests.e2e.story import Result
from tests.proofs.faults.faults import Fault, Send
from tests.proofs.faults.judgement import State, changed_uids, needless_writes, wrongful_deletes
from tests.proofs.faults.line import READ, Line, Strike
from tests.proofs.faults.strikes import not_converged, strikes_at
from tests.proofs.faults.worlds import World

UNHARMED = 7


def _dies(request: httpx2.Request, send: Send) -> httpx2.Response:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody is left to read this")


def _dies_afterwards(request: httpx2.Request, send: Send) -> httpx2.Response:
    send()
    return _dies(request, send)


KILLS = (Fault("killed before", False, _dies), Fault("killed after", True, _dies_afterwards))


def kills(world: World) -> list[Strike]:
    """Each write of the reference run, with a kill before it and one after it."""
    writes = [passed for passed in world.reference.trace if passed.place.method != READ]
    return strikes_at(writes, KILLS, (False,))


def wrong_after(world: World, strike: Strike) -> list[str]:
    """Run the case; what was wrong about it, nothing where one clean run was enough."""
    world.restore()
    if not _was_killed(world, strike):
        return ["it was not killed"]
    left, line = world.state(), Line()
    clean = world.run(line)
    return list(_judged(world, left, line, clean))


def _judged(world: World, left: State, line: Line, clean: Result) -> Iterator[str]:
    end = world.state()
    yield from wrongful_deletes(line, world.reference)
    yield from needless_writes(line, world.reference)
    yield from changed_uids(world.before, left, world.after)
    yield from changed_uids(left, end, world.after)
    yield from not_converged(world, clean, end)
    again = Line()
    world.run(again)
    if again.writes:
        yield f"the second clean run wrote: {[str(passed.place) for passed in again.writes]}"


def _was_killed(world: World, strike: Strike) -> bool:
    """Whether a process of its own, with connections of its own, met its end at this write."""
    child = os.fork()
    if child == 0:
        try:
            world.run(Line(strike))
        finally:
            os._exit(UNHARMED)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
