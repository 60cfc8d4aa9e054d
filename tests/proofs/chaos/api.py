"""Requests of users and of the judge, each with one short try: who is killed does not answer."""

import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from reconcile.desire.children import RESOURCES
from reconcile.kube.objects import Manifest, Resource
from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL, VERSION
from tests.controlplane import AskFailed
from tests.e2e.story import collection_path

SERVER = "https://10.88.0.1:6443"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
LONGEST_NIGHT = 86_400
"""Seconds that a token is good for."""

CHILD_KINDS = ("Deployment", "Service", "Ingress", "HTTPRoute", "Job")
ROUTE_KINDS = ("Ingress", "HTTPRoute")
KINDS = {**RESOURCES, KIND: Resource(DEFAULT_GROUP, VERSION, KIND, PLURAL)}


class NoAnswer(Exception):
    """Nobody knows whether the server did it."""


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """Where objects of a child's kind, or previews, are."""
    return collection_path(KINDS[kind], namespace) + (f"/{name}" if name else "")


class Api:
    """The API server of the node, asked from inside; as admin, or as whose token it is."""

    def __init__(self, node: Path, token: str = "admintoken") -> None:
        self._node = node
        trust = ssl.create_default_context(cafile=node / "certs" / "apiserver.crt")
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(
            base_url=SERVER, headers=headers, verify=trust, timeout=5, trust_env=False
        )

    def as_account(self, namespace: str, name: str) -> "Api":
        """The same, asked by a service account."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.ask("POST", path, {**request, "spec": {"expirationSeconds": LONGEST_NIGHT}})
        return Api(self._node, answer["status"]["token"])

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        **params: str,
    ) -> dict[str, Any]:
        """One request. Raises `AskFailed`, `NoAnswer`."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            answer = self._client.request(method, path, content=content, headers=headers, params=params)
        except httpx2.TransportError as error:
            raise NoAnswer(f"{method} {path}: {error}") from error
        if not answer.is_success:
            raise AskFailed(answer)
        found: dict[str, Any] = answer.json()
        return found

    def apply(self, manifest: Mapping[str, Any], path: str, manager: str) -> dict[str, Any]:
        """A forced server-side apply."""
        return self.ask("PATCH", path, manifest, APPLY, fieldManager=manager, force="true")

    def items(self, kind: str, namespace: str) -> Iterator[Manifest]:
        """Every object of a kind in a namespace, with its kind."""
        for item in self.ask("GET", path_of(kind, namespace))["items"]:
            yield {**item, "apiVersion": KINDS[kind].api_version, "kind": kind}

    def found(self, path: str) -> dict[str, Any] | None:
        """One object; None where there is none."""
        try:
            return self.ask("GET", path)
        except AskFailed as error:
            if error.code == httpx2.codes.NOT_FOUND:
                return None
            raise

    def is_ready(self) -> bool:
        """Whether it answers, and etcd does."""
        try:
            return self._client.get("/readyz").is_success
        except httpx2.TransportError:
            return False

    def lists_all(self) -> bool:
        """Whether each kind can be listed: a server whose etcd was put back fills its caches anew, and says 429."""
        try:
            return all(bool(self.ask("GET", path_of(kind, "default"))) for kind in (KIND, *CHILD_KINDS))
        except (AskFailed, NoAnswer):
            return False
