"""A namespace with previews on a node: what an author, a run and a visitor do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconcile.model.names import DEFAULT_GROUP, Names
from tests.controlplane import eventually
from tests.e2e.story import Result
from tests.node.node import DOMAIN, Answer, Node

INGRESS = ("--route", "ingress")
HTTPROUTE = ("--route", "httproute", "--gateway", "gateway/shared")
PROBE = ("--wait", "--probe", "--allow-fqdn", f"*.{DOMAIN}")
SILENT = "0 to create, 0 to update, 0 to delete"
NO_PODS = (404, 503)
"""What routers answer for a host whose Service has no pods; Traefik knows no such host then."""
COLLECTED = 60
"""Seconds after which the garbage collector has acted, though it may have heard of the CRD 30 seconds late."""


@dataclass(frozen=True)
class Story:
    """A namespace of one test, with hostnames that no other test has."""

    node: Node
    namespace: str
    route: tuple[str, ...] = INGRESS
    group: str = DEFAULT_GROUP
    scheme: str = "http"

    def host(self, name: str = "pr-1") -> str:
        return f"{name}-{self.namespace.removeprefix('test-')}.{DOMAIN}"

    def url(self, name: str = "pr-1") -> str:
        return f"{self.scheme}://{self.host(name)}"

    # what the author does

    def apply(self, name: str = "pr-1", **spec: Any) -> None:
        """Apply a preview; of what an earlier call said, all is gone that this one does not say."""
        manifest = {
            "apiVersion": Names(self.group).api_version,
            "kind": "PreviewEnvironment",
            "metadata": {"name": name},
            "spec": {"image": "app:1", "fqdn": self.host(name), **spec},
        }
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=manifest)

    def delete(self, name: str = "pr-1") -> None:
        self.kubectl("delete", self.kind, name)

    # what a run does

    def reconcile(self, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> Result:
        """Run the command on this namespace; it must end with this exit code."""
        result = self.node.reconcile(
            *("-n", self.namespace, "--api-group", self.group, *self.route, "--url-scheme", self.scheme),
            *arguments,
            env=env,
        )
        assert result.code == code, f"exit {result.code}\n{result.stdout}\n{result.stderr}"
        return result

    def silent(self) -> None:
        """A run finds nothing to do."""
        assert SILENT in (result := self.reconcile()).stdout, result.stdout

    # what is there

    @property
    def kind(self) -> str:
        """The previews, as kubectl names them."""
        return f"previewenvironments.{self.group}"

    def kubectl(self, *arguments: str | Path, input: str | Mapping[str, Any] = "") -> str:
        return self.node.kubectl("-n", self.namespace, *arguments, input=input)

    def get(self, kind: str, name: str = "pr-1") -> dict[str, Any]:
        return self.node.get("-n", self.namespace, kind, name)

    def names(self, kinds: str) -> list[str]:
        """What exists of these kinds: `deployment.apps/pr-1`."""
        return self.kubectl("get", kinds, "-o", "name").split()

    def condition(self, type_: str = "Ready", name: str = "pr-1") -> tuple[str, str]:
        """Status and reason of a condition of the preview; empty where it has none."""
        conditions = self.get(self.kind, name).get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"]) for c in conditions if c["type"] == type_), ("", ""))

    def childless(self, name: str = "") -> None:
        """Wait until no child and no pod is left, of any preview or of one."""
        kinds = "deployments,services,ingresses,pods"

        def none() -> bool:
            return not any(f"/{name}" in one for one in self.names(kinds))

        eventually(none, f"no {kinds} are left", COLLECTED, pause=0.5)

    # what a visitor does

    def visit(self, name: str = "pr-1", path: str = "/", authority: Path | None = None) -> Answer:
        return self.node.request(self.url(name) + path, authority=authority)

    def answers(
        self, *codes: int, name: str = "pr-1", authority: Path | None = None, timeout: float = 60
    ) -> Answer:
        """The first answer with one of these codes, or with 200: the router hears of a change a moment later."""
        expected = codes or (200,)
        seen: list[Answer] = []

        def answer() -> Answer | None:
            seen.append(self.visit(name, authority=authority))
            return seen[-1] if seen[-1].code in expected else None

        try:
            return eventually(answer, f"{self.url(name)} answers {expected}", timeout, pause=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer is {seen[-1]}") from None
