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

LONG = (
    "test_whatever_happens_nothing_is_deleted_wrongly_and_all_is_well_once_it_is_quiet",
    "test_no_request_is_lost_or_stalls_over_rollouts_and_switches_of_the_route",
    "test_a_crash_is_reported_within_two_reads_of_the_second_one_and_stays",
    "test_a_node_that_is_lost_is_named",
    "test_the_first_preview_becomes_ready_and_its_link_answers",
    "test_a_rollout_that_is_paused_or_late_and_a_setup_that_is_held_back_are_reported",
    "test_the_deployment_makes_a_preview_ready",
    "test_a_push_replaces_the_pod_and_a_suspended_preview_answers_again_when_it_is_resumed",
    "test_each_row_of_the_table_is_reported_just_once",
    "test_wait_ends_early_with_what_fails_and_shows_what_each_container_wrote",
)
"""They begin first, so that none is left to a single worker at the end; a short one waits behind the first."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.name.partition("[")[0], len(LONG)))


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
