"""One user's story on a real API server: previews in a namespace of its own, and the command itself."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.cli import exit_code_of
from reconcile.names import DEFAULT_GROUP, Names
from reconcile.objects import (
    DEPLOYMENT,
    HTTPROUTE,
    INGRESS,
    MAPPING,
    SERVICE,
    Resource,
    preview_resource,
)
from tests.controlplane import Account, AskFailed, AuditEvent, ControlPlane, eventually

RESOURCES: Mapping[str, Resource] = {
    resource.kind: resource for resource in (DEPLOYMENT, SERVICE, MAPPING, INGRESS, HTTPROUTE)
}
CHILD_RESOURCES = [f"{r.plural}.{r.group}" if r.group else r.plural for r in RESOURCES.values()]
READS = frozenset({"get", "list"})

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


def call(*arguments: str) -> Result:
    """The command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = exit_code_of(list(arguments))
    return Result(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Story:
    """A namespace with previews, and a user with the rights that the command needs."""

    plane: ControlPlane
    namespace: str
    account: Account
    route: str = "Mapping"
    group: str = DEFAULT_GROUP

    @property
    def names(self) -> Names:
        return Names(self.group)

    def host(self, name: str) -> str:
        """A hostname that no other test has."""
        return f"{name}.{self.namespace}.example.com"

    # what the author does

    def apply(self, name: str = "pr-1", *, author: str = "author", **spec: Any) -> dict[str, Any]:
        """Apply a preview as its author would: what an earlier call said and this one does not is gone."""
        metadata: dict[str, Any] = {"name": name}
        metadata |= {key: spec.pop(key) for key in ("labels", "annotations", "finalizers") if key in spec}
        manifest = {
            "apiVersion": self.names.api_version,
            "kind": "PreviewEnvironment",
            "metadata": metadata,
            "spec": {"image": "registry.example.com/web:1", "fqdn": self.host(name), **spec},
        }
        path = f"{self.path_of('PreviewEnvironment', name)}?fieldManager={author}&force=true"
        return self.ask("PATCH", path, manifest, "application/apply-patch+yaml")

    def delete(self, kind: str, name: str = "pr-1", policy: str = "Background") -> None:
        """Delete an object, as `kubectl delete --cascade=…` does."""
        self.plane.ask("DELETE", self.path_of(kind, name), {"propagationPolicy": policy})

    # what somebody does by hand

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

    def reconcile(self, *arguments: str, code: int = 0, route: bool = True) -> Result:
        """Run the command on this namespace; it must end with this exit code."""
        options = ROUTES[self.route] if route else ()
        result = call(
            "--kubeconfig", str(self.account.kubeconfig), "-n", self.namespace,
            "--api-group", self.group, *options, *arguments,
        )  # fmt: skip
        assert result.code == code, f"exit {result.code}\n{result.stdout}\n{result.stderr}"
        return result

    def silent(self, *arguments: str, **kwargs: Any) -> None:
        """Once the controllers have settled, a run only lists, plans nothing, and changes nothing."""
        before = self.settled()
        asked = len(self.plane.audit(self.account.user))
        result = self.reconcile(*arguments, **kwargs)
        assert "0 to create, 0 to update, 0 to delete" in result.stdout, result.stdout
        assert {event.verb for event in self.requests()[asked:]} == {"list"}
        assert self.versions() == before

    def requests(self) -> tuple[AuditEvent, ...]:
        return self.plane.audit(self.account.user)

    def writes(self) -> list[AuditEvent]:
        return [event for event in self.requests() if event.verb not in READS]

    # what is there

    def path_of(self, kind: str, name: str = "") -> str:
        resource = RESOURCES.get(kind) or preview_resource(self.names)
        root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{resource.plural}" + (f"/{name}" if name else "")

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
        return [
            f"{kind}/{item['metadata']['name']}"
            for kind in RESOURCES
            for item in self.ask("GET", self.path_of(kind))["items"]
        ]

    def all_of(self, name: str = "pr-1") -> list[str]:
        """What a preview has when all is well."""
        return [f"Deployment/{name}", f"Service/{name}", f"{self.route}/{name}"]

    def versions(self) -> dict[str, str]:
        return {
            f"{kind}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for kind in RESOURCES
            for item in self.ask("GET", self.path_of(kind))["items"]
        }

    def settled(self) -> dict[str, str]:
        """The resourceVersions, once the controllers have caught up and do no more."""
        seen: list[dict[str, str]] = []

        def same() -> dict[str, str] | None:
            seen.append(self.versions())
            quiet = len(seen) > 3 and seen[-1] == seen[-4] and self._caught_up()
            return (seen[-1] or {"nothing": ""}) if quiet else None

        eventually(same, f"{self.namespace} has settled", timeout=120, pause=0.2)
        return seen[-1]

    def _caught_up(self) -> bool:
        return all(
            item.get("status", {}).get("observedGeneration", 0) >= item["metadata"]["generation"]
            for item in self.ask("GET", self.path_of("Deployment"))["items"]
        )


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
