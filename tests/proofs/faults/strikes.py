"""A case: one fault at one request of a reference run, or a kill at one write, then a clean run; and its verdict."""

import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import httpx2

from tests.e2e.story import ROUTES, Result
from tests.proofs.faults.faults import FAULTS, UNSERVED, Fault, Send
from tests.proofs.faults.judgement import (
    State,
    changed_uids,
    different,
    needless_writes,
    out_of_turn,
    unanswered,
    wrongful_deletes,
)
from tests.proofs.faults.line import Line, Passed, Place, Strike
from tests.proofs.faults.worlds import World

EXITS = (0, 1, 4, 5)
WAYS = 2 * len(FAULTS)
"""Each request of a world fails in so many ways: with each fault, once or from then on."""


@dataclass(frozen=True)
class Seen:
    """What one case showed: the run that met a fault, and the clean one after it."""

    line: Line
    result: Result
    state: State
    clean_line: Line
    clean: Result
    end: State


def strikes(world: World) -> list[Strike]:
    """Each request of the reference run with each fault: once, and from then on; in a fixed order."""
    return strikes_at(world.reference.trace, FAULTS, (False, True))


def strikes_at(trace: Iterable[Passed], faults: Iterable[Fault], lasting: Iterable[bool]) -> list[Strike]:
    """These faults at each request of a trace, in a fixed order."""
    counts: Counter[Place] = Counter(passed.place for passed in trace)
    requests = [(place, nth) for place in sorted(counts) for nth in range(1, counts[place] + 1)]
    ways = [(fault, lasts) for fault in faults for lasts in lasting]
    return [Strike(*request, *way) for request in requests for way in ways]


def wrong_with(world: World, strike: Strike) -> list[str]:
    """Run the case; what was wrong about it, nothing where all was right."""
    return list(judged(world, seen_with(world, Line(strike))))


def seen_with(world: World, line: Line) -> Seen:
    """A run over this line where the world is as it was made, and a clean one after it."""
    world.restore()
    clean_line = Line()
    result = world.run(line)
    state = world.state()
    clean = world.run(clean_line)
    return Seen(line, result, state, clean_line, clean, world.state())


def judged(world: World, seen: Seen) -> Iterator[str]:
    yield from harm(world, seen)
    for line in (seen.line, seen.clean_line):
        yield from needless_writes(line, world.reference)
    yield from out_of_turn(seen.line, world.reference)
    yield from exit_code_lies(world, seen)


def harm(world: World, seen: Seen) -> Iterator[str]:
    """Nothing that was there has gone, and the clean run ends where the reference run does."""
    if not seen.line.struck:
        yield "the request was never made"
    yield from wrongful_deletes(seen.line, world.reference)
    yield from not_mended(world, seen.state, seen.clean_line, seen.clean, seen.end)


def not_mended(world: World, left: State, line: Line, clean: Result, end: State) -> Iterator[str]:
    """What the clean run over this line did wrong about what the run before it had left."""
    yield from wrongful_deletes(line, world.reference)
    yield from changed_uids(world.before, left, world.after)
    yield from changed_uids(left, end, world.after)
    if clean.code != world.code:
        yield f"the clean run ended with {clean.code}: {clean.stdout}{clean.stderr}"
    if end.objects != world.after.objects:
        unlike = different(world.after.objects, end.objects)
        yield f"the clean run did not reach the reference state:\n{unlike}"


def exit_code_lies(world: World, seen: Seen) -> Iterator[str]:
    """0 only where the children are as they should be; and then always, if nothing went unanswered."""
    reached, code = seen.state.children == world.after.children, seen.result.code
    if code not in EXITS:
        yield f"exit code {code}"
    if code == 0 and not reached and not told_unserved(world, seen.line.strike):
        yield f"exit 0, and not reached:\n{different(world.after.children, seen.state.children)}"
    if reached and code != 0 and not (open_ := unanswered(seen.line)):
        yield f"reached, all answered, and exit {code}: {seen.result.stdout}{seen.result.stderr}{open_}"


def told_unserved(world: World, strike: Strike | None) -> bool:
    """Whether the API server's own words were that it does not serve a kind that no new route is of.

    That is what a cluster without Emissary or the Gateway API says: there is nothing of the kind then.
    """
    kind = strike.place.kind_listed if strike else None
    others = ROUTES.keys() - {world.setting.route}
    return strike is not None and kind in others and strike.nth == 1 and strike.fault is UNSERVED


# kills


def _dies(request: httpx2.Request, send: Send) -> httpx2.Response:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody is left to read this")


def _dies_afterwards(request: httpx2.Request, send: Send) -> httpx2.Response:
    send()
    return _dies(request, send)


KILLS = (Fault("killed before", False, _dies), Fault("killed after", True, _dies_afterwards))
UNHARMED = 7


def kills(world: World) -> list[Strike]:
    """Each write of the reference run, with a kill before it and one after it."""
    return strikes_at(world.reference.writes, KILLS, (False,))


def wrong_after(world: World, strike: Strike) -> list[str]:
    """Run the case; what was wrong about it, nothing where one clean run was enough."""
    world.restore()
    if not _was_killed(world, strike):
        return ["it was not killed"]
    left, line, again = world.state(), Line(), Line()
    clean = world.run(line)
    wrong = [*not_mended(world, left, line, clean, world.state()), *needless_writes(line, world.reference)]
    world.run(again)
    if again.writes:
        wrong.append(f"the second clean run wrote: {[str(passed.place) for passed in again.writes]}")
    return wrong


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
