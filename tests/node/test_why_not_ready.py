"""Why a preview is not ready: each row of the table in `reconcile.kube.health.pod` that a node can be made to show."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.node import starting
from tests.node.conftest import fresh_namespace
from tests.node.node import Node
from tests.node.story import Story

CRASHES = "CrashLoopBackOff: exit code 3"
LIVES = (1, 5, 15)
"""Seconds that an application lives before it crashes; from 1.35 on the kubelet looks different in each case."""


@dataclass(frozen=True)
class Row:
    """A preview's spec, what is done to its pods before they are let in, and what its status says then."""

    says: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    pods: Mapping[str, str] = field(default_factory=dict)
    """The lists that an admission policy adds to its pods' spec, each with its one item in CEL."""
    reason: str = "RolloutFailed"


def on_its_way(why: str) -> str:
    return f"0 of 1 pods are available: {why}"


MISSING = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "missing", "key": "a"}}}]
INIT = 'Object.spec.initContainers{{name: "first", image: "app:1", args: [{args}]}}'
SECRET = 'Object.spec.volumes{name: "v", secret: Object.spec.volumes.secret{secretName: "missing"}}'
MOUNT = 'Object.spec.containers.volumeMounts{name: "v", mountPath: "/v"}'
ROWS: Mapping[str, Row] = {
    "ends-well": Row(
        r"CrashLoopBackOff: exit code 0 \(it must keep running\)", {"args": ["once", "1"]}
    ),
    "killed": Row(r"CrashLoopBackOff: exit code 137 \(SIGKILL\)", {"args": ["crash", "137", "1"]}),
    "no-command": Row(r"RunContainerError: .*no such file or directory.*", {"command": ["/nope"]}),
    "no-image": Row(r"ImagePullBackOff: .*app:9: not found", {"image": "app:9"}),
    "no-such-name": Row(r"ErrImageNeverPull: .*app:8.*", {"image": "app:8", "imagePullPolicy": "Never"}),
    "no-config": Row(r'CreateContainerConfigError: configmap "missing" not found', {"env": MISSING}),
    "too-big": Row(
        r"Unschedulable: 0/1 nodes are available: .*Insufficient memory.*",
        {"resources": {"requests": {"memory": "900Gi"}}},
    ),
    "wrong-port": Row(
        on_its_way("startup probe TCP :8080: connection refused"), {"port": 8080}, reason="Progressing"
    ),
    "wrong-path": Row(
        on_its_way(r"startup probe GET :80/\?code=404: answered 404"),
        {"healthPath": "/?code=404"},
        reason="Progressing",
    ),
    "gated": Row(
        on_its_way("SchedulingGated: held by example.com/queue"),
        pods={"schedulingGates": 'Object.spec.schedulingGates{name: "example.com/queue"}'},
        reason="Progressing",
    ),
    "init-runs": Row(
        on_its_way("init container first runs"), pods={"initContainers": INIT.format(args='"pause"')}, reason="Progressing"
    ),
    "init-crashes": Row(
        "CrashLoopBackOff: exit code 5", pods={"initContainers": INIT.format(args='"crash", "5", "1"')}
    ),
    "no-volume": Row(
        r'FailedMount: .*secret "missing" not found',
        pods={"volumes": SECRET, "containers/0/volumeMounts": MOUNT},
    ),
    "gate-closed": Row(
        on_its_way("ReadinessGatesNotReady: .*example.com/open.*"),
        pods={"readinessGates": 'Object.spec.readinessGates{conditionType: "example.com/open"}'},
        reason="Progressing",
    ),
}  # fmt: skip


def added_to_pods(story: Story, name: str, lists: Mapping[str, str]) -> None:
    """An admission policy that adds lists of one item to the pods of one preview."""
    # A list with an object in it ends the API server's request with a panic (1.36.3): one after the other.
    add = 'JSONPatch{{op: "add", path: "/spec/{}", value: {}}}'
    patches = [add.format(*to) for at, item in lists.items() for to in ((at, "[]"), (f"{at}/-", item))]
    called = f"{story.namespace}-{name}"
    group = "admissionregistration.k8s.io"
    where = {"kubernetes.io/metadata.name": story.namespace}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    spec = {
        "matchConstraints": {"namespaceSelector": {"matchLabels": where}, "resourceRules": [rule]},
        "matchConditions": [
            {"name": "its", "expression": f"object.metadata.labels['platform9.com/preview'] == '{name}'"}
        ],
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{', '.join(patches)}]"}}],
    }
    kind = "MutatingAdmissionPolicy"
    for made, content in ((kind, spec), (f"{kind}Binding", {"policyName": called})):
        story.node.kubectl(
            "apply", "-f", "-",
            input={"apiVersion": f"{group}/v1", "kind": made, "metadata": {"name": called}, "spec": content},
        )  # fmt: skip


def told(story: Story) -> dict[str, tuple[str, str]]:
    """Reason and message of every preview's Ready."""
    previews = story.node.get("-n", story.namespace, story.kind)["items"]
    return {
        preview["metadata"]["name"]: (condition["reason"], condition["message"])
        for preview in previews
        for condition in preview.get("status", {}).get("conditions", [])
        if condition["type"] == "Ready"
    }


def versions(story: Story, names: Mapping[str, Any]) -> dict[str, str]:
    previews = story.node.get("-n", story.namespace, story.kind)["items"]
    return {
        name: preview["metadata"]["resourceVersion"]
        for preview in previews
        if (name := preview["metadata"]["name"]) in names
    }


def wrong(found: Mapping[str, tuple[str, str]], rows: Mapping[str, Row]) -> dict[str, tuple[str, str]]:
    return {
        name: found.get(name, ("", ""))
        for name, row in rows.items()
        if found.get(name, ("", ""))[0] != row.reason or not re.fullmatch(row.says, found[name][1])
    }


def test_each_row_of_the_table_is_reported_just_once(story: Story) -> None:
    for name, row in ROWS.items():
        if row.pods:
            added_to_pods(story, name, row.pods)
    time.sleep(2)  # an admission policy is in force a moment after it was made, and nothing says when
    for name, row in ROWS.items():
        story.apply(name, **row.spec)
    story.reconcile()

    def all_told() -> bool:
        story.reconcile()
        return not wrong(told(story), ROWS)

    try:
        eventually(all_told, "every row is told", timeout=100, pause=2)
    except AssertionError as error:
        raise AssertionError(f"{error}: {wrong(told(story), ROWS)}") from None
    before = versions(story, ROWS)
    for _ in range(6):  # whichever moment the kubelet is in, there is no news
        time.sleep(3)
        story.reconcile()
    after = versions(story, ROWS)
    assert {name: told(story)[name] for name in ROWS if before[name] != after[name]} == {}


def crashes_of(story: Story) -> dict[str, int]:
    """How often each preview's container has ended."""
    found = {}
    for pod in story.node.get("-n", story.namespace, "pods")["items"]:
        for status in pod["status"].get("containerStatuses", []):
            ends = status["restartCount"] + ("terminated" in status["state"])
            found[pod["metadata"]["labels"]["platform9.com/preview"]] = ends
    return found


def test_a_crash_is_reported_within_two_reads_of_the_second_one_and_stays(story: Story) -> None:
    names = {f"lives-{seconds}": seconds for seconds in LIVES}
    for name, seconds in names.items():
        story.apply(name, args=["crash", "3", str(seconds)])
    story.reconcile()
    late: dict[str, int] = dict.fromkeys(names, 0)
    settled: dict[str, str] = {}

    def look() -> bool:
        before = crashes_of(story)
        story.reconcile()
        found, there = told(story), versions(story, names)
        for name in names:
            if found[name] == ("RolloutFailed", CRASHES):
                assert settled.setdefault(name, there[name]) == there[name], f"{name} was told again"
            else:
                assert name not in settled, f"{name} was told to crash, and then {found[name]}"
                late[name] += before.get(name, 0) > 1
        return min(before.get(name, 0) for name in names) > 2

    eventually(look, "each has crashed three times", timeout=200, pause=1)
    assert settled.keys() == names.keys()
    assert max(late.values()) < 2, late


def test_the_old_pods_never_stand_for_the_new_ones(story: Story) -> None:
    story.apply()
    story.reconcile("--wait")
    story.apply(args=["crash", "3", "1"])
    assert story.reconcile("--wait", code=1).lines[-1] == f"not ready {story.namespace}/pr-1 {CRASHES}"
    assert story.answers().code == 200, "the version before goes on serving"
    story.apply()  # back to a template whose pods are older than those that crash
    assert story.reconcile("--wait").lines[-1].startswith(f"ready {story.namespace}/pr-1 ")


# what is said of the Deployment and of the setup Job


def becomes(story: Story, reason: str, says: str, name: str = "pr-1") -> None:
    """The status says so, after whichever run."""
    seen = [("", "")]

    def so() -> bool:
        story.reconcile()
        seen.append(told(story)[name])
        return seen[-1][0] == reason and re.fullmatch(says, seen[-1][1]) is not None

    try:
        eventually(so, f"{reason}: {says}", timeout=90, pause=1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen[-1]}") from None


def test_a_rollout_that_is_paused_or_late_and_a_setup_that_is_held_back_are_reported(story: Story) -> None:
    story.apply("paused")
    story.apply("late", port=8080)
    story.apply("held", args=["crash", "3", "1"], setup={"args": ["once", "30"]})
    story.reconcile()
    job = story.names("jobs")[0]
    story.kubectl("patch", job, "--type=merge", "-p", '{"spec": {"suspend": true}}')
    story.kubectl("patch", "deployment", "late", "-p", '{"spec": {"progressDeadlineSeconds": 5}}')
    story.reconcile("--wait", "paused")
    story.kubectl("rollout", "pause", "deployment/paused")
    story.apply("paused", image="app:2")
    resume = f"kubectl rollout resume deployment/paused -n {story.namespace}"
    becomes(story, "Progressing", re.escape(f"its rollout is paused; {resume}"), name="paused")
    why = "startup probe TCP :8080: connection refused"
    becomes(story, "RolloutFailed", f"ProgressDeadlineExceeded: {why}", name="late")
    held = r"is suspended \(spec.suspend\), as a queue does until there is room"
    becomes(story, "Progressing", rf"its setup Job .* {held}; its pods: {CRASHES}", name="held")
    story.node.kubectl(*resume.split()[1:])
    assert story.reconcile("--wait", "paused").code == 0


@pytest.mark.parametrize("what", ["quota", "admission"])
def test_refused_pods_show_why_and_so_do_those_of_the_setup(story: Story, what: str) -> None:
    if what == "quota":
        hard = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none"},
            "spec": {"hard": {"pods": "0"}},
        }
        story.kubectl("apply", "-f", "-", input=hard)
        eventually(
            lambda: story.get("resourcequota", "none").get("status", {}).get("used"), "the quota is counted"
        )
        says = "FailedCreate: exceeded quota: none, .*"
    else:
        enforce = "pod-security.kubernetes.io/enforce=restricted"
        story.node.kubectl("label", "namespace", story.namespace, enforce)
        says = 'FailedCreate: violates PodSecurity "restricted:latest": .*'
    story.apply("pr-1")
    story.apply("pr-2", setup={"args": ["once"]})
    becomes(story, "RolloutFailed", says)
    becomes(story, "SetupFailed", rf"{says} \(setup Job .*\); .*", name="pr-2")


EATS = "food = bytearray(10**9)"
WRITES = "open('/tmp/much', 'wb').write(bytes(10**8)); import time; time.sleep(600)"


def test_a_pod_over_its_limits_is_reported_in_the_kubelets_own_words(
    story: Story, product_image: str
) -> None:
    def python(program: str, **limits: str) -> dict[str, Any]:
        return {
            "image": product_image,
            "command": ["python", "-c", program],
            "resources": {"limits": {name.replace("_", "-"): limit for name, limit in limits.items()}},
        }

    story.apply("eats", **python(EATS, memory="64Mi"))
    story.apply("writes", **python(WRITES, ephemeral_storage="1Mi"))
    becomes(story, "RolloutFailed", r"CrashLoopBackOff: exit code 137 \(OOMKilled\)", name="eats")
    becomes(story, "RolloutFailed", "Evicted: .*exceeds the total limit.*", name="writes")


def test_a_node_that_is_lost_is_named(node: Node) -> None:
    """On a node of its own: none of its pods would get a word from the kubelet any more."""
    if node.is_named:
        pytest.skip("the kubelet of a named cluster is not ours to stop")
    with starting.another() as lost, fresh_namespace(lost) as namespace:
        story = Story(lost, namespace)
        story.apply()
        story.reconcile("--wait")
        lost.call("pkill", "-STOP", "-x", "kubelet")
        says = "0 of 1 pods are available: NodeNotReady: node node does not answer"
        becomes(story, "Progressing", says)
