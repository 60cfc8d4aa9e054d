"""cronjob/ on a real API server: an installation of a test's own, beside those of others."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from reconcile.model.names import DEFAULT_GROUP
from tests.controlplane import ControlPlane, account_of, eventually
from tests.controlplane.rights import may
from tests.e2e.story import Story
from tests.installation import REPOSITORY, Manifest, arguments, kustomized, one, overlay

# Of a run's rights and of those of who only plans: the server hears of a role's rules all at once.
LAST = "httproutes.gateway.networking.k8s.io"
UPGRADE = REPOSITORY / "docs" / "upgrade.md"

Patch = dict[str, Any]


@dataclass(frozen=True)
class Installation:
    """What an operator has applied, and where."""

    plane: ControlPlane
    namespace: str
    name: str
    manifests: list[Manifest]

    def get(self, kind: str, name: str = "") -> Manifest:
        """One object as the server has it; the one that is named like the installation."""
        text = self.plane.kubectl("get", kind, name or self.name, "-n", self.namespace, "-o", "json")
        found: Manifest = json.loads(text)
        return found

    def every(self, kind: str, selector: str = "") -> list[Manifest]:
        """Every object of a kind in the installation's namespace."""
        text = self.plane.kubectl("get", kind, "-n", self.namespace, "-l", selector, "-o", "json")
        found: list[Manifest] = json.loads(text)["items"]
        return found

    def begin(self, name: str = "now") -> str:
        """A run at once, as a person begins one; its Job's name."""
        self.plane.kubectl("create", "job", "-n", self.namespace, name, f"--from=cronjob/{self.name}")
        return name

    def pods(self, job: str) -> list[Manifest]:
        return self.every("pods", f"batch.kubernetes.io/job-name={job}")

    def pod(self, job: str, *, number: int = 1) -> Manifest:
        """The newest pod of a Job, once there are so many."""
        eventually(lambda: len(self.pods(job)) >= number, f"job {job} has {number} pods")
        return max(self.pods(job), key=lambda pod: int(pod["metadata"]["resourceVersion"]))

    def ended(self, job: str) -> dict[str, str]:
        """How a Job ended: its conditions' types with their reasons."""

        def conditions() -> dict[str, str]:
            found = self.get("job", job).get("status", {}).get("conditions", [])
            return {c["type"]: c.get("reason", "") for c in found if c["status"] == "True"}

        eventually(lambda: {"Complete", "Failed"} & conditions().keys(), f"job {job} ends", timeout=120)
        return conditions()

    def story(self, namespace: str, group: str) -> Story:
        """The installed service account, with a token of its own, and previews in this namespace."""
        return Story(self.plane, namespace, account_of(self.plane, self.namespace, self.name), group=group)

    def command_line(self) -> list[str]:
        """What the pod's container is called with, but for what never ends and for `--output`.

        As Kubernetes does, it puts the pod's own namespace in.
        """
        return [
            argument.replace("$(POD_NAMESPACE)", self.namespace)
            for argument in arguments(self.manifests)
            if not argument.startswith(("--interval", "--output"))
        ]

    @property
    def options(self) -> dict[str, str]:
        """What its environment has from the ConfigMap."""
        data: dict[str, str] = self.get("configmap")["data"]
        return data


@contextmanager
def installed(
    plane: ControlPlane, folder: Path, *components: str, namespace: str = "", group: str = DEFAULT_GROUP
) -> Iterator[Installation]:
    """`kubectl apply -k`, and `kubectl delete -k` afterwards; the names have a suffix of their own."""
    suffix = uuid4().hex[:8]
    also = {
        "namespace": namespace or f"install-{suffix}",
        "nameSuffix": f"-{suffix}",
        "patches": group_patches(group, components),
    }
    manifests = kustomized(folder, *components, **also)
    plane.kubectl("apply", "-k", str(overlay(folder, *components, **also)))
    account = one(manifests, "ServiceAccount")["metadata"]
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    eventually(lambda: may(plane, user, "list", LAST, account["namespace"]), f"{user} may list {LAST}")
    try:
        yield Installation(plane, account["namespace"], account["name"], manifests)
    finally:
        plane.kubectl("delete", "-k", str(folder), "--wait=false", "--ignore-not-found")


def group_patches(group: str, components: Sequence[str]) -> list[Patch]:
    """What docs/upgrade.md has an operator patch for another API group; nothing for the usual one.

    A ClusterRole is a Role by then where one namespace alone is meant; `plan-only` needs no last patch.
    """
    if group == DEFAULT_GROUP:
        return []
    (text,) = re.findall(r"^patches:\n(?:[ -].*\n)+", UPGRADE.read_text(), re.MULTILINE)
    patches: list[Patch] = yaml.safe_load(text.replace("previews.example.com", group))["patches"]
    if "plan-only" in components:
        patches.pop()
    return [
        {**patch, "target": {**target, "kind": target["kind"].replace("ClusterRole", "(Cluster)?Role")}}
        for patch in patches
        for target in [patch["target"]]
    ]
