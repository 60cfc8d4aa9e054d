"""Pods as OpenShift takes them: its SecurityContextConstraints `restricted-v2`, as a policy of the cluster.

OpenShift gives each namespace a range of user and group numbers, sets the first of it in each pod that names
none, and refuses a pod that names one outside of it:
https://docs.openshift.com/container-platform/latest/authentication/managing-security-context-constraints.html
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import AskFailed
from tests.e2e.policies import policy, rule
from tests.e2e.story import Story
from tests.installation import kustomized, pod_template, rendered

FIRST = 1000680000
RANGE = [FIRST, FIRST + 1]
"""Of ten thousand: two of them are enough to be in it or not."""
RULES = (
    f"object.spec.?securityContext.?runAsUser.orValue({FIRST}) in {RANGE}",
    f"object.spec.?securityContext.?fsGroup.orValue({FIRST}) in {RANGE}",
    f"object.spec.?securityContext.?supplementalGroups.orValue([]).all(g, g in {RANGE})",
    "!has(object.spec.?securityContext.seLinuxOptions)",
    "object.spec.?securityContext.?seccompProfile.?type.orValue('RuntimeDefault') == 'RuntimeDefault'",
    f"object.spec.containers.all(c, c.?securityContext.?runAsUser.orValue({FIRST}) in {RANGE})",
    "object.spec.containers.all(c, !c.?securityContext.?allowPrivilegeEscalation.orValue(false))",
    "object.spec.containers.all(c, c.?securityContext.?capabilities.?add.orValue([]) == [])",
)


@pytest.fixture
def openshift(story: Story) -> Iterator[Story]:
    """A namespace as OpenShift guards it."""
    as_root = {"securityContext": {"runAsUser": 0}, "containers": [{"name": "app", "image": "a"}]}
    rules = [{"expression": expression} for expression in RULES]
    pods = rule(["CREATE"], "pods", "")
    with policy(story, pods, lambda: refusal(story, as_root), validations=rules):
        yield story


def refusal(story: Story, spec: dict[str, Any]) -> str:
    """What the server says against a pod; empty where it would take it."""
    # The account of an installation is not in this namespace, and no rule is about it.
    spec = {key: value for key, value in spec.items() if key != "serviceAccountName"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    try:
        story.plane.ask("POST", f"/api/v1/namespaces/{story.namespace}/pods?dryRun=All", pod)
    except AskFailed as failure:
        return str(failure)
    return ""


def test_the_pods_of_a_preview_leave_user_and_groups_to_the_cluster(openshift: Story) -> None:
    openshift.apply(setup={"args": ["migrate"]})
    for standard in ("baseline", "restricted"):
        openshift.reconcile("--pod-security", standard)
        for kind in ("Deployment", "Job"):
            for child in openshift.everything_of(kind).values():
                assert refusal(openshift, child["spec"]["template"]["spec"]) == ""


def test_the_commands_own_pod_does_so_where_that_is_set(openshift: Story, tmp_path: Path) -> None:
    def refused(manifests: Any) -> str:
        return refusal(openshift, pod_template(manifests)["spec"])

    assert refused(kustomized(tmp_path, "openshift")) == ""
    assert refused(kustomized(tmp_path, "openshift", "deployment")) == ""
    assert refused(rendered({"openshift": True})) == ""
    assert "runAsUser" in refused(kustomized(tmp_path))
    assert "runAsUser" in refused(rendered({}))
