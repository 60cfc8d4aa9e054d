"""Own names, an own field and an own kind of child, made by the pages alone, on a real API server."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.controlplane import ControlPlane, install_crds
from tests.controlplane.install import CRDS
from tests.controlplane.programs import API_PROGRAMS, CONTROLLER_PROGRAMS
from tests.cookbook import Clone, blocks
from tests.e2e.conftest import API_REMEDY, CONTROLLERS_REMEDY, skip_without

PAGES = ("own-names.md", "field.md", "child-kind.md")
COUNTING = (
    "tests/run/test_run.py",
    "tests/contracts/test_request_counts.py",
    "tests/e2e/test_every_child.py",
    "tests/e2e/test_rights_are_used.py::test_one_life_uses_every_right_that_is_shipped_and_no_other",
    *(
        f"tests/e2e/test_rights_are_used.py::test_each_right_is_missed_by_name[{verb}-networkpolicies]"
        for verb in ("create", "delete", "get", "list", "patch")
    ),
    "tests/e2e/test_setup_job.py::test_a_setup_job_runs_once_for_each_revision_and_its_preview_is_ready_after_it",
)
"""Tests that count lists, requests or rights: of a kind more there is one more of each."""


@pytest.fixture
def clone(api_server: ControlPlane, tmp_path: Path) -> Iterator[Clone]:
    """A clone that followed the pages, its CRD installed as `make cluster` would."""
    made = Clone.make(tmp_path / "clone")
    for page in PAGES:
        made.edit(page)
    crd = yaml.safe_load((made.root / "crds" / "sandbox.yaml").read_text())
    install_crds(api_server, [crd])
    yield made
    api_server.ask("DELETE", f"{CRDS}/{crd['metadata']['name']}")


def test_what_the_pages_made_runs_on_an_api_server_and_its_second_run_is_silent(
    clone: Clone, api_server: ControlPlane
) -> None:
    (block,) = (block for block in blocks(PAGES[-1], clone.root) if block.where == "cluster")
    started, _, text = block.text.partition("\n")
    assert started == '$ eval "$(make cluster)"'
    namespace = f"shop-{uuid4().hex[:8]}"
    preview = clone.root / "previews" / "pr-7.yaml"
    wrong = preview.read_text()
    assert "[Ingress]" in wrong, "the page mends it by a command"
    preview.write_text(
        wrong.replace("Ingress", "ingress").replace("namespace: shop", f"namespace: {namespace}")
    )
    text = text.replace("namespace/shop", f"namespace/{namespace}").replace(
        "namespace shop", f"namespace {namespace}"
    )
    text = text.replace("-n shop", f"-n {namespace}")
    clone.type(PAGES[-1], text, KUBECONFIG=str(api_server.kubeconfig))
    api_server.ask("DELETE", f"/api/v1/namespaces/{namespace}")


def test_the_tests_that_count_count_an_added_kind_too(tmp_path: Path) -> None:
    """In a clone with its own control plane, as somebody who followed the pages runs them."""
    skip_without(API_PROGRAMS, API_REMEDY)
    skip_without(CONTROLLER_PROGRAMS, CONTROLLERS_REMEDY)
    clone = Clone.make(tmp_path / "clone")
    for page in PAGES[1:]:
        clone.edit(page)
    printed = clone.run(
        f"PROOF=whole python -m pytest -q -p no:cacheprovider {' '.join(COUNTING)}; echo ended with $?"
    )
    assert printed.endswith("ended with 0\n"), printed
    assert " 0 skipped" in printed
