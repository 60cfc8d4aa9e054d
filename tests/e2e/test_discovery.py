"""Kinds and schemas as a real API server tells them, to an account without any right of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reconcile.cluster.kubernetes import KubernetesCluster, connect
from reconcile.errors import Rejected
from reconcile.kube.objects import DEPLOYMENT, MAPPING, SERVICE, Resource
from reconcile.kube.schema import Node, native_schema
from tests.controlplane import Account, ControlPlane, eventually, install_crds
from tests.controlplane.install import REPOSITORY


@pytest.fixture
def cluster(account: Account) -> Iterator[KubernetesCluster]:
    """One adapter, as --interval has one for all its runs."""
    cluster = connect(
        str(account.kubeconfig), None, deadline_seconds=120, concurrency=2, user_agent="discovery-tests"
    )
    yield cluster
    cluster.close()


def crds_of(group: str, **spec: Any) -> list[dict[str, Any]]:
    """The CRDs of `shapes.yaml` in another group."""
    crds = list(yaml.safe_load_all((REPOSITORY / "tests" / "crds" / "shapes.yaml").read_text()))
    return [
        {
            **crd,
            "metadata": {"name": f"{crd['spec']['names']['plural']}.{group}"},
            "spec": {**crd["spec"], "group": group, **spec},
        }
        for crd in crds
    ]


def test_a_crd_that_is_installed_between_two_asks_is_found_with_its_schema(
    cluster: KubernetesCluster, api_server: ControlPlane, group: str
) -> None:
    version = f"{group}/v1"
    strict = Resource(group, "v1", "Strict", "stricts")
    assert cluster.resource(version, "Strict") is None
    assert cluster.schema(strict) is None
    install_crds(api_server, crds_of(group))
    assert eventually(lambda: cluster.resource(version, "Strict"), "it is discovered") == strict
    node: Node = eventually(lambda: cluster.schema(strict), "its schema is published")
    items = node.fields["spec"].fields["items"]
    assert (items.kind, items.atomic, [*items.keys]) == ("list", False, ["name"])
    before = cluster.traffic.requests
    free = cluster.resource(version, "Free")
    assert free == Resource(group, "v1", "Free", "frees")
    assert (cluster.resource(version, "Strict"), cluster.schema(strict)) == (strict, node)
    assert cluster.traffic.requests == before
    assert cluster.resource(version, "Other") is None


def test_a_cluster_scoped_crd_is_rejected(
    cluster: KubernetesCluster, api_server: ControlPlane, group: str
) -> None:
    install_crds(api_server, crds_of(group, scope="Cluster"))

    def rejected() -> bool:
        try:
            return cluster.resource(f"{group}/v1", "Strict") is not None
        except Rejected as error:
            return str(error) == f"Strict of {group}/v1 is not namespaced"

    eventually(rejected, "it is discovered")


@pytest.mark.parametrize("api_version", ["apps/v9", "v9", "nobody.example.com/v1"])
def test_a_version_that_nobody_serves_is_none(cluster: KubernetesCluster, api_version: str) -> None:
    assert cluster.resource(api_version, "Deployment") is None


@pytest.mark.parametrize(
    ("of", "versions"), [("", ("v1",)), ("autoscaling", ("v2", "v1")), ("nobody.example.com", ())]
)
def test_the_versions_of_a_group(cluster: KubernetesCluster, of: str, versions: tuple[str, ...]) -> None:
    assert cluster.versions(of) == versions


@pytest.mark.parametrize("resource", [DEPLOYMENT, MAPPING, SERVICE])
def test_a_kind_of_the_table_is_published_as_the_table_has_it(
    cluster: KubernetesCluster, resource: Resource
) -> None:
    """That of the core group is in another place."""
    found, native = cluster.schema(resource), native_schema(resource.api_version, resource.kind)
    assert found is not None
    assert native is not None
    assert found.rules == native.rules
