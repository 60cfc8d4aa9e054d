"""A policy of the cluster rewrites what we apply: its doing stays, and everything else is still ours."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from reconcile.model.names import Names
from tests.controlplane import eventually
from tests.e2e.policies import ADMISSION, policy, rule
from tests.e2e.story import Story, container, env_of
from tests.e2e.strangers import stranger

IMAGE = "object.spec.template.spec.containers[0].image"
NOTE = (
    "the API server stores spec.template.spec.containers[app].image with another value; "
    "to apply it again, remove platform9.com/applied from it"
)


@pytest.fixture
def lift() -> list[Callable[[], None]]:
    """What takes the policy of `mirrored` away."""
    return []


@pytest.fixture
def mirrored(story: Story, lift: list[Callable[[], None]]) -> Iterator[Story]:
    """A namespace whose images come from a mirror: a MutatingAdmissionPolicy."""
    served = story.ask("GET", ADMISSION)["resources"]
    if "mutatingadmissionpolicies" not in [resource["name"] for resource in served]:
        pytest.skip("this Kubernetes has no MutatingAdmissionPolicy; 1.36 has")
    path = "/spec/template/spec/containers/0/image"
    value = f"{IMAGE}.replace('registry.', 'mirror.')"
    expression = f"[JSONPatch{{op: 'replace', path: '{path}', value: {value}}}]"
    mutation = {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}
    rewrites = {"mutations": [mutation], "failurePolicy": "Fail", "reinvocationPolicy": "Never"}

    def in_force() -> bool:
        return image_of(probe(story)).startswith("mirror.")

    with policy(story, rule(["CREATE", "UPDATE"]), in_force, **rewrites) as found:
        lift.append(found)
        yield story


def probe(story: Story) -> dict[str, Any]:
    """A Deployment as the server would keep it."""
    return story.ask("POST", f"{story.path_of('Deployment')}?dryRun=All", stranger("Deployment", "probe"))


def image_of(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def keep(story: Story) -> str:
    return f"= Deployment {story.namespace}/pr-1 {NOTE}"


def test_what_a_policy_rewrites_is_kept_with_a_note_until_the_policy_is_lifted(
    mirrored: Story, lift: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is shown of a preview that is settled, and not compared any more."""
    mirrored.apply(suspend=True)
    mirrored.reconcile()
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/web:1"
    mirrored.silent()
    with monkeypatch.context() as settling:
        settling.setattr("reconcile.status.publish.SETTLING", timedelta(hours=-1))
        for _ in range(2):
            assert mirrored.reconcile().changes == [keep(mirrored)]
        settling.setattr("reconcile.plan.plan.draft_of", None)  # nothing is compared
        assert mirrored.reconcile("pr-1").changes == [keep(mirrored)]
    lift[0]()
    eventually(lambda: image_of(probe(mirrored)).startswith("registry."), "the policy is lifted")
    mirrored.silent()
    mirrored.edit("Deployment", lambda d: d["metadata"]["annotations"].pop(Names().applied_annotation))
    mirrored.reconcile()
    assert image_of(mirrored.live("Deployment")) == "registry.example.com/web:1"
    assert mirrored.reconcile().changes == []


def test_beside_what_a_policy_rewrites_changes_are_applied_and_drift_corrected(mirrored: Story) -> None:
    drifted = [f"~ Deployment {mirrored.namespace}/pr-1 drifted"]
    mirrored.apply(replicas=0, env=[{"name": "A", "value": "1"}])
    mirrored.reconcile()
    mirrored.edit("Deployment", lambda d: container(d)["env"][0].update(value="changed"))
    result = mirrored.reconcile()
    assert result.changes == drifted
    assert "image" not in result.stdout
    mirrored.silent()
    assert env_of(mirrored.live("Deployment")) == [{"name": "A", "value": "1"}]
    mirrored.edit("Deployment", lambda d: container(d).update(image="registry.example.com/other:1"))
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/other:1"
    assert mirrored.reconcile().changes == drifted
    mirrored.silent()
    assert image_of(mirrored.live("Deployment")) == "mirror.example.com/web:1"
    for image in ("registry.example.com/web:2", "mirror.example.com/x:1"):
        mirrored.apply(replicas=0, image=image)
        applied = [f"~ Deployment {mirrored.namespace}/pr-1 its preview or an option changed"]
        assert mirrored.reconcile().changes == applied
        mirrored.silent()
    assert mirrored.reconcile().changes == []
