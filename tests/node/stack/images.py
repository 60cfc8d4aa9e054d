"""The images of the stack, built for real and pushed under the names that the cookbook's pages use."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.node.node import Node
from tests.node.starting import SCRIPTS

HERE = Path(__file__).parent
TARGETS = {
    "redis:8": "redis",
    "postgres:18": "postgres",
    "registry.example.com/database-proxy:2": "proxy",
    "shop:1": "shop-1",
    "shop:2": "shop-2",
}
"""The stage of the Dockerfile that each is."""


def push_all(node: Node, folder: Path) -> None:
    """Build all of them in a folder, one after the other, and push each while the next one is built."""
    with ThreadPoolExecutor(1) as pushing:
        for pushed in [pushing.submit(_push, node, name, _built(name, folder)) for name in TARGETS]:
            pushed.result()


def _push(node: Node, name: str, archive: Path) -> None:
    node.push(name, archive)
    archive.unlink()


def _built(name: str, folder: Path) -> Path:
    """An image as an archive; what it shares with others is built once for a machine."""
    archive = folder / f"{TARGETS[name]}.tar"
    done = subprocess.run(
        [SCRIPTS / "build-image", HERE, archive, "--target", TARGETS[name]], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return archive
