"""What is installed in a cluster: another installation beside ours, or a kind that is not there at all."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconcile.model.crd import crd
from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL
from tests.controlplane import ControlPlane, install_crds, service_account
from tests.controlplane.install import known_crds
from tests.controlplane.programs import API_PROGRAMS
from tests.e2e.conftest import API_REMEDY, fresh_namespace, skip_without
from tests.e2e.granted import allow_runs
from tests.e2e.install import LEAVING
from tests.e2e.story import Story


def test_two_installations_in_one_namespace_do_not_touch_each_other(story: Story, alone: Story) -> None:
    ours, theirs = story, alone
    ours.apply("pr-1")
    theirs.apply("pr-2")
    ours.reconcile()
    assert ours.children() == ours.all_of("pr-1")
    theirs.reconcile()
    assert sorted(ours.children()) == sorted([*ours.all_of("pr-1"), *ours.all_of("pr-2")])
    ours.silent()
    theirs.silent()
    for installation, name in ((ours, "pr-1"), (theirs, "pr-2")):
        assert installation.live("Service", name)["spec"]["selector"] == {
            f"{installation.group}/preview": name,
            "app.kubernetes.io/component": "app",
        }
    before = ours.settled()
    theirs.orphan("pr-2")
    ours.silent()
    theirs.reconcile("--max-deletes", "100%")
    assert ours.children() == ours.all_of("pr-1")
    assert ours.versions() == {name: before[name] for name in ours.all_of("pr-1")}
    ours.silent()
    theirs.silent()


def test_an_uninstall_by_the_documents_takes_the_previews_of_one_api_group(
    story: Story, alone: Story
) -> None:
    """Its command goes through every namespace: here through that of the test."""
    (line,) = re.findall(
        rf"^kubectl (delete {PLURAL}.*) --all-namespaces$", LEAVING.read_text(), re.MULTILINE
    )
    for group, ours, theirs in ((DEFAULT_GROUP, story, alone), (alone.group, alone, story)):
        ours.apply("pr-1")
        theirs.apply("pr-2")
        command = line.replace(DEFAULT_GROUP, group)
        story.plane.kubectl(*command.split(), "--namespace", story.namespace)
        assert not ours.there(KIND, "pr-1")
        assert theirs.there(KIND, "pr-2")
        theirs.delete(KIND, "pr-2")


def test_children_without_an_owner_are_not_taken_by_another_installation(story: Story, alone: Story) -> None:
    story.apply("pr-1", annotations={"platform9.com/prune": "disabled"})
    story.reconcile()
    before = story.settled()
    for preview in ("pr-2", "pr-3"):
        alone.apply(preview)
    alone.reconcile("--max-deletes", "100%")
    alone.orphan("pr-2")
    alone.reconcile("--max-deletes", "100%")
    assert sorted(story.children()) == sorted([*story.all_of("pr-1"), *story.all_of("pr-3")])
    assert {name: story.versions()[name] for name in story.all_of("pr-1")} == before
    assert all("ownerReferences" not in story.live(kind)["metadata"] for kind in ("Deployment", "Service"))
    story.silent()
    alone.silent()


def test_a_name_that_another_installation_has_is_taken(story: Story, alone: Story) -> None:
    alone.apply()
    alone.reconcile()
    story.apply(fqdn=story.host("other"))
    before = alone.settled()
    result = story.reconcile("--adopt", code=1)
    assert len(result.changes) == 1
    place = f"{story.namespace}/pr-1"
    assert result.changes[0].startswith(
        f"! Preview {place} Deployment {place}: exists and is not managed by "
    )
    assert alone.versions() == before
    # The object in the way carries no label of ours: only reading it tells that it is still there.
    story.silent(code=1, reads={"get", "list"})
    alone.silent()


NOT_THERE = {
    "Mapping": "getambassador.io/v3alpha1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Story]:
    """A story on a control plane of its own, with an API server and nothing else."""
    skip_without(API_PROGRAMS, API_REMEDY)
    plane = ControlPlane.start(tmp_path / "bare")
    try:
        with fresh_namespace(plane) as namespace:
            account = service_account(plane, namespace, "runner")
            allow_runs(plane, account.user, DEFAULT_GROUP)
            yield Story(plane, namespace, account)
    finally:
        plane.stop()


def test_a_kind_that_is_not_installed_blocks_only_who_asks_for_it(bare: Story) -> None:
    result = bare.reconcile(code=5)
    assert "PreviewEnvironment (platform9.com/v1) is not installed" in result.stderr
    remedy = "`reconcile --print-crd --api-group platform9.com | kubectl apply -f -`"
    assert f"install it with {remedy}" in result.stderr
    install_crds(bare.plane, [crd()])
    bare.apply()
    place = f"{bare.namespace}/pr-1"
    for route, version in NOT_THERE.items():
        bare = replace(bare, route=route)
        result = bare.reconcile(code=1)
        why = f"{route} ({version}) is not installed in this cluster"
        assert result.changes[-1] == f"! Preview {place} {why}: install it, or choose another --route"
        assert bare.children() == ["Deployment/pr-1", "Service/pr-1"]
        bare.silent(code=1)
    bare = replace(bare, route="Ingress")
    assert bare.reconcile().changes == [f"+ Ingress {place} does not exist"]
    bare.silent()
    install_crds(bare.plane, [one for one in known_crds() if one["spec"]["group"] == "getambassador.io"])
    bare = replace(bare, route="Mapping")
    bare.reconcile()
    assert bare.children() == bare.all_of()
    bare.silent()
