"""A real API server for the tests of this folder: one for all of them, a namespace for each.

api_server      etcd and kube-apiserver with the CRDs; more where the programs are there
control_plane   the same, with controllers, scheduler and kwok for certain
gateway_api     the same as api_server, with the Gateway API's CRDs for certain
namespace       a fresh namespace
account         a fresh service account in it, without rights
story           a user with the command's rights in it
alone           the same, with an API group in which nobody else has previews
elsewhere       the same user and API group as `alone`, in a second namespace
group           an API group of the test's own, whose CRDs go with it
reader          the same story for a user who may read previews and children, and do nothing else
gate            before the API server of `story`: it holds up what a test names
far             the same story behind it
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from reconcile.desire.children import RESOURCES
from reconcile.kube.objects import GATEWAY
from reconcile.model.crd import crd
from reconcile.model.names import DEFAULT_GROUP, PLURAL, Names
from tests.conftest import FOLDER, THROWN_AWAY
from tests.controlplane import (
    Account,
    AskFailed,
    ControlPlane,
    allow,
    eventually,
    install_crds,
    missing_programs,
    service_account,
)
from tests.controlplane.install import CRDS, start_whole
from tests.controlplane.programs import API_PROGRAMS, CONTROLLER_PROGRAMS, assets, one_at_a_time
from tests.e2e.gate import Gate, gate_before
from tests.e2e.granted import allow_runs
from tests.e2e.process import behind
from tests.e2e.story import CHILD_RESOURCES, Story, collection_path

API_REMEDY = 'export KUBEBUILDER_ASSETS="$(setup-envtest use -p path)"'
CONTROLLERS_REMEDY = "setup-envtest does not have them: build them, and put them beside kube-apiserver"
BUILD = Path(__file__).parents[3] / "shared" / "controlplane" / "build"


def skip_without(programs: Sequence[str], remedy: str) -> None:
    """Skip, naming what is missing and how to get it."""
    if missing := missing_programs(programs):
        own = "export KUBEBUILDER_ASSETS=$(../shared/controlplane/build)" if BUILD.exists() else remedy
        pytest.skip(f"not in KUBEBUILDER_ASSETS: {', '.join(missing)} ({own})")


@pytest.fixture(scope="session")
def api_server() -> Iterator[ControlPlane]:
    """The API server of this run, started by the first test that asks, in whichever worker."""
    skip_without(API_PROGRAMS, API_REMEDY)
    folder = Path(os.environ[FOLDER])
    with one_at_a_time(folder):
        plane = ControlPlane.attach(folder) or start_whole(folder)
    yield plane
    plane.close()


@pytest.fixture(scope="session")
def control_plane(api_server: ControlPlane) -> ControlPlane:
    """The API server, where Deployments become ready and the garbage collector works."""
    skip_without(CONTROLLER_PROGRAMS, CONTROLLERS_REMEDY)
    if not api_server.has_controllers:
        pytest.skip(f"no controllers run in {api_server.folder}: make cluster-down cluster")
    return api_server


@pytest.fixture(scope="session")
def gateway_api(api_server: ControlPlane) -> ControlPlane:
    """The API server, where HTTPRoutes are served."""
    folder = (assets() or Path()) / "crds" / "gateway-api"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: put the Gateway API's standard CRDs there")
    return api_server


@pytest.fixture(autouse=True)
def _marked_with_news_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No status is written for a fingerprint alone: when a minute is over must not decide what a run writes."""
    monkeypatch.setattr("reconcile.status.publish.SETTLING", timedelta(days=365))


@pytest.fixture(autouse=True)
def _routers_take_a_route_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor must it decide when the old route of a switch goes; `tests/node/test_rollouts.py` waits as users do."""
    monkeypatch.setattr("reconcile.plan.child_policy.ROUTERS_LAG", timedelta())


@pytest.fixture
def namespace(api_server: ControlPlane) -> Iterator[str]:
    """A fresh namespace, deleted or at least emptied afterwards, without waiting for it."""
    with fresh_namespace(api_server) as name:
        yield name


@contextmanager
def fresh_namespace(plane: ControlPlane) -> Iterator[str]:
    """The name of a new namespace, in which pods are let in."""
    name = f"test-{uuid4().hex[:12]}"
    plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    if plane.has_controllers:  # until then no pod is let in, and the next try comes a second later
        path = f"/api/v1/namespaces/{name}/serviceaccounts"
        eventually(lambda: plane.ask("GET", path)["items"], f"{name} has its service account")
    yield name
    if THROWN_AWAY in os.environ:
        delete_ours(plane, name)
    else:
        plane.ask("DELETE", f"/api/v1/namespaces/{name}")


def delete_ours(plane: ControlPlane, namespace: str) -> None:
    """Delete the previews and what may be a child, so that no list over all namespaces grows.

    To delete the namespace is dearer: the server then asks for every kind that it has.
    """
    for resource in (Names().previews, *RESOURCES.values()):
        path = collection_path(resource, namespace)
        eventually(partial(is_emptied, plane, path), f"{path} can be deleted")


def is_emptied(plane: ControlPlane, path: str) -> bool:
    """Whether this collection was deleted; False while a policy forbids it.

    A policy that a test has deleted stays in force until the server has heard of it.
    """
    try:
        plane.ask("DELETE", path, {"propagationPolicy": "Background"})
    except AskFailed as error:
        if error.code not in (404, 422):  # 404: a kind that is not installed
            raise
        return error.code == 404
    return True


@pytest.fixture
def group(api_server: ControlPlane) -> Iterator[str]:
    """A group of the test's own, whose CRDs go with it."""
    group = f"{uuid4().hex[:8]}.example.com"
    yield group
    for one in api_server.ask("GET", CRDS)["items"]:
        if one["spec"]["group"] == group:
            api_server.ask("DELETE", f"{CRDS}/{one['metadata']['name']}")


@pytest.fixture
def account(api_server: ControlPlane, namespace: str) -> Account:
    """A user of this test alone, without rights: `allow(api_server, account.user, …)` grants them."""
    return service_account(api_server, namespace, "runner")


@pytest.fixture
def story(api_server: ControlPlane, namespace: str, account: Account) -> Story:
    """A namespace with a user who may do what the command does; routes are Mappings."""
    allow_runs(api_server, account.user, DEFAULT_GROUP)
    return Story(api_server, namespace, account)


@pytest.fixture(scope="session")
def own_group(api_server: ControlPlane) -> Iterator[str]:
    """An API group of this worker alone, whose tests come one after the other."""
    group = f"previews-{uuid4().hex[:8]}.example.com"
    install_crds(api_server, [crd(group)])
    yield group
    api_server.ask("DELETE", f"{CRDS}/{PLURAL}.{group}")


@pytest.fixture
def alone(api_server: ControlPlane, namespace: str, account: Account, own_group: str) -> Iterator[Story]:
    """A story that has the cluster to itself: an empty list of previews, a run without `-n`."""
    allow_runs(api_server, account.user, own_group)
    story = Story(api_server, namespace, account, group=own_group)
    yield story
    story.clear()


@pytest.fixture
def elsewhere(alone: Story) -> Iterator[Story]:
    """The same user and API group in a second namespace."""
    with fresh_namespace(alone.plane) as name:
        story = replace(alone, namespace=name)
        yield story
        story.clear()


@pytest.fixture
def reader(story: Story) -> Story:
    account = service_account(story.plane, story.namespace, "reader")
    # Another test's route may have no hostname but those of its Gateway's listeners, which a plan then gets.
    kinds = [f"{PLURAL}.{DEFAULT_GROUP}", GATEWAY.full_plural, *CHILD_RESOURCES]
    allow(story.plane, account.user, ["get", "list"], kinds)
    return replace(story, account=account)


@pytest.fixture
def gate(story: Story) -> Iterator[Gate]:
    with gate_before(story) as gate:
        yield gate


@pytest.fixture
def far(story: Story, gate: Gate, tmp_path: Path) -> Story:
    return behind(story, gate, tmp_path)
