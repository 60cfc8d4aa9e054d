"""The manifests on a real API server: taken, admitted, placed, run, with the rights that they give."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL
from tests.controlplane import AskFailed, ControlPlane, install_crds
from tests.controlplane.programs import program
from tests.controlplane.starting import NODE
from tests.e2e.conftest import fresh_namespace
from tests.e2e.install import UPGRADE, Installation, installed
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


def loosened(spec: Spec) -> dict[str, Spec]:
    """The pod with each check of the restricted standard loosened, and nothing else."""
    (container,) = spec["containers"]
    context, own = spec["securityContext"], container["securityContext"]

    def other(pod: Spec = context, app: Spec = own, **fields: Any) -> Spec:
        return {
            **spec,
            **fields,
            "securityContext": pod,
            "containers": [{**container, "securityContext": app}],
        }

    def without(fields: Spec, name: str) -> Spec:
        return {key: value for key, value in fields.items() if key != name}

    return {
        "a host path": other(volumes=[*spec["volumes"], {"name": "host", "hostPath": {"path": "/"}}]),
        "escalation": other(app={**own, "allowPrivilegeEscalation": True}),
        "whoever": other(without(context, "runAsNonRoot")),
        "root": other({**context, "runAsUser": 0}),
        "no seccomp": other(without(context, "seccompProfile")),
        "capabilities": other(app=without(own, "capabilities")),
        "the host's network": other(hostNetwork=True),
    }


def test_the_namespace_lets_our_pod_in_with_our_token_and_none_that_is_looser_by_one_check(
    installation: Installation,
) -> None:
    spec = installation.pod(installation.begin())["spec"]
    (volume,) = spec["volumes"]
    (container,) = spec["containers"]
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 600
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"]]
    assert container["envFrom"] == [{"configMapRef": {"name": installation.name}}]
    template = installation.get("cronjob")["spec"]["jobTemplate"]["spec"]["template"]
    assert refusal(installation, template["spec"]) == ""
    for what, looser in loosened(template["spec"]).items():
        assert "violates PodSecurity" in refusal(installation, looser), what


def refusal(installation: Installation, spec: Spec) -> str:
    """What the server says against a pod; empty where it would take it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    try:
        installation.plane.ask("POST", f"/api/v1/namespaces/{installation.namespace}/pods?dryRun=All", pod)
    except AskFailed as failure:
        return str(failure)
    return ""


NO_MORE = {"FailureTarget": "PodFailurePolicy", "Failed": "PodFailurePolicy"}
ENDS = {2: NO_MORE, 4: NO_MORE, 1: dict.fromkeys(NO_MORE, "BackoffLimitExceeded")}
"""By the exit code of its pod: the conditions of a Job with their reasons."""


def ended_with(code: int) -> Spec:
    """The status of a pod whose container ended so."""
    state = {"terminated": {"exitCode": code, "reason": "Error"}}
    known = {"name": "reconcile", "image": "", "imageID": "", "ready": False, "restartCount": 0}
    return {"phase": "Failed", "containerStatuses": [{**known, "state": state}]}


def begin_without_a_node(installation: Installation, job: str, status: Spec) -> None:
    """A Job as the CronJob makes it, but for a node that is not there: so the test says how its pod ends."""
    spec = installation.get("cronjob")["spec"]["jobTemplate"]["spec"]
    spec["template"]["spec"]["nodeSelector"] = {"there": "is-none"}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job}, "spec": spec}
    installation.plane.ask("POST", f"/apis/batch/v1/namespaces/{installation.namespace}/jobs", body)
    pod = installation.pod(job)["metadata"]["name"]
    path = f"/api/v1/namespaces/{installation.namespace}/pods/{pod}/status"
    installation.plane.ask("PATCH", path, {"status": status}, content_type="application/merge-patch+json")


def test_a_run_that_fails_is_not_tried_again_before_the_next_minute_and_one_taken_off_its_node_is(
    installation: Installation,
) -> None:
    evicted = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    begin_without_a_node(installation, "evicted", {**ended_with(143), "conditions": [evicted]})
    for code, conditions in ENDS.items():
        begin_without_a_node(installation, f"exit-{code}", ended_with(code))
        assert installation.ended(f"exit-{code}") == conditions
        assert len(installation.pods(f"exit-{code}")) == 1
    installation.pod("evicted", number=2)
    assert "failed" not in installation.get("job", "evicted").get("status", {})


def test_a_run_with_components_is_let_in_placed_and_ends(control_plane: ControlPlane, tmp_path: Path) -> None:
    components = ("namespace-only", "plan-only", "network-policy", "alerts")
    install_crds(control_plane, [prometheus_rule()])
    with (
        fresh_namespace(control_plane) as namespace,
        installed(control_plane, tmp_path, *components, namespace=namespace) as installation,
    ):
        assert installation.ended(installation.begin())["Complete"]
        assert is_placed_and_done(installation.pod("now"))
        for kind in ("networkpolicy", "prometheusrule"):
            wanted = [m for m in installation.manifests if m["kind"].lower() == kind]
            assert all(installation.get(kind)["spec"] == manifest["spec"] for manifest in wanted)


def prometheus_rule() -> Manifest:
    found: Manifest = yaml.safe_load((REPOSITORY / "tests" / "crds" / "prometheusrule.yaml").read_text())
    return found


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
        assert "no right to patch" in result.stdout + result.stderr
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
        by_the_clock = f"Job/{installation.name}-"  # the CronJob's own, where a minute has just begun
        children = [child for child in inside.children() if not child.startswith(by_the_clock)]
        assert children == inside.all_of()
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
    page = (REPOSITORY / "docs" / "install.md").read_text()
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


def test_an_uninstall_by_the_documents_takes_the_previews_of_one_api_group(
    story: Story, alone: Story
) -> None:
    """Its command goes through every namespace: here through that of the test."""
    (line,) = re.findall(
        rf"^kubectl (delete {PLURAL}.*) --all-namespaces$", UPGRADE.read_text(), re.MULTILINE
    )
    for group, ours, theirs in ((DEFAULT_GROUP, story, alone), (alone.group, alone, story)):
        ours.apply("pr-1")
        theirs.apply("pr-2")
        command = line.replace(DEFAULT_GROUP, group)
        story.plane.kubectl(*command.split(), "--namespace", story.namespace)
        assert not ours.there(KIND, "pr-1")
        assert theirs.there(KIND, "pr-2")
        theirs.delete(KIND, "pr-2")
