"""A real API server keeps what every cluster promises, seen through our adapter."""

from collections.abc import Iterator

import pytest

from reconcile.cluster.kubernetes import connect
from reconcile.cluster.port import Cluster
from reconcile.kube.objects import Manifest
from tests.cluster_adapters.contract import ClusterContract, Plant
from tests.controlplane import ControlPlane


class TestKubernetes(ClusterContract):
    @pytest.fixture
    def cluster(self, api_server: ControlPlane) -> Iterator[Cluster]:
        cluster = connect(
            str(api_server.kubeconfig), None, deadline_seconds=60, concurrency=1, user_agent="contract-tests"
        )
        yield cluster
        cluster.close()

    @pytest.fixture
    def plant(self, api_server: ControlPlane) -> Plant:
        def as_somebody_else(manifest: Manifest) -> None:
            path = f"/api/v1/namespaces/{manifest['metadata']['namespace']}/services"
            api_server.ask("POST", path, manifest)

        return as_somebody_else
