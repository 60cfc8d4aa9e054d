"""Kubeconfigs as the tools of providers write them: each leads to its server, with what it says we are."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import respx
import yaml

from reconcile.cluster.kubernetes import connect
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.authorities import authority, signed
from tests.cluster_adapters.conftest import FakeTime
from tests.cluster_adapters.test_adapter_credentials import BETA, credential

ARN = "arn:aws:eks:eu-west-1:111122223333:cluster/shop"
DEPLOYMENTS = "/apis/apps/v1/deployments"


class Provider(NamedTuple):
    """`CA`, `CERTIFICATE`, `KEY`, and the same with `_FILE`, stand for what a test makes; `cluster`, `user` and
    `context` have the fields of the entries."""

    title: str
    server: str
    user: dict[str, Any]
    sent: str | None
    """The header Authorization; None where a client certificate is all."""
    cluster: dict[str, Any]
    name: str
    context: dict[str, Any]


CERTIFICATE = "client-certificate-data: CERTIFICATE, client-key-data: KEY"
TABLE = f"""
aws eks update-kubeconfig:
  name: {ARN}
  server: https://0A1B.gr7.eu-west-1.eks.amazonaws.com
  exec: aws --region eu-west-1 eks get-token --cluster-name shop --output json
  fields: {{env: [{{name: AWS_PROFILE, value: dev}}]}}
gcloud container clusters get-credentials:
  name: gke_acme_europe-west1_shop
  server: https://203.0.113.7
  exec: gke-gcloud-auth-plugin
  fields: {{installHint: Install gke-gcloud-auth-plugin, provideClusterInfo: true}}
"gcloud … --dns-endpoint: no authority of its own":
  server: https://gke-0a1b.europe-west1.gke.goog
  exec: gke-gcloud-auth-plugin
  fields: {{provideClusterInfo: true, interactiveMode: IfAvailable}}
  cluster: {{}}
az aks get-credentials, converted by kubelogin:
  server: https://shop-dns-0a1b.hcp.westeurope.azmk8s.io:443
  exec: kubelogin get-token --environment AzurePublicCloud --server-id 6dae42f8 --login azurecli
  fields: {{env: null, provideClusterInfo: false}}
"az aks get-credentials --admin: a certificate and a token":
  name: shop-admin
  server: https://shop-dns-0a1b.hcp.westeurope.azmk8s.io:443
  user: {{{CERTIFICATE}, token: 0a1b2c3d}}
oc login:
  name: shop/api-crc-testing:6443/developer
  server: https://api.crc.testing:6443
  user: {{token: sha256~0a1b}}
  context: {{namespace: shop}}
doctl kubernetes cluster kubeconfig save:
  server: https://0a1b.k8s.ondigitalocean.com
  exec: doctl kubernetes cluster kubeconfig exec-credential --version=v1beta1 --context=default 0a1b
  fields: {{env: null, interactiveMode: IfAvailable, provideClusterInfo: false}}
oci ce cluster create-kubeconfig:
  server: https://203.0.113.8:6443
  exec: oci ce cluster generate-token --cluster-id ocid1.cluster.oc1 --region eu-zurich-1
  fields: {{env: []}}
kind, k3s:
  name: kind-shop
  server: https://127.0.0.1:36443
  user: {{{CERTIFICATE}}}
"minikube: files, and notes of its own":
  server: https://192.168.49.2:8443
  user: {{client-certificate: CERTIFICATE_FILE, client-key: KEY_FILE}}
  cluster:
    certificate-authority: CA_FILE
    extensions:
    - name: cluster_info
      extension: {{last-update: 2026-11-22, provider: minikube.sigs.k8s.io, version: v1.37.0}}
  context: {{namespace: default, extensions: [{{name: context_info, extension: {{version: v1.37.0}}}}]}}
"Rancher: a path in the server":
  server: https://rancher.example.com/k8s/clusters/c-m-0a1b
  user: {{token: 'kubeconfig-user-0a1b:2c3d'}}
  cluster: {{}}
GitLab's agent:
  server: https://kas.gitlab.com/k8s-proxy/
  user: {{token: 'pat:12:glpat-0a1b'}}
  cluster: {{}}
tsh kube login:
  server: https://teleport.example.com:443
  exec: tsh kube credentials --kube-cluster=shop --teleport-cluster=a --proxy=teleport.example.com:443
  fields: {{env: null, provideClusterInfo: false}}
  cluster:
    certificate-authority-data: CA
    tls-server-name: kube-teleport-proxy-alpn.teleport.example.com
kubectl oidc-login:
  server: https://k8s.example.com:6443
  exec: kubectl oidc-login get-token --oidc-issuer-url=https://issuer.example.com
"""


def provider(title: str, row: dict[str, Any]) -> Provider:
    user, sent = row.get("user", {}), None
    if "exec" in row:
        command, *arguments = row["exec"].split()
        fields = {"apiVersion": BETA, "command": command, "args": arguments, **row.get("fields", {})}
        user, sent = {"exec": fields}, f"Bearer of {command}"
    elif "token" in user:
        sent = f"Bearer {user['token']}"
    cluster = row.get("cluster", {"certificate-authority-data": "CA"})
    return Provider(
        title, row["server"], user, sent, cluster, row.get("name", "shop"), row.get("context", {})
    )


PROVIDERS = [provider(title, row) for title, row in yaml.safe_load(TABLE).items()]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the words in a kubeconfig stand for."""
    folder = tmp_path_factory.mktemp("certificates")
    trusted = authority(folder)
    client = signed(folder, trusted)
    files = {"CERTIFICATE": client, "KEY": client.with_suffix(".key"), "CA": trusted}
    data = {word: b64encode(file.read_bytes()).decode() for word, file in files.items()}
    return data | {f"{word}_FILE": str(file) for word, file in files.items()}


def plugins(folder: Path, arguments: list[str]) -> None:
    """The plugins of the table: each answers with a token of its name, if it got these arguments."""
    for command in ("aws", "gke-gcloud-auth-plugin", "kubelogin", "doctl", "oci", "tsh", "kubectl"):
        answer = credential(BETA, token=f"of {command}")
        (folder / command).write_text(f"#!/bin/sh\n[ \"$*\" = '{' '.join(arguments)}' ] && echo '{answer}'\n")
        (folder / command).chmod(0o755)


def kubeconfig(provider: Provider, words: dict[str, str]) -> dict[str, Any]:
    def filled(fields: dict[str, Any]) -> dict[str, Any]:
        return {
            name: words.get(value, value) if isinstance(value, str) else value
            for name, value in fields.items()
        }

    name = provider.name
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **provider.context}}],
        "clusters": [{"name": name, "cluster": {"server": provider.server, **filled(provider.cluster)}}],
        "users": [{"name": name, "user": filled(provider.user)}],
    }


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.title)
def test_a_kubeconfig_of_a_provider_leads_to_its_server_as_its_user(
    tmp_path: Path,
    httpx2_mock: respx.Router,
    monkeypatch: pytest.MonkeyPatch,
    time: FakeTime,
    certificates: dict[str, str],
    provider: Provider,
) -> None:
    document = kubeconfig(provider, certificates)
    plugins(tmp_path, document["users"][0]["user"].get("exec", {}).get("args", []))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "config").write_text(yaml.safe_dump(document))
    listed = httpx2_mock.get(f"{provider.server.rstrip('/')}{DEPLOYMENTS}").mock(
        return_value=httpx.Response(200, json={"metadata": {"resourceVersion": "7"}, "items": []})
    )
    cluster = connect(
        str(tmp_path / "config"), None, deadline_seconds=20, concurrency=1, user_agent="t", pacing=time.pacing
    )
    try:
        assert cluster.list(DEPLOYMENT).items == ()
    finally:
        cluster.close()
    assert listed.calls.last.request.headers.get("Authorization") == provider.sent
    assert cluster.namespace == document["contexts"][0]["context"].get("namespace", "")
