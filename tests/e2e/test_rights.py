"""What a run does where the API server does not let it see everything."""

from dataclasses import replace

import pytest

from tests.controlplane import allow, service_account
from tests.e2e.granted import WRITES, allow_runs
from tests.e2e.story import CHILD_RESOURCES, Story

# Of each kind that cannot be listed: the changes that are made all the same, of the previews
# 1 (another image and hostname), 2 (gone, its children left) and 3 (new).
MADE: dict[str, list[str]] = {
    "Deployment": [
        "- Service 2 its preview is gone",
        "- Mapping 2 its preview is gone",
    ],
    "Service": [
        "+ Deployment 3 new preview",
        "~ Deployment 1 its preview or an option changed",
        "- Deployment 2 its preview is gone",
        "- Mapping 2 its preview is gone",
    ],
    "Mapping": [
        "+ Deployment 3 new preview",
        "+ Service 3 new preview",
        "~ Deployment 1 its preview or an option changed",
        "- Deployment 2 its preview is gone",
        "- Service 2 its preview is gone",
    ],
    "Ingress": [
        "+ Deployment 3 new preview",
        "+ Service 3 new preview",
        "+ Mapping 3 new preview",
        "~ Deployment 1 its preview or an option changed",
        "~ Mapping 1 its preview or an option changed",
        "- Deployment 2 its preview is gone",
        "- Service 2 its preview is gone",
        "- Mapping 2 its preview is gone",
    ],
}
PLURALS = {"Deployment": "deployments", "Service": "services", "Mapping": "mappings", "Ingress": "ingresses"}


@pytest.mark.parametrize("kind", MADE)
def test_a_kind_that_may_not_be_listed_is_left_alone_and_the_rest_goes_on(story: Story, kind: str) -> None:
    for name in ("pr-1", "pr-2"):
        story.apply(name)
    story.reconcile()
    story.apply("pr-1", image="registry.example.com/web:2", fqdn=story.host("moved"))
    story.orphan("pr-2")
    story.apply("pr-3")
    story.settled()
    before = {name: version for name, version in story.versions().items() if name.startswith(f"{kind}/")}

    account = service_account(story.plane, story.namespace, "partial")
    resource = next(one for one in CHILD_RESOURCES if one.startswith(PLURALS[kind]))
    others = [one for one in CHILD_RESOURCES if one != resource]
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com"])
    allow(story.plane, account.user, ["get", *WRITES], [resource])
    allow(story.plane, account.user, ["get", "list", *WRITES], others)
    partial = replace(story, account=account)
    result = partial.reconcile(code=4)
    withheld = [line for line in result.lines if line.startswith(f"! {kind}: ")]
    assert [line.partition(":")[0] for line in withheld] == [f"! {kind}"]
    assert f"the list of {PLURALS[kind]} is incomplete" in withheld[0]
    done = [line for line in result.changes if line[0] in "+~-"]
    assert done == in_full(story, MADE[kind])
    assert {
        name: version for name, version in story.versions().items() if name.startswith(f"{kind}/")
    } == before

    story.reconcile()
    assert sorted(story.children()) == sorted([*story.all_of("pr-1"), *story.all_of("pr-3")])
    story.silent()


def test_route_kinds_that_are_left_out_need_no_rights(story: Story) -> None:
    """A whole life: made, changed, and taken away once its preview is gone."""
    account = service_account(story.plane, story.namespace, "one-route")
    allow_runs(story.plane, account.user, story.group, without=["mappings", "httproutes"])
    ingress = replace(story, account=account, route="Ingress")
    for name in ("pr-1", "pr-2"):
        ingress.apply(name)
    ingress.reconcile("--route-kind", "ingress")
    assert sorted(ingress.children()) == sorted([*ingress.all_of("pr-1"), *ingress.all_of("pr-2")])
    ingress.apply("pr-1", fqdn=story.host("moved"))
    ingress.orphan("pr-2")
    ingress.reconcile("--route-kind", "ingress")
    assert ingress.children() == ingress.all_of("pr-1")
    ingress.silent("--route-kind", "ingress")
    assert [event.uri for event in ingress.requests() if event.code == 403] == []


def in_full(story: Story, lines: list[str]) -> list[str]:
    """The lines with the names of this story: `- Service 2 …` is `- Service NAMESPACE/pr-2 …`."""
    parts = [line.split(" ", 3) for line in lines]
    return [f"{sign} {kind} {story.namespace}/pr-{number} {reason}" for sign, kind, number, reason in parts]


def test_rights_in_one_namespace_are_enough_for_one_namespace(story: Story) -> None:
    account = service_account(story.plane, story.namespace, "narrow")
    narrow = replace(story, account=account)
    allow_runs(story.plane, account.user, story.group, namespace=story.namespace)
    story.apply()
    result = narrow.reconcile(code=5)
    assert "the previews of " in result.stderr
    assert "could not be listed" in result.stderr
    own = ("--namespace-only", "--allow-fqdn", f"*.{story.namespace}.example.com")
    result = narrow.reconcile(*own)
    note = f"only namespace {story.namespace} was read: hostnames of other namespaces were not seen"
    assert note in result.lines
    assert story.children() == narrow.all_of()
    narrow.silent(*own)
    story.orphan()
    story.apply("pr-2")
    narrow.reconcile(*own)
    assert story.children() == narrow.all_of("pr-2")
    narrow.silent(*own)
    inside = {event.namespace for event in narrow.requests() if event.code != 403}
    assert inside == {story.namespace}
