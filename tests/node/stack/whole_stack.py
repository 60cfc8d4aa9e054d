"""A preview with Redis, worker, ConfigMap, sidecar and Postgres, by the cookbook's own documents: `make stack`.

It answers through the router, survives a push, and leaves nothing but what it must keep.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.controlplane import eventually
from tests.cookbook import blocks
from tests.node.images import COMMANDS
from tests.node.node import Node
from tests.node.stack.images import push_all
from tests.node.story import COLLECTED, Story

PAGES = ("configmap.md", "redis-and-worker.md", "postgres.md", "sidecar.md")
CHILDREN = "deployments,services,ingresses,jobs,persistentvolumeclaims,pods"
WORKER = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${preview.metadata.name}-worker
spec:
  template:
    spec:
      containers:
        - name: worker
          env:
            - name: DATABASE_URL
              value: postgres://shop:${preview.metadata.uid}@${preview.metadata.name}-postgres:5432/shop
"""
"""What no page says, since each stands for itself: the worker has the database, too."""


@pytest.fixture
def stack(node: Node, story: Story, tmp_path: Path) -> Iterator[Story]:
    """A story whose node has the images, names of Services, and one volume."""
    if node.is_named:
        pytest.skip("a named cluster has its own images and volumes")
    assert not (absent := [name for name in COMMANDS if not shutil.which(name)]), f"not on the PATH: {absent}"
    push_all(node, tmp_path)
    running = node.module("tests.node.stack.names", str(tmp_path / "names"))
    node.kubectl("apply", "-f", "-", input=a_volume(story.namespace, tmp_path / "volume"))
    yield story
    node.kubectl("delete", "persistentvolume", story.namespace, "--wait=false")
    running.signal(SIGTERM)
    running.ended()


def a_volume(namespace: str, folder: Path) -> dict[str, object]:
    """What a provisioner would make for the claim."""
    folder.mkdir()
    here = [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node"]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": namespace},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": namespace, "name": "pr-1-postgres"},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}},
        },
    }


def documents(folder: Path, *pages: str) -> Path:
    """The templates of some pages, in one folder; each page has files of its own."""
    for page in pages:
        for block in blocks(page):
            if block.where.startswith("templates/"):
                file = folder / f"{page.removesuffix('.md')}-{Path(block.where).name}"
                file.parent.mkdir(exist_ok=True)
                file.write_text(block.text)
    return folder


def facts(story: Story) -> dict[str, str]:
    """What the app says that it has, once it answers."""
    return dict(line.split(" ", 1) for line in story.answers().text.splitlines())


def order(story: Story, orders: int) -> None:
    """Order something, and wait until the worker has written so many orders down."""
    assert story.visit(path="/order").code == 200
    eventually(
        lambda: facts(story)["orders"] == str(orders), f"the worker wrote order {orders} down", pause=0.2
    )


def replaced(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def test_a_preview_with_redis_worker_configmap_sidecar_and_postgres(stack: Story, tmp_path: Path) -> None:
    templates = documents(tmp_path / "templates", *PAGES)
    (templates / "worker.yaml").write_text(WORKER)
    with_all = ("--templates", str(templates))

    def shows(**expected: str) -> None:
        """The app says this; a router may have pods of the version before for a moment."""
        eventually(lambda: facts(stack).items() >= expected.items(), f"it says {expected}", pause=0.2)

    # Up, from nothing, and all parts reach each other.
    stack.apply(image="shop:1", setup={"command": ["bin/migrate"]})
    stack.reconcile(*with_all, "--wait")
    assert stack.condition() == ("True", "Available")
    shows(shop="1", greeting="hello", proxy="localhost", orders="0")
    order(stack, 1)
    assert "0 to create, 0 to update, 0 to delete" in stack.reconcile(*with_all).stdout

    # A push rolls the app and the worker; what was stored stays.
    stack.apply(image="shop:2", setup={"command": ["bin/migrate"]})
    stack.reconcile(*with_all, "--wait")
    shows(shop="2", orders="1")
    order(stack, 2)
    eventually(
        lambda: "done by 2" in stack.kubectl("logs", "deployment/pr-1-worker"), "the worker is new, too"
    )

    # A ConfigMap's change rolls the pods that read it.
    replaced(templates, "configmap-config.yaml", "hello", "welcome")
    stack.reconcile(*with_all, "--wait")
    shows(greeting="welcome")

    # A database that does not come up is named; one that is back has its data.
    replaced(templates, "postgres-postgres.yaml", "postgres:18", "postgres:0")
    failed = stack.reconcile(*with_all, "--wait", code=1)
    assert re.search(r"not ready .* Deployment pr-1-postgres: ImagePullBackOff: ", failed.stdout), (
        failed.stdout
    )
    replaced(templates, "postgres-postgres.yaml", "postgres:0", "postgres:18")
    stack.reconcile(*with_all, "--wait")
    shows(orders="2")

    # Documents leave: their children go, but for the data.
    only = documents(tmp_path / "only", "configmap.md")
    assert (
        "kept: no template makes it any more, and it holds data"
        in stack.reconcile("--templates", str(only)).stdout
    )
    assert stack.names("deployments,services,persistentvolumeclaims") == [
        "deployment.apps/pr-1",
        "service/pr-1",
        "persistentvolumeclaim/pr-1-postgres",
    ]
    stack.reconcile(*with_all, "--wait")
    shows(orders="2")

    # The preview leaves: all of it goes; the volume is for its operator to delete.
    stack.delete()
    stack.reconcile(*with_all)
    eventually(lambda: not stack.names(CHILDREN), f"no {CHILDREN} are left", COLLECTED, pause=0.5)
    assert stack.names("configmaps") == ["configmap/kube-root-ca.crt"]
    eventually(
        lambda: stack.node.get("persistentvolume", stack.namespace)["status"]["phase"] == "Released", "freed"
    )
