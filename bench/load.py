"""What is in the cluster while it is measured: previews, and what others do to their children."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from bench.previews import NAMESPACES, name_of, namespace_of, preview
from bench.raw import token_in
from reconcile.kube.objects import DEPLOYMENT, EVENTS_V1, MAPPING, SERVICE, Resource
from reconcile.model.names import Names

T = TypeVar("T")
NAMES = Names()
PREVIEWS = NAMES.previews
KINDS = (DEPLOYMENT, SERVICE, MAPPING)
THREADS = 12

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
EDITS: tuple[tuple[Resource, str, Any], ...] = (
    (
        DEPLOYMENT,
        STRATEGIC,
        {
            "spec": {
                "template": {"spec": {"containers": [{"name": "app", "image": "edited.example.com/shop"}]}}
            }
        },
    ),
    (
        SERVICE,
        "application/json-patch+json",
        [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9999}],
    ),
    (MAPPING, MERGE, {"spec": {"prefix": "/edited/"}}),
)
"""What somebody does by hand to a child of each kind: resource, content type, patch."""


def path_of(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Where the API server has it; without a namespace in all of them."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    place = f"/namespaces/{namespace}" if namespace else ""
    return "/".join(filter(None, (root + place, resource.plural, name, subresource)))


@dataclass(frozen=True)
class Load:
    """Writes as somebody else than the command, so that the audit log tells them apart."""

    client: httpx2.Client

    def namespaces(self) -> None:
        """Make the namespaces of all previews."""
        for number in range(NAMESPACES):
            self._send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace_of(number)}})

    def previews(self, numbers: Iterable[int]) -> None:
        """Make the previews with these numbers."""

        def make(number: int) -> None:
            to = f"{path_of(PREVIEWS, namespace_of(number))}?fieldManager=kubectl-client-side-apply"
            self._send("POST", to, preview(number))

        at_once(make, list(numbers))

    def items(self, resource: Resource, label: str = "") -> Iterator[Any]:
        """Every object of a kind, with its JSON decoded."""
        path, token = f"{path_of(resource)}?limit=500&labelSelector={label}", ""
        while True:
            page = self.client.get(f"{path}&continue={token}" if token else path).raise_for_status().content
            found = json.loads(page)
            kind = {"apiVersion": resource.api_version, "kind": resource.kind}  # left out of built-in lists
            yield from ({**item, **kind} for item in found["items"])
            token = token_in(page)
            if not token:
                return

    def roll_out(self) -> None:
        """Give each Deployment the status that its controller leaves when all pods are available."""
        deployments = self.items(DEPLOYMENT, NAMES.preview_label)
        at_once(self._available, [found for found in deployments if not _rolled_out(found)])

    def _available(self, deployment: Any) -> None:
        metadata = deployment["metadata"]
        to = path_of(DEPLOYMENT, metadata["namespace"], metadata["name"], "status")
        self._send("PATCH", f"{to}?fieldManager=kube-controller-manager", available(metadata), MERGE)

    def new_images(self, image: str) -> None:
        """Give each preview another image."""
        self._patch(list(self.items(PREVIEWS)), "", {"spec": {"image": image}})

    def edit(self, previews: int, children: int) -> None:
        """Change so many children by hand, kind by kind in turn, each of another preview."""
        numbers = [place * (previews // children) for place in range(children)]

        def change(number: int) -> None:
            resource, content_type, patch = EDITS[number // (previews // children) % len(EDITS)]
            to = path_of(resource, namespace_of(number), name_of(number))
            self._send("PATCH", f"{to}?fieldManager=kubectl-edit", patch, content_type)

        at_once(change, numbers)

    def clear(self) -> None:
        """Take away all children and Events, and what the previews' statuses say."""
        options = {"propagationPolicy": "Background"}
        for namespace in map(namespace_of, range(NAMESPACES)):
            for resource in KINDS:
                to = f"{path_of(resource, namespace)}?labelSelector={NAMES.preview_label}"
                self._send("DELETE", to, options)
            self._send("DELETE", path_of(EVENTS_V1, namespace), options)
        self._patch(list(self.items(PREVIEWS)), "status", {"status": None})

    def forget_fingerprints(self) -> int:
        """Leave the previews as an older version has left them; how many had a fingerprint."""
        found = [item for item in self.items(PREVIEWS) if "fingerprint" in item.get("status", {})]
        self._patch(found, "status", {"status": {"fingerprint": None}})
        return len(found)

    def _patch(self, previews: Sequence[Any], subresource: str, patch: Any) -> None:
        def send(metadata: Any) -> None:
            to = path_of(PREVIEWS, metadata["namespace"], metadata["name"], subresource)
            self._send("PATCH", to, patch, MERGE)

        at_once(send, [item["metadata"] for item in previews])

    def _send(self, method: str, to: str, body: Any, content_type: str = "application/json") -> None:
        content = json.dumps(body)
        answer = self.client.request(method, to, content=content, headers={"Content-Type": content_type})
        if not answer.is_success:
            raise RuntimeError(f"{method} {to}: {answer.status_code} {answer.text[:500]}")


def at_once(function: Callable[[T], None], items: Sequence[T]) -> None:
    """All of them on several threads; the first error is raised."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(function, items))


def _rolled_out(deployment: Any) -> bool:
    generation = deployment["metadata"]["generation"]
    return bool(deployment.get("status", {}).get("observedGeneration") == generation)


def available(metadata: Any) -> dict[str, Any]:
    """The patch of the status subresource that leaves a Deployment as its controller does."""
    since = "2026-01-01T12:00:00Z"
    replica_set = f"{metadata['name']}-7c9f8d6b5"
    conditions = (
        ("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        ("Progressing", "NewReplicaSetAvailable", f'ReplicaSet "{replica_set}" has successfully progressed.'),
    )
    return {
        "metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}},
        "status": {
            "observedGeneration": metadata["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1),
            "conditions": [
                {
                    "type": name,
                    "status": "True",
                    "reason": reason,
                    "message": message,
                    "lastUpdateTime": since,
                    "lastTransitionTime": since,
                }
                for name, reason, message in conditions
            ],
        },
    }
