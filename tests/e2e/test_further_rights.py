"""A right on one further kind that is missing is told by name; nothing is lost, and the rest goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane import Account, allow, service_account
from tests.e2e.further import BUDGET, CONFIG, VERBS, document, plural_of, put, with_kinds
from tests.e2e.granted import allow_runs
from tests.e2e.story import Story

DOCUMENTS = (document("v1", "ConfigMap", "-config", "data: {mode: one}"),
           document("policy/v1", "PodDisruptionBudget", "-budget", "spec: {minAvailable: 1}"))  # fmt: skip


def lacking(story: Story, verb: str) -> Account:
    """A user with all rights but one on PodDisruptionBudgets."""
    account = service_account(story.plane, story.namespace, f"no-{verb}")
    allow_runs(story.plane, account.user, story.group)
    allow(story.plane, account.user, VERBS, [plural_of(CONFIG)])
    allow(story.plane, account.user, [one for one in VERBS if one != verb], [plural_of(BUDGET)])
    return account


@pytest.mark.parametrize(("verb", "code"), [("list", 4), ("create", 1), ("patch", 1), ("delete", 1)])
def test_a_right_on_a_further_kind_is_missed_by_name_and_nothing_is_lost(
    story: Story, tmp_path: Path, verb: str, code: int
) -> None:
    """Three previews: one is to lose the child, one to have it changed, one to get it."""
    folder = tmp_path / "templates"
    whole = with_kinds(story, CONFIG, BUDGET)
    short = replace(whole, account=lacking(story, verb))
    limited = DOCUMENTS[1].replace("'}", "', annotations: {platform9.com/when: 'budget'}}")
    for name in ("pr-1", "pr-2"):
        whole.apply(name, replicas=0, labels={"budget": "yes"})
    whole.reconcile(*put(folder, DOCUMENTS[0], limited))
    whole.apply("pr-1", replicas=0)
    whole.apply("pr-3", replicas=0, labels={"budget": "yes"})
    options = put(folder, DOCUMENTS[0].replace("one", "two"), limited.replace("1}", "2}"))

    result = short.reconcile(*options, code=code)
    asked = f"{verb} poddisruptionbudgets.policy in "
    line, *_ = [line for line in result.lines if "no right to" in line]  # to create takes the right to patch
    assert f"no right to {asked}" in line
    assert f"`kubectl auth can-i {verb} poddisruptionbudgets.policy " in line
    if verb == "list":
        assert line.startswith("! PodDisruptionBudget: the list of poddisruptionbudgets is incomplete: ")
    budgets = {
        name: live["spec"]["minAvailable"]
        for name, live in whole.everything_now().items()
        if "Budget" in name
    }
    kind = "PodDisruptionBudget"
    assert (
        budgets
        == {
            "list": {f"{kind}/pr-1-budget": 1, f"{kind}/pr-2-budget": 1},
            "create": {f"{kind}/pr-2-budget": 2},
            "patch": {f"{kind}/pr-2-budget": 1},
            "delete": {f"{kind}/pr-1-budget": 1, f"{kind}/pr-2-budget": 2, f"{kind}/pr-3-budget": 2},
        }[verb]
    )
    configs = [live["data"] for name, live in whole.everything_now().items() if "-config" in name]
    assert configs == [{"mode": "two"}] * 3

    whole.reconcile(*options)
    whole.silent(*options)
    assert sorted(name for name in whole.children() if "Budget" in name) == [
        f"{kind}/pr-2-budget", f"{kind}/pr-3-budget"]  # fmt: skip


def test_a_kind_that_only_statuses_name_stays_where_it_cannot_be_listed(story: Story, tmp_path: Path) -> None:
    whole = with_kinds(story, CONFIG, BUDGET)
    short = replace(whole, account=lacking(story, "list"))
    whole.apply(replicas=0)
    whole.reconcile(*put(tmp_path / "templates", *DOCUMENTS))
    before = whole.uids()
    less = put(tmp_path / "templates", DOCUMENTS[0])
    result = short.reconcile(*less, code=4)
    assert "PodDisruptionBudget: the list of poddisruptionbudgets is incomplete" in result.stdout
    assert whole.uids() == before
    assert "policy/v1/PodDisruptionBudget" in whole.live("PreviewEnvironment")["status"]["kinds"]
    whole.reconcile(*less)
    assert whole.uids().keys() == before.keys() - {"PodDisruptionBudget/pr-1-budget"}


def test_a_run_in_one_namespace_needs_no_right_to_the_kinds_of_another(
    alone: Story, elsewhere: Story, tmp_path: Path
) -> None:
    """Statuses there name kinds that only their templates make."""
    account = service_account(elsewhere.plane, elsewhere.namespace, "other")
    allow_runs(alone.plane, account.user, alone.group)
    other = replace(with_kinds(elsewhere, CONFIG, BUDGET, account=account), account=account)
    other.apply(replicas=0)
    other.reconcile(*put(tmp_path / "templates", *DOCUMENTS))
    assert other.live("PreviewEnvironment")["status"]["kinds"] == [
        "policy/v1/PodDisruptionBudget",
        "v1/ConfigMap",
    ]
    alone.apply(replicas=0)
    alone.reconcile()
    assert alone.reconcile(code=4, everywhere=True).stdout.count("is incomplete") == 2
    other.clear()
