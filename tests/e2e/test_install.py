"""The manifests on a real API server: taken, admitted, placed, run, with the rights that they give."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from reconcile.model.names import DEFAULT_GROUP
from tests.controlplane import AskFailed, ControlPlane, eventually, install_crds
from tests.controlplane.programs import program
from tests.controlplane.starting import NODE
from tests.e2e.conftest import fresh_namespace
from tests.e2e.install import Installation, installed
from tests.e2e.story import Story, call
from tests.installation import CHART, REPOSITORY, Manifest, helm

Spec = dict[str, Any]


@pytest.fixture
def installation(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    """The base as it is."""
    with installed(control_plane, tmp_path) as found:
        yield found


def is_placed_and_done(pod: Manifest) -> bool:
    return (pod["spec"].get("nodeName"), pod["status"]["phase"]) == (NODE, "Succeeded")


def test_the_schedule_makes_a_job_and_a_pod_that_is_let_in_placed_and_ends(
    installation: Installation,
) -> None:
    def succeeded() -> bool:
        return "lastSuccessfulTime" in installation.get("cronjob").get("status", {})

    eventually(succeeded, "a run that the schedule began has succeeded", timeout=150, pause=1)
    jobs = installation.every("jobs", "app.kubernetes.io/name=preview-reconcile")
    job = next(j for j in jobs if j["status"].get("succeeded"))
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("CronJob", installation.name)
    (pod,) = installation.pods(job["metadata"]["name"])
    assert is_placed_and_done(pod)


def test_the_pod_that_was_let_in_has_our_token_and_no_other_volume(installation: Installation) -> None:
    spec = installation.pod(installation.begin())["spec"]
    (volume,) = spec["volumes"]
    (container,) = spec["containers"]
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 600
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"]]
    assert container["envFrom"] == [{"configMapRef": {"name": installation.name}}]


def with_host_path(spec: Spec) -> None:
    spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}})


def with_escalation(spec: Spec) -> None:
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True


def without_non_root(spec: Spec) -> None:
    del spec["securityContext"]["runAsNonRoot"]


def as_root(spec: Spec) -> None:
    spec["securityContext"]["runAsUser"] = 0


def without_seccomp(spec: Spec) -> None:
    del spec["securityContext"]["seccompProfile"]


def with_capabilities(spec: Spec) -> None:
    del spec["containers"][0]["securityContext"]["capabilities"]


def on_the_hosts_network(spec: Spec) -> None:
    spec["hostNetwork"] = True


LOOSER = (
    with_host_path,
    with_escalation,
    without_non_root,
    as_root,
    without_seccomp,
    with_capabilities,
    on_the_hosts_network,
)


def test_the_namespace_lets_our_pod_in_and_none_that_is_looser_by_one_check(
    installation: Installation,
) -> None:
    template = installation.get("cronjob")["spec"]["jobTemplate"]["spec"]["template"]
    assert refusal(installation, template["spec"]) == ""
    for loosen in LOOSER:
        spec = copy.deepcopy(template["spec"])
        loosen(spec)
        assert "violates PodSecurity" in refusal(installation, spec), loosen.__name__


def refusal(installation: Installation, spec: Spec) -> str:
    """What the server says against a pod; empty where it would take it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    try:
        installation.plane.ask("POST", f"/api/v1/namespaces/{installation.namespace}/pods?dryRun=All", pod)
    except AskFailed as failure:
        return str(failure)
    return ""


ENDS: dict[str, tuple[Callable[[], Spec], dict[str, str]]] = {
    "exit code 2": (
        lambda: ended_with(2),
        {"FailureTarget": "PodFailurePolicy", "Failed": "PodFailurePolicy"},
    ),
    "exit code 4": (
        lambda: ended_with(4),
        {"FailureTarget": "PodFailurePolicy", "Failed": "PodFailurePolicy"},
    ),
    "exit code 1": (
        lambda: ended_with(1),
        {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"},
    ),
}


def ended_with(code: int) -> Spec:
    """The status of a pod whose container ended so."""
    state = {"terminated": {"exitCode": code, "reason": "Error"}}
    container = {
        "name": "reconcile",
        "state": state,
        "image": "",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
    }
    return {"phase": "Failed", "containerStatuses": [container]}


def disrupted() -> Spec:
    """The status of a pod that was taken off its node."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    return {**ended_with(143), "conditions": [condition]}


def begin_without_a_node(installation: Installation) -> str:
    """A Job as the CronJob makes it, but for a node that is not there: so a test says how its pod ends."""
    spec = installation.get("cronjob")["spec"]["jobTemplate"]["spec"]
    spec["template"]["spec"]["nodeSelector"] = {"there": "is-none"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "apart"}, "spec": spec}
    installation.plane.ask("POST", f"/apis/batch/v1/namespaces/{installation.namespace}/jobs", job)
    return "apart"


def end(installation: Installation, pod: Manifest, status: Spec) -> None:
    path = f"/api/v1/namespaces/{installation.namespace}/pods/{pod['metadata']['name']}/status"
    merge = "application/merge-patch+json"
    installation.plane.ask("PATCH", path, {"status": status}, content_type=merge)


@pytest.mark.parametrize("how", ENDS)
def test_a_run_that_fails_is_not_tried_again_before_the_next_minute(
    installation: Installation, how: str
) -> None:
    status, conditions = ENDS[how]
    job = begin_without_a_node(installation)
    end(installation, installation.pod(job), status())
    assert installation.ended(job) == conditions
    assert len(installation.pods(job)) == 1


def test_a_run_that_was_taken_off_its_node_begins_again(installation: Installation) -> None:
    job = begin_without_a_node(installation)
    end(installation, installation.pod(job), disrupted())
    installation.pod(job, number=2)
    assert "failed" not in installation.get("job", job).get("status", {})


@pytest.mark.parametrize(
    "components",
    [
        ("plan-only",),
        ("network-policy", "alerts"),
        ("namespace-only", "plan-only", "network-policy", "alerts"),
    ],
    ids="+".join,
)
def test_a_run_with_components_is_let_in_placed_and_ends(
    control_plane: ControlPlane, tmp_path: Path, components: tuple[str, ...]
) -> None:
    install_crds(control_plane, [prometheus_rule()])
    with fresh_namespace(control_plane) as namespace:
        inside = namespace if "namespace-only" in components else ""
        with installed(control_plane, tmp_path, *components, namespace=inside) as installation:
            assert installation.ended(installation.begin())["Complete"]
            assert is_placed_and_done(installation.pod("now"))
            for kind in ("networkpolicy", "prometheusrule"):
                wanted = [m for m in installation.manifests if m["kind"].lower() == kind]
                assert all(installation.get(kind)["spec"] == manifest["spec"] for manifest in wanted)


def prometheus_rule() -> Manifest:
    found: Manifest = yaml.safe_load((REPOSITORY / "tests" / "crds" / "prometheusrule.yaml").read_text())
    return found


@pytest.mark.parametrize("components", [("deployment",), ("deployment", "namespace-only")], ids="+".join)
def test_the_deployment_has_one_pod_that_runs(
    control_plane: ControlPlane, tmp_path: Path, components: tuple[str, ...]
) -> None:
    with fresh_namespace(control_plane) as namespace:
        inside = namespace if "namespace-only" in components else ""
        with installed(control_plane, tmp_path, *components, namespace=inside) as installation:
            eventually(
                lambda: installation.get("deployment")["status"].get("availableReplicas") == 1,
                "the Deployment is available",
            )
            (pod,) = installation.every("pods")
            assert pod["spec"]["nodeName"] == NODE
            assert pod["spec"]["restartPolicy"] == "Always"


# The rights that the manifests give: the installed service account runs the command as its pod would.


def run(story: Story, installation: Installation, monkeypatch: pytest.MonkeyPatch, *more: str) -> Any:
    for name, value in installation.options.items():
        monkeypatch.setenv(name, value)
    return call("--kubeconfig", str(story.account.kubeconfig), *installation.command_line(), *more)


def test_the_installed_account_does_what_a_run_does(
    alone: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(alone.plane, tmp_path, group=alone.group) as installation:
        assert installation.options["RECONCILE_API_GROUP"] == alone.group
        ours = installation.story(alone.namespace, alone.group)
        ours.apply()
        assert run(ours, installation, monkeypatch).code == 0
        assert ours.children() == ours.all_of()
        ours.orphan()
        ours.apply("pr-2")
        assert run(ours, installation, monkeypatch).code == 0
        assert ours.children() == ours.all_of("pr-2")
        refused = {event for event in ours.requests() if event.code == 403}
        assert refused == set()


def test_an_account_that_only_plans_plans_and_may_not_write(
    alone: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(alone.plane, tmp_path, "plan-only", group=alone.group) as installation:
        planner = installation.story(alone.namespace, alone.group)
        planner.apply()
        assert "--dry-run" in installation.command_line()
        result = run(planner, installation, monkeypatch)
        assert result.code == 0
        assert "Plan: 3 to create" in result.stdout
        assert {event.verb for event in planner.requests()} <= {"get", "list"}
        assert {event.code for event in planner.requests() if event.verb == "list"} == {200}
        result = planner.reconcile(code=1)
        assert "forbidden" in result.stdout + result.stderr
        assert planner.children() == []


def test_an_account_of_one_namespace_needs_nothing_outside_of_it(
    alone: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(
        alone.plane, tmp_path, "namespace-only", namespace=alone.namespace, group=alone.group
    ) as installation:
        inside = installation.story(alone.namespace, alone.group)
        inside.apply()
        own = ("--allow-fqdn", f"*.{inside.namespace}.example.com")
        assert run(inside, installation, monkeypatch, *own).code == 0
        assert inside.children() == inside.all_of()
        assert {event.namespace for event in inside.requests()} == {alone.namespace}
        assert {event.code for event in inside.requests()} <= {200, 201, 404}


def test_the_command_of_the_docs_gives_a_laptop_the_same_options(
    installation: Installation, tmp_path: Path
) -> None:
    said = {"RECONCILE_ROUTE": "ingress", "RECONCILE_ALLOW_FQDN": "*.a.example.com\n*.b.example.com\n",
            "RECONCILE_ROUTE_ANNOTATION": "note=it's \"so\" $HOME `x` \\n"}  # fmt: skip
    patch = json.dumps({"data": said})
    installation.plane.kubectl(
        "patch", "configmap", installation.name, "-n", installation.namespace, "-p", patch
    )
    page = (REPOSITORY / "docs" / "operating.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith('eval "$(kubectl get configmap')]
    line = line.replace("configmap preview-reconcile", f"configmap {installation.name}")
    line = line.replace("-n preview-reconcile", f"-n {installation.namespace}")
    assert told_by_a_shell(installation, line, tmp_path) == said


def told_by_a_shell(installation: Installation, line: str, folder: Path) -> dict[str, str]:
    """The variables RECONCILE_… that a shell has after a line."""
    (folder / "kubectl").symlink_to(program("kubectl"))
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        ["/bin/sh", "-ec", f"{line}\npython3 -c '{show}'"],
        env={
            "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
            "KUBECONFIG": str(installation.plane.kubeconfig),
            "KUBECACHEDIR": str(folder / "kubectl-cache"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    variables: dict[str, str] = json.loads(done.stdout)
    return {name: value for name, value in variables.items() if name.startswith("RECONCILE_")}


def test_taking_the_tool_away_harms_no_preview(alone: Story, tmp_path: Path) -> None:
    with installed(alone.plane, tmp_path, group=alone.group):
        alone.apply()
        alone.reconcile()
        before = alone.uids()
    alone.settled()
    assert alone.uids() == before
    assert alone.there("PreviewEnvironment")
    alone.silent()


def test_the_chart_is_installed_runs_and_goes_and_the_crd_stays(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    name = f"r-{uuid4().hex[:8]}"
    where = ["--namespace", name, "--kubeconfig", str(control_plane.kubeconfig)]
    done = helm("install", name, str(CHART), "--create-namespace", "--values", "-", *where)
    assert done.returncode == 0, done.stderr
    installation = Installation(control_plane, name, f"{name}-preview-reconcile", [])
    assert installation.ended(installation.begin())["Complete"]
    done = helm("uninstall", name, *where)
    assert done.returncode == 0, done.stderr
    assert control_plane.kubectl("get", "crd", f"previewenvironments.{DEFAULT_GROUP}", "-o", "name")
    assert installation.every("cronjobs") == []
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
