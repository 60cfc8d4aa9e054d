"""What happens to the cluster and to the runs: two tables, and a deck of cards of each.

An action that is named by `--without` is left out.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tests.controlplane import AskFailed, eventually
from tests.proofs.chaos.api import Api, NoAnswer
from tests.proofs.chaos.credentials import BY_TOKEN, Credentials
from tests.proofs.chaos.programs import Program, Store, for_a_while
from tests.proofs.chaos.runs import Run
from tests.proofs.chaos.users import User

READY = 60.0
LONGEST_STOP = 6.0
PAUSES = 0.5, 5.0
AT_ONCE = 30
"""Compactions of one burst."""

OTHERS = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "traefik")
"""Programs that keep a cache."""


class Cluster:
    """The programs of the node and the credentials, and what is done to them."""

    def __init__(self, api: Api, node: Path, folder: Path, credentials: Credentials) -> None:
        self.api, self.credentials = api, credentials
        self.etcd, self.api_server = Program("etcd"), Program("kube-apiserver")
        self.others = tuple(map(Program, OTHERS))
        self.store = Store(self.etcd, self.api_server, node, folder)
        self.random = random.Random()
        self.users: Sequence[User] = ()

    def heal(self) -> None:
        """Everything runs, answers, and knows what is in etcd."""
        for program in (self.etcd, self.api_server):
            program.go_on()
        self.etcd.start()
        self.store.wait()
        self.store.make_noticed()
        self.api_server.start()
        eventually(lambda: self.api.is_ready() and self.api.lists_all(), "the API server is ready", READY)

    @contextmanager
    def nobody_else(self) -> Iterator[None]:
        """No user does anything meanwhile; they remember afterwards what there is.

        The controllers are started anew, as Kubernetes' own manual says: they too compare with what is no more.
        """
        with ExitStack() as stack:
            for user in self.users:
                stack.enter_context(user.pause)
            yield
            self.heal()
            self.restart_controllers()
            for user in self.users:
                user.remember()

    def restart_controllers(self) -> None:
        for program in self.others:
            program.kill()
            program.start()

    def kill_etcd(self) -> None:
        for_a_while(self.etcd.kill, self.random.uniform(0, 3), self.etcd.start)

    def kill_api_server(self) -> None:
        for_a_while(self.api_server.kill, self.random.uniform(0, 3), self.api_server.start)

    def kill_both(self) -> None:
        self.etcd.kill()
        self.kill_api_server()
        self.etcd.start()

    def stop_etcd(self) -> None:
        for_a_while(self.etcd.stop, self.random.uniform(0.2, LONGEST_STOP), self.etcd.go_on)

    def stop_api_server(self) -> None:
        for_a_while(self.api_server.stop, self.random.uniform(0.2, LONGEST_STOP), self.api_server.go_on)

    def compact(self) -> None:
        """Again and again, so that it falls between the pages of some list."""
        self.store.wait()
        for _ in range(AT_ONCE):
            self.store.compact()
            time.sleep(0.1)

    def keep(self) -> None:
        self.store.wait()
        self.store.keep()

    def put_back(self) -> None:
        self._put_back(self.store.put_back)

    def put_back_unnoticed(self) -> None:
        """The API server goes on with its cache of what is no more, for a while."""

        def unnoticed() -> None:
            self.store.put_back_unnoticed()
            time.sleep(8)

        self._put_back(unnoticed)

    def _put_back(self, how: Callable[[], None]) -> None:
        self.store.wait()
        with self.nobody_else():
            if self.store.is_kept:
                how()
        self.credentials.mend_tokens(self.api)

    def renew_server(self) -> None:
        self.credentials.renew_server()

    def renew_client(self) -> None:
        self.credentials.renew_client()

    def replace_servers_authority(self) -> None:
        self.credentials.replace_servers_authority()

    def replace_clients_authority(self) -> None:
        self.credentials.replace_clients_authority()

    def replace_token(self) -> None:
        eventually(self.api.is_ready, "the API server is ready", READY)
        try:
            self.credentials.replace_token(self.api, self.random.choice(BY_TOKEN))
        except (AskFailed, NoAnswer):
            self.credentials.mend_tokens(self.api)


class Runs:
    """What is done to the runs; which route they make is one for all."""

    def __init__(self, runs: Sequence[Run], route: str) -> None:
        self.all, self.route = runs, route
        self.random = random.Random()

    def kill(self) -> None:
        run = self.random.choice(self.all)
        for_a_while(run.kill, self.random.uniform(0, 2), lambda: run.start(self.route))

    def stop(self) -> None:
        run = self.random.choice(self.all)
        longest = self.random.choice((0.3, 2.0, LONGEST_STOP * 2))
        for_a_while(
            lambda: run.signal(signal.SIGSTOP),
            self.random.uniform(0.05, longest),
            lambda: run.signal(signal.SIGCONT),
        )


@dataclass(frozen=True)
class Action:
    """One thing that can happen, by the name that the table at the end has for it."""

    name: str
    do: Callable[[], None]


def of_the_cluster(cluster: Cluster) -> tuple[Action, ...]:
    return (
        Action("etcd killed", cluster.kill_etcd),
        Action("API server killed", cluster.kill_api_server),
        Action("both killed", cluster.kill_both),
        Action("etcd stopped", cluster.stop_etcd),
        Action("API server stopped", cluster.stop_api_server),
        Action("history compacted", cluster.compact),
        Action("snapshot taken", cluster.keep),
        Action("etcd put back", cluster.put_back),
        Action("etcd put back unnoticed", cluster.put_back_unnoticed),
        Action("server's certificate renewed", cluster.renew_server),
        Action("client's certificate renewed", cluster.renew_client),
        Action("server's authority replaced", cluster.replace_servers_authority),
        Action("clients' authority replaced", cluster.replace_clients_authority),
        Action("token replaced", cluster.replace_token),
    )


def of_the_runs(runs: Runs) -> tuple[Action, ...]:
    return (
        Action("run killed", runs.kill),
        *[Action("run stopped", runs.stop)] * 4,
    )


class Deck:
    """Actions in random order, each once before any comes again."""

    def __init__(self, actions: Sequence[Action], off: Collection[str], random: random.Random) -> None:
        self._actions = [action for action in actions if action.name not in off]
        self._left: list[Action] = []
        self._random = random
        self.counts: Counter[str] = Counter()

    def play(self, end: Event) -> None:
        """One after the other, until the end."""
        while not end.wait(self._random.uniform(*PAUSES)):
            if not self._left:
                self._left = self._random.sample(self._actions, len(self._actions))
            action = self._left.pop()
            action.do()
            self.counts[action.name] += 1
