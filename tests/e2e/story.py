"""One user's story on a real API server: previews in a namespace of its own, and the command itself."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from reconcile.cli.main import exit_code_of
from reconcile.desire.children import RESOURCES, runs_once
from reconcile.kube.objects import Resource
from reconcile.model.names import DEFAULT_GROUP, Names
from reconcile.plan.changes import SYMBOLS
from tests.controlplane import Account, AskFailed, AuditEvent, ControlPlane, eventually

CHILD_RESOURCES = [resource.full_plural for resource in RESOURCES.values()]
READS = frozenset({"get", "list"})
STATUS = "previewenvironments/status"
GATEWAYS = "gateways"
"""Read where a preview has no hostname yet and some test's route names none."""
TOLD = frozenset({STATUS, "events", GATEWAYS})
"""What is told of previews, and asked for their sake: no part of a plan."""
DISCOVERY = ""
"""What is no resource: anybody may ask which kinds there are, and for their schemas."""
SYMBOL_COLUMN = frozenset(f"{symbol} " for symbol in SYMBOLS.values())

ROUTES: Mapping[str, tuple[str, ...]] = {
    "Mapping": ("--route", "mapping"),
    "Ingress": ("--route", "ingress", "--ingress-class", "web"),
    "HTTPRoute": ("--route", "httproute", "--gateway", "infra/web"),
}


@dataclass(frozen=True)
class Result:
    """What one call of the command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report of a call with `-o json`."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def lines(self) -> list[str]:
        """The plan's lines, with single spaces."""
        return [" ".join(line.split()) for line in self.stdout.splitlines()]

    @property
    def work(self) -> list[str]:
        """The lines about what was done, without the last ones about what is not ready yet."""
        return [line for line in self.lines if not line.startswith("Not ready")]

    @property
    def changes(self) -> list[str]:
        """The lines of changes, without the fields under them, with single spaces; of all passes."""
        text = self.stdout.partition("\n\n")[2].splitlines()
        return [" ".join(line.split()) for line in text if line[:2] in SYMBOL_COLUMN]


def call(*arguments: str) -> Result:
    """The command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = exit_code_of(list(arguments))
    return Result(code, out.getvalue(), err.getvalue())


def collection_path(resource: Resource, namespace: str) -> str:
    """Where the objects of a kind in a namespace are asked for."""
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/namespaces/{namespace}/{resource.plural}"


@dataclass(frozen=True)
class Story:
    """A namespace with previews, and a user with the rights that the command needs."""

    plane: ControlPlane
    namespace: str
    account: Account
    route: str = "Mapping"
    group: str = DEFAULT_GROUP
    further: Mapping[str, Resource] = field(default_factory=dict, hash=False)
    """By their full kinds, those of further children; what of them has a preview's label is a child."""

    @property
    def names(self) -> Names:
        return Names(self.group)

    @property
    def plural(self) -> str:
        """The routes as requests name them."""
        return RESOURCES[self.route].plural

    def host(self, name: str) -> str:
        """A hostname that no other test has."""
        return f"{name}.{self.namespace}.example.com"

    # what the author does

    def preview(self, name: str = "pr-1", **spec: Any) -> dict[str, Any]:
        """A preview as its author writes it, with what of it is metadata; without a namespace."""
        metadata = {key: spec.pop(key) for key in ("labels", "annotations", "finalizers") if key in spec}
        return {
            "apiVersion": self.names.api_version,
            "kind": "PreviewEnvironment",
            "metadata": {"name": name, **metadata},
            "spec": {"image": "registry.example.com/web:1", "fqdn": self.host(name), **spec},
        }

    def apply(self, name: str = "pr-1", *, author: str = "author", **spec: Any) -> dict[str, Any]:
        """Apply a preview: what an earlier call said and this one does not is gone."""
        path = f"{self.path_of('PreviewEnvironment', name)}?fieldManager={author}&force=true"
        return self.ask("PATCH", path, self.preview(name, **spec), "application/apply-patch+yaml")

    def delete(self, kind: str, name: str = "pr-1", policy: str = "Background") -> None:
        """Delete an object, as `kubectl delete --cascade=…` does; the garbage collector acts later."""
        self.plane.ask("DELETE", self.path_of(kind, name), {"propagationPolicy": policy})

    def orphan(self, name: str = "pr-1") -> None:
        """Delete a preview so that its children stay, as `--cascade=orphan` does, but without waiting for
        the garbage collector, which hears of a new API group half a minute later."""
        for kind in self.kinds:
            for child in self._items(kind):
                theirs = child["metadata"].get("labels", {}).get(self.names.preview_label) == name
                if theirs and not runs_once(kind):
                    self.patch(kind, {"metadata": {"ownerReferences": None}}, child["metadata"]["name"])
        self.delete("PreviewEnvironment", name)

    def clear(self) -> None:
        """Delete the previews and every child at once, so that a later story of the group sees none."""
        for kind in ("PreviewEnvironment", *self.kinds):
            self.ask("DELETE", self.path_of(kind), {"propagationPolicy": "Background"})

    def allow_no_pods(self) -> None:
        """A quota, so that none starts."""
        path = f"/api/v1/namespaces/{self.namespace}/resourcequotas"
        self.ask("POST", path, {"metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}})

    # what a gateway does

    def accept(self, name: str = "pr-1", *, with_generation: bool = True) -> None:
        """Say in an HTTPRoute's status that its parents take it."""
        self.answer(name, with_generation=with_generation, Accepted="True", ResolvedRefs="True")

    def answer(self, name: str = "pr-1", *, with_generation: bool = True, **statuses: str) -> None:
        """Say in an HTTPRoute's status what its parents think of it; some never say of which generation."""
        route = self.live("HTTPRoute", name)
        observed = {"observedGeneration": route["metadata"]["generation"]} if with_generation else {}
        conditions = [
            {
                "type": type_,
                "status": status,
                "reason": type_ if status == "True" else f"No{type_}",
                "message": "",
                **observed,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for type_, status in statuses.items()
        ]
        parents = [
            {"parentRef": parent, "controllerName": "example.com/gateway", "conditions": conditions}
            for parent in route["spec"]["parentRefs"]
        ]
        path = f"{self.path_of('HTTPRoute', name)}/status?fieldManager=gateway"
        self.ask("PATCH", path, {"status": {"parents": parents}}, "application/merge-patch+json")

    # what somebody does by hand

    def create(self, manifest: Mapping[str, Any], *, by: str = "kubectl-create") -> dict[str, Any]:
        """POST an object."""
        path = self.path_of(manifest["kind"]).replace(
            f"/{self.namespace}/", f"/{manifest['metadata'].get('namespace', self.namespace)}/"
        )
        return self.ask("POST", f"{path}?fieldManager={by}", dict(manifest))

    def patch(self, kind: str, patch: Any, name: str = "pr-1", *, by: str = "kubectl-edit") -> dict[str, Any]:
        """A merge patch (a mapping) or a JSON patch (a list) by somebody else."""
        content = "application/json-patch+json" if isinstance(patch, list) else "application/merge-patch+json"
        return self.ask("PATCH", f"{self.path_of(kind, name)}?fieldManager={by}", patch, content)

    def edit(self, kind: str, change: Any, name: str = "pr-1", *, by: str = "kubectl-edit") -> dict[str, Any]:
        """Read, change and PUT back, as an editor does."""

        def once() -> dict[str, Any] | None:
            manifest = self.live(kind, name)
            change(manifest)
            try:
                return self.ask("PUT", f"{self.path_of(kind, name)}?fieldManager={by}", manifest)
            except AskFailed as error:
                if error.code == 409:
                    return None
                raise

        return eventually(once, f"{kind} {name} is edited")

    # what the command does

    def reconcile(
        self, *arguments: str, code: int = 0, route: bool = True, everywhere: bool = False
    ) -> Result:
        """Run the command on this namespace; it must end with this exit code.

        `everywhere` leaves out `-n`: for a story with an API group of its own, or with names.
        """
        result = self.attempt(*arguments, route=route, everywhere=everywhere)
        assert result.code == code, f"exit {result.code}\n{result.stdout}\n{result.stderr}"
        return result

    def attempt(self, *arguments: str, route: bool = True, everywhere: bool = False) -> Result:
        """The same, however it ends."""
        options = ROUTES[self.route] if route else ()
        scope = () if everywhere else ("-n", self.namespace)
        return call(
            "--kubeconfig", str(self.account.kubeconfig), *scope,
            "--api-group", self.group, *options, *arguments,
        )  # fmt: skip

    def silent(self, *arguments: str, reads: Set[str] = frozenset({"list"}), **kwargs: Any) -> None:
        """Once the controllers have caught up, a run only lists, plans nothing, and changes nothing.

        But for statuses and events, of which the first run may have news: the next has none.
        """
        for attempt in range(4):
            eventually(self._caught_up, f"{self.namespace} is rolled out", timeout=120, pause=0.3)
            before = self.settled() if attempt else self.versions()
            events = self.asked_by_a_run(*arguments, **kwargs)
            assert {event.verb for event in events if event.resource not in {*TOLD, DISCOVERY}} == reads
            again = self.asked_by_a_run(*arguments, **kwargs)
            assert {e.verb for e in again if e.resource not in (GATEWAYS, DISCOVERY)} == reads
            if self.versions() == before:
                return
        # We have only read, as the audit log says: a busy machine's controllers came late, each time.
        raise AssertionError(f"{self.versions()} are not {before}")

    def asked_by_a_run(self, *arguments: str, **kwargs: Any) -> tuple[AuditEvent, ...]:
        """What a run that plans nothing asks of the server."""
        log_size = self.plane.audit_log.stat().st_size
        result = self.reconcile(*arguments, **kwargs)
        assert "0 to create, 0 to update, 0 to delete" in result.stdout, result.stdout
        return self.plane.audit(self.account.user, log_size)

    def requests(self) -> tuple[AuditEvent, ...]:
        return self.plane.audit(self.account.user)

    def writes(self) -> list[AuditEvent]:
        """The writes of children: statuses and events, which are no part of a plan, are left out."""
        return [e for e in self.requests() if e.verb not in READS and e.resource not in TOLD]

    # what is there

    @property
    def kinds(self) -> Mapping[str, Resource]:
        """The kinds of children."""
        return {**RESOURCES, **self.further}

    def path_of(self, kind: str, name: str = "") -> str:
        resource = self.kinds.get(kind) or self.names.previews
        return collection_path(resource, self.namespace) + (f"/{name}" if name else "")

    def ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self.plane.ask(method, path, body, content_type=content_type)
        return answer

    def live(self, kind: str, name: str = "pr-1") -> dict[str, Any]:
        return self.ask("GET", self.path_of(kind, name))

    def there(self, kind: str, name: str = "pr-1") -> bool:
        try:
            self.live(kind, name)
        except AskFailed as error:
            if error.code == 404:
                return False
            raise
        return True

    def children(self) -> list[str]:
        """Every object of a child kind in the namespace, as `Deployment/pr-1`."""
        return list(self.everything_now())

    def route_hosts(self, name: str = "pr-1") -> list[str]:
        """The hostnames on a preview's routes, of every kind."""
        return [host for kind in ROUTES if self.there(kind, name) for host in hosts_of(self.live(kind, name))]

    def uids(self) -> dict[str, str]:
        """Of every child, its uid."""
        return {name: child["metadata"]["uid"] for name, child in self.everything_now().items()}

    def everything(self) -> dict[str, dict[str, Any]]:
        """Every object of a child kind in the namespace, by `Deployment/pr-1`, once all is quiet."""
        self.settled()
        return self.everything_now()

    def everything_now(self) -> dict[str, dict[str, Any]]:
        """The same, as it is."""
        return {
            f"{kind}/{item['metadata']['name']}": item for kind in self.kinds for item in self._items(kind)
        }

    def everything_of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The same, of one kind."""
        return {f"{kind}/{item['metadata']['name']}": item for item in self._items(kind)}

    def all_of(self, name: str = "pr-1") -> list[str]:
        """What a preview has when all is well."""
        return [f"Deployment/{name}", f"Service/{name}", f"{self.route}/{name}"]

    def versions(self) -> dict[str, str]:
        return {name: child["metadata"]["resourceVersion"] for name, child in self.everything_now().items()}

    def _items(self, kind: str) -> Sequence[dict[str, Any]]:
        """Every object of a kind in the namespace, of further ones all children; none of one that is not
        installed."""
        label = f"?labelSelector={self.names.preview_label}" if kind in self.further else ""
        try:
            items: Sequence[dict[str, Any]] = self.ask("GET", self.path_of(kind) + label)["items"]
        except AskFailed as error:
            if error.code == 404:
                return ()
            raise
        return items

    def settled(self) -> dict[str, str]:
        """The resourceVersions, once the controllers have caught up and do no more."""
        seen: list[dict[str, str]] = []

        def same() -> bool:
            # Asked first: what is written between the two questions is in the versions.
            if not self._caught_up():
                seen.clear()
                return False
            seen.append(self.versions())
            return len(seen) > 1 and seen[-1] == seen[-2]

        eventually(same, f"{self.namespace} has settled", timeout=120, pause=0.3)
        return seen[-1]

    def _caught_up(self) -> bool:
        return not self.plane.has_controllers or all(map(is_rolled_out, self._items("Deployment")))


def hosts_of(route: Mapping[str, Any]) -> list[str]:
    """The hostnames of one route."""
    spec = route["spec"]
    match route["kind"]:
        case "Mapping":
            return [spec["hostname"]]
        case "Ingress":
            return [rule["host"] for rule in spec["rules"]]
        case _:
            return list(spec["hostnames"])


def is_rolled_out(deployment: Mapping[str, Any]) -> bool:
    """Whether all pods are new and available, so that no controller has anything left to write."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return seen and all(status.get(count, 0) == wanted for count in counts)


def container(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The app container of a Deployment."""
    found: dict[str, Any] = next(
        c for c in deployment["spec"]["template"]["spec"]["containers"] if c["name"] == "app"
    )
    return found


def env_of(deployment: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The variables of the app container."""
    found: Sequence[Mapping[str, Any]] = container(deployment).get("env", [])
    return found
