"""The image of the Dockerfile, built for real."""

import subprocess
from pathlib import Path

from reconcile import __version__
from tests.cluster.process import REPOSITORY
from tests.controlplane.programs import one_at_a_time
from tests.node.node import Node
from tests.node.starting import SCRIPTS

PRODUCT = f"preview-reconcile:{__version__}"
"""What the manifests in cronjob/ run."""
COMMANDS = ("buildah", "mmdebstrap", "skopeo")


def built(folder: Path) -> Path:
    """The image as an archive, built once for all workers: two minutes on a new machine, then seconds."""
    archive = folder / "product.tar"
    with one_at_a_time(folder / "image"):
        if not archive.exists():
            part = folder / "image" / "product.tar"
            done = subprocess.run(
                [SCRIPTS / "build-image", REPOSITORY, part], capture_output=True, text=True, cwd=REPOSITORY
            )
            assert done.returncode == 0, done.stderr
            part.rename(archive)
    return archive


def pushed(node: Node, folder: Path) -> str:
    """The image's name in the cluster, once it is there; a cluster that was named has it already."""
    if not node.is_named:
        node.push(PRODUCT, built(folder))
    return PRODUCT
