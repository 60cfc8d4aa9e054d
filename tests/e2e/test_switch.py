"""From one kind of route to another: the hostname is served at every moment, and only if it was asked for."""

from dataclasses import replace
from itertools import permutations

import pytest

from tests.e2e.story import ROUTES, Story

KEPT = "kept; pass --route to switch"


def running(story: Story, route: str) -> Story:
    """A preview with this kind of route, made."""
    story = replace(story, route=route)
    story.apply()
    story.reconcile()
    return story


@pytest.mark.parametrize(("old", "new"), list(permutations(ROUTES, 2)))
def test_a_switch_makes_the_new_route_and_takes_the_old_one_away(story: Story, old: str, new: str) -> None:
    place = f"{story.namespace}/pr-1"
    story = replace(running(story, old), route=new)
    result = story.reconcile()
    assert result.changes[:2] == [
        f"+ {new} {place} does not exist",
        f". {old} {place} waits: deleted when {new} {place} exists",
    ]
    if new == "HTTPRoute":
        assert story.children() == ["Deployment/pr-1", "Service/pr-1", f"{old}/pr-1", "HTTPRoute/pr-1"]
        story.accept()
        result = story.reconcile()
    assert result.changes[-1] == f"- {old} {place} its preview has the {new} now"
    assert story.children() == story.all_of()
    assert [(e.verb, e.resource) for e in story.writes()[-2:]] == [
        ("patch", story.plural),
        ("delete", replace(story, route=old).plural),
    ]
    story.silent()


@pytest.mark.parametrize("old", ["Mapping", "Ingress"])
def test_the_old_route_stays_while_no_gateway_accepts_the_new_one(story: Story, old: str) -> None:
    place = f"{story.namespace}/pr-1"
    story = replace(running(story, old), route="HTTPRoute")
    story.reconcile()
    story.silent()
    waits = [f". {old} {place} waits: deleted when HTTPRoute {place} is accepted"]
    assert story.reconcile("--dry-run", "--exit-code").changes == waits
    assert story.children() == ["Deployment/pr-1", "Service/pr-1", f"{old}/pr-1", "HTTPRoute/pr-1"]


def test_an_old_route_without_our_label_goes_too(story: Story) -> None:
    """Its owner tells whose it is."""
    label = {story.names.preview_label: None}
    running(story, "Ingress").patch("Ingress", {"metadata": {"labels": label}})
    story = replace(story, route="Mapping")
    story.reconcile()
    assert story.children() == story.all_of()
    story.silent()


def test_an_acceptance_that_names_no_generation_ends_a_switch(story: Story) -> None:
    story = replace(running(story, "Ingress"), route="HTTPRoute")
    story.reconcile()
    story.accept(with_generation=False)
    story.reconcile()
    assert story.children() == story.all_of()
    story.silent()


def test_an_acceptance_of_an_older_generation_does_not_count(story: Story) -> None:
    story = replace(running(story, "HTTPRoute"), route="HTTPRoute")
    story.accept()
    story = replace(story, route="Mapping")
    story.apply(fqdn=story.host("second"))
    story.reconcile()
    story = replace(story, route="HTTPRoute")
    story.reconcile()
    story.accept()
    story.patch("HTTPRoute", {"spec": {"hostnames": [story.host("by-hand")]}})
    story.reconcile()
    assert story.there("Mapping")
    story.silent()
    story.accept()
    story.reconcile()
    assert story.children() == story.all_of()
    story.silent()


@pytest.mark.parametrize(
    ("old", "new"), [("Mapping", "Ingress"), ("Ingress", "HTTPRoute"), ("HTTPRoute", "Mapping")]
)
def test_a_switch_together_with_a_new_hostname_leaves_nothing_behind(
    story: Story, old: str, new: str
) -> None:
    story = replace(running(story, old), route=new)
    story.apply(fqdn=story.host("other"))
    story.reconcile()
    assert story.children() == story.all_of()
    assert story.route_hosts() == [story.host("other")]
    story.silent()


@pytest.mark.parametrize("route", ROUTES)
def test_without_a_route_the_preview_keeps_the_rest(story: Story, route: str) -> None:
    story = running(story, route)
    result = story.reconcile("--route", "none", route=False)
    place = f"{story.namespace}/pr-1"
    assert result.changes == [f"- {route} {place} its preview has no route (--route is none)"]
    assert story.children() == ["Deployment/pr-1", "Service/pr-1"]
    story.silent("--route", "none", route=False)
    story.reconcile()
    assert story.children() == story.all_of()
    story.silent()


@pytest.mark.parametrize("route", ["Ingress", "HTTPRoute"])
def test_a_run_that_does_not_say_route_keeps_what_another_run_made(story: Story, route: str) -> None:
    story = running(story, route)
    assert story.reconcile(route=False).changes == [f"= {route} {story.namespace}/pr-1 {KEPT}"]
    story.silent(route=False)
    assert story.children() == story.all_of()
    story.apply(image="registry.example.com/web:2")
    story.apply("pr-2")
    changes = story.reconcile(route=False).changes
    assert changes == [
        f"+ Deployment {story.namespace}/pr-2 new preview",
        f"+ Service {story.namespace}/pr-2 new preview",
        f"+ Mapping {story.namespace}/pr-2 new preview",
        f"~ Deployment {story.namespace}/pr-1 its preview or an option changed",
        f"= {route} {story.namespace}/pr-1 {KEPT}",
    ]
    story.silent(route=False)


def test_a_route_said_by_variable_is_said(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story = running(story, "Ingress")
    monkeypatch.setenv("RECONCILE_ROUTE", "mapping")
    story.reconcile(route=False)
    assert story.children() == replace(story, route="Mapping").all_of()
    story.silent(route=False)
