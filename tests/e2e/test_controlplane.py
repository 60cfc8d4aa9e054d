"""The control plane of the tests is a real one: it runs pods, collects garbage, refuses and records."""

import json
from typing import Any

import pytest

from tests.controlplane import Account, AuditEvent, ControlPlane, KubectlFailed, allow, eventually

LABELS = {"app": "web"}


def deployment(replicas: int = 2) -> dict[str, Any]:
    container = {"name": "app", "image": "registry.example.com/web:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
        },
    }


def config_map(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    references = {"ownerReferences": [owner]} if owner else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **references}}


def test_a_deployment_becomes_ready(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=deployment(replicas=2))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"

    def ready() -> bool:
        return bool(control_plane.ask("GET", path)["status"].get("readyReplicas") == 2)

    eventually(ready, "two pods are ready", timeout=90)


def test_what_an_owner_leaves_behind_is_collected(control_plane: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    owner = control_plane.ask("POST", path, config_map("owner"))
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    control_plane.ask("POST", path, config_map("owned", reference))
    control_plane.ask("DELETE", f"{path}/owner")

    def names() -> set[str]:
        return {item["metadata"]["name"] for item in control_plane.ask("GET", path)["items"]}

    eventually(lambda: not names() & {"owner", "owned"}, "both are gone", timeout=90)


def test_the_viewer_has_no_rights(api_server: ControlPlane, namespace: str) -> None:
    with pytest.raises(KubectlFailed, match=r'Forbidden.*User "viewer" cannot list resource "configmaps"'):
        api_server.kubectl(
            "get", "configmaps", "-n", namespace, kubeconfig=api_server.kubeconfig_for("viewer")
        )


def test_an_account_may_do_what_it_was_granted_and_the_audit_log_has_it(
    api_server: ControlPlane, namespace: str, account: Account
) -> None:
    allow(api_server, account.user, ["get", "list"], ["configmaps"], namespace=namespace)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    shown = api_server.kubectl("get", "--raw", path, kubeconfig=account.kubeconfig)
    with pytest.raises(KubectlFailed, match="cannot create resource"):
        api_server.kubectl(
            "create", "--raw", path, "-f", "-", input=config_map("one"), kubeconfig=account.kubeconfig
        )
    assert json.loads(shown)["kind"] == "ConfigMapList"
    assert api_server.audit(account.user) == (
        AuditEvent("list", "configmaps", namespace, "", 200, path),
        AuditEvent("create", "configmaps", namespace, "", 403, path),
    )


def test_the_kinds_of_every_route_are_served(gateway_api: ControlPlane, namespace: str) -> None:
    shown = gateway_api.kubectl("get", "mappings,ingresses,httproutes", "-n", namespace, "-o", "json")
    assert json.loads(shown)["items"] == []
