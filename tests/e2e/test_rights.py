"""What a run does where the API server does not let it see everything."""

from dataclasses import replace

import pytest

from tests.controlplane import allow, service_account
from tests.e2e.granted import WRITES
from tests.e2e.story import CHILD_RESOURCES, Story

PLURALS = {"Deployment": "deployments", "Service": "services", "Mapping": "mappings", "Ingress": "ingresses"}


LEFT = {"Deployment": 2, "Service": 4, "Mapping": 5, "Ingress": 8}
"""How many of the changes are made where this kind cannot be listed."""


def is_left(line: str, unlisted: str) -> bool:
    """Whether it is made all the same: what is of this kind is not, nor what would be applied after it."""
    action, kind = line.split()[:2]
    order = list(PLURALS)
    later = unlisted != "Ingress" and order.index(kind) > order.index(unlisted)
    return kind != unlisted and (action == "-" or not later)


@pytest.mark.parametrize("kind", PLURALS)
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
    everything = [line for line in story.reconcile("--dry-run").changes if line[0] in "+~-"]
    partial = replace(story, account=account)
    result = partial.reconcile(code=4)
    skipped = [line for line in result.lines if line.startswith(f"! {kind}: ")]
    assert [line.partition(":")[0] for line in skipped] == [f"! {kind}"]
    assert f"the list of {PLURALS[kind]} is incomplete" in skipped[0]
    done = [line for line in result.changes if line[0] in "+~-"]
    assert done == [line for line in everything if is_left(line, kind)]
    assert len(done) == LEFT[kind]
    assert {
        name: version for name, version in story.versions().items() if name.startswith(f"{kind}/")
    } == before

    story.reconcile()
    assert sorted(story.children()) == sorted([*story.all_of("pr-1"), *story.all_of("pr-3")])
    story.silent()


def test_a_run_as_somebody_else_has_their_rights_and_the_plan_names_them(story: Story) -> None:
    """As kubectl has it: an operator sees what the account of a pipeline would see."""
    story.apply("pr-1")
    account = service_account(story.plane, story.namespace, "planner")
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com", *CHILD_RESOURCES])
    allow(story.plane, story.account.user, ["impersonate"], ["serviceaccounts"])
    planned = story.reconcile("--as", account.user, "--dry-run")
    assert f" as {account.user} (" in planned.lines[0]
    assert len([line for line in planned.changes if line[0] == "+"]) == 3
    refused = story.reconcile("--as", account.user, code=1)
    assert f'User "{account.user}" cannot' in "\n".join(refused.lines)
    assert f" --as={account.user}` tells" in "\n".join(refused.lines), "the command asks about the same user"
    assert story.children() == []

    nobody = replace(story, account=account).reconcile("--as", "ann", "--as-group", "dev", code=5)
    assert "cannot impersonate" in nobody.stderr
