"""Every kind of child, with every field of a spec, is applied once: what the table of atomic fields lacks shows here."""

import pytest

from reconcile.desire.children import CHILDREN
from tests.builders import EVERY_FIELD
from tests.e2e.specs import ALL_FIELDS
from tests.e2e.story import ROUTES, Story

PODS = ("--pod-security", "restricted", "--node-selector", "pool=previews", "--toleration", "pool=a:NoSchedule",
        "--toleration", "other")  # fmt: skip
"""What else the pods of an app and of a setup Job may have."""


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize("route", [*ROUTES])
def test_a_second_run_over_every_kind_of_child_is_silent(story: Story, route: str) -> None:
    options = (*ROUTES[route], "--allow-secret", "**", *PODS)
    story.apply(
        **{**EVERY_FIELD, **{name: ALL_FIELDS[name] for name in ("env", "envFrom", "imagePullSecrets")}}
    )
    made = story.reconcile(*options)
    kinds = {kind.resource.kind for kind in CHILDREN if not kind.is_route} | {route}
    assert {line.split()[1] for line in made.changes} == kinds
    again = story.reconcile(*options, "--dry-run")
    assert again.changes == []
