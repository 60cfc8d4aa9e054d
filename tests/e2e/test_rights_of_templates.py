"""The rights of further kinds: what `--print-rights` prints is enough, and what is missing is told by name.

Each test has an API group of its own: every run of a group lists the kinds that the statuses of its previews name.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import (
    Account,
    AskFailed,
    ControlPlane,
    allow,
    eventually,
    grant,
    install_crds,
    service_account,
)
from tests.e2e.granted import allow_runs
from tests.e2e.story import Story, call
from tests.e2e.test_discovery import crds_of

BUDGETS = "poddisruptionbudgets"
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "${preview.metadata.name}-pdb"}
spec: {minAvailable: NUMBER}
"""
VERBS = ["get", "list", "create", "patch", "delete"]
RULE = (
    "; further children need the rule {apiGroups: [policy], resources: [poddisruptionbudgets], "
    "verbs: [get, list, create, patch, delete]}: reconcile --print-rights prints it"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def put(folder: Path, *documents: str) -> tuple[str, str]:
    """The options of a run with these documents."""
    (folder / "all.yaml").write_text("---".join(documents))
    return "--templates", str(folder)


def budget(number: int) -> str:
    return BUDGET.replace("NUMBER", str(number))


def a_run_with(story: Story, name: str, verbs: Sequence[str]) -> Story:
    """The story of a user who has the shipped rights, and of budgets these."""
    account = service_account(story.plane, story.namespace, name)
    allow_runs(story.plane, account.user, story.group)
    if verbs:
        allow(story.plane, account.user, verbs, [f"{BUDGETS}.policy"])
    return replace(story, account=account)


def budgets(story: Story) -> dict[str, str]:
    """The budgets that there are, and their specs; a controller writes their statuses."""
    items = story.ask("GET", f"/apis/policy/v1/namespaces/{story.namespace}/{BUDGETS}")["items"]
    return {one["metadata"]["name"]: str(one["spec"]) for one in items}


def printed(account: Account, *options: str) -> list[dict[str, Any]]:
    ended = call("--kubeconfig", str(account.kubeconfig), "--print-rights", *options)
    assert (ended.code, ended.stderr) == (0, "")
    return list(yaml.safe_load_all(ended.stdout))


# a right that is missing


@pytest.mark.parametrize(
    ("missing", "code", "told"),
    [
        ("list", 4, f"! PodDisruptionBudget: the list of {BUDGETS} is incomplete: "),
        ("get", 4, "! PodDisruptionBudget: PodDisruptionBudget {namespace}/pr-2-pdb could not be read: "),
        ("create", 1, "x PodDisruptionBudget {namespace}/pr-2-pdb failed: "),
        ("patch", 1, "x PodDisruptionBudget {namespace}/pr-1-pdb failed: "),
    ],
)
def test_a_right_that_a_further_kind_lacks_is_named_with_its_rule_and_nothing_is_deleted(
    alone: Story, folder: Path, missing: str, code: int, told: str
) -> None:
    alone.apply(replicas=0)
    a_run_with(alone, "whole", VERBS).reconcile(*put(folder, budget(1)))
    before = budgets(alone)
    alone.apply("pr-2", replicas=0)
    partial = a_run_with(alone, "partial", [verb for verb in VERBS if verb != missing])
    result = partial.reconcile(*put(folder, budget(2)), code=code)
    (line, *_) = (one for one in result.lines if one.startswith(told.format(namespace=alone.namespace)))
    assert f"no right to {missing} {BUDGETS}.policy" in line
    assert RULE in line
    assert budgets(alone).keys() == before.keys()
    assert (budgets(alone) == before) == (missing != "create"), "what it may change is changed"


def test_a_missing_right_to_delete_is_named_with_its_rule(alone: Story, folder: Path) -> None:
    alone.apply(replicas=0)
    a_run_with(alone, "whole", VERBS).reconcile(*put(folder, budget(1)))
    partial = a_run_with(alone, "partial", VERBS[:-1])
    result = partial.reconcile("--templates", "none", code=1)
    (line,) = (one for one in result.lines if one.startswith("x "))
    assert f"no right to delete {BUDGETS}.policy" in line
    assert RULE in line
    assert budgets(alone)


def test_rights_that_are_taken_with_the_document_leave_its_children_and_the_memory_of_them(
    alone: Story, folder: Path
) -> None:
    alone.apply(replicas=0)
    options = put(folder, budget(1))
    a_run_with(alone, "whole", VERBS).reconcile(*options)
    before = budgets(alone)
    nothing = a_run_with(alone, "nothing", ())
    for _ in range(2):
        result = nothing.reconcile("--templates", "none", code=4)
        assert RULE in "".join(result.lines)
    assert budgets(alone) == before
    assert alone.live("PreviewEnvironment")["status"]["kinds"] == ["policy/v1/PodDisruptionBudget"]
    a_run_with(alone, "again", VERBS).reconcile("--templates", "none")
    assert budgets(alone) == {}


# the rights that are printed


def documents_of(group: str) -> Sequence[str]:
    """A budget, a Secret, a custom kind, and kinds that need no right beside those of rights.yaml."""
    named = 'metadata: {name: "${preview.metadata.name}-more"}\n'
    return (
        budget(1),
        f"\napiVersion: v1\nkind: Secret\n{named}stringData: {{a: b}}\n",
        f"\napiVersion: {group}/v1\nkind: Strict\n{named}",
        f"\napiVersion: v1\nkind: Service\n{named}spec: {{ports: [{{port: 80}}]}}\n",
    )


def is_published(story: Story, group: str) -> bool:
    """Whether the server tells the schema of the custom kind by now."""
    with suppress(AskFailed):
        return "Strict" in str(story.ask("GET", f"/openapi/v3/apis/{group}/v1"))
    return False


@pytest.mark.parametrize("only", [(), ("--namespace-only", "-n", "NAMESPACE")], ids=["cluster", "namespace"])
def test_the_printed_rights_are_enough_for_the_whole_life_of_further_children(
    alone: Story, folder: Path, group: str, only: tuple[str, ...]
) -> None:
    install_crds(alone.plane, crds_of(group))
    eventually(lambda: is_published(alone, group), "its schema is published")
    options = put(folder, *documents_of(group))
    only = tuple(word.replace("NAMESPACE", alone.namespace) for word in only)
    where = alone.namespace if only else None
    account = service_account(alone.plane, alone.namespace, "preview-reconcile")
    role, binding = printed(account, *options, *only)
    assert [rule["resources"][0] for rule in role["rules"]] == ["secrets", "stricts", BUDGETS]
    allow_runs(alone.plane, account.user, alone.group, namespace=where)
    if only:  # as they stand; those of a cluster are for the account in the shipped namespace
        alone.plane.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([role, binding]))
    else:
        alone.plane.kubectl("apply", "--dry-run=server", "-f", "-", input=yaml.safe_dump_all([role, binding]))
        grant(alone.plane, account.user, role["rules"])
    run = replace(alone, account=account)
    run_options = (*options, *(("--namespace-only", "--allow-fqdn", alone.host("*")) if only else ()))
    alone.apply(replicas=0)
    assert "Done: 7 created" in run.reconcile(*run_options).stdout
    put(folder, budget(2))
    assert "Done: 0 created, 1 updated, 3 deleted." in run.reconcile(*run_options).stdout
    put(folder, *documents_of(group)[1:])
    assert "Done: 3 created, 0 updated, 1 deleted." in run.reconcile(*run_options).stdout


def test_a_kind_that_is_not_served_has_no_rights_to_print(
    account: Account, api_server: ControlPlane, folder: Path, group: str
) -> None:
    arguments = (
        "--kubeconfig",
        str(account.kubeconfig),
        "--print-rights",
        *put(folder, documents_of(group)[2]),
    )
    ended = call(*arguments)
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"Error: Strict ({group}/v1) is not served in context runner ({api_server.server}); "
        "install its CRD first\n"
    )
