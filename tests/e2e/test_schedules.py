"""Two runs at once on a real API server, in orders of their requests that a seed chooses.

`PROOF=whole` (`make races`) takes 200 of them; else it is a handful. All orders are gone through in
`tests/proofs/model`, where nothing is merged.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.run.request import Request
from tests.e2e.conftest import fresh_namespace
from tests.e2e.contents import contents, differences
from tests.e2e.story import Story
from tests.e2e.strangers import stranger
from tests.proofs.model.apiserver import Asked, place_of
from tests.proofs.model.interleavings import interleave
from tests.proofs.model.sessions import Session, in_sessions
from tests.proofs.model.worlds import BACKEND
from tests.whole import WHOLE

BLOCKS, SEEDS = (10, 20) if WHOLE else (1, 2)
NEWER = "registry.example.com/web:2"
STRANGERS = ("Service/named", "Ingress/strangers")
BLOCKED = 1


def call(story: Story) -> Request:
    """Of the whole namespace; its requests come one after the other."""
    settings = Settings(route="ingress", route_given=True, ingress_class="web")
    return Request(make_scope(story.namespace, (), None, namespace_only=False), settings, concurrency=1)


def set_up(story: Story) -> None:
    """A bit of everything: all that was made once is changed since, and the routes are switched."""
    for name in ("changed", "gone", "again", "same", "left", "right"):
        story.apply(name, replicas=0)
    story.reconcile()
    story.orphan("gone")
    story.orphan("again")
    story.apply("again", replicas=0)
    story.apply("changed", replicas=0, image=NEWER, port=8080, env=[{"name": "A", "value": "1"}])
    story.apply("left", replicas=0, fqdn=story.host("right"))
    story.apply("right", replicas=0, fqdn=story.host("left"))
    story.apply("new", replicas=0)
    story.create(stranger("Service", "named"))
    story.apply("named", replicas=0)
    rule = {
        "host": story.host("taken"),
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]},
    }
    story.create({**stranger("Ingress", "strangers"), "spec": {"rules": [rule]}})
    story.apply("late", replicas=0, fqdn=story.host("taken"))


def begun(story: Story) -> Session:
    return Session(story.account.kubeconfig, call(story), server=True)


def one_run(story: Story) -> Session:
    """A swap of hostnames in the middle of a switch of the kind takes a fourth pass, which is the next run's."""
    session = begun(story)
    (ended,) = interleave([session], 0, Session.answer)
    assert ended is not None
    assert ended.code == BLOCKED, ended
    return session


@dataclass(frozen=True)
class Writes:
    """The trace of writes of children, by the answers: which were made, deleted, and written at all."""

    made: Counter[str]
    deleted: Counter[str]
    written: frozenset[str]

    @classmethod
    def of(cls, told: Sequence[tuple[Asked, int]]) -> "Writes":
        writes = [
            (f"{place.resource.kind}/{place.name}", asked.method, code)
            for asked, code in told
            if asked.writes and code < 300 and (place := place_of(asked.path)).name and not place.subresource
        ]
        return cls(
            Counter(key for key, _, code in writes if code == 201),
            Counter(key for key, method, _ in writes if method == "DELETE"),
            frozenset(key for key, _, _ in writes),
        )


@dataclass(frozen=True)
class Ref:
    """What one run alone makes of the world, and leaves."""

    children: dict[str, Any]

    def wrong(self, story: Story, seed: int) -> list[str]:
        """What two runs in the order of a seed did otherwise, in the end and on the way."""
        before = story.everything_now()
        sessions = [begun(story), begun(story)]
        ended = interleave(sessions, seed, Session.answer)
        one_run(story)
        after = story.everything_now()
        writes = Writes.of([told for session in sessions for told in session.told])
        wrong = [f"a run ended so: {end}" for end in ended if end is None or end.code != BLOCKED]
        wrong += differences(self.children, contents(after, story.namespace, story.names))
        wrong += [
            f"{key} was deleted, though it is wanted" for key in writes.deleted.keys() & self.children.keys()
        ]
        wrong += [
            f"{key} was made {times} times"
            for key, times in writes.made.items()
            if times > 1 or key in before
        ]
        wrong += [f"{key} is somebody else's, and was written" for key in writes.written & set(STRANGERS)]
        wrong += [
            f"{key} is somebody else's, and has changed" for key in STRANGERS if before[key] != after[key]
        ]
        wrong += [
            f"{key} is another object now"
            for key in before.keys() & after.keys()
            if before[key]["metadata"]["uid"] != after[key]["metadata"]["uid"]
        ]
        late = Writes.of(one_run(story).told).written
        return wrong + [f"the next run still had to write {key}" for key in late]


@pytest.fixture(scope="module")
def sessions() -> Iterator[None]:
    with in_sessions():
        yield


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("block", range(BLOCKS))
def test_two_runs_in_an_order_that_a_seed_chooses_end_in_the_state_of_one(story: Story, block: int) -> None:
    set_up(story)
    for _ in range(2):
        one_run(story)
    reference = Ref(contents(story.everything_now(), story.namespace, story.names))
    seeds = range(block * SEEDS, (block + 1) * SEEDS)
    wrong = {}
    for seed in seeds:
        with fresh_namespace(story.plane) as namespace:
            there = replace(story, namespace=namespace)
            set_up(there)
            if found := reference.wrong(there, seed):
                wrong[seed] = found
            there.clear()
    assert wrong == {}
    sys.stdout.write(f"{len(seeds)} orders of two runs on a real API server\n")
