"""cronjob/ as an operator renders it: what must hold of the objects, whichever components are taken."""

from itertools import combinations, product
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reconcile import __version__
from reconcile.cli.main import command
from reconcile.model.duration import parse_duration
from tests.controlplane import shipped
from tests.installation import (
    BASE,
    CHART,
    COMPONENTS,
    EXTRA_RULES,
    NAME,
    Manifest,
    arguments,
    kustomized,
    one,
    pipeline_kustomized,
    pod_template,
)

COMBINATIONS = [
    (),
    *[(c,) for c in COMPONENTS],
    *combinations(COMPONENTS[:3], 2),
    ("openshift", "deployment"),
    COMPONENTS,
]
ALL = pytest.mark.parametrize(
    "components", COMBINATIONS, ids=lambda components: "+".join(components) or "base"
)
MODES = {
    "namespace-only": ["--namespace-only", "--namespace=$(POD_NAMESPACE)"],
    "plan-only": ["--dry-run", "--output=text"],
    "deployment": ["--interval=15s"],
}
_AUTHOR = ("RoleBinding", "ClusterRole", f"{NAME}-author")
PIPELINE = {
    "author": {_AUTHOR},
    "reconcile": {
        _AUTHOR,
        ("RoleBinding", "ClusterRole", NAME),
        ("ClusterRoleBinding", "ClusterRole", f"{NAME}-options"),
    },
}
"""What the folders of cronjob/pipeline bind."""
ALWAYS = ["--timeout=5m", "--allow-blocked", "--log-format=json", "--output=none"]


@pytest.fixture
def base(tmp_path: Path) -> list[Manifest]:
    return kustomized(tmp_path)


def kinds(manifests: list[Manifest]) -> list[str]:
    return sorted(m["kind"] for m in manifests)


def names(manifests: list[Manifest]) -> set[tuple[str, str]]:
    return {(m["kind"], f"{m['metadata'].get('namespace')}/{m['metadata']['name']}") for m in manifests}


def test_the_base_is_these_objects_and_no_crd(base: list[Manifest]) -> None:
    assert kinds(base) == [
        *["ClusterRole"] * 4, "ClusterRoleBinding", "ConfigMap", "CronJob", "Namespace", "ServiceAccount",
    ]  # fmt: skip


def test_one_namespace_alone_is_nothing_of_the_clusters(tmp_path: Path) -> None:
    found = kustomized(tmp_path, "namespace-only", namespace="shop")
    assert kinds(found) == ["ConfigMap", "CronJob", *["Role"] * 4, "RoleBinding", "ServiceAccount"]
    assert {m["metadata"]["namespace"] for m in found} == {"shop"}
    binding = one(found, "RoleBinding")
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "shop"}]
    (variable,) = pod_template(found)["spec"]["containers"][0]["env"]
    of_the_pod = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert variable == {"name": "POD_NAMESPACE", "valueFrom": of_the_pod}


@ALL
def test_a_mode_is_an_argument_and_nothing_else_is_one(components: tuple[str, ...], tmp_path: Path) -> None:
    expected = [argument for mode in MODES if mode in components for argument in MODES[mode]]
    found = arguments(kustomized(tmp_path, *components))
    assert found[: len(ALWAYS)] == ALWAYS
    assert sorted(found) == sorted([*ALWAYS, *expected])
    options = {name for parameter in command.params for name in parameter.opts}
    assert {argument.partition("=")[0] for argument in found} <= options


def test_the_order_of_components_changes_nothing_but_the_order_of_arguments(tmp_path: Path) -> None:
    there, back = (kustomized(tmp_path, *order) for order in (COMPONENTS, reversed(COMPONENTS)))
    for manifests in (there, back):
        arguments(manifests).sort()
        manifests.sort(key=lambda m: (m["kind"], m["metadata"]["name"]))
    assert there == back


@ALL
def test_the_rights_are_those_of_the_file_for_the_mode(components: tuple[str, ...], tmp_path: Path) -> None:
    found = kustomized(tmp_path, *components)
    kind = "Role" if "namespace-only" in components else "ClusterRole"
    of_a_run = f"{NAME}-plan" if "plan-only" in components else NAME
    assert one(found, kind, NAME)["rules"] == shipped(of_a_run)
    for role in (f"{NAME}-plan", f"{NAME}-author", f"{NAME}-options"):
        assert one(found, kind, role)["rules"] == shipped(role)


@ALL
def test_every_pod_passes_the_restricted_standard_and_writes_nowhere(
    components: tuple[str, ...], tmp_path: Path
) -> None:
    """Its token is mounted by hand, and short-lived; its options are those of the one ConfigMap."""
    found = kustomized(tmp_path, *components)
    spec, account = pod_template(found)["spec"], one(found, "ServiceAccount")
    nobody = {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        **({} if "openshift" in components else nobody),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,), (volume, *others) = spec["containers"], spec["volumes"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert volume.keys() == {"name", "projected"}, "of those that the standard allows"
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
    place = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
    (mount, *more) = container["volumeMounts"]
    assert mount == {"name": volume["name"], **place}
    assert len(others) == len(more) == ("templates" in components), "read only, as its test has it"
    assert spec["serviceAccountName"] == account["metadata"]["name"]
    assert spec["automountServiceAccountToken"] is account["automountServiceAccountToken"] is False
    token, authority, namespace = volume["projected"]["sources"]
    assert token == {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
    assert authority["configMap"]["name"] == "kube-root-ca.crt"
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"
    assert container["envFrom"] == [{"configMapRef": {"name": NAME}}]
    assert one(found, "ConfigMap", NAME), "without a hash, so that it can be asked for"


def test_the_namespace_enforces_the_restricted_standard(base: list[Manifest]) -> None:
    labels = one(base, "Namespace")["metadata"]["labels"]
    for mode in ("enforce", "warn", "audit"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.34"


def test_how_often_a_run_begins_and_what_a_failed_one_means(base: list[Manifest]) -> None:
    (timeout,) = (a.removeprefix("--timeout=") for a in arguments(base) if a.startswith("--timeout="))
    spec = one(base, "CronJob")["spec"]
    job = spec.pop("jobTemplate")["spec"]
    assert spec == {
        "schedule": "* * * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 30,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
    }
    template = job.pop("template")
    container = template["spec"]["containers"][0]["name"]
    codes = {"containerName": container, "operator": "In", "values": [2, 4]}
    evicted = [{"type": "DisruptionTarget", "status": "True"}]
    rules = [
        {"action": "FailJob", "onExitCodes": codes},
        {"action": "Ignore", "onPodConditions": evicted},
    ]
    assert job == {"backoffLimit": 0, "activeDeadlineSeconds": 600, "podFailurePolicy": {"rules": rules}}
    assert template["spec"]["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] > parse_duration(timeout).total_seconds() + 60, (
        "the command's ends first"
    )


def test_the_deployment_is_one_pod_that_is_never_two_and_it_is_the_cronjobs(tmp_path: Path) -> None:
    found = kustomized(tmp_path, "deployment")
    assert "CronJob" not in kinds(found)
    spec = one(found, "Deployment")["spec"]
    template = spec.pop("template")
    assert spec == {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": template["metadata"]["labels"]},
    }
    of_cronjob = pod_template(kustomized(tmp_path))
    of_cronjob["spec"]["restartPolicy"] = "Always"
    of_cronjob["spec"]["containers"][0]["args"].append("--interval=15s")
    assert template == of_cronjob


@pytest.mark.parametrize("more", [(), ("deployment",)])
def test_the_network_policy_lets_the_commands_pod_reach_the_api_server_and_dns_also_of_openshift(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    found = kustomized(tmp_path, "network-policy", *more)
    policy = one(found, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == pod_template(found)["metadata"]["labels"]
    assert len(policy["podSelector"]["matchLabels"]) == 2
    ports = {(port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]}
    assert ports == {("TCP", 443), ("TCP", 6443), *product(("UDP", "TCP"), (53, 5353))}


def test_a_second_installation_shares_no_name_with_the_first(base: list[Manifest], tmp_path: Path) -> None:
    second = kustomized(tmp_path, namespace="previews-b", nameSuffix="-b")
    assert not names(base) & names(second)
    binding = one(second, "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == f"{NAME}-b"
    account = {"kind": "ServiceAccount", "name": f"{NAME}-b", "namespace": "previews-b"}
    assert binding["subjects"][0] == account
    (rule,) = one(second, "ClusterRole", f"{NAME}-options-b")["rules"]
    assert rule["resourceNames"] == [one(second, "ConfigMap")["metadata"]["name"]] == [f"{NAME}-b"]


@pytest.mark.parametrize("way", PIPELINE)
def test_a_pipeline_has_an_account_in_the_namespace_of_its_overlay(way: str, tmp_path: Path) -> None:
    found = pipeline_kustomized(tmp_path, way, namespace="shop", nameSuffix="-shop")
    account = {"kind": "ServiceAccount", "name": f"{NAME}-pipeline-shop", "namespace": "shop"}
    assert one(found, "ServiceAccount")["metadata"]["namespace"] == "shop"
    assert one(found, "ServiceAccount")["metadata"]["name"] == account["name"]
    bindings = [manifest for manifest in found if manifest["kind"].endswith("Binding")]
    assert len(bindings) == len(found) - 1
    assert all(binding["subjects"] == [account] for binding in bindings)
    assert {(b["kind"], b["roleRef"]["kind"], b["roleRef"]["name"]) for b in bindings} == PIPELINE[way]


@pytest.mark.parametrize("components", [("templates",), ("namespace-only", "templates")], ids="+".join)
def test_the_rights_of_templates_are_the_accounts_of_the_overlay(
    components: tuple[str, ...], tmp_path: Path
) -> None:
    found = kustomized(tmp_path, *components, namespace="previews-b", nameSuffix="-b")
    role = "Role" if "namespace-only" in components else "ClusterRole"
    name = f"{NAME}-templates-b"
    assert one(found, role, name)["rules"] == EXTRA_RULES
    binding = one(found, f"{role}Binding", name)
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (role, name)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": f"{NAME}-b", "namespace": "previews-b"}]


def variables() -> dict[str, click.Option]:
    """Every option of the command by the variable that sets it."""
    options = [p for p in command.params if isinstance(p, click.Option) and p.allow_from_autoenv]
    return {str(o.envvar or f"RECONCILE_{str(o.name).upper()}"): o for o in options}


def test_every_variable_of_the_configmap_is_an_option_and_is_taken_by_it(base: list[Manifest]) -> None:
    context = click.Context(command, **command.context_settings)
    for name, text in one(base, "ConfigMap")["data"].items():
        option = variables()[name]
        option.type_cast_value(context, [text] if option.multiple else text)


def test_the_image_and_the_chart_are_of_this_version(base: list[Manifest]) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (container,) = pod_template(base)["spec"]["containers"]
    assert container["image"] == f"{NAME}:{__version__}"
    assert chart["appVersion"] == chart["version"] == __version__


def test_nothing_but_the_chart_installs_a_crd() -> None:
    with_crd = [path for path in BASE.rglob("*.yaml") if "CustomResourceDefinition" in path.read_text()]
    assert with_crd == [CHART / "crds" / "previewenvironment.yaml"]


def alert_rules(manifests: list[Manifest]) -> list[dict[str, Any]]:
    (group,) = one(manifests, "PrometheusRule")["spec"]["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def test_every_alert_has_a_query_a_duration_and_a_remedy(tmp_path: Path) -> None:
    rules = alert_rules(kustomized(tmp_path, "alerts", namespace="shop"))
    assert {rule["alert"]: rule["for"] for rule in rules} == {
        "PreviewReconcileStale": "5m",
        "PreviewReconcileSuspended": "1h",
        "PreviewReconcileFailed": "5m",
        "PreviewReconcileDown": "10m",
    }
    for rule in rules:
        assert sorted(rule["annotations"]) == ["description", "summary"]
        assert rule["labels"]["severity"] in ("warning", "info")
        assert "{{ $labels.namespace }}" in rule["annotations"]["description"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert "namespace=" not in rule["expr"], "the text would not follow an overlay's namespace"
