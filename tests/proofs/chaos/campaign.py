"""Storms, in which everything happens at once, and calms, in which the judge looks."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import httpx2

from reconcile.model.names import AVAILABLE
from tests.controlplane import eventually
from tests.proofs.chaos.api import ROUTE_KINDS, Api
from tests.proofs.chaos.calm import (
    Strangers,
    World,
    ready,
    reasons,
    served_twice,
    strangers_with,
    under_way,
    wrong_at_the_end,
)
from tests.proofs.chaos.credentials import Credentials
from tests.proofs.chaos.havoc import Cluster, Deck, Runs, of_the_cluster, of_the_runs
from tests.proofs.chaos.judge import LATER_PAGES, Judge
from tests.proofs.chaos.runs import all_runs
from tests.proofs.chaos.users import AUTHOR, NAMESPACES, User

PATIENCE = 120.0
"""Seconds until all is quiet after a storm: runs that failed, and routers, pause for longer and longer."""
QUIET = 3
"""Passes of each run that write nothing."""


class Campaign:
    """One cluster, three users, three runs, one judge."""

    def __init__(self, folder: Path, seed: int, off: Collection[str]) -> None:
        self.folder, node = folder, folder / "node"
        self.random = random.Random(seed)
        self.api = Api(node)
        self.credentials = Credentials(folder / "credentials")
        self.cluster = Cluster(self.api, node, folder, self.credentials)
        self.cluster.random = random.Random(f"{seed} cluster")
        self.users = tuple(self._user(namespace, seed, off) for namespace in NAMESPACES)
        self.cluster.users = self.users
        self.runs = Runs(all_runs(self.credentials, folder), self.random.choice(ROUTE_KINDS))
        self.runs.random = random.Random(f"{seed} runs")
        self.ledgers = tuple(user.ledger for user in self.users)
        self.judge = Judge(folder / "audit.log", self.ledgers)
        self.decks = (
            Deck(of_the_cluster(self.cluster), off, random.Random(f"{seed} cluster deck")),
            Deck(of_the_runs(self.runs), off, random.Random(f"{seed} runs deck")),
        )
        self.strangers = Strangers()
        self.steady: dict[str, str] = {}
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()

    def _user(self, namespace: str, seed: int, off: Collection[str]) -> User:
        return User(self.api.as_account(namespace, AUTHOR), namespace, seed, off)

    def begin(self) -> None:
        """The first calm, and the first snapshot."""
        for user in self.users:
            user.settle_in()
        self._switch()
        self.calm()
        self.steady = World(self.api).steady()
        self.cluster.keep()

    def _switch(self) -> None:
        """The operator chooses a kind of route, for all runs at once."""
        self.runs.route = self.random.choice(ROUTE_KINDS)
        for run in self.runs.all:
            run.kill()
        self.judge.route_is(self.runs.route, datetime.now(UTC).isoformat())
        for run in self.runs.all:
            run.start(self.runs.route)

    def end(self) -> None:
        """No run writes any more; a night without later pages, or without users, proves nothing."""
        for run in self.runs.all:
            run.kill()
        done = sum(
            count for ledger in self.ledgers for name, count in ledger.counts.items() if "done" in name
        )
        if not self.judge.counts[LATER_PAGES] or not done:
            self._tell(["no list had a second page, or users did nothing"])

    def storm(self, seconds: float) -> None:
        """Users, and what happens to the cluster and to the runs, all at once."""
        if self.random.random() < 0.5:
            self._switch()
        end = Event()
        tasks: list[Callable[[Event], None]] = [user.live for user in self.users]
        tasks += [deck.play for deck in self.decks]
        threads = [Thread(target=self._reported, args=(task, end)) for task in tasks]
        for thread in threads:
            thread.start()
        end.wait(seconds)
        end.set()
        for thread in threads:
            thread.join()

    def _reported(self, task: Callable[[Event], None], end: Event) -> None:
        """A thread that ends early makes the campaign worthless: it is told."""
        try:
            task(end)
        except Exception as error:
            self._tell([f"the campaign itself failed: {error!r}"])
            raise

    def calm(self) -> None:
        """All is mended, and nobody does anything but the runs, until they find nothing to do any more."""
        self.cluster.heal()
        self.credentials.mend_tokens(self.api)
        self._wait_for_the_garbage_collector()
        started = time.monotonic()
        self._look()
        for passes in self.judge.passes.values():
            passes.quiet = 0
        while waits := self._waits_for():
            if time.monotonic() - started > PATIENCE:
                self._tell([f"not quiet after {PATIENCE:.0f} s: {waits}"])
                break
            time.sleep(0.5)
        took = time.monotonic() - started
        world = World(self.api)
        before = len(self.wrong)
        self._tell(served_twice(world))
        self._tell(wrong_at_the_end(world, self.runs.route))
        self._tell(self.strangers.wrong(self.api, self.ledgers))
        self._tell(self._not_the_same(world))
        self._tell(self._not_served(world))
        if len(self.wrong) > before:
            self._keep(world)
        self.counts["calms"] += 1
        self.counts["pages served"] += len(self._served(world))
        print(f"  quiet after {took:5.1f} s: {dict(reasons(world))}", flush=True)

    def _keep(self, world: World) -> None:
        """For a person, who asks `reconcile --from FILE --explain NAMESPACE/NAME` what is there."""
        file = self.folder / f"calm-{self.counts['calms']}.json"
        items = [*world.previews.values(), *world.children.values()]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        print(f"  what was there: {file}", flush=True)

    def _wait_for_the_garbage_collector(self) -> None:
        """It has to end what users deleted; one that has lost track of an owner is started anew."""
        what = "the garbage collector has ended what users deleted"
        try:
            eventually(self._nobody_is_going, what, PATIENCE / 2, pause=1)
        except AssertionError:
            self.counts["controllers started anew"] += 1
            self.cluster.restart_controllers()
            eventually(self._nobody_is_going, what, PATIENCE, pause=1)

    def _nobody_is_going(self) -> bool:
        """A child may be left with a finalizer of the garbage collector's when its preview is gone already."""
        world = World(self.api)
        items = (*world.previews.values(), *world.children.values())
        return not any(item["metadata"].get("deletionTimestamp") for item in items)

    def _waits_for(self) -> str:
        """What is not yet as in a calm; nothing where all is."""
        self._look()
        for run in self.runs.all:
            if run.last and not run.last["success"]:
                return f"{run.name} failed: {json.dumps(run.last)}"
        loud = {user: passes for user, passes in self.judge.passes.items() if passes.quiet < QUIET}
        if loud:
            return "; ".join(f"{user} wrote {passes.last}" for user, passes in loud.items())
        return ", ".join(map(str, under_way(World(self.api))))

    def _look(self) -> None:
        """The judge reads on, and the runs' own logs are read."""
        self._tell(self.judge.wrong())
        for run in self.runs.all:
            run.read_on()
            if run.ended_with is not None:
                self._tell([f"{run.name} ended by itself with {run.ended_with}"])
                run.start(self.runs.route)
            if run.has_traceback:
                self._tell([f"{run.name}: a traceback in {run.log}"])

    def _not_the_same(self, world: World) -> list[str]:
        now = world.steady()
        return [f"{key} is another object than at the beginning, or gone" for key, uid in self.steady.items()
                if now.get(key) != uid]  # fmt: skip

    def _served(self, world: World) -> list[str]:
        """The hostnames whose page can be had: of previews with pods, which are ready."""
        return [
            preview["spec"]["fqdn"]
            for preview in world.previews.values()
            if preview["spec"].get("replicas") and ready(preview)[0] == AVAILABLE
        ]

    def _not_served(self, world: World) -> list[str]:
        """Where somebody's own route has the hostname too, the router chooses, and the run warns."""
        silent = [host for host in self._served(world) if not _answers(host)]
        wrong = [host for host in silent if not strangers_with(world, host)]
        self.counts["pages that a stranger's route may have taken"] += len(silent) - len(wrong)
        return [f"http://{host}/ does not answer" for host in wrong]

    def _tell(self, problems: Iterable[str]) -> None:
        for problem in problems:
            if problem not in self.wrong:
                self.wrong.append(problem)
                print(f"  WRONG: {problem}", flush=True)


def _answers(host: str) -> bool:
    def answer() -> bool:
        try:
            return "hello from" in httpx2.get(f"http://{host}/", timeout=5, trust_env=False).text
        except httpx2.TransportError:
            return False

    try:
        return eventually(answer, host, PATIENCE, pause=0.5)
    except AssertionError:
        return False
