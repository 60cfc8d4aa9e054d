"""Own names, an own field and an own kind of child, made by the pages alone, on a real API server."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.controlplane import ControlPlane, install_crds
from tests.controlplane.install import CRDS
from tests.cookbook import Clone, blocks

PAGES = ("own-names.md", "field.md", "child-kind.md")


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
