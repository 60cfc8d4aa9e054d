"""What users do: previews come, change and go, hostnames move, children are edited by hand, others have objects too.

Each user has a namespace, and remembers what the judge has to know: which objects are nobody's, and what is protected.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from threading import Event, RLock
from typing import Any

from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest
from reconcile.model.names import DEFAULT_GROUP, KIND, PRUNE_DISABLED, Names
from reconcile.plan.child import Child
from reconcile.plan.rules import Rules
from tests.controlplane import AskFailed
from tests.e2e.strangers import marks, owner, stranger
from tests.node.node import DOMAIN
from tests.proofs.chaos.api import (
    CHILD_KINDS,
    MERGE,
    ROUTE_KINDS,
    STRATEGIC,
    Api,
    NoAnswer,
    path_of,
)

NAMES = Names()
NAMESPACES = ("chaos-0", "chaos-1", "chaos-2")
AUTHOR = "author"
AUTHORS = tuple(f"system:serviceaccount:{namespace}:{AUTHOR}" for namespace in NAMESPACES)
STEADY = ("steady-0", "steady-1")
"""Never deleted and never expired: their Deployments and Services stay the same objects to the end."""
FLEETING = tuple(f"pr-{number}" for number in range(5))
TAKEN = tuple(f"legacy-{namespace}.{DOMAIN}" for namespace in NAMESPACES)
"""Hostnames of Ingresses that are nobody's."""
HOSTS = (*(f"h{number}.{DOMAIN}" for number in range(20)), TAKEN[0])
GONE = "long-gone"
"""A preview that never was: what says that it is its child is forged."""
LONGEST_TTL = 8


@dataclass
class Guard:
    """A child that must not be deleted, from one time to another."""

    since: float
    until: float | None = None


@dataclass
class Ledger:
    """What a user remembers."""

    strangers: dict[str, str] = field(default_factory=dict)
    """Path and uid of what has to be there."""
    ever: dict[str, str] = field(default_factory=dict)
    """Every uid that an object of nobody's ever had, and its path."""
    guards: dict[str, Guard] = field(default_factory=dict)
    """By uid."""
    restored: float = 0
    """When etcd was put back the last time."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was done, and what became of it."""


class User:
    """The author of one namespace, and whoever else has rights in it."""

    def __init__(self, api: Api, namespace: str, seed: int, off: Collection[str]) -> None:
        self.api, self.namespace = api, namespace
        self.random = random.Random(f"{seed} {namespace}")
        self._deeds = {deed: weight for deed, weight in DEEDS.items() if name_of(deed) not in off}
        self.ledger = Ledger()
        self.pause = RLock()
        """Whoever has it is sure that this user does nothing."""

    # how it begins

    def settle_in(self) -> None:
        """A namespace with objects of others, some of them forged, and the previews that stay."""
        for manifest in self._of_others():
            self._post(manifest)
        for name in STEADY:
            self._apply(name, self._spec(name))

    def _of_others(self) -> Iterator[dict[str, Any]]:
        yield stranger("Service", "legacy")
        yield stranger("Deployment", "legacy")
        yield self._ingress("legacy", f"legacy-{self.namespace}.{DOMAIN}")
        for kind in ("Service", "Ingress", "Deployment", "HTTPRoute"):
            yield stranger(kind, GONE, **marks(kind, self.namespace, GONE))
        team = self.api.ask(
            "POST", f"/api/v1/namespaces/{self.namespace}/configmaps", {"metadata": {"name": "team"}}
        )
        owned = [owner("ConfigMap", "team", team["metadata"]["uid"])]
        yield stranger("Service", "owned", ownerReferences=owned, **marks("Service", self.namespace, "owned"))

    def _ingress(self, name: str, host: str) -> dict[str, Any]:
        backend = {"service": {"name": "legacy", "port": {"number": 8080}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        rules = [{"host": host, "http": {"paths": [path]}}]
        return {**stranger("Ingress", name), "spec": {"rules": rules}}

    # how it goes on

    def live(self, end: Event) -> None:
        """One thing after the other, until the end."""
        deeds, weights = tuple(self._deeds), tuple(self._deeds.values())
        while not end.wait(self.random.uniform(0.02, 0.35)):
            (deed,) = self.random.choices(deeds, weights)
            with self.pause:
                self.ledger.counts[f"{name_of(deed)}: {self._tried(deed)}"] += 1
            while not (self.api.is_ready() or end.wait(0.2)):
                pass  # whoever gets no answer tries again later

    def _tried(self, deed: "Deed") -> str:
        try:
            deed(self)
        except AskFailed as refused:
            return "not there" if refused.code == 404 else "refused"
        except NoAnswer:
            return "no answer"
        return "done"

    def remember(self) -> None:
        """After etcd was put back: what is there now. Nothing else is done meanwhile."""
        self.ledger.strangers = {
            path: found["metadata"]["uid"]
            for path in sorted(set(self.ledger.ever.values()))
            if (found := self.api.found(path)) and found["metadata"]["uid"] in self.ledger.ever
        }
        now = self.ledger.restored = time.time()
        for guard in self.ledger.guards.values():
            guard.until = guard.until or now
        for kind in CHILD_KINDS:
            for item in self.api.items(kind, self.namespace):
                # Where nobody has noticed it, lists are of before; one object is read from etcd.
                found = self.api.found(path_of(kind, self.namespace, item["metadata"]["name"]))
                # What its preview protects is no longer protected when that says so.
                if found and Child(Live(found), "", Rules(NAMES)).protected_by_others:
                    self.ledger.guards[found["metadata"]["uid"]] = Guard(now)

    # the deeds

    def _apply_preview(self) -> None:
        name = self.random.choice(FLEETING + STEADY)
        self._apply(name, self._spec(name))

    def _delete_preview(self) -> None:
        policy = self.random.choice(("Background", "Background", "Orphan", "Foreground"))
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
        self.api.ask("DELETE", path_of(KIND, self.namespace, self.random.choice(FLEETING)), options)

    def _move_hostname(self) -> None:
        name = self.random.choice(FLEETING + STEADY)
        self._patch(KIND, name, {"spec": {"fqdn": self.random.choice(HOSTS)}})

    def _swap_hostnames(self) -> None:
        one, other = self.random.sample(FLEETING + STEADY, 2)
        hosts = [
            self.api.ask("GET", path_of(KIND, self.namespace, name))["spec"]["fqdn"] for name in (one, other)
        ]
        self._patch(KIND, one, {"spec": {"fqdn": hosts[1]}})
        self._patch(KIND, other, {"spec": {"fqdn": hosts[0]}})

    def _annotate_preview(self) -> None:
        value = self.random.choice((PRUNE_DISABLED, None, None))
        self._patch(KIND, self.random.choice(FLEETING), self._annotation(NAMES.prune_annotation, value))

    def _edit_child(self) -> None:
        edits: dict[str, dict[str, Any]] = {
            "Deployment": {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}},
            "Service": {"spec": {"ports": [{"port": 8081}]}},
            "Ingress": {"spec": {"rules": None, "defaultBackend": {"service": {"name": "x", "port": {"number": 1}}}}},
            "HTTPRoute": {"spec": {"hostnames": None}},
        }  # fmt: skip
        kind = self.random.choice(tuple(edits))
        content_type = STRATEGIC if kind == "Deployment" else MERGE
        self._patch(kind, self.random.choice(FLEETING + STEADY), edits[kind], content_type)

    def _strip_mark(self) -> None:
        mark = self.random.choice((
            {"metadata": {"labels": {NAMES.preview_label: None}}},
            self._annotation(NAMES.identity_annotation, None),
            self._annotation(NAMES.applied_annotation, "somebody"),
            {"metadata": {"ownerReferences": None}},
        ))  # fmt: skip
        self._patch(self.random.choice(CHILD_KINDS[:4]), self.random.choice(FLEETING), mark)

    def _delete_child(self) -> None:
        kind, name = self.random.choice(CHILD_KINDS[:4]), self.random.choice(FLEETING)
        path = path_of(kind, self.namespace, name)
        if path not in self.ledger.strangers:
            self.api.ask("DELETE", path)

    def _protect_child(self) -> None:
        kind, name = self.random.choice(CHILD_KINDS[:4]), self.random.choice(FLEETING)
        made = self._patch(kind, name, self._annotation(NAMES.prune_annotation, PRUNE_DISABLED))
        # Where its preview protects it already, the server writes nothing, and nobody can tell that he did.
        if "kind" in made and Child(Live(made), "", Rules(NAMES)).protected_by_others:
            self.ledger.guards[made["metadata"]["uid"]] = Guard(time.time())

    def _protect_no_more(self) -> None:
        kind, name = self.random.choice(CHILD_KINDS[:4]), self.random.choice(FLEETING)
        found = self.api.ask("GET", path_of(kind, self.namespace, name))
        if guard := self.ledger.guards.get(found["metadata"]["uid"]):
            guard.until = time.time()
        self._patch(kind, name, self._annotation(NAMES.prune_annotation, None))

    def _take_name(self) -> None:
        """Somebody else makes an object where a preview's child would be."""
        kind, name = self.random.choice(("Deployment", "Service", "Ingress")), self.random.choice(FLEETING)
        dressed = marks(kind, self.namespace, name) if self.random.random() < 0.4 else {}
        self._post(stranger(kind, name, **dressed))

    def _give_name_back(self) -> None:
        mine = [path for path in self.ledger.strangers if path.rsplit("/", 1)[1] in FLEETING]
        if mine:
            path = self.random.choice(mine)
            del self.ledger.strangers[path]
            self.api.ask("DELETE", path)

    def _steal_hostname(self) -> None:
        """Who may edit a route writes a hostname into it that another preview may have."""
        host, name = self.random.choice(HOSTS[:-1]), self.random.choice(FLEETING)
        kind = self.random.choice(ROUTE_KINDS)
        spec = self._ingress(name, host)["spec"] if kind == "Ingress" else {"hostnames": [host]}
        if path_of(kind, self.namespace, name) not in self.ledger.strangers:
            self._patch(kind, name, {"spec": spec})

    # with what

    def _spec(self, name: str) -> dict[str, Any]:
        draw = self.random
        spec: dict[str, Any] = {"image": draw.choice(("app:1", "app:2")), "fqdn": draw.choice(HOSTS[:-1])}
        if name in STEADY:
            return {
                **spec,
                "replicas": int(name == STEADY[0]),
                "env": [{"name": "A", "value": draw.choice("xyz")}],
            }
        spec |= {"fqdn": draw.choice(HOSTS), "replicas": 0}
        for chance, more in (
            (0.3, {"env": [{"name": "A", "value": draw.choice("xyz")}]}),
            (0.2, {"revision": f"{draw.randrange(16**8):08x}"}),
            (0.15, {"ttl": f"{draw.randint(3, LONGEST_TTL)}s"}),
            (0.1, {"suspend": True}),
            (0.05, {"setup": {"args": ["once", "1"]}}),
        ):
            spec |= more if draw.random() < chance else {}
        return spec

    def _apply(self, name: str, spec: dict[str, Any]) -> None:
        manifest = {
            "apiVersion": f"{DEFAULT_GROUP}/v1",
            "kind": KIND,
            "metadata": {"name": name},
            "spec": spec,
        }
        self.api.apply(manifest, path_of(KIND, self.namespace, name), "author")

    def _patch(
        self, kind: str, name: str, patch: dict[str, Any], content_type: str = MERGE
    ) -> dict[str, Any]:
        """As `kubectl edit` and `kubectl patch` do; never what is somebody else's."""
        path = path_of(kind, self.namespace, name)
        if path in self.ledger.strangers:
            return {"metadata": {"uid": self.ledger.strangers[path]}}
        return self.api.ask("PATCH", path, patch, content_type, fieldManager="kubectl-edit")

    def _post(self, manifest: Manifest) -> None:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        path = path_of(kind, self.namespace)
        made = self.api.ask("POST", path, manifest, fieldManager="kubectl-create")
        uid = made["metadata"]["uid"]
        self.ledger.strangers[f"{path}/{name}"] = uid
        self.ledger.ever[uid] = f"{path}/{name}"

    def _annotation(self, name: str, value: str | None) -> dict[str, Any]:
        return {"metadata": {"annotations": {name: value}}}


Deed = Callable[[User], None]
DEEDS: dict[Deed, int] = {
    User._apply_preview: 40,
    User._delete_preview: 12,
    User._move_hostname: 12,
    User._swap_hostnames: 6,
    User._annotate_preview: 3,
    User._edit_child: 10,
    User._strip_mark: 6,
    User._delete_child: 6,
    User._protect_child: 4,
    User._protect_no_more: 6,
    User._take_name: 5,
    User._give_name_back: 5,
    User._steal_hostname: 6,
}
"""How often each is done, in proportion."""


def name_of(deed: Deed) -> str:
    """As the table at the end has it."""
    return deed.__name__.strip("_").replace("_", " ")
