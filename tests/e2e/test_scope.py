"""Which previews a run is about: what is outside its scope stays as it is, and is not taken for gone."""

from tests.e2e.story import Story


def new(story: Story, *names: str) -> list[str]:
    """The lines of previews that get all their children."""
    kinds = ("Deployment", "Service", "Mapping")
    return [f"+ {kind} {story.namespace}/{name} new preview" for name in names for kind in kinds]


def gone(story: Story, *names: str) -> list[str]:
    """The lines of previews that are no more, and of whose children nothing stays."""
    kinds = ("Deployment", "Service", "Mapping")
    return [f"- {kind} {story.namespace}/{name} its preview is gone" for name in names for kind in kinds]


def test_another_namespace_is_left_alone(alone: Story, elsewhere: Story) -> None:
    alone.apply()
    elsewhere.apply()
    assert alone.reconcile().changes == new(alone, "pr-1")
    assert elsewhere.children() == []
    alone.silent()
    assert alone.reconcile(everywhere=True).changes == new(elsewhere, "pr-1")
    elsewhere.settled()
    alone.silent(everywhere=True)


def test_orphans_in_another_namespace_are_left_alone(alone: Story, elsewhere: Story) -> None:
    alone.apply()
    elsewhere.apply()
    alone.reconcile(everywhere=True)
    elsewhere.orphan()
    alone.silent()
    assert elsewhere.children() == elsewhere.all_of()
    assert alone.reconcile(everywhere=True).changes == gone(elsewhere, "pr-1")
    alone.silent(everywhere=True)


def test_names_choose_previews(alone: Story, elsewhere: Story) -> None:
    for name in ("pr-1", "pr-2", "pr-3", "pr-4"):
        alone.apply(name)
    elsewhere.apply("pr-1")
    assert alone.reconcile("pr-2", everywhere=True).changes == new(alone, "pr-2")
    assert alone.reconcile(f"{alone.namespace}/pr-1", everywhere=True).changes == new(alone, "pr-1")
    assert alone.reconcile("pr-3", f"{alone.namespace}/pr-4").changes == new(alone, "pr-3", "pr-4")
    alone.silent("pr-1", "pr-2")
    alone.silent()
    assert elsewhere.children() == []


def test_a_name_in_two_namespaces_has_to_be_said_in_full(alone: Story, elsewhere: Story) -> None:
    alone.apply()
    elsewhere.apply()
    result = alone.reconcile("pr-1", everywhere=True, code=2)
    places = ", ".join(sorted(f"{story.namespace}/pr-1" for story in (alone, elsewhere)))
    assert f"pr-1 is in more than one namespace; pass one of {places}" in result.stderr
    assert alone.children() == elsewhere.children() == []
    # Children alone count too: the preview of one of them is gone.
    alone.reconcile(everywhere=True)
    elsewhere.orphan()
    alone.reconcile("pr-1", everywhere=True, code=2)
    assert alone.reconcile(f"{elsewhere.namespace}/pr-1", everywhere=True).changes == gone(elsewhere, "pr-1")
    alone.silent("pr-1", everywhere=True)


def test_a_name_that_nothing_answers_to(alone: Story) -> None:
    alone.apply("pr-2")
    alone.reconcile("pr-2")
    unknown = alone.reconcile("pr-1", everywhere=True, code=1)
    assert "pr-1: no such preview, and no children of one" in unknown.stderr
    place = f"{alone.namespace}/pr-1"
    assert f"{place}: not found" in alone.reconcile(place, everywhere=True).lines
    assert f"{place}: not found" in alone.reconcile("pr-1").lines
    alone.silent("pr-1")


def test_a_name_that_is_gone_takes_its_children_along_and_no_others(alone: Story) -> None:
    for name in ("pr-1", "pr-2", "pr-3"):
        alone.apply(name)
    alone.reconcile()
    alone.orphan("pr-1")
    alone.orphan("pr-2")
    assert alone.reconcile("pr-1", everywhere=True).changes == gone(alone, "pr-1")
    alone.silent("pr-3")
    assert alone.there("Deployment", "pr-2")
    assert alone.reconcile("pr-2").changes == gone(alone, "pr-2")
    alone.silent()


def test_a_selector_chooses_previews_and_deletes_nothing_that_is_gone(alone: Story) -> None:
    selector = "team in (web,api),!old"
    alone.apply("pr-1", labels={"team": "web"})
    alone.apply("pr-2", labels={"team": "api"})
    alone.apply("pr-3", labels={"team": "db"})
    assert alone.reconcile("-l", selector).changes == new(alone, "pr-1", "pr-2")
    alone.silent("-l", selector)
    alone.reconcile()
    alone.orphan("pr-2")
    alone.apply("pr-3", labels={"team": "db"}, image="registry.example.com/web:2")
    alone.silent("-l", selector)
    assert alone.reconcile().changes == [
        f"~ Deployment {alone.namespace}/pr-3 its preview or an option changed",
        *gone(alone, "pr-2"),
    ]
    alone.silent()


def test_a_selector_that_fits_no_more_does_not_delete(alone: Story) -> None:
    alone.apply(labels={"team": "web"})
    alone.reconcile("-l", "team=web")
    alone.apply(labels={"team": "db"})
    alone.silent("-l", "team=web")
    assert alone.children() == alone.all_of()
