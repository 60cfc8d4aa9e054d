"""Hostnames that more than one preview asks for, and hostnames that move, with each kind of route."""

import time
from dataclasses import replace

import pytest

from tests.controlplane import eventually
from tests.e2e.story import ROUTES, Story


@pytest.fixture(params=ROUTES)
def routed(request: pytest.FixtureRequest, story: Story) -> Story:
    """The same story, with each kind of route."""
    return replace(story, route=request.param)


def hosts(story: Story, *names: str) -> dict[str, list[str]]:
    """Of each preview, the hostnames that its routes have, without the part that all share."""
    return {name: [host.partition(".")[0] for host in story.route_hosts(name)] for name in names}


def apply(story: Story, **wanted: str) -> None:
    """Previews (pr_1) with the hostnames that they want."""
    for name, host in wanted.items():
        story.apply(name.replace("_", "-"), fqdn=story.host(host))


def test_the_older_of_two_previews_gets_the_hostname(routed: Story) -> None:
    created = routed.apply("pr-9", fqdn=routed.host("shop"))["metadata"]["creationTimestamp"]
    # Timestamps are in whole seconds, and in one second the name would decide.
    eventually(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > created, "the next second")
    apply(routed, pr_1="shop")
    blocked = f"! Preview {routed.namespace}/pr-1 {routed.host('shop')}: belongs to {routed.namespace}/pr-9; change spec.fqdn"
    assert blocked in routed.reconcile(code=1).changes
    assert hosts(routed, "pr-1", "pr-9") == {"pr-1": [], "pr-9": ["shop"]}
    assert sorted(routed.children()) == sorted(["Deployment/pr-1", "Service/pr-1", *routed.all_of("pr-9")])
    routed.silent(code=1)
    assert routed.reconcile("--allow-blocked").changes == [blocked]
    apply(routed, pr_1="another")
    routed.reconcile()
    routed.silent()
    assert hosts(routed, "pr-1", "pr-9") == {"pr-1": ["another"], "pr-9": ["shop"]}


def test_who_has_the_hostname_keeps_it_against_an_older_preview(routed: Story) -> None:
    apply(routed, pr_1="one")
    routed.reconcile()
    apply(routed, pr_2="two")
    routed.reconcile()
    apply(routed, pr_1="two")
    place = f"{routed.namespace}/pr-"
    blocked = f"! Preview {place}1 {routed.host('two')}: belongs to {place}2; change spec.fqdn"
    assert routed.reconcile(code=1).changes == [blocked]
    routed.silent(code=1)
    assert hosts(routed, "pr-1", "pr-2") == {"pr-1": ["one"], "pr-2": ["two"]}


def test_a_swap_of_hostnames_is_one_run(routed: Story) -> None:
    apply(routed, pr_1="one", pr_2="two")
    routed.reconcile()
    before = routed.uids()
    apply(routed, pr_1="two", pr_2="one")
    routed.reconcile()
    assert hosts(routed, "pr-1", "pr-2") == {"pr-1": ["two"], "pr-2": ["one"]}
    assert routed.uids() == before
    routed.silent()


def test_a_chain_of_moves_is_one_run_that_goes_from_its_end(routed: Story) -> None:
    apply(routed, pr_1="one", pr_2="two", pr_3="three")
    routed.reconcile()
    apply(routed, pr_1="two", pr_2="three", pr_3="four")
    routed.reconcile()
    wanted = {"pr-1": ["two"], "pr-2": ["three"], "pr-3": ["four"]}
    assert hosts(routed, "pr-1", "pr-2", "pr-3") == wanted
    assert [event.name for event in routed.writes()[-3:]] == ["pr-3", "pr-2", "pr-1"]
    routed.silent()


def test_a_chain_longer_than_the_passes_of_a_run_is_ended_by_the_next(story: Story) -> None:
    apply(story, pr_1="one", pr_2="two", pr_3="three", pr_4="four", pr_5="five")
    story.reconcile()
    apply(story, pr_1="two", pr_2="three", pr_3="four", pr_4="five", pr_5="six")
    names = ("pr-1", "pr-2", "pr-3", "pr-4", "pr-5")
    story.reconcile()
    moved = {"pr-3": ["four"], "pr-4": ["five"], "pr-5": ["six"]}
    assert hosts(story, *names) == {"pr-1": ["one"], "pr-2": ["two"], **moved}
    story.reconcile()
    assert hosts(story, *names) == {"pr-1": ["two"], "pr-2": ["three"], **moved}
    story.silent()


def test_the_hostname_of_a_preview_that_is_gone_is_taken_over_in_one_run(routed: Story) -> None:
    apply(routed, pr_1="shop")
    routed.reconcile()
    routed.orphan("pr-1")
    apply(routed, pr_2="shop")
    routed.reconcile()
    assert routed.children() == routed.all_of("pr-2")
    assert hosts(routed, "pr-2") == {"pr-2": ["shop"]}
    assert [(e.verb, e.resource) for e in routed.writes() if e.resource == routed.plural][-2:] == [
        ("delete", routed.plural),
        ("patch", routed.plural),
    ]
    routed.silent()


def test_a_hostname_is_held_across_kinds_of_route(story: Story) -> None:
    story = replace(story, route="Ingress")
    apply(story, pr_9="shop")
    story.reconcile()
    apply(story, pr_1="shop")
    story = replace(story, route="Mapping")
    story.reconcile(code=1)
    assert story.children() == [
        *("Deployment/pr-1", "Deployment/pr-9", "Service/pr-1", "Service/pr-9", "Mapping/pr-9")
    ]
    story.silent(code=1)


def test_a_route_that_a_run_may_not_move_is_waited_for(story: Story) -> None:
    apply(story, pr_1="one", pr_2="two")
    story.reconcile()
    apply(story, pr_1="two", pr_2="three")
    place = f"{story.namespace}/pr-"
    waits = f". Mapping {place}1 waits: {story.host('two')}: Mapping {place}2 still has it"
    assert story.reconcile("pr-1").changes == [waits]
    story.silent("pr-1")
    assert hosts(story, "pr-1", "pr-2") == {"pr-1": ["one"], "pr-2": ["two"]}
    story.reconcile()
    assert hosts(story, "pr-1", "pr-2") == {"pr-1": ["two"], "pr-2": ["three"]}
    story.silent()
