"""What a run refuses to do on a real API server: too many deletes, and what authors may not ask for."""

from typing import Any

import pytest

from tests.e2e.story import Story

NAMES = [f"pr-{number:02}" for number in range(12)]


def apply(story: Story, *names: str, **spec: Any) -> None:
    for name in names:
        story.apply(name, replicas=0, **spec)


def skipped(lines: list[str]) -> list[str]:
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
    assert (skipped(dry.lines), gone.uids()) == ([refused], before)
    result = gone.reconcile(code=4)
    assert skipped(result.lines) == [refused]
    assert [line for line in result.changes if line[0] in "+~-"] == [
        *(f"+ {kind} {gone.namespace}/pr-new new preview" for kind in ("Deployment", "Service", "Mapping")),
        f"~ Deployment {gone.namespace}/pr-11 its preview or an option changed",
    ]
    kept = f"= Service {gone.namespace}/pr-00 delete skipped (its preview is gone)"
    assert kept in result.lines
    assert before.items() < gone.uids().items()
    # The number that the message names is the one that lets them go.
    gone.reconcile("--max-deletes", "10")
    assert sorted(gone.children()) == sorted(
        child for name in ("pr-10", "pr-11", "pr-new") for child in gone.all_of(name)
    )
    gone.silent()
