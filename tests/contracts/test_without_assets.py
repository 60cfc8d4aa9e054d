"""A fresh machine has no Kubernetes: what needs a program of it is skipped there, and nothing fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RENDERED = ("tests/contracts/test_manifests.py", "tests/contracts/test_chart.py")
DROPPED = ("KUBEBUILDER_ASSETS", "NODE_", "RECONCILE_REQUIRE_", "PYTEST_")


def run_without_kubernetes(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run these tests as on a machine without Kubernetes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_what_kubectl_and_helm_render_is_skipped_with_one_line_for_each_reason(
    workers: tuple[str, ...],
) -> None:
    done = run_without_kubernetes(*RENDERED, *workers)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if "KUBEBUILDER_ASSETS" in line]
    told = [re.fullmatch(r"(\d+) skipped: not in KUBEBUILDER_ASSETS: (\w+)", line) for line in lines]
    assert {match and match[2] for match in told} == {"kubectl", "helm"}
    assert len(told) == 2
    assert f"{sum(int(match[1]) for match in told if match)} skipped in " in done.stdout


def test_what_needs_a_node_is_skipped_by_name_without_one() -> None:
    done = run_without_kubernetes("tests/node/test_first_preview.py")
    assert done.returncode == 0, done.stdout
    assert "not in NODE_ASSETS: kubelet, kube-proxy, traefik" in done.stdout
    assert "not in KUBEBUILDER_ASSETS: etcd, kube-apiserver, kubectl" in done.stdout


def test_a_skipped_test_of_a_node_fails_a_run_that_has_to_have_one() -> None:
    done = run_without_kubernetes("tests/node/test_first_preview.py", RECONCILE_REQUIRE_CLUSTER="1")
    assert done.returncode == 1, done.stdout
    assert "RECONCILE_REQUIRE_CLUSTER=1: all of them have to run." in done.stdout


def test_a_named_cluster_needs_the_address_of_its_router() -> None:
    done = run_without_kubernetes("tests/node/test_first_preview.py", NODE_KUBECONFIG="/nowhere")
    assert done.returncode == 0, done.stdout
    assert "NODE_ROUTER is not set" in done.stdout
