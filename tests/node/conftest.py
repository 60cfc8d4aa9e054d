"""A real node for the tests of this folder: one for all of them, a namespace for each.

node           the node, or the cluster that somebody named
namespace      a fresh namespace
story          previews in it, by Ingress; `replace(story, route=HTTPROUTE)` for the other
product_image  the name of the Dockerfile's image, in the cluster
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.node import images, starting
from tests.node.node import Node
from tests.node.story import Story


@pytest.fixture(scope="session")
def node() -> Node:
    """The node of this run, started by the first test that asks, in whichever worker."""
    if lacks := starting.missing():
        pytest.skip(lacks)
    return starting.started()


@pytest.fixture
def namespace(node: Node) -> Iterator[str]:
    """A fresh namespace, deleted afterwards without waiting for it."""
    with fresh_namespace(node) as name:
        yield name


@contextmanager
def fresh_namespace(node: Node) -> Iterator[str]:
    """The name of a new namespace, in which pods are let in."""
    name = f"test-{uuid4().hex[:10]}"
    node.kubectl("create", "namespace", name)
    try:
        node.kubectl("wait", "-n", name, "--for=create", "serviceaccount/default", "--timeout=60s")
        yield name
    finally:
        node.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def story(node: Node, namespace: str) -> Story:
    """A namespace whose previews have Ingresses."""
    return Story(node, namespace)


@pytest.fixture(scope="session")
def product_image(node: Node) -> str:
    """The image of this checkout's Dockerfile, built and pushed once for a run."""
    if absent := [name for name in images.COMMANDS if not node.is_named and not shutil.which(name)]:
        pytest.skip(f"not on the PATH: {', '.join(absent)} (on Debian: apt-get install {' '.join(absent)})")
    return images.pushed(node)
