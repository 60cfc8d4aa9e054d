"""The Dockerfile's image, installed from cronjob/, with the rights that it gives: its runs make previews ready.

Each installation has an API group of its own, so that it sees no other test's previews. With other components, and
as a chart, the same pod has other arguments and rights: `tests/contracts/test_chart.py`, `tests/e2e/test_install.py`.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from reconcile.model.crd import crd
from reconcile.model.names import PLURAL
from tests.controlplane import eventually
from tests.node.node import Node
from tests.node.operations import kustomized, released
from tests.node.starting import install_crd
from tests.node.story import Story

pytestmark = pytest.mark.usefixtures("product_image")

# What the pod's process may do: its user, its Python, and the error of a write beside its own code.
INSIDE = """
import json, os, sys
try:
    open("/opt/reconcile/written", "w")
    error = ""
except OSError as problem:
    error = problem.strerror
print(json.dumps([os.getuid(), os.getgid(), list(sys.version_info[:2]), error]))
"""
EXPECTED = [65532, 65532, [3, 13], "Read-only file system"]


@pytest.fixture
def other(node: Node, story: Story) -> Iterator[Story]:
    """A story whose previews have an API group of their own."""
    group = f"previews-{uuid4().hex[:8]}.example.com"
    name = f"{PLURAL}.{group}"
    install_crd(node, json.dumps(crd(group)), name)
    yield replace(story, group=group)
    node.kubectl("delete", "crd", name, "--wait=false")


@pytest.fixture
def apart() -> str:
    """The namespace of an installation, which makes it itself."""
    return f"install-{uuid4().hex[:8]}"


def test_the_cronjob_makes_a_preview_ready(node: Node, other: Story, apart: str, tmp_path: Path) -> None:
    """One run makes the children, another one sees that they are ready; a third has nothing to do."""
    other.apply()
    with kustomized(node, tmp_path, namespace=apart, group=other.group) as installation:
        installation.run_now()
        other.kubectl("rollout", "status", "deployment/pr-1", "--timeout=60s")
        installation.run_now()
        assert other.condition() == ("True", "Available")
        assert "hello from pr-1-" in other.answers().text
        (ended,) = (record for record in installation.run_now() if "summary" in record)
        assert ended["summary"]["planned"] == {"create": 0, "update": 0, "delete": 0}


def test_the_deployment_makes_a_preview_ready(node: Node, other: Story, apart: str, tmp_path: Path) -> None:
    other.apply()
    with kustomized(node, tmp_path, "deployment", namespace=apart, group=other.group) as installation:
        eventually(lambda: other.condition() == ("True", "Available"), "the preview is ready", pause=1)
        assert "hello from pr-1-" in other.answers().text
        assert all(run["success"] for run in installation.runs())
        assert json.loads(installation.exec("python", "-c", INSIDE)) == EXPECTED


def test_the_deployment_of_the_chart_ends_on_sigterm_and_goes_on_after_its_restart(
    node: Node, other: Story, apart: str
) -> None:
    values = {"mode": "deployment", "interval": "1s"}
    with released(node, namespace=apart, group=other.group, **values) as installation:
        eventually(lambda: len(installation.runs()) > 1, "a second run")
        installation.terminate()
        ended = eventually(installation.last_end, "the container has ended")
        assert ended["exitCode"] == 143, "its own exit code: nobody had to kill it"
        other.apply()
        eventually(lambda: other.condition() == ("True", "Available"), "the preview is ready", pause=1)
