"""The command in the cluster: installed as an operator installs it, and run there."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from reconcile.model.names import DEFAULT_GROUP
from tests.e2e.install import group_patches
from tests.installation import CHART, NAME, overlay
from tests.node.node import DOMAIN, Node

OPTIONS = {"route": "ingress", "url-scheme": "http"}
ALLOWED = f"*.{DOMAIN}"


@dataclass(frozen=True)
class Installation:
    """What an operator has applied, and where."""

    node: Node
    namespace: str
    name: str

    def kubectl(self, *arguments: str) -> str:
        return self.node.kubectl("-n", self.namespace, *arguments)

    def run_now(self) -> list[dict[str, Any]]:
        """Start a run at once, as docs/install.md does, and wait for its end; gives the log's records."""
        job = f"now-{uuid4().hex[:6]}"
        self.kubectl("create", "job", job, f"--from=cronjob/{self.name}")
        wait = ("--for=jsonpath={.status.conditions[0].type}", f"job/{job}", "--timeout=90s")
        self.kubectl("wait", *wait)
        log = self.kubectl("logs", f"job/{job}")
        status = self.node.get("-n", self.namespace, "job", job)["status"]
        assert status.get("succeeded") == 1, f"{status}\n{log}"
        return records(log)

    def runs(self) -> list[dict[str, Any]]:
        """The summary of each run of the Deployment's container, oldest first; none before it has started."""
        done = self.node.run("kubectl", "-n", self.namespace, "logs", f"deployment/{self.name}")
        return [record["summary"] for record in records(done.stdout) if "summary" in record]

    def terminate(self) -> None:
        """SIGTERM for the process of the Deployment's pod, which may end before the command that sends it."""
        script = "import os, signal; os.kill(1, signal.SIGTERM)"
        pod = ("-n", self.namespace, f"deployment/{self.name}")
        self.node.run("kubectl", "exec", *pod, "--", "python", "-c", script)

    def last_end(self) -> dict[str, Any] | None:
        """How the container of the Deployment's pod has ended; None while it never has."""
        (pod,) = self.node.get("-n", self.namespace, "pods")["items"]
        (status,) = pod["status"]["containerStatuses"]
        # Since 1.35 it is not in lastState before the container has been started again.
        ended: dict[str, Any] | None = {**status["lastState"], **status["state"]}.get("terminated")
        return ended

    def exec(self, *command: str) -> str:
        """What a command in the Deployment's pod prints."""
        return self.kubectl("exec", f"deployment/{self.name}", "--", *command)


def records(log: str) -> list[dict[str, Any]]:
    """The lines of a pod's log, each of which is one record."""
    return [json.loads(line) for line in log.splitlines()]


@contextmanager
def kustomized(
    node: Node, folder: Path, *components: str, namespace: str, group: str = DEFAULT_GROUP
) -> Iterator[Installation]:
    """`kubectl apply -k` of an overlay, and `kubectl delete -k` afterwards; its names have a suffix of their own."""
    suffix = f"-{uuid4().hex[:8]}"
    also = {"namespace": namespace, "nameSuffix": suffix, "patches": _patches(group, components)}
    node.kubectl("apply", "-k", overlay(folder, *components, **also))
    try:
        yield Installation(node, namespace, NAME + suffix)
    finally:
        node.kubectl("delete", "-k", folder, "--wait=false")


def _patches(group: str, components: Sequence[str]) -> list[dict[str, Any]]:
    """An operator's options; no run but those that a test starts."""
    data = {f"RECONCILE_{name.upper().replace('-', '_')}": value for name, value in OPTIONS.items()}
    data["RECONCILE_ALLOW_FQDN"] = ALLOWED
    configmap = {"op": "add", "path": "/data", "value": data}
    suspended = {"op": "add", "path": "/spec/suspend", "value": True}
    patches = [{"target": {"kind": "ConfigMap"}, "patch": json.dumps([configmap])}]
    if "deployment" not in components:
        patches.append({"target": {"kind": "CronJob"}, "patch": json.dumps([suspended])})
    return [*patches, *group_patches(group, components)]


@contextmanager
def released(node: Node, *, namespace: str, group: str, **values: Any) -> Iterator[Installation]:
    """`helm install` of the chart, and `helm uninstall` afterwards."""
    options = {**OPTIONS, "allow-fqdn": [ALLOWED], "api-group": group}
    content = json.dumps({"options": options, **values})
    name = f"{NAME}-{uuid4().hex[:8]}"
    flags = ("-n", namespace, "--create-namespace", "--skip-crds", "--values", "-")
    try:
        node.call("helm", "install", name, CHART, *flags, input=content)
        node.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
        yield Installation(node, namespace, name)
        node.call("helm", "uninstall", name, "-n", namespace)
    finally:
        node.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
