"""A policy of the cluster rewrites what we apply: its doing stays, and everything else is still ours."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.controlplane import AskFailed, ControlPlane, eventually
from tests.e2e.story import Story, container, env_of
from tests.e2e.strangers import stranger

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
IMAGE = "object.spec.template.spec.containers[0].image"
NOTE = (
    "the API server keeps spec.template.spec.containers[app].image another way; "
    "to have it applied again, change spec.revision"
)


def policy(name: str) -> dict[str, Any]:
    """Take every image from a mirror: a MutatingAdmissionPolicy."""
    path = "/spec/template/spec/containers/0/image"
    mirrored = f"{IMAGE}.replace('registry.', 'mirror.')"
    expression = f"[JSONPatch{{op: 'replace', path: '{path}', value: {mirrored}}}]"
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
        },
    }


@pytest.fixture
def mirrored(story: Story, api_server: ControlPlane) -> Iterator[Story]:
    """A namespace whose images come from a mirror."""
    served = api_server.ask("GET", ADMISSION)["resources"]
    if "mutatingadmissionpolicies" not in [resource["name"] for resource in served]:
        pytest.skip("this Kubernetes has no MutatingAdmissionPolicy; 1.36 has")
    name = story.namespace
    binding = {"metadata": {"name": name}, "spec": {"policyName": name}}
    api_server.ask("POST", f"{ADMISSION}/mutatingadmissionpolicies", policy(name))
    api_server.ask("POST", f"{ADMISSION}/mutatingadmissionpolicybindings", binding)
    eventually(lambda: image_of(probe(story)).startswith("mirror."), "the policy is in force")
    yield story
    for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        with suppress(AskFailed):
            api_server.ask("DELETE", f"{ADMISSION}/{plural}/{name}")


def probe(story: Story) -> dict[str, Any]:
    """A Deployment as the server would keep it."""
    return story.ask("POST", f"{story.path_of('Deployment')}?dryRun=All", stranger("Deployment", "probe"))


def image_of(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def keep(story: Story) -> str:
    return f"= Deployment {story.namespace}/pr-1 {NOTE}"


def test_what_a_policy_rewrites_is_kept_with_a_note(mirrored: Story) -> None:
    mirrored.apply(replicas=0)
    mirrored.reconcile()
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/web:1"
    mirrored.silent()
    assert mirrored.reconcile().changes == [keep(mirrored)]


def test_what_a_policy_rewrites_settles_and_is_told_of_in_each_plan(
    mirrored: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.status.publish.SETTLING", timedelta(hours=-1))
    mirrored.apply(suspend=True)
    for _ in range(3):
        mirrored.reconcile()
    monkeypatch.setattr("reconcile.plan.plan.draft_of", None)  # nothing is compared
    assert mirrored.reconcile("pr-1").changes == [keep(mirrored)]


def test_a_change_of_the_spec_is_applied_through_the_policy(mirrored: Story) -> None:
    mirrored.apply(replicas=0)
    mirrored.reconcile()
    for spec in (
        {"image": "registry.example.com/web:2"},
        {"revision": "abc"},
        {"image": "mirror.example.com/x:1"},
    ):
        mirrored.apply(replicas=0, **spec)
        assert mirrored.reconcile().changes == [
            f"~ Deployment {mirrored.namespace}/pr-1 its preview or an option changed"
        ]
        mirrored.silent()
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/x:1"
    assert mirrored.reconcile().changes == []


def test_drift_beside_what_a_policy_rewrites_is_mended_once(mirrored: Story) -> None:
    mirrored.apply(replicas=0, env=[{"name": "A", "value": "1"}])
    mirrored.reconcile()
    mirrored.edit("Deployment", lambda d: container(d)["env"][0].update(value="changed"))
    result = mirrored.reconcile()
    assert result.changes == [f"~ Deployment {mirrored.namespace}/pr-1 drifted"]
    assert "image" not in result.stdout
    mirrored.silent()
    assert env_of(mirrored.live("Deployment")) == [{"name": "A", "value": "1"}]
    assert mirrored.reconcile().changes == [keep(mirrored)]


def test_an_image_that_somebody_else_sets_is_drift_all_the_same(mirrored: Story) -> None:
    mirrored.apply(replicas=0)
    mirrored.reconcile()
    mirrored.edit("Deployment", lambda d: container(d).update(image="registry.example.com/other:1"))
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/other:1"
    assert mirrored.reconcile().changes == [f"~ Deployment {mirrored.namespace}/pr-1 drifted"]
    mirrored.silent()
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/web:1"


def test_a_policy_that_is_lifted_is_undone_when_it_is_applied_again(mirrored: Story) -> None:
    mirrored.apply(replicas=0)
    mirrored.reconcile()
    for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        mirrored.ask("DELETE", f"{ADMISSION}/{plural}/{mirrored.namespace}")
    eventually(lambda: image_of(probe(mirrored)).startswith("registry."), "the policy is lifted")
    mirrored.silent()
    mirrored.apply(replicas=0, revision="abc")
    mirrored.reconcile()
    assert image_of(mirrored.live("Deployment")) == "registry.example.com/web:1"
    assert mirrored.reconcile().changes == []
