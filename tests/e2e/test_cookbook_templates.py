"""The documents of the cookbook's pages on a real API server: taken as they are, and silent in the second run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.controlplane import ControlPlane, allow
from tests.cookbook import blocks
from tests.e2e.further import VERBS, install, remove
from tests.e2e.process import REPOSITORY
from tests.e2e.story import READS, TOLD, Story

RIGHTS = (
    *("configmaps", "persistentvolumeclaims", "networkpolicies.networking.k8s.io"),
    *("poddisruptionbudgets.policy", "externalsecrets.external-secrets.io"),
)
"""What a run needs for them besides what is shipped."""

CHILDREN = {
    "redis-and-worker.md": {"Service pr-1-redis", "Deployment pr-1-redis", "Deployment pr-1-worker"},
    "postgres.md": {
        "PersistentVolumeClaim pr-1-postgres",
        "Service pr-1-postgres",
        "Deployment pr-1-postgres",
    },
    "configmap.md": {"ConfigMap pr-1-config"},
    "network-policy.md": {"NetworkPolicy pr-1-peers", "NetworkPolicy pr-1-app"},
    "disruption-budget.md": {"PodDisruptionBudget pr-1"},
    "external-secret.md": {"ExternalSecret.external-secrets.io pr-1-db"},
}
"""The further children that each page makes."""


@pytest.fixture
def external_secrets(api_server: ControlPlane) -> Iterator[None]:
    """The CRD of External Secrets, some lines of it."""
    crds = [yaml.safe_load((REPOSITORY / "tests" / "crds" / "externalsecret.yaml").read_text())]
    install(api_server, crds)
    yield
    remove(api_server, crds)


@pytest.mark.usefixtures("external_secrets")
def test_the_documents_of_the_pages_are_applied_and_the_second_run_is_silent(
    story: Story, tmp_path: Path
) -> None:
    allow(story.plane, story.account.user, VERBS, RIGHTS)
    for page in CHILDREN:
        for block in blocks(page):
            if block.where.startswith("templates/"):
                (tmp_path / f"{page}-{Path(block.where).name}").write_text(block.text)
    options = ("--templates", str(tmp_path), "--allow-secret", "*-db")
    story.apply(labels={"demo": "friday"}, setup={"command": ["migrate"]})
    made = {line.removeprefix("+ ").partition(" new")[0] for line in story.reconcile(*options).changes}
    assert {one.replace(f"{story.namespace}/", "") for one in made} >= set().union(*CHILDREN.values())
    # Not `silent`, which waits for pods: a claim has no volume here, and an ExternalSecret no controller.
    again = story.asked_by_a_run(*options)
    assert {event.verb for event in again if event.resource not in TOLD} <= READS
