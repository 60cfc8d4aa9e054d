"""Every delete of a run, by the audit log: what the run was told of the preview just before, and what it deleted.

The API server is the witness: its policy has the answers to the runs' own reads and writes in full.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import yaml

from reconcile.desire.children.setup_job import job_name
from reconcile.kube.objects import key_of
from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL, Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from tests.proofs.chaos.api import KINDS, ROUTE_KINDS
from tests.proofs.chaos.calm import hosts_of
from tests.proofs.chaos.credentials import RUNS, user_of
from tests.proofs.chaos.users import AUTHORS, Guard, Ledger

NAMES = Names()
WRITES = ("create", "update", "patch", "delete")
PLURALS = {"Ingress": "ingresses", "HTTPRoute": "httproutes"}
LOST = "a route with a hostname of another"
LATER_PAGES = "later pages of a list"
USERS = tuple(map(user_of, RUNS))
Event = Mapping[str, Any]


def policy() -> str:
    """What the API server writes down: everything that the runs ask for, what users write, and nothing else."""
    whole = {"level": "RequestResponse", "users": list(USERS)}
    kinds = [{"group": kind.group, "resources": [kind.plural]} for kind in KINDS.values()]
    rules = [
        {**whole, "verbs": ["get"], "resources": [{"group": DEFAULT_GROUP, "resources": [PLURAL]}]},
        {**whole, "verbs": ["patch", "delete"]},
        {"level": "Metadata", "users": list(USERS)},
        {"level": "RequestResponse", "users": list(AUTHORS), "verbs": list(WRITES), "resources": kinds},
        {"level": "None"},
    ]
    return yaml.safe_dump(
        {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
    )


@dataclass
class Passes:
    """What a user's passes wrote."""

    ended: int = 0
    quiet: int = 0
    """So many of the last ones wrote nothing."""
    wrote: list[str] = field(default_factory=list)
    """In the pass under way."""
    last: tuple[str, ...] = ()
    """In the last pass that wrote anything, for a person."""


@dataclass(frozen=True)
class Read:
    """A preview, as it was read by itself."""

    time: datetime
    code: int
    answer: Mapping[str, Any]


class Record(NamedTuple):
    """That a preview's status records a hostname as its own."""

    hostname: str
    since: str


T = TypeVar("T")


class History(Generic[T]):
    """What something was, and since when."""

    def __init__(self) -> None:
        self._told: list[tuple[float, frozenset[T]]] = []

    def add(self, when: datetime, values: Iterable[T]) -> None:
        self._told.append((when.timestamp(), frozenset(values)))

    def between(self, since: datetime, until: datetime, restored: float) -> frozenset[T]:
        """What it was meanwhile: after etcd was put back, whatever it had been, until that is told anew."""
        told = [(when, values) for when, values in self._told if when <= until.timestamp()]
        before = [when for when, _ in told if when < since.timestamp()]
        first = before[-1] if before and before[-1] > restored else 0
        return frozenset().union(*(values for when, values in told if when >= first))


class Judge:
    """Reads the audit log on, and remembers what it has to."""

    def __init__(self, log: Path, ledgers: tuple[Ledger, ...]) -> None:
        self._log, self._ledgers = log, ledgers
        self._at = 0
        self._reads: dict[tuple[str, str, str], list[Read]] = defaultdict(list)
        self._listed: dict[str, list[datetime]] = defaultdict(list)
        self._made: dict[str, str] = {}
        """The preview of each child that a run wrote, by uid."""
        self._hosts: dict[str, History[str]] = defaultdict(History)
        """Of each route, by uid."""
        self._told: dict[str, str] = {}
        """The resourceVersion of the last write to each route that was told, by uid."""
        self._records: dict[str, History[Record]] = defaultdict(History)
        """What the status of a preview records, by NAMESPACE/NAME."""
        self._routes: list[tuple[datetime, str]] = []
        """Which kind the runs were told to make, and since when."""
        self.passes = {user: Passes() for user in USERS}
        self.counts: Counter[str] = Counter()

    def route_is(self, kind: str, since: str) -> None:
        """From this time on the runs make routes of this kind, and take away those of others."""
        self._routes.append((datetime.fromisoformat(since), kind))

    def wrong(self) -> list[str]:
        """What was wrong since the last time."""
        return [problem for event in self._news() for problem in self._of(event)]

    def _news(self) -> Iterator[Event]:
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._at += len(line)
                yield json.loads(line)

    def _of(self, event: Event) -> Iterator[str]:
        user = event["user"]["username"]
        if event["stage"] != "ResponseComplete":
            return
        self._note_hostnames(event)
        if user not in USERS:
            return
        code, verb = event["responseStatus"]["code"], event["verb"]
        self.counts[f"answer {code}"] += 1
        self.counts[LATER_PAGES] += "continue=" in event["requestURI"]
        target = event.get("objectRef", {})
        if target.get("resource") == PLURAL and not target.get("subresource"):
            self._note_read(user, event)
        if verb in WRITES:
            self.passes[user].wrote.append(_line(event))
        if verb == "patch" and code in (200, 201) and not target.get("subresource"):
            self._note_made(event)
        if verb == "delete" and code in (200, 202):
            yield from self._judge(user, event)

    def _note_read(self, user: str, event: Event) -> None:
        target, code = event["objectRef"], event["responseStatus"]["code"]
        if event["verb"] == "get":
            read = Read(_ended(event), code, event.get("responseObject", {}))
            self._reads[user, target["namespace"], target["name"]].append(read)
        elif "continue=" not in event["requestURI"] and code == 200:
            self._listed[user].append(_began(event))
            passes = self.passes[user]
            passes.ended += 1
            passes.quiet = 0 if passes.wrote else passes.quiet + 1
            passes.last = tuple(passes.wrote) or passes.last
            passes.wrote = []

    def _note_made(self, event: Event) -> None:
        metadata = event.get("responseObject", {}).get("metadata", {})
        if label := metadata.get("labels", {}).get(NAMES.preview_label):
            self._made[metadata["uid"]] = label

    def _note_hostnames(self, event: Event) -> None:
        found, when = event.get("responseObject", {}), _ended(event)
        if event["verb"] not in WRITES or event["responseStatus"]["code"] not in (200, 201):
            return
        if found.get("kind") in ROUTE_KINDS:
            uid = found["metadata"]["uid"]
            self._hosts[uid].add(when, hosts_of(found))
            self._told[uid] = found["metadata"].get("resourceVersion", "")
        elif found.get("kind") == KIND:
            self._records[key_of(found).place].add(when, _records(found))

    def _judge(self, user: str, event: Event) -> Iterator[str]:
        conditions = event.get("requestObject", {}).get("preconditions", {})
        uid = conditions.get("uid", "")
        if not uid or not conditions.get("resourceVersion"):
            yield f"a delete without uid or resourceVersion: {_line(event)}"
        why = self._reason(user, event, uid)
        for ledger in self._ledgers:
            if uid in ledger.ever:
                yield f"what is nobody's was deleted: {_line(event)}"
            guard = ledger.guards.get(uid)
            if guard and why != LOST and _holds(guard, _began(event).timestamp()):
                yield f"what was protected was deleted: {_line(event)}"
        self.counts[f"deleted: {why}" if why else "deleted wrongly"] += 1
        if not why:
            yield f"its preview was not gone, and wanted it: {_line(event)}"

    def _reason(self, user: str, event: Event, uid: str) -> str:
        """Why it was right to delete it; nothing where it was not."""
        target, when = event["objectRef"], _began(event)
        preview = self._made.get(uid, target["name"])
        listed = [time for time in self._listed[user] if time <= when]
        reads = [
            read
            for read in self._reads[user, target["namespace"], preview]
            if listed and listed[-1] <= read.time <= when
        ]
        if not reads:
            return ""
        last, place = reads[-1], f"{target['namespace']}/{preview}"
        held = _held(last.answer, when) if last.code == 200 else frozenset()
        untold = self._told.get(uid) != event["requestObject"]["preconditions"].get("resourceVersion")
        others = self._of_others(uid, place, listed[-1], when, untold=untold)
        lost = LOST if any(not _comes_first(held, record) for record in others) else ""
        if last.code == 404 and last.answer.get("reason") == "NotFound":
            return lost or "its preview is gone"
        return lost or self._unwanted(last.answer, target, when) if last.code == 200 else ""

    def _of_others(
        self, uid: str, place: str, since: datetime, when: datetime, *, untold: bool
    ) -> list[Record]:
        """The records of other previews that are of a hostname of this route.

        An API server that was killed while it answered a write has not told it: then its preview's own
        status says what the route had.
        """
        window = since, when, max(ledger.restored for ledger in self._ledgers)
        hosts = self._hosts[uid].between(*window) if uid in self._hosts else frozenset()
        if untold and uid in self._hosts:
            hosts |= {record.hostname for record in self._records[place].between(*window)}
        others = [history for holder, history in self._records.items() if holder != place]
        records = frozenset[Record]().union(*(history.between(*window) for history in others))
        return [record for record in records if record.hostname in hosts]

    def _unwanted(self, preview: Event, target: Event, when: datetime) -> str:
        """Why a preview that is there does not want it."""
        if preview["metadata"].get("deletionTimestamp"):
            return "its preview is being deleted"
        if _is_expired(preview, when):
            return "its preview has expired"
        if target["resource"] == "jobs":
            read = parse_preview(preview, group=DEFAULT_GROUP)
            assert isinstance(read, PreviewEnvironment)
            return "" if read.spec.setup and job_name(read) == target["name"] else "an older setup"
        kinds = [kind for since, kind in self._routes if since <= when]
        other = {PLURALS[kind] for kind in ROUTE_KINDS if kind != kinds[-1]}
        return "a route of the other kind" if target["resource"] in other else ""


def _records(preview: Event) -> frozenset[Record]:
    """What its status records: one hostname, or none."""
    record = preview.get("status", {}).get("hostname", {})
    return frozenset({Record(record["name"], record.get("heldSince", ""))} if record else ())


def _held(preview: Event, when: datetime) -> frozenset[Record]:
    """What its status records and it asks for: for that nobody with a later record may take its route away.

    A run that was under way when it got it may still take away what it had before.
    """
    return frozenset(
        record
        for record in _records(preview)
        if record.hostname == preview["spec"]["fqdn"]
        and when - datetime.fromisoformat(record.since) > timedelta(seconds=10)
    )


def _comes_first(held: frozenset[Record], other: Record) -> bool:
    """Of two records of one hostname the earlier one counts: two runs at once may have written both."""
    return any(record.hostname == other.hostname and record.since <= other.since for record in held)


def _is_expired(preview: Event, when: datetime) -> bool:
    """By what its status says of this generation; its server counts in whole seconds."""
    status = preview.get("status", {})
    ttl, since = status.get("ttl", "0"), status.get("ttlCountsFrom")
    if since is None or status.get("observedGeneration") != preview["metadata"]["generation"]:
        return False
    if ttl != preview["spec"].get("ttl") or not ttl.endswith("s"):
        return False
    return when >= datetime.fromisoformat(since) + timedelta(seconds=int(ttl[:-1]))


def _holds(guard: Guard, when: float) -> bool:
    return guard.since < when and (guard.until is None or when < guard.until)


def _began(event: Event) -> datetime:
    return datetime.fromisoformat(event["requestReceivedTimestamp"])


def _ended(event: Event) -> datetime:
    return datetime.fromisoformat(event["stageTimestamp"])


def _line(event: Event) -> str:
    target = event.get("objectRef", {})
    place = "/".join(target.get(part, "") for part in ("resource", "namespace", "name"))
    sub = f"/{target['subresource']}" if "subresource" in target else ""
    return f"{event['stageTimestamp']} {event['user']['username']} {event['verb']} {place}{sub} {event['responseStatus']['code']}"
