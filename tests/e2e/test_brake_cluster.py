"""What a run refuses to do on a real API server: too many deletes, and what authors may not ask for."""

from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.story import Story

NAMES = [f"pr-{number:02}" for number in range(12)]


def apply(story: Story, *names: str, **spec: Any) -> None:
    for name in names:
        story.apply(name, replicas=0, **spec)


def withheld(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("! ")]


@pytest.fixture
def gone(alone: Story) -> Story:
    """Twelve previews have run, and ten are gone without their children."""
    apply(alone, *NAMES)
    alone.reconcile()
    for name in NAMES[:10]:
        alone.orphan(name)
    return alone


def test_more_than_the_limit_loses_nothing_and_the_rest_goes_on(gone: Story) -> None:
    before = gone.uids()
    apply(gone, "pr-new")
    apply(gone, "pr-11", image="registry.example.com/web:2")
    refused = (
        "! Refusing to prune 10 previews: the limit is 9 (30% of 12, at least 9); "
        f"skipped in namespace {gone.namespace} (10); if this is intended, pass --max-deletes 10"
    )
    dry = gone.reconcile("--dry-run", "--exit-code", code=4)
    assert (withheld(dry.lines), gone.uids()) == ([refused], before)
    result = gone.reconcile(code=4)
    assert withheld(result.lines) == [refused]
    assert [line for line in result.changes if line[0] in "+~-"] == [
        *(f"+ {kind} {gone.namespace}/pr-new new preview" for kind in ("Deployment", "Service", "Mapping")),
        f"~ Deployment {gone.namespace}/pr-11 its preview or an option changed",
    ]
    kept = f"= Service {gone.namespace}/pr-00 delete skipped (its preview is gone)"
    assert kept in result.lines
    assert before.items() < gone.uids().items()
    gone.silent(code=4)
    gone.silent("--max-deletes", "9", code=4)
    report = gone.reconcile("--max-deletes", "50%", "-o", "json", code=4).report
    assert [entry["subject"] for entry in report["passes"][0]["plan"]["withheld"]] == ["Deletes"]
    # The number that the message names is the one that lets them go.
    gone.reconcile("--max-deletes", "10")
    assert sorted(gone.children()) == sorted(
        child for name in ("pr-10", "pr-11", "pr-new") for child in gone.all_of(name)
    )
    gone.silent()


def test_a_share_is_of_the_previews_that_have_children(gone: Story) -> None:
    gone.reconcile("--max-deletes", "83%", code=4)
    gone.reconcile("--max-deletes", "84%")
    assert sorted(gone.children()) == sorted(child for name in NAMES[10:] for child in gone.all_of(name))


def test_a_scope_counts_only_what_is_in_it(gone: Story) -> None:
    gone.reconcile(*NAMES[:9])
    left = sorted(child for name in NAMES[9:] for child in gone.all_of(name))
    assert sorted(gone.children()) == left
    gone.reconcile()
    assert not gone.there("Service", "pr-09")


def test_zero_deletes_nothing_of_any_kind(gone: Story) -> None:
    zero = ("--max-deletes", "0")
    switched = replace(gone, route="Ingress")
    result = switched.reconcile(*zero, code=4)
    assert withheld(result.lines)[0] == "! Refusing to prune: --max-deletes is 0"
    assert gone.there("Mapping", "pr-10")
    assert gone.there("Ingress", "pr-10")
    assert gone.there("Deployment", "pr-00")
    assert [event for event in gone.writes() if event.verb == "delete"] == []
    switched.silent(*zero, code=4)


def test_the_old_routes_of_a_switch_do_not_count(alone: Story) -> None:
    apply(alone, *NAMES)
    alone.reconcile()
    switched = replace(alone, route="Ingress")
    switched.reconcile("--max-deletes", "1")
    assert sorted(alone.children()) == sorted(child for name in NAMES for child in switched.all_of(name))
    switched.silent("--max-deletes", "1")


def test_an_empty_list_needs_more_than_a_number(gone: Story) -> None:
    before = gone.uids()
    for name in NAMES[10:]:
        gone.orphan(name)
    result = gone.reconcile("--max-deletes", "12", code=4)
    assert withheld(result.lines) == [
        "! Refusing to delete 36 children: the list of previews is empty; "
        "if this is intended, pass --max-deletes 100%"
    ]
    assert gone.uids() == before
    gone.reconcile("--max-deletes", "100%")
    assert gone.children() == []


# what authors may not ask for


def test_what_is_refused_is_frozen_and_holds_up_nobody(story: Story) -> None:
    apply(story, "pr-1", "pr-2", "pr-3", "pr-4", "pr-5")
    story.reconcile()
    before = story.everything()
    secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}}
    apply(story, "pr-1", image="evil.example.com/web:1")
    apply(story, "pr-2", fqdn="www.example.org")
    apply(story, "pr-3", env=[secret])
    apply(story, "pr-4", image="registry.example.com/web:2")
    apply(story, "pr-6", envFrom=[{"secretRef": {"name": "database"}}])
    place, domain = f"{story.namespace}/pr-", f"*.{story.namespace}.example.com"
    allowed = (
        *("--allow-fqdn", domain, "--allow-image", "registry.example.com/*"),
        *("--allow-secret", "preview-*"),
    )
    result = story.reconcile(*allowed, code=1)
    assert result.changes == [
        f"~ Deployment {place}4 its preview or an option changed",
        f"! Preview {place}1 spec.image: evil.example.com/web:1 is not allowed; --allow-image is "
        "registry.example.com/*",
        f"! Preview {place}2 spec.fqdn: www.example.org is not allowed; --allow-fqdn is {domain}",
        f"! Preview {place}3 spec.env[TOKEN]: Secret database is not allowed; --allow-secret is preview-*",
        f"! Preview {place}6 spec.envFrom[0]: Secret database is not allowed; --allow-secret is preview-*",
    ]
    after = story.everything()
    assert after.keys() == before.keys()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"Deployment/pr-4"}
    story.silent(*allowed, code=1)
    story.silent(*allowed, "--allow-blocked")
    # Without an option hostnames and images are free, and Secrets are not.
    assert [line[:2] for line in story.reconcile(code=1).changes] == ["~ ", "~ ", "! ", "! "]
    assert story.there("Deployment", "pr-1")
    story.reconcile("--allow-secret", "database")
    assert sorted(story.children()) == sorted(c for n in range(1, 7) for c in story.all_of(f"pr-{n}"))
    story.silent("--allow-secret", "database")


def test_a_refused_preview_holds_no_hostname_against_others(story: Story) -> None:
    apply(story, "pr-1", image="evil.example.com/web:1", fqdn=story.host("shop"))
    apply(story, "pr-2", fqdn=story.host("shop"))
    story.reconcile("--allow-image", "registry.example.com/**", code=1)
    assert story.children() == story.all_of("pr-2")


def test_the_newest_beyond_the_number_are_refused_and_lose_nothing(story: Story) -> None:
    apply(story, "pr-1", "pr-2", "pr-3")
    story.reconcile()
    before = story.everything()
    apply(story, "pr-1", "pr-2", "pr-3", image="registry.example.com/web:2")
    apply(story, "pr-4")
    most = ("--max-previews", "2")
    result = story.reconcile(*most, code=1)
    refused = (
        f"namespace {story.namespace} has 4 previews, and this is not one of its 2 oldest: "
        "delete some, or raise --max-previews"
    )
    blocked = withheld(result.lines)
    assert len(blocked) == 2
    assert all(line.endswith(refused) for line in blocked)
    after = story.everything()
    assert after.keys() == before.keys()
    assert len([name for name in before if after[name] != before[name]]) == 2
    story.silent(*most, code=1)
    story.silent(*most, "--allow-blocked")
    story.reconcile("--max-previews", "4")
    assert len(story.children()) == 12
