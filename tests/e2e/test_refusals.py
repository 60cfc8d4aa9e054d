"""The API server refuses what one preview needs: that is this preview's state, and no failed run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.controlplane import AskFailed, allow, eventually, service_account
from tests.e2e.granted import allow_runs
from tests.e2e.policies import policy, rule
from tests.e2e.story import Story
from tests.e2e.strangers import stranger
from tests.e2e.webhook import webhook

ALLOWED = "--allow-blocked"
WHY = "it is called bad"


@contextmanager
def denied(story: Story, operation: str = "CREATE") -> Iterator[None]:
    """While it is in force, no Deployment of this namespace that is called `bad` is let in, or goes."""
    validation = {"expression": "request.name != 'bad'", "message": WHY, "reason": "Forbidden"}
    with policy(story, rule([operation]), lambda: is_denied(story, operation), validations=[validation]):
        yield
    eventually(lambda: not is_denied(story, operation), "the policy is lifted")


def is_denied(story: Story, operation: str) -> bool:
    """Whether admission says no to a Deployment called `bad`."""
    path = story.path_of("Deployment")
    try:
        if operation == "CREATE":
            story.ask("POST", f"{path}?dryRun=All", stranger("Deployment", "bad"))
        else:
            story.ask("DELETE", f"{path}/bad?dryRun=All")
    except AskFailed as error:
        return WHY in str(error)
    return False


def ready(story: Story, name: str = "bad") -> dict[str, Any]:
    """The condition of this type; nothing where there is no status yet."""
    conditions = story.live("PreviewEnvironment", name).get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == "Ready"), {})


def warnings(story: Story) -> list[str]:
    """The reasons of the Warnings that were told of `bad`."""
    events = story.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{story.namespace}/events")["items"]
    return [e["reason"] for e in events if e["regarding"]["name"] == "bad" and e["type"] == "Warning"]


def test_what_a_policy_denies_is_one_previews_state_and_no_failed_run(story: Story) -> None:
    story.apply("bad", replicas=0)
    story.apply("good", replicas=0)
    with denied(story):
        run = story.reconcile(ALLOWED)
        assert "3 created, 0 updated, 0 deleted, 1 rejected, 2 skipped." in run.stdout
        assert story.children() == story.all_of("good")
        assert (ready(story)["reason"], WHY in ready(story)["message"]) == ("ApplyFailed", True)
        told = story.live("PreviewEnvironment", "bad")["metadata"]["resourceVersion"]
        story.reconcile(ALLOWED)
        assert story.live("PreviewEnvironment", "bad")["metadata"]["resourceVersion"] == told
        assert warnings(story) == ["ApplyFailed"]
        story.reconcile(code=1)
        story.reconcile(f"{story.namespace}/bad", "--wait", code=1)
    story.reconcile(ALLOWED)
    assert set(story.children()) == {*story.all_of("good"), *story.all_of("bad")}


def test_a_quota_that_is_used_up_is_no_failed_run_and_one_that_grows_is_used(story: Story) -> None:
    path = f"/api/v1/namespaces/{story.namespace}/resourcequotas"
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"count/services": "0"}}}
    story.ask("POST", path, quota)
    story.apply("bad", replicas=0)
    run = story.reconcile(ALLOWED)
    assert "1 created, 0 updated, 0 deleted, 1 rejected, 1 skipped." in run.stdout
    assert "quota" in ready(story)["message"]
    story.ask("DELETE", f"{path}/few")
    eventually(lambda: "1 rejected" not in story.reconcile(ALLOWED).stdout, "the quota is gone")
    assert story.children() == story.all_of("bad")


def test_a_delete_that_a_policy_denies_is_no_failed_run(story: Story) -> None:
    story.apply("bad", replicas=0)
    story.apply("good", replicas=0)  # an empty list of previews would withhold all deletes
    story.reconcile()
    with denied(story, "DELETE"):
        story.orphan("bad")
        run = story.reconcile(ALLOWED)
        assert "0 created, 0 updated, 2 deleted, 1 rejected." in run.stdout
        assert set(story.children()) == {"Deployment/bad", *story.all_of("good")}
        story.reconcile(code=1)
    story.reconcile(ALLOWED)
    assert story.children() == story.all_of("good")


def test_what_a_webhook_denies_is_no_failed_run_whatever_code_it_gives(story: Story, tmp_path: Path) -> None:
    codes = {f"bad-{code}": code for code in (401, 429, 500)}
    for name in codes:
        story.apply(name, replicas=0)
    with webhook(story, tmp_path) as hook:
        hook.codes = codes
        run = story.reconcile(ALLOWED)
    assert "0 created, 0 updated, 0 deleted, 3 rejected, 6 skipped." in run.stdout
    for name, code in codes.items():
        denied = f'({code}): admission webhook "check.example.com" denied the request'
        assert denied in ready(story, name)["message"]


def test_a_webhook_that_does_not_answer_is_the_servers_trouble(story: Story, tmp_path: Path) -> None:
    story.apply("bad", replicas=0)
    with webhook(story, tmp_path) as hook:
        hook.codes = {"bad": 0}
        run = story.reconcile(ALLOWED, code=1)
    assert "0 created, 0 updated, 0 deleted, 1 failed, 2 skipped." in run.stdout
    assert 'failed calling webhook "check.example.com"' in ready(story)["message"]


def test_a_right_of_the_runs_own_that_is_missing_is_a_failed_run(story: Story) -> None:
    other = service_account(story.plane, story.namespace, "other")
    allow_runs(story.plane, other.user, story.group, without=["deployments"])
    allow(story.plane, other.user, ["get", "list"], ["deployments.apps"])
    story.apply("bad", replicas=0)
    run = replace(story, account=other).reconcile(ALLOWED, code=1)
    assert "0 created, 0 updated, 0 deleted, 1 failed, 2 skipped." in run.stdout
    assert "no right to patch deployments.apps" in ready(story)["message"]
