"""The rights of further kinds: what `--print-rights` prints is enough, and what is missing is told by name.

Each test has an API group of its own: every run of a group lists the kinds that the statuses of its previews name.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.model.names import DEFAULT_GROUP
from tests.controlplane import Account, ControlPlane, allow, grant, service_account
from tests.e2e.further import (
    BUDGET,
    CONFIG,
    STATEFUL_SET,
    VERBS,
    document,
    put,
    shapes_in,
    with_kinds,
)
from tests.e2e.granted import allow_runs
from tests.e2e.story import Story, call

SETTINGS = document("v1", "ConfigMap", "-config", "data: {mode: one}")
LIMIT = document("policy/v1", "PodDisruptionBudget", "-pdb", "spec: {minAvailable: 1}", when="pdb")
RULE = (
    "; further children need the rule {apiGroups: [policy], resources: [poddisruptionbudgets], "
    "verbs: [get, list, create, patch, delete]}: reconcile --print-rights prints it"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def written(story: Story, folder: Path, *documents: str) -> tuple[str, ...]:
    """The options of a run with these documents, whose annotations are of the story's group."""
    return put(folder, *(text.replace(DEFAULT_GROUP, story.group) for text in documents))


def a_run_with(story: Story, *verbs: str) -> Story:
    """The story of a user who has the shipped rights, all on ConfigMaps, and on budgets these."""
    account = service_account(story.plane, story.namespace, "-".join(verbs) or "nothing")
    allow_runs(story.plane, account.user, story.group)
    allow(story.plane, account.user, VERBS, [CONFIG.full_plural])
    if verbs:
        allow(story.plane, account.user, verbs, [BUDGET.full_plural])
    return replace(story, account=account)


def children(story: Story, kind: str, field: str) -> dict[str, Any]:
    """The further children of a kind by the names of their previews, and of each what is in this field."""
    return {
        one["metadata"]["labels"][story.names.preview_label]: one[field]
        for one in story.everything_of(kind).values()
    }


def budgets(story: Story) -> dict[str, int]:
    return {name: spec["minAvailable"] for name, spec in children(story, BUDGET.full_kind, "spec").items()}


@pytest.mark.parametrize(
    ("missing", "code", "told", "left"),
    [
        ("list", 4, "! PodDisruptionBudget: the list of poddisruptionbudgets is incomplete: ", {"pr-1": 1, "pr-2": 1}),
        ("get", 4, "! PodDisruptionBudget: PodDisruptionBudget {}/pr-3-pdb could not be read: ", {"pr-1": 1, "pr-2": 1}),
        ("create", 1, "x PodDisruptionBudget {}/pr-3-pdb failed: ", {"pr-2": 2}),
        ("patch", 1, "x PodDisruptionBudget {}/pr-2-pdb failed: ", {"pr-2": 1}),
        ("delete", 1, "x PodDisruptionBudget {}/pr-1-pdb failed: ", {"pr-1": 1, "pr-2": 2, "pr-3": 2}),
    ],
)  # fmt: skip
def test_a_right_that_a_further_kind_lacks_is_named_with_its_rule_and_nothing_is_lost(
    alone: Story, folder: Path, missing: str, code: int, told: str, left: dict[str, int]
) -> None:
    """Three previews: one is to lose the child, one to have it changed, one to get it."""
    story = with_kinds(alone, CONFIG, BUDGET)
    for name in ("pr-1", "pr-2"):
        story.apply(name, replicas=0, labels={"pdb": "yes"})
    story.reconcile(*written(story, folder, SETTINGS, LIMIT))
    story.apply("pr-1", replicas=0)
    story.apply("pr-3", replicas=0, labels={"pdb": "yes"})
    options = written(story, folder, SETTINGS.replace("one", "two"), LIMIT.replace("1}", "2}"))

    partial = a_run_with(story, *(verb for verb in VERBS if verb != missing))
    result = partial.reconcile(*options, code=code)
    (line, *_) = (one for one in result.lines if one.startswith(told.format(story.namespace)))
    assert f"no right to {missing} poddisruptionbudgets.policy in " in line
    assert "(403); grant it" in line
    assert RULE in line
    assert budgets(story) == left
    assert children(story, "ConfigMap", "data") == {
        name: {"mode": "two"} for name in ("pr-1", "pr-2", "pr-3")
    }

    story.reconcile(*options)
    assert budgets(story) == {"pr-2": 2, "pr-3": 2}


PODS = "spec: {replicas: 0, template: {spec: {containers: [{name: w, image: 'fail.test/w:1'}]}}}"
WORKER = document("apps/v1", "Deployment", "-w", PODS)
WORKER_WITH_A_NAME = document("apps/v1", "StatefulSet", "-w", PODS)


def test_what_comes_after_a_kind_that_may_not_be_listed_waits_and_the_status_reports_it(
    alone: Story, folder: Path
) -> None:
    """With the rights of rights.yaml alone, and a document that makes a ConfigMap."""
    story = with_kinds(alone, CONFIG, STATEFUL_SET)
    options = written(story, folder, SETTINGS, WORKER)
    story.apply("pr-1", replicas=0)
    story.reconcile(*options)
    story.apply("pr-1", replicas=0, image="fail.test/app:2")
    story.apply("pr-2", replicas=0)
    account = service_account(story.plane, story.namespace, "shipped")
    allow_runs(story.plane, account.user, story.group)
    shipped = replace(story, account=account)
    before = story.children()

    waits = "waits: ConfigMap comes first, and could not be read"
    result = shipped.reconcile(*options, code=4)
    kinds = [line.split()[1:3] for line in result.changes if line.endswith(waits)]
    namespace = story.namespace
    assert kinds == [
        ["Deployment", f"{namespace}/pr-1"],
        *(["Deployment", f"{namespace}/{name}"] for name in ("pr-2-w", "pr-2")),
        *([kind, f"{namespace}/pr-2"] for kind in ("Service", story.route)),
    ]
    assert story.children() == before
    for name in ("pr-1", "pr-2"):
        there = story.live("PreviewEnvironment", name)
        (ready,) = there["status"]["conditions"]
        assert (ready["status"], ready["reason"]) == ("False", "Unread")
        assert ready["observedGeneration"] == there["metadata"]["generation"]
        assert "no right to list configmaps in all namespaces (403)" in ready["message"]

    # A document that takes the place of another deletes nothing while its kind may not be listed.
    instead = written(story, folder, WORKER_WITH_A_NAME)
    assert not [line for line in shipped.reconcile(*instead, code=4).changes if line[0] in "+~-"]
    assert story.children() == before

    done = story.reconcile(*written(story, folder, SETTINGS, WORKER))
    assert "Done: 5 created, 1 updated, 0 deleted." in done.stdout


def test_rights_that_are_taken_with_the_document_leave_its_children_and_the_memory_of_them(
    alone: Story, folder: Path
) -> None:
    story = with_kinds(alone, BUDGET)
    story.apply(replicas=0, labels={"pdb": "yes"})
    story.reconcile(*written(story, folder, LIMIT))
    nothing = a_run_with(story)
    for _ in range(2):
        result = nothing.reconcile("--templates", "none", code=4)
        assert RULE in "".join(result.lines)
    assert budgets(story) == {"pr-1": 1}
    assert story.live("PreviewEnvironment")["status"]["kinds"] == ["policy/v1/PodDisruptionBudget"]
    story.reconcile("--templates", "none")
    assert budgets(story) == {}


# the rights that are printed


def printed(account: Account, *options: str) -> list[dict[str, Any]]:
    ended = call("--kubeconfig", str(account.kubeconfig), "--print-rights", *options)
    assert (ended.code, ended.stderr) == (0, "")
    return list(yaml.safe_load_all(ended.stdout))


def documents_of(group: str) -> Sequence[str]:
    """A budget, a Secret, a custom kind, and kinds that need no right beside those of rights.yaml."""
    return (
        LIMIT,
        document("v1", "Secret", "-more", "stringData: {a: b}"),
        document(f"{group}/v1", "Strict", "-more"),
        document("v1", "Service", "-more", "spec: {ports: [{port: 80}]}"),
    )


@pytest.mark.parametrize("only", [(), ("--namespace-only", "-n", "NAMESPACE")], ids=["cluster", "namespace"])
def test_the_printed_rights_are_enough_for_the_whole_life_of_further_children(
    alone: Story, folder: Path, only: tuple[str, ...]
) -> None:
    with shapes_in(alone.plane) as group:
        documents = documents_of(group)
        options = written(alone, folder, *documents)
        only = tuple(word.replace("NAMESPACE", alone.namespace) for word in only)
        where = alone.namespace if only else None
        account = service_account(alone.plane, alone.namespace, "preview-reconcile")
        role, binding = printed(account, "--api-group", alone.group, *options, *only)
        kinds = sorted(rule["resources"][0] for rule in role["rules"])
        assert kinds == ["poddisruptionbudgets", "secrets", "stricts"]
        allow_runs(alone.plane, account.user, alone.group, namespace=where)
        # Those of one namespace as they stand; those of a cluster are for the account in the shipped namespace.
        dry = () if only else ("--dry-run=server",)
        alone.plane.kubectl("apply", *dry, "-f", "-", input=yaml.safe_dump_all([role, binding]))
        if not only:
            grant(alone.plane, account.user, role["rules"])
        run = replace(alone, account=account)
        run_options = (*options, *(("--namespace-only", "--allow-fqdn", alone.host("*")) if only else ()))
        alone.apply(replicas=0, labels={"pdb": "yes"})
        assert "Done: 7 created" in run.reconcile(*run_options).stdout
        written(alone, folder, LIMIT.replace("1}", "2}"))
        assert "Done: 0 created, 1 updated, 3 deleted." in run.reconcile(*run_options).stdout
        written(alone, folder, *documents[1:])
        assert "Done: 3 created, 0 updated, 1 deleted." in run.reconcile(*run_options).stdout


def test_a_kind_that_is_not_served_has_no_rights_to_print(
    account: Account, api_server: ControlPlane, folder: Path
) -> None:
    group = "nobody.example.com"
    options = ("--print-rights", *put(folder, documents_of(group)[2]))
    ended = call("--kubeconfig", str(account.kubeconfig), *options)
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"Error: Strict ({group}/v1) is not served in context runner ({api_server.server}); "
        "install its CRD first\n"
    )
