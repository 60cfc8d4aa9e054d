"""The adapter against a real API server: the answers that its code was written for are the ones that come."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.errors import Conflict, NamespaceTerminating, NotInstalled, Rejected
from reconcile.kube.objects import DEPLOYMENT, MAPPING, SERVICE, Manifest, Resource
from tests.cluster_adapters.contract import LABEL, service
from tests.controlplane import ControlPlane, eventually

US = "preview-reconcile.platform9.com"


def connected(kubeconfig: Path) -> KubernetesCluster:
    return connect(str(kubeconfig), None, deadline_seconds=60, concurrency=4, user_agent="adapter-tests")


@pytest.fixture
def cluster(api_server: ControlPlane) -> Iterator[KubernetesCluster]:
    cluster = connected(api_server.kubeconfig)
    yield cluster
    cluster.close()


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


def test_a_terminating_namespace_is_no_missing_right(
    cluster: KubernetesCluster, api_server: ControlPlane, namespace: str
) -> None:
    held = service(namespace, "held", finalizers=["example.com/hold"])
    cluster.apply(SERVICE, held, manager=US, force=False)
    api_server.ask("DELETE", f"/api/v1/namespaces/{namespace}")

    def is_going() -> bool:
        try:
            cluster.apply(SERVICE, service(namespace), manager=US, force=False)
        except NamespaceTerminating:
            return True
        return False

    eventually(is_going, "the namespace takes nothing new")
    api_server.kubectl(
        "patch", "service", "held", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
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
        patch("00000000-0000-4000-8000-000000000000", guards(patched)["resourceVersion"])
