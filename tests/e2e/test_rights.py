"""A run as somebody else."""

from dataclasses import replace

from tests.controlplane import allow, service_account
from tests.e2e.story import CHILD_RESOURCES, Story


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
    assert f"user {account.user} has no right to" in "\n".join(refused.lines)
    assert story.children() == []

    nobody = replace(story, account=account).reconcile("--as", "ann", "--as-group", "dev", code=5)
    assert f"user {account.user} has no right to impersonate" in nobody.stderr
    assert "(403); grant it" in nobody.stderr
