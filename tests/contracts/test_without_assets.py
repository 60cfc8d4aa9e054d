"""A fresh machine has no Kubernetes: what needs a program of it is skipped there, and nothing fails."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RENDERED = ("tests/contracts/test_manifests.py", "tests/contracts/test_chart.py")


def test_what_kubectl_and_helm_render_is_skipped_by_name_without_them() -> None:
    dropped = ("KUBEBUILDER_ASSETS", "RECONCILE_REQUIRE_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *RENDERED],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    for program in ("kubectl", "helm"):
        assert f"not in KUBEBUILDER_ASSETS: {program}" in done.stdout
