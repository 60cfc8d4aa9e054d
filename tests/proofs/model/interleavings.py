"""Two runs against the model in every order of their requests, or in orders that a seed chooses."""

import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.run.request import Request
from tests.proofs.model.apiserver import Effect, Model
from tests.proofs.model.oracle import CHILD_KINDS, Reference
from tests.proofs.model.sessions import Ended, Point, Program, Session
from tests.proofs.model.worlds import World

MOST_STEPS = 100_000


@dataclass(frozen=True)
class Alone:
    """Undisturbed runs, through the same code."""

    kubeconfig: Path

    def run(self, state: Model, request: Request) -> tuple[Model, list[Effect], int]:
        """The state after one run, what it did, and its exit code."""
        session = Session(self.kubeconfig, request)
        effects: list[Effect] = []
        while session.asked is not None:
            state, answer, effect = state.answer(session.asked)
            effects += [effect] if effect else []
            session.answer(answer)
        assert session.ended is not None
        return state, effects, session.ended.code

    def settled(self, state: Model, request: Request) -> Model:
        """The state after runs until one changes nothing."""
        for _ in range(5):
            after, effects, _ = self.run(state, request)
            if not effects:
                return after
            state = after
        raise AssertionError(f"five runs, and still: {effects}")


@dataclass
class Judging(ABC):
    """What has to hold of two runs in one world; each answer tells what was wrong."""

    world: World
    alone: Alone

    def __post_init__(self) -> None:
        self._ends: dict[Hashable, list[str]] = {}

    @abstractmethod
    def of_a_step(self, effect: Effect, state: Model) -> Iterable[str]:
        """About a request that did this, and led to this state."""

    def of_all(self, state: Model, effects: Iterable[Effect]) -> Iterable[str]:
        """About all that both did, and the state that they left."""
        return ()

    @abstractmethod
    def of_later_runs(self, state: Model) -> Iterable[str]:
        """About what later runs make of the state that both left."""

    def of_the_end(self, state: Model, ended: Iterable[Ended | None]) -> list[str]:
        """About how both ended, and what they left."""
        wrong = [f"a run ended so: {end}" for end in ended if end is None or end.code not in self.world.codes]
        if (known := self._ends.get(state.fingerprint)) is None:
            known = self._ends[state.fingerprint] = list(self.of_later_runs(state))
        return wrong + known


@dataclass(frozen=True)
class Node:
    """A state of the whole: the server's, and where each run is."""

    state: Model
    points: tuple[Point, ...]

    @property
    def key(self) -> Hashable:
        return (self.state.fingerprint, *map(id, self.points))


@dataclass
class Everything:
    """Every interleaving of two runs in a small world. States that are equal are gone on from once.

    What was done on the way is judged at every step, the end at every end.
    """

    world: World
    alone: Alone
    judge: Judging
    wrong: list[str] = field(default_factory=list)
    ends: int = 0

    def __post_init__(self) -> None:
        self.programs = {id(request): Program(self._starter(request)) for request in self.world.calls}
        self.calls = self.world.two
        self.known: dict[Hashable, int] = {}
        self.keep: list[Node] = []

    def _starter(self, request: Request) -> Callable[[], Session]:
        return lambda: Session(self.alone.kubeconfig, request)

    def count(self) -> int:
        """How many interleavings there are, all of them gone through."""
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))
        try:
            first = tuple(self.programs[id(request)].first for request in self.calls)
            return self._paths(Node(self.world.state, first))
        finally:
            for program in self.programs.values():
                program.close()

    def _paths(self, node: Node) -> int:
        if (before := self.known.get(node.key)) is not None:
            return before
        self.keep.append(node)  # so that no other point gets its id
        waiting = [number for number, point in enumerate(node.points) if point.asked is not None]
        if not waiting:
            self.ends += 1
            self.wrong += self.judge.of_the_end(node.state, (point.ended for point in node.points))
        found = sum(self._paths(self._step(node, number)) for number in waiting) or 1
        self.known[node.key] = found
        return found

    def _step(self, node: Node, number: int) -> Node:
        point = node.points[number]
        assert point.asked is not None
        state, answer, effect = node.state.answer(point.asked)
        self.wrong += self.judge.of_a_step(effect, state) if effect else ()
        after = self.programs[id(self.calls[number])].next(point, answer)
        return Node(state, (*node.points[:number], after, *node.points[number + 1 :]))


class Judge(Judging):
    """Both oracles: two runs end where one does, and write nothing else on the way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        after = self.world.state
        codes = set()
        for request in self.world.calls:
            after, _, code = self.alone.run(after, request)
            codes.add(code)
        assert codes == set(self.world.codes), codes
        # The last call is about all that the world has: one about a single preview does a part of it.
        self.reference = Reference(self.world.state, self.alone.settled(after, self.world.calls[-1]))

    def of_a_step(self, effect: Effect, state: Model) -> Iterable[str]:
        return self.reference.of_the_way([effect]) if effect.key.kind in CHILD_KINDS else ()

    def of_all(self, state: Model, effects: Iterable[Effect]) -> list[str]:
        return self.reference.wrong(state, effects)

    def of_later_runs(self, state: Model) -> Iterator[str]:
        after, effects, code = self.alone.run(state, self.world.calls[-1])
        if code not in self.world.codes:
            yield f"the next run ended with {code}"
        late = [effect for effect in effects if effect.key.kind in CHILD_KINDS]
        yield from (f"the next run still had to write {effect.key}" for effect in late)
        yield from self.reference.wrong(after, late)


def interleave(
    sessions: Sequence[Session], seed: int, let_through: Callable[[Session], None]
) -> list[Ended | None]:
    """Let the requests of runs through in an order that the seed chooses, until all have ended: how they did.

    It goes often or seldom from one run to the other.
    """
    chance = random.Random(seed)
    patience = chance.choice((0.02, 0.1, 0.3, 0.5))
    turn = chance.randrange(len(sessions))
    for _ in range(MOST_STEPS):
        waiting = [number for number, session in enumerate(sessions) if session.asked is not None]
        if not waiting:
            return [session.ended for session in sessions]
        if turn not in waiting or chance.random() < patience:
            turn = chance.choice(waiting)
        let_through(sessions[turn])
    raise AssertionError(f"seed {seed}: {MOST_STEPS} requests, and no end")


def schedule(world: World, alone: Alone, judge: Judging, seed: int) -> list[str]:
    """Two runs against the model in an order that the seed chooses: what they did wrong."""
    state, effects, wrong = world.state, list[Effect](), list[str]()

    def let_through(session: Session) -> None:
        nonlocal state
        assert session.asked is not None
        state, answer, effect = state.answer(session.asked)
        if effect:
            effects.append(effect)
            wrong.extend(judge.of_a_step(effect, state))
        session.answer(answer)

    ended = interleave([Session(alone.kubeconfig, request) for request in world.two], seed, let_through)
    return [*wrong, *judge.of_all(state, effects), *judge.of_the_end(state, ended)]
