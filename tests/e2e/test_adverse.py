"""What one author writes ends no run of the others, with rights on nothing but one kind in one namespace."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from reconcile.model.names import PLURAL
from tests.controlplane import allow, service_account
from tests.controlplane.programs import program
from tests.e2e.story import Story

DEEP = 2_000
"""Levels; Python ends at 1,000, and an API server takes 10,000."""


@contextmanager
def endless_managed_fields(story: Story, plural: str) -> Iterator[None]:
    """An author's patch of `pr-1`, as text: what writes and reads JSON in the tests recurses."""
    author = service_account(story.plane, story.namespace, f"author-of-{plural.partition('.')[0]}")
    allow(story.plane, author.user, ["get", "patch"], [plural], namespace=story.namespace)
    tree = '{"f:a":' * DEEP + "{}" + "}" * DEEP
    about = {"manager": "deep", "operation": "Update", "apiVersion": story.names.api_version}
    entry = json.dumps({**about, "fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z", "fieldsV1": None})
    kubectl = [str(program("kubectl")), "--kubeconfig", str(author.kubeconfig), "-n", story.namespace]
    patch = [*kubectl, "patch", plural, "pr-1", "--type=json", "-p"]
    path = "/metadata/managedFields"
    added = f'[{{"op":"add","path":"{path}/-","value":{entry.replace("null", tree)}}}]'
    subprocess.run([*patch, added], check=True)
    yield
    subprocess.run([*patch, f'[{{"op":"replace","path":"{path}","value":[{{}}]}}]'], check=True)


def test_managed_fields_without_an_end_hold_up_nobody(alone: Story, elsewhere: Story) -> None:
    alone.apply(replicas=0)
    alone.reconcile(everywhere=True)
    elsewhere.apply(replicas=0)
    previews = f"{PLURAL}.{alone.group}"
    with endless_managed_fields(alone, previews), endless_managed_fields(alone, "services"):
        found = alone.attempt(everywhere=True)
        quiet = alone.attempt("--dry-run", everywhere=True)
        explained = alone.attempt("--explain", f"{alone.namespace}/pr-1", everywhere=True)
    made = [
        f"+ {kind} {elsewhere.namespace}/pr-1 new preview" for kind in ("Deployment", "Service", "Mapping")
    ]
    assert found.changes == made, found.stderr
    assert "6 unchanged" in quiet.stdout
    assert explained.code == 0
