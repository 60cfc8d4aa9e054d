"""A dry run only reads, and its plan is the one that the next run carries out."""

from dataclasses import replace

import pytest

from tests.controlplane import allow, service_account
from tests.e2e.granted import WRITES, allow_statuses
from tests.e2e.story import CHILD_RESOURCES, ROUTES, Story, container


@pytest.fixture
def reader(story: Story) -> Story:
    """The same namespace, seen by a user who may get and list, and do nothing else."""
    account = service_account(story.plane, story.namespace, "reader")
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com", *CHILD_RESOURCES])
    return replace(story, account=account)


def something_of_everything(story: Story) -> None:
    """An update, a delete, a create, a move of a hostname that has to wait, and something unchanged."""
    for name in ("pr-1", "pr-2", "pr-3"):
        story.apply(name)
    story.reconcile()
    story.apply("pr-1", image="registry.example.com/web:2", fqdn=story.host("moved"))
    story.orphan("pr-2")
    story.apply("pr-4", fqdn=story.host("pr-2"))
    story.settled()


@pytest.mark.parametrize("route", ROUTES)
def test_the_plan_of_a_dry_run_is_what_the_next_run_carries_out(
    story: Story, reader: Story, route: str
) -> None:
    story, reader = replace(story, route=route), replace(reader, route=route)
    something_of_everything(story)
    before = story.versions()
    dry = reader.reconcile("--dry-run")
    place = f"{story.namespace}/pr-"
    assert dry.changes == [
        f"+ Deployment {place}4 new preview",
        f"+ Service {place}4 new preview",
        f"~ Deployment {place}1 its preview or an option changed",
        f"~ {route} {place}1 its preview or an option changed",
        f"- Deployment {place}2 its preview is gone",
        f"- Service {place}2 its preview is gone",
        f"- {route} {place}2 its preview is gone",
        f". {route} {place}4 waits: {story.host('pr-2')}: {route} {place}2 still has it",
    ]
    assert dry.lines[-1] == "Plan: 2 to create, 2 to update, 3 to delete, 1 waiting, 4 unchanged."
    assert reader.reconcile("--dry-run", "--exit-code", code=3) == replace(dry, code=3)
    assert {event.verb for event in reader.requests()} == {"get", "list"}
    assert story.versions() == before

    allow(story.plane, reader.account.user, WRITES, CHILD_RESOURCES)
    allow_statuses(story.plane, reader.account.user, story.group)
    wet = reader.reconcile()
    assert wet.stdout.startswith(dry.stdout)
    assert sorted((event.verb, event.resource, event.name) for event in reader.writes()) == sorted(
        [
            ("patch", "deployments", "pr-4"),
            ("patch", "services", "pr-4"),
            ("patch", reader.plural, "pr-4"),
            ("patch", "deployments", "pr-1"),
            ("patch", reader.plural, "pr-1"),
            ("delete", "deployments", "pr-2"),
            ("delete", "services", "pr-2"),
            ("delete", reader.plural, "pr-2"),
        ]
    )
    reader.silent()
    nothing = reader.reconcile("--dry-run", "--exit-code")
    assert nothing.changes == []
    assert nothing.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 9 unchanged."


def test_a_run_without_the_rights_to_write_fails_preview_by_preview(story: Story, reader: Story) -> None:
    something_of_everything(story)
    before = story.versions()
    result = reader.reconcile(code=1)
    assert story.versions() == before
    place = f"{story.namespace}/pr-"
    failed = [line for line in result.lines if line.startswith("x ")]
    assert [line.split(" failed: ")[0] for line in failed] == [
        f"x Deployment {place}4",
        f"x Deployment {place}1",
        f"x Deployment {place}2",
        f"x Service {place}2",
        f"x Mapping {place}2",
    ]
    assert "Done: 0 created, 0 updated, 0 deleted, 5 failed, 2 skipped." in result.lines
    assert f"the status of {place}1 and 2 more was not written: patch status of " in result.work[-1]


def test_the_report_as_json(story: Story) -> None:
    story.apply(env=[{"name": "TOKEN", "value": "secret"}])
    story.reconcile()
    story.apply(image="registry.example.com/web:2", env=[{"name": "TOKEN", "value": "other"}])
    report = story.reconcile("-o", "json").report
    (preview,) = report.pop("previews")
    assert (preview["name"], preview["state"], preview["reason"]) == ("pr-1", "Changed", "Progressing")
    where = {"kind": "Deployment", "namespace": story.namespace, "name": "pr-1"}
    hidden = "(not shown)"
    root = "spec.template.spec.containers[app]"
    fields = report["passes"][0]["plan"]["changes"][0].pop("fields")
    images = ("registry.example.com/web:1", "registry.example.com/web:2")
    assert [field for field in fields if field["path"].startswith(root)] == [
        {"path": f"{root}.env[TOKEN].value", "before": hidden, "after": hidden, "note": ""},
        {"path": f"{root}.image", "before": images[0], "after": images[1], "note": ""},
    ]
    plan = {
        "changes": [
            {
                "action": "update",
                **where,
                "preview": f"{story.namespace}/pr-1",
                "reason": "its preview or an option changed",
            }
        ],
        "withheld": [],
        "notes": [],
        "summary": {
            **{"create": 0, "update": 1, "delete": 0, "kept": 0, "waiting": 0, "blocked": 0},
            "unchanged": 2,
        },
    }
    outcomes = {
        "writes": [{"action": "update", **where, "result": "updated", "message": ""}],
        "summary": {
            **{"created": 0, "updated": 1, "deleted": 0, "kept": 0, "failed": 0, "rejected": 0, "blocked": 0},
            "skipped": 0,
        },
    }
    assert report.pop("cluster").endswith(f"({story.plane.server})")
    assert report == {
        "format_version": 1,
        "scope": f"every preview in namespace {story.namespace}",
        "dry_run": False,
        "declined": False,
        "unknown": [],
        "absent": [],
        "passes": [{"plan": plan, "outcomes": outcomes}],
        "notes": [],
        "waited": [],
        "exit_code": 0,
    }
    assert container(story.live("Deployment"))["image"] == images[1]
    story.silent()
