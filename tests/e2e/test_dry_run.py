"""A dry run only reads, and its plan is the one that the next run carries out."""

from dataclasses import replace
from pathlib import Path

import yaml

from tests.controlplane import allow
from tests.e2e.granted import allow_runs
from tests.e2e.story import Story


def something_of_everything(story: Story) -> None:
    """An update, a delete, a create, a move of a hostname that has to wait, and something unchanged."""
    for name in ("pr-1", "pr-2", "pr-3"):
        story.apply(name, replicas=0)
    story.reconcile()
    story.apply("pr-1", replicas=0, image="registry.example.com/web:2", fqdn=story.host("moved"))
    story.orphan("pr-2")
    story.apply("pr-4", replicas=0, fqdn=story.host("pr-2"))
    story.settled()


def test_the_plan_of_a_dry_run_is_what_the_next_run_applies(story: Story, reader: Story) -> None:
    route = "Ingress"
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

    allow_runs(story.plane, reader.account.user, story.group)
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
    after = story.versions()
    assert {name: before[name] for name in story.all_of("pr-3")}.items() <= after.items(), "unchanged"
    nothing = reader.reconcile("--dry-run", "--exit-code")
    assert nothing.changes == []
    assert nothing.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 9 unchanged."


WORKER = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "${preview.metadata.name}-config"}
data: {run.sh: "#!/bin/sh\\n\\n  echo '::error::no'\\n", number: "80", "on": "yes"}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: "${preview.metadata.name}-nightly"}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a, args: ["-c", "a: b"]}]}}}}
"""


def test_the_manifests_that_are_printed_are_what_a_run_applies(alone: Story, tmp_path: Path) -> None:
    """kubectl applies them, by our field manager, and a run finds nothing left to do."""
    grant_kinds(alone)
    (tmp_path / "worker.yaml").write_text(WORKER)
    options = ("--templates", str(tmp_path))
    by = ("--server-side", "--field-manager", alone.names.field_manager)
    for image, kinds in (("web:1", 5), ("web:2", 1)):
        alone.apply(replicas=0, image=f"registry.example.com/{image}", env=[{"name": "A", "value": "a: 'b'"}])
        printed = alone.reconcile(*options, "--dry-run", "-o", "yaml").stdout
        assert len(list(yaml.safe_load_all(printed))) == kinds
        alone.plane.kubectl("apply", *by, "-f", "-", input=printed)
        assert "Plan: 0 to create, 0 to update, 0 to delete, 5 unchanged." in alone.reconcile(*options).stdout
    alone.delete("Service")
    alone.reconcile(*options, "--dry-run", "-o", "yaml", "--exit-code", code=3)


def grant_kinds(story: Story) -> None:
    """What the documents above need beside the shipped rights."""
    verbs = ["get", "list", "create", "patch", "delete"]
    allow(story.plane, story.account.user, verbs, ["configmaps", "cronjobs.batch"])
