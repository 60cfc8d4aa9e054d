"""The adapter against a real API server: the answers that its code was written for are the ones that come."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.errors import (
    BadKubeconfig,
    Conflict,
    Forbidden,
    NamespaceGoing,
    NotInstalled,
    ReconcileError,
    Rejected,
    Unauthorized,
    Unreachable,
)
from reconcile.kube.objects import DEPLOYMENT, HTTPROUTE, MAPPING, SERVICE, Manifest, Resource
from tests.controlplane import Account, ControlPlane, allow, eventually

US = "preview-reconcile.platform9.com"
LABEL = "platform9.com/preview"
NOBODYS = "00000000-0000-4000-8000-000000000000"
Connect = Callable[..., KubernetesCluster]
Fields = Mapping[str, Any]
NONE: Fields = {}


def connected(kubeconfig: Path) -> KubernetesCluster:
    return connect(str(kubeconfig), None, deadline_seconds=60, concurrency=4, user_agent="adapter-tests")


@pytest.fixture
def cluster(api_server: ControlPlane) -> Iterator[KubernetesCluster]:
    cluster = connected(api_server.kubeconfig)
    yield cluster
    cluster.close()


@pytest.fixture
def connect_with(api_server: ControlPlane, tmp_path: Path) -> Iterator[Connect]:
    """Connects with admin's kubeconfig, changed; the folder beside it is tmp_path."""
    clusters: list[KubernetesCluster] = []

    def change(*, cluster: Fields = NONE, user: Fields = NONE) -> KubernetesCluster:
        document = yaml.safe_load(api_server.kubeconfig.read_text())
        document["clusters"][0]["cluster"].update(cluster)
        document["users"][0]["user"].update(user)
        (tmp_path / "config").write_text(yaml.safe_dump(document))
        clusters.append(connected(tmp_path / "config"))
        return clusters[-1]

    yield change
    for cluster in clusters:
        cluster.close()


def service(namespace: str, name: str = "pr-1", port: int = 80, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {LABEL: name},
            **metadata,
        },
        "spec": {
            "ports": [{"name": "http", "port": port, "protocol": "TCP", "targetPort": "http"}],
            "selector": {LABEL: name},
        },
    }


def deployment(namespace: str, env: list[dict[str, str]]) -> dict[str, Any]:
    labels = {"platform9.com/preview": "pr-1"}
    container = {"name": "app", "image": "registry.example.com/web:1", "env": env}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "pr-1", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def guards(live: Manifest) -> dict[str, Any]:
    return {"uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"]}


def test_a_create_says_made_and_the_same_again_says_met(cluster: KubernetesCluster, namespace: str) -> None:
    first = cluster.apply(SERVICE, service(namespace), manager=US, force=False)
    again = cluster.apply(SERVICE, service(namespace, **guards(first.manifest)), manager=US, force=True)
    assert (first.created, again.created) == (True, False)
    assert again.manifest == first.manifest == cluster.get(SERVICE, namespace, "pr-1")


def test_an_apply_meant_for_another_object_is_a_conflict(cluster: KubernetesCluster, namespace: str) -> None:
    live = cluster.apply(SERVICE, service(namespace), manager=US, force=False).manifest
    with pytest.raises(Conflict, match=r"metadata.uid: .*field is immutable \(422\)"):
        cluster.apply(SERVICE, service(namespace, uid=NOBODYS), manager=US, force=True)
    cluster.apply(SERVICE, service(namespace, port=81, **guards(live)), manager=US, force=True)
    with pytest.raises(Conflict, match="the object has been modified"):
        cluster.apply(SERVICE, service(namespace, port=82, **guards(live)), manager=US, force=True)


def test_a_guarded_apply_brings_nothing_back_to_life(cluster: KubernetesCluster, namespace: str) -> None:
    live = cluster.apply(SERVICE, service(namespace), manager=US, force=False).manifest
    assert cluster.delete(
        SERVICE, namespace, "pr-1", uid=guards(live)["uid"], resource_version=guards(live)["resourceVersion"]
    )
    with pytest.raises(Conflict, match="uid mismatch"):
        cluster.apply(SERVICE, service(namespace, **guards(live)), manager=US, force=True)
    assert cluster.get(SERVICE, namespace, "pr-1") is None


def test_an_unforced_apply_over_a_strangers_other_value_is_a_conflict(
    cluster: KubernetesCluster, api_server: ControlPlane, namespace: str
) -> None:
    stranger = service(namespace)
    stranger["spec"]["selector"] = {"app": "theirs"}
    api_server.ask("POST", f"/api/v1/namespaces/{namespace}/services", stranger)
    with pytest.raises(Conflict, match=r"\.spec\.selector"):
        cluster.apply(SERVICE, service(namespace), manager=US, force=False)


def test_what_was_merged_into_a_strangers_object_can_be_taken_out_again(
    cluster: KubernetesCluster, api_server: ControlPlane, namespace: str
) -> None:
    theirs = {"metadata": {"name": "pr-1"}, "spec": {"ports": [{"name": "other", "port": 9}]}}
    before = api_server.ask("POST", f"/api/v1/namespaces/{namespace}/services", theirs)
    met = cluster.apply(SERVICE, service(namespace), manager=US, force=False)
    assert not met.created
    metadata = {"name": "pr-1", "namespace": namespace, **guards(met.manifest)}
    bare = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    after = cluster.apply(SERVICE, bare, manager=US, force=False).manifest
    assert after["spec"] == before["spec"]
    assert "labels" not in after["metadata"]


def test_a_delete_meant_for_another_object_or_state_is_a_conflict(
    cluster: KubernetesCluster, namespace: str
) -> None:
    live = cluster.apply(SERVICE, service(namespace), manager=US, force=False).manifest
    uid, version = guards(live)["uid"], guards(live)["resourceVersion"]
    with pytest.raises(Conflict, match="UID in the precondition"):
        cluster.delete(SERVICE, namespace, "pr-1", uid=NOBODYS, resource_version=version)
    with pytest.raises(Conflict, match="ResourceVersion in the precondition"):
        cluster.delete(SERVICE, namespace, "pr-1", uid=uid, resource_version="1")
    assert cluster.delete(SERVICE, namespace, "pr-1", uid=uid, resource_version=version) is True
    assert cluster.delete(SERVICE, namespace, "pr-1", uid=uid, resource_version=version) is False


def test_a_delete_that_waits_for_a_finalizer_is_done_and_the_next_one_is_a_conflict(
    cluster: KubernetesCluster, api_server: ControlPlane, namespace: str
) -> None:
    manifest = service(namespace, finalizers=["example.com/hold"])
    live = cluster.apply(SERVICE, manifest, manager=US, force=False).manifest
    uid, version = guards(live)["uid"], guards(live)["resourceVersion"]
    assert cluster.delete(SERVICE, namespace, "pr-1", uid=uid, resource_version=version) is True
    with pytest.raises(Conflict):
        cluster.delete(SERVICE, namespace, "pr-1", uid=uid, resource_version=version)
    going = cluster.get(SERVICE, namespace, "pr-1")
    assert going is not None
    assert going["metadata"]["deletionTimestamp"]
    api_server.kubectl(
        "patch", "service", "pr-1", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )


def test_a_json_patch_meant_for_another_state_is_a_conflict(
    cluster: KubernetesCluster, namespace: str
) -> None:
    live = cluster.apply(SERVICE, service(namespace), manager=US, force=False).manifest

    def patch(uid: str, version: str) -> Manifest:
        steps: list[Manifest] = [
            {"op": "replace", "path": "/metadata/uid", "value": uid},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/metadata/annotations", "value": {"note": "x"}},
        ]
        return cluster.patch(SERVICE, namespace, "pr-1", steps, manager=US)

    patched = patch(guards(live)["uid"], guards(live)["resourceVersion"])
    assert patched["metadata"]["annotations"] == {"note": "x"}
    with pytest.raises(Conflict):
        patch(guards(live)["uid"], guards(live)["resourceVersion"])
    with pytest.raises(Conflict):
        patch(NOBODYS, guards(patched)["resourceVersion"])


def test_duplicate_env_names_are_rejected_though_the_server_answers_500(
    cluster: KubernetesCluster, namespace: str
) -> None:
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    with pytest.raises(Rejected, match=r"\(500\).*duplicate entries"):
        cluster.apply(DEPLOYMENT, deployment(namespace, twice), manager=US, force=False)


def test_an_object_that_breaks_the_rules_is_rejected_with_the_servers_words(
    cluster: KubernetesCluster, namespace: str
) -> None:
    with pytest.raises(Rejected, match=r"patch Service .*/pr-1: .*\(422\): .*spec.ports\[0\].port"):
        cluster.apply(SERVICE, service(namespace, port=70000), manager=US, force=False)


def test_every_page_is_read_from_one_state(
    cluster: KubernetesCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.client.PAGE", 2)
    made = {f"pr-{number}" for number in range(5)}
    for name in made:
        cluster.apply(SERVICE, service(namespace, name), manager=US, force=False)
    items = cluster.list(SERVICE, namespace=namespace).items
    assert {item["metadata"]["name"] for item in items} == made
    assert {(item["apiVersion"], item["kind"]) for item in items} == {("v1", "Service")}
    assert items[0] == cluster.get(SERVICE, namespace, items[0]["metadata"]["name"])
    everywhere = cluster.list(SERVICE, label=LABEL).items
    assert {item["metadata"]["name"] for item in everywhere} >= made
    assert all(LABEL in item["metadata"]["labels"] for item in everywhere)


@pytest.mark.parametrize("plural", ["things.example.com", "gadgets.apps"])
def test_a_kind_that_nobody_serves_is_not_installed(
    cluster: KubernetesCluster, namespace: str, plural: str
) -> None:
    name, _, group = plural.partition(".")
    resource = Resource(group, "v1", "Thing", name)
    with pytest.raises(NotInstalled, match=f"does not serve {plural} of v1"):
        cluster.list(resource)
    with pytest.raises(NotInstalled):
        cluster.get(resource, namespace, "pr-1")
    with pytest.raises(NotInstalled):
        cluster.delete(resource, namespace, "pr-1", uid="u", resource_version="1")


def test_what_is_not_there_is_none_also_where_the_namespace_is_not(cluster: KubernetesCluster) -> None:
    for resource in (SERVICE, DEPLOYMENT, MAPPING):
        assert cluster.get(resource, "no-such-namespace", "pr-1") is None
    with pytest.raises(Rejected, match="there is no namespace no-such-namespace; make it first"):
        cluster.apply(SERVICE, service("no-such-namespace"), manager=US, force=False)


def test_routes_of_custom_kinds_are_read_like_any_other(
    gateway_api: ControlPlane, cluster: KubernetesCluster, namespace: str
) -> None:
    assert cluster.list(HTTPROUTE, namespace=namespace).items == ()
    assert cluster.list(MAPPING, namespace=namespace).items == ()
    assert cluster.get(HTTPROUTE, namespace, "pr-1") is None


def test_a_namespace_that_goes_is_told_from_a_missing_right(
    cluster: KubernetesCluster, api_server: ControlPlane, namespace: str
) -> None:
    held = service(namespace, "held", finalizers=["example.com/hold"])
    cluster.apply(SERVICE, held, manager=US, force=False)
    api_server.ask("DELETE", f"/api/v1/namespaces/{namespace}")

    def is_going() -> bool:
        try:
            cluster.apply(SERVICE, service(namespace), manager=US, force=False)
        except NamespaceGoing:
            return True
        return False

    eventually(is_going, "the namespace takes nothing new")
    api_server.kubectl(
        "patch", "service", "held", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )


def test_a_missing_right_is_named(api_server: ControlPlane, namespace: str, account: Account) -> None:
    allow(api_server, account.user, ["get", "list", "patch"], ["services"], namespace=namespace)
    cluster = connected(account.kubeconfig)
    cluster.list(SERVICE, namespace=namespace)
    with pytest.raises(Forbidden, match=r"`kubectl auth can-i list deployments.apps --all-namespaces` tells"):
        cluster.list(DEPLOYMENT)
    with pytest.raises(Forbidden, match=f"`kubectl auth can-i create services -n {namespace}` tells"):
        cluster.apply(SERVICE, service(namespace), manager=US, force=False)
    with pytest.raises(Forbidden, match=f"can-i delete services -n {namespace}"):
        cluster.delete(SERVICE, namespace, "pr-1", uid="u", resource_version="1")
    cluster.close()


def test_who_we_act_as_has_to_have_the_right(connect_with: Connect) -> None:
    with pytest.raises(Forbidden, match='User "viewer" cannot list'):
        connect_with(user={"as": "viewer"}).list(SERVICE)


def test_the_time_is_the_servers(cluster: KubernetesCluster, namespace: str) -> None:
    cluster.list(SERVICE, namespace=namespace)
    assert abs(cluster.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_token_that_nobody_knows_is_unauthorized(connect_with: Connect) -> None:
    with pytest.raises(Unauthorized, match="does not know who we are"):
        connect_with(user={"token": "wrong"}).list(SERVICE)


def test_a_server_that_cannot_prove_itself_is_unreachable_at_once(connect_with: Connect) -> None:
    with pytest.raises(Unreachable, match=r"its certificate is not trusted .*; check certificate-authority"):
        connect_with(cluster={"certificate-authority": "", "certificate-authority-data": ""}).list(SERVICE)


def test_a_certificate_is_not_asked_for_where_the_kubeconfig_says_so(
    connect_with: Connect, namespace: str
) -> None:
    cluster = connect_with(
        cluster={
            "certificate-authority": "",
            "certificate-authority-data": "",
            "insecure-skip-tls-verify": True,
        }
    )
    assert cluster.list(SERVICE, namespace=namespace).items == ()


def test_the_name_that_the_certificate_must_have_can_be_another(
    connect_with: Connect, namespace: str
) -> None:
    right = connect_with(cluster={"tls-server-name": "kubernetes.default.svc"})
    assert right.list(SERVICE, namespace=namespace).items == ()
    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        connect_with(cluster={"tls-server-name": "wrong.example.com"}).list(SERVICE)


@pytest.fixture
def client_certificate(tmp_path: Path) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "me.crt", tmp_path / "me.key"
    command = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=ann"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def test_a_client_certificate_is_shown(
    connect_with: Connect, namespace: str, client_certificate: tuple[Path, Path]
) -> None:
    cluster = connect_with(user={"client-certificate": "me.crt", "client-key": "me.key"})
    assert cluster.list(SERVICE, namespace=namespace).items == ()
    client_certificate[1].write_text(client_certificate[0].read_text())
    with pytest.raises(BadKubeconfig, match="is no PEM, or does not fit its key"):
        connect_with(user={"client-certificate": "me.crt", "client-key": "me.key"})


def test_a_plugin_may_give_a_client_certificate_and_a_token(
    connect_with: Connect,
    api_server: ControlPlane,
    tmp_path: Path,
    namespace: str,
    client_certificate: tuple[Path, Path],
) -> None:
    version = "client.authentication.k8s.io/v1"
    token = yaml.safe_load(api_server.kubeconfig.read_text())["users"][0]["user"]["token"]
    certificate, key = (file.read_text() for file in client_certificate)
    status = {"token": token, "clientCertificateData": certificate, "clientKeyData": key}
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    (tmp_path / "answer").write_text(json.dumps(answer))
    plugin = {"apiVersion": version, "command": "cat", "args": [str(tmp_path / "answer")]}
    cluster = connect_with(user={"token": None, "exec": plugin})
    assert cluster.list(SERVICE, namespace=namespace).items == ()


def test_nothing_but_our_own_errors_comes_out(cluster: KubernetesCluster, namespace: str) -> None:
    for manifest in ({}, {"kind": "Service", "apiVersion": "v1", "metadata": None}, service(namespace, "A")):
        with pytest.raises(ReconcileError):
            cluster.apply(SERVICE, manifest, manager=US, force=False)
