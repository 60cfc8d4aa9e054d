"""Previews that ask for each other's hostnames again and again, beside strangers' routes, over the model.

`PROOF=whole` (`make walks`) takes 1,000 walks; else it is a few of them.
"""

import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reconcile.kube.objects import Key, Manifest
from reconcile.plan.limits import Limit
from tests.e2e.story import hosts_of
from tests.proofs.model.apiserver import Effect, Model
from tests.proofs.model.interleavings import Alone
from tests.proofs.model.oracle import is_ours
from tests.proofs.model.sessions import in_sessions, kubeconfig
from tests.proofs.model.worlds import STRANGERS, Kind, a_preview, call, host, preview_key
from tests.whole import WHOLE

BLOCKS, WALKS = (10, 100) if WHOLE else (1, 3)
STEPS = 8
PLACES = [("shop", "pr-1"), ("shop", "pr-2"), ("shop", "pr-3"), ("blog", "pr-1"), ("blog", "pr-2")]
HOSTS = [host(name) for name in ("one", "two", "three")]
ROUTES: Mapping[Kind, str] = {"mapping": "Mapping", "ingress": "Ingress", "httproute": "HTTPRoute"}
ALL = Limit("100%")
Place = tuple[str, str]


@dataclass
class Walk:
    """Some previews and hostnames, a world in which somebody does something, and a run after each of it."""

    alone: Alone
    route: Kind
    chance: random.Random
    state: Model = field(default_factory=Model)
    wrong: list[str] = field(default_factory=list)
    held: int = 0

    def step(self) -> None:
        """Something is done, and a run looks at it.

        The second run ends a chain of moves that is longer than the passes of one; a third finds nothing.
        """
        before = self.state
        did = [self._something() for _ in range(self.chance.choice((1, 1, 2, 3)))]
        self._run(before, did)
        self._run(self.state, did)
        _, again, _ = self.alone.run(self.state, call(route=self.route))
        for effect in again:
            if effect.key.kind in ROUTES.values():
                self._say(did, f"a third run wrote {effect.key}")

    def _say(self, did: object, sentence: str) -> None:
        self.wrong.append(f"{sentence}, after {did}")

    # what people do

    def _something(self) -> str:
        place = self.chance.choice(PLACES)
        key = preview_key(place[1], place[0])
        hostname = self.chance.choice(HOSTS)
        acts = ["asks", "asks", "asks", "swaps", "stranger"]
        acts += ["goes", "made again"] if key in self.state.objects else []
        act = self.chance.choice(acts)
        now = f"2026-01-01T00:{self.chance.randrange(60):02}:00Z"  # the ages of what is new are in any order
        self.state = replace(self.state, created=now)
        match act:
            case "asks":
                self._ask(place, hostname)
            case "goes":
                self.state = self.state.delete(key)
            case "made again":
                self.state = self.state.delete(key)
                self._ask(place, hostname)
            case "swaps":
                self._swap(place, self.chance.choice(PLACES))
            case "stranger":
                self._stranger(self.chance.choice(list(STRANGERS)), hostname)
        return f"{place} {act} {hostname}"

    def _ask(self, place: Place, hostname: str) -> None:
        self.state = self.state.apply(a_preview(place[1], namespace=place[0], fqdn=hostname))

    def _swap(self, one: Place, other: Place) -> None:
        wanted = wants(self.state)
        if one in wanted and other in wanted:
            self._ask(one, wanted[other])
            self._ask(other, wanted[one])

    def _stranger(self, kind: str, hostname: str) -> None:
        """It comes, or goes where it is there."""
        key = Key(kind, "shop", f"stranger-{HOSTS.index(hostname)}")
        if key in self.state.objects:
            self.state = self.state.delete(key)
        else:
            self.state = self.state.apply(STRANGERS[kind](key.name, hostname))

    # what has to hold

    def _run(self, earlier: Model, did: object) -> None:
        before = self.state
        after, effects, _ = self.alone.run(before, call(route=self.route, max_deletes=ALL))
        for sentence in (*self._on_the_way(before, effects), *self._in_the_end(earlier, before, after)):
            self._say(did, sentence)
        self.state = after

    def _on_the_way(self, before: Model, effects: list[Effect]) -> Iterator[str]:
        """Strangers' routes are let be, and what is wanted stays.

        A hostname is on two routes of ours at no time, but where moves wait for each other in a circle:
        there the oldest goes first.
        """
        routes = {key: found for key, found in before.objects.items() if key.kind in ROUTES.values()}
        for key, was, now in effects:
            if key.kind not in ROUTES.values():
                continue
            if was is not None and not is_ours(was):
                yield f"{key} is a stranger's, and was written"
            if now is None:
                del routes[key]
                if (key.namespace, key.name) in wants(before):
                    yield f"{key} was deleted, though its preview is there"
            else:
                routes[key] = now
            for first, second in doubles(routes):
                if not (in_circle(before, first) and in_circle(before, second)):
                    yield f"a hostname is on {first} and on {second}"

    def _in_the_end(self, earlier: Model, before: Model, after: Model) -> Iterator[str]:
        """Holders that nobody has touched are as they were; a hostname that was free is the oldest's."""
        for pair in doubles(ours(after)):
            yield f"{pair} have the same hostname"
        for key, route in ours(before).items():
            preview = preview_key(key.name, key.namespace)
            if wants(before).get((key.namespace, key.name)) not in hosts_of(route):
                continue
            self.held += 1
            untouched = earlier.contents.get(preview) == before.contents[preview]
            if untouched and after.contents.get(key) != before.contents[key]:
                yield f"{key} has the hostname that its preview wants, and has changed"
            if after.objects[key]["metadata"]["uid"] != route["metadata"]["uid"]:
                yield f"{key} is another object now"
            if hosts_of(after.objects[key]) != hosts_of(route):
                yield f"{key} has lost its hostname"
        for hostname in HOSTS:
            rivals = [place for place, wanted in wants(before).items() if wanted == hostname]
            if rivals and not having(before, hostname):
                oldest = min(rivals, key=lambda place: (born(before, place), *place))
                if [(key.namespace, key.name) for key in having(after, hostname)] != [oldest]:
                    yield f"{hostname} was free, and is not the oldest's, {oldest}: {having(after, hostname)}"


def wants(state: Model) -> dict[Place, str]:
    """The hostnames that previews ask for."""
    return {(key.namespace, key.name): found["spec"]["fqdn"]
            for key, found in state.objects.items() if key.kind == "PreviewEnvironment"}  # fmt: skip


def born(state: Model, place: Place) -> str:
    found: str = state.objects[preview_key(place[1], place[0])]["metadata"]["creationTimestamp"]
    return found


def ours(state: Model) -> dict[Key, Manifest]:
    return {k: found for k, found in state.objects.items() if k.kind in ROUTES.values() and is_ours(found)}


def having(state: Model, hostname: str) -> list[Key]:
    """The routes with a hostname, whoever made them."""
    return [key for key, found in state.objects.items()
            if key.kind in ROUTES.values() and hostname in hosts_of(found)]  # fmt: skip


def doubles(routes: Mapping[Key, Manifest]) -> Iterator[tuple[Key, Key]]:
    """Routes of ours with the same hostname."""
    seen: dict[str, Key] = {}
    for key, route in routes.items():
        for hostname in hosts_of(route) if is_ours(route) else ():
            if hostname in seen:
                yield seen[hostname], key
            seen[hostname] = key


def in_circle(state: Model, route: Key) -> bool:
    """Whether its preview wants what another's route has, whose preview wants what a third one's has, and
    so on until its own."""
    owners = {
        host: (key.namespace, key.name) for key, found in ours(state).items() for host in hosts_of(found)
    }
    wanted, start = wants(state), (route.namespace, route.name)
    place = owners.get(wanted.get(start, ""))
    for _ in wanted:
        if place in (None, start):
            break
        place = owners.get(wanted.get(place, ""))
    return place == start and wanted[start] not in hosts_of(state.objects[route])


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whoever_holds_a_hostname_keeps_it_and_a_free_one_is_the_oldest_previews(
    tmp_path: Path, block: int
) -> None:
    wrong: dict[int, Any] = {}
    held = 0
    with in_sessions():
        alone = Alone(kubeconfig(tmp_path))
        for number in range(block * WALKS, (block + 1) * WALKS):
            walk = Walk(alone, list(ROUTES)[number % 3], random.Random(number))
            for _ in range(STEPS):
                walk.step()
            held += walk.held
            if walk.wrong:
                wrong[number] = walk.wrong
    assert wrong == {}
    assert held > WALKS
    sys.stdout.write(f"{WALKS} walks of {STEPS} steps among hostnames; {held} times one was held\n")
