"""The flags of each program of the control plane, and when it is ready.

A port is looked for just before its program starts, so that it is still free then.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.controlplane import crashes
from tests.controlplane.kubeconfig import ADMINS, token, token_file, write_kubeconfig
from tests.controlplane.programs import HOST, NotStarted, alive, assets, free_port, last_lines, spawn

NODE = "node-0"
# Who asked for what: enough to prove that a pass only lists, and small.
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


def certificate(folder: Path) -> Path:
    """The API server's own certificate, which it writes at its start and signs itself."""
    return folder / "certs" / "apiserver.crt"


def start_api_server(folder: Path) -> str:
    """Start etcd and kube-apiserver, and write the kubeconfigs of the token users; gives the URL."""
    etcd = start_etcd(folder)
    (folder / "tokens.csv").write_text(token_file())
    (folder / "audit-policy.yaml").write_text(AUDIT_POLICY)
    port = free_port()
    # The server makes this key for its own certificate, before it looks for one to sign tokens with.
    key = folder / "certs" / "apiserver.key"
    spawn(
        folder,
        "kube-apiserver",
        [
            f"--etcd-servers={etcd}",
            f"--bind-address={HOST}",
            f"--advertise-address={HOST}",
            f"--secure-port={port}",
            f"--cert-dir={folder / 'certs'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # Not on by default, and the strictest about owner references: what works with it works without.
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
            "--service-cluster-ip-range=10.96.0.0/12",
            "--allow-privileged=true",
            f"--audit-policy-file={folder / 'audit-policy.yaml'}",
            f"--audit-log-path={folder / 'audit.log'}",
            "--audit-log-maxsize=10000",  # MB: tests count on from where they were, so it must be one file
        ],
    )
    server = f"https://{HOST}:{port}"
    for user in ADMINS:
        file = folder / "kubeconfigs" / user
        write_kubeconfig(file, server=server, authority=certificate(folder), bearer=token(user))
    (folder / "server").write_text(f"{server}\n")
    return server


def start_etcd(folder: Path) -> str:
    """Start etcd; gives the URL for clients."""
    clients = f"http://{HOST}:{free_port()}"
    spawn(
        folder,
        "etcd",
        [
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls=http://{HOST}:{free_port()}",
            "--unsafe-no-fsync",
        ],
    )
    (folder / "etcd-server").write_text(f"{clients}\n")
    return clients


def start_controllers(folder: Path) -> None:
    """Start the controllers, the scheduler, and kwok, which plays the kubelet of a node."""
    serving = [f"--bind-address={HOST}", "--leader-elect=false"]
    spawn(
        folder,
        "kube-controller-manager",
        [
            *serving,
            f"--secure-port={free_port()}",
            f"--cert-dir={folder / 'controller-manager-certs'}",
            f"--kubeconfig={folder / 'kubeconfigs' / 'controller-manager'}",
            f"--service-account-private-key-file={folder / 'certs' / 'apiserver.key'}",
            f"--root-ca-file={certificate(folder)}",
            "--use-service-account-credentials=true",
            "--concurrent-gc-syncs=20",
            # kwok says once that its node is ready; 50 seconds later no pod would count as ready any more.
            "--node-monitor-grace-period=24h",
            # Its own limit, 20 requests a second, is a minute for two hundred Deployments.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ],
    )
    spawn(
        folder,
        "kube-scheduler",
        [
            *serving,
            f"--secure-port={free_port()}",
            f"--cert-dir={folder / 'scheduler-certs'}",
            f"--kubeconfig={folder / 'kubeconfigs' / 'scheduler'}",
        ],
    )
    (folder / "crashes.yaml").write_text(crashes.stages())
    spawn(
        folder,
        "kwok",
        [
            f"--config={(assets() or Path()) / 'kwok.yaml'}",
            f"--config={folder / 'crashes.yaml'}",
            f"--kubeconfig={folder / 'kubeconfigs' / 'kwok'}",
            "--manage-all-nodes=true",
            "--cidr=10.0.0.1/16",
            "--node-ip=10.0.0.1",
        ],
    )


def node() -> dict[str, Any]:
    """The node that kwok plays, with room for every test's pods."""
    room = {"cpu": "1000", "memory": "1000Gi", "pods": "10000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "status": {"allocatable": room, "capacity": room},
    }


def wait_for(folder: Path, name: str, ready: Callable[[], bool], timeout: float = 60) -> None:
    """Until a program is ready; `NotStarted` with the end of its log when it ended, or took too long."""
    deadline = time.monotonic() + timeout
    while not ready():
        if not alive(folder, name):
            raise NotStarted(f"{name} ended at its start:\n{last_lines(folder, name)}")
        if time.monotonic() > deadline:
            raise NotStarted(f"{name} was not ready after {timeout:.0f} s:\n{last_lines(folder, name)}")
        time.sleep(0.1)
