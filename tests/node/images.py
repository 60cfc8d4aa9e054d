"""The image of the Dockerfile, built for real."""

import subprocess
from pathlib import Path

from reconcile import __version__
from tests.controlplane.programs import one_at_a_time
from tests.e2e.process import REPOSITORY
from tests.node.node import Node
from tests.node.starting import SCRIPTS, run_folder

PRODUCT = f"preview-reconcile:{__version__}"
"""What the manifests in cronjob/ run."""
COMMANDS = ("buildah", "mmdebstrap", "skopeo")


def pushed(node: Node) -> str:
    """The image's name, once the cluster has the image of this checkout; built once for all workers.

    That takes two minutes on a new machine, then seconds. A named cluster has the image already.
    """
    folder = run_folder() / "image"
    with one_at_a_time(folder):
        if not node.is_named and not (folder / "pushed").exists():
            node.push(PRODUCT, built(folder / "product.tar"))
            (folder / "pushed").touch()
    return PRODUCT


def built(archive: Path) -> Path:
    """The Dockerfile's image as an archive."""
    command = [SCRIPTS / "build-image", REPOSITORY, archive]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return archive
