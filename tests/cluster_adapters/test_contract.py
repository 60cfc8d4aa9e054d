"""The folder keeps what every cluster promises."""

from pathlib import Path

import pytest

from reconcile.cluster.files.cluster import DirectoryCluster
from reconcile.cluster.files.yaml import dump
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES
from reconcile.kube.objects import Manifest
from tests.cluster_adapters.contract import GROUP, ClusterContract, Plant


class TestDirectory(ClusterContract):
    @pytest.fixture
    def namespace(self) -> str:
        return "shop"

    @pytest.fixture
    def cluster(self, tmp_path: Path) -> Cluster:
        (tmp_path / "from").mkdir()
        return DirectoryCluster(
            (str(tmp_path / "from"),), str(tmp_path / "to"), group=GROUP, children=tuple(RESOURCES.values())
        )

    @pytest.fixture
    def plant(self, cluster: Cluster, tmp_path: Path) -> Plant:
        def into_a_file(manifest: Manifest) -> None:
            (tmp_path / "from" / "theirs.yaml").write_text(dump(manifest))

        return into_a_file
