"""From one kind of route to another: the hostname is served at every moment, and only if it was asked for."""

from dataclasses import replace

from tests.e2e.story import Story


def running(story: Story, route: str) -> Story:
    """A preview with this kind of route, made."""
    story = replace(story, route=route)
    story.apply()
    story.reconcile()
    return story


def test_an_old_route_without_our_label_is_deleted_too(story: Story) -> None:
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
