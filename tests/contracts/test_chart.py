"""The Helm chart: linted by helm, refused values refused, and the same objects as kustomize makes."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reconcile.cli.main import command
from tests.cli.test_main import variable_of
from tests.contracts.test_manifests import ALL, alert_rules, names
from tests.controlplane import shipped
from tests.installation import (
    CHART,
    DOCUMENT,
    EXTRA_RULES,
    NAME,
    Manifest,
    arguments,
    helm,
    kustomized,
    one,
    pod_template,
    rendered,
)

HELMS_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")
VALUES: dict[str, dict[str, Any]] = {
    "namespace-only": {"namespaceOnly": True},
    "plan-only": {"planOnly": True},
    "deployment": {"mode": "deployment"},
    "network-policy": {"networkPolicy": {"enabled": True}},
    "alerts": {"alerts": {"enabled": True}},
    "openshift": {"openshift": True},
    "templates": {"templates": {"app.yaml": DOCUMENT}, "extraRules": EXTRA_RULES},
}
# What DESIGN calls the operator's; all other options are about one call of the command.
OPERATORS = [
    "allow-fqdn", "allow-image", "allow-protect", "allow-pull-policy", "allow-secret", "api-group",
    "awake", "awake-by-namespace",
    "cluster-issuer", "concurrency",
    "default-resources", "default-ttl", "gateway", "ingress-class", "max-deletes", "max-previews", "max-ttl",
    "node-selector", "pod-security", "priority-class", "route", "route-annotation", "route-kind",
    "route-label",
    "tls-secret", "toleration", "url-scheme",
]  # fmt: skip


def comparable(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The objects by kind and name, without Helm's own labels, and with arguments in one order.

    Without the Namespace too: the one of a release is there before the release, and is not the chart's.
    """
    found = {f"{m['kind']}/{m['metadata']['name']}": m for m in manifests if m["kind"] != "Namespace"}
    arguments(manifests).sort()
    for manifest in found.values():
        for label in HELMS_LABELS:
            manifest["metadata"]["labels"].pop(label, None)
        of_both = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
        assert manifest["metadata"]["labels"] == of_both
    return found


@ALL
def test_chart_and_kustomize_make_the_same_objects(components: tuple[str, ...], tmp_path: Path) -> None:
    values = {key: value for component in components for key, value in VALUES[component].items()}
    chart = comparable(rendered(values))
    assert chart == comparable(kustomized(tmp_path, *components))
    assert len(chart) >= 6


def test_the_same_options_are_the_same_configmap(tmp_path: Path) -> None:
    pairs = {
        "route": ("ingress", "ingress"),
        "ingress-class": ("web", "web"),
        "allow-fqdn": (["*.a.example.com", "*.b.example.com"], "*.a.example.com\n*.b.example.com"),
        "max-previews": (2000000, "2000000"),
        "max-deletes": ("10%", "10%"),
        "route-annotation": (['note=it\'s = "said" $HOME'], 'note=it\'s = "said" $HOME'),
    }
    options = {option: value for option, (value, _) in pairs.items()}
    data = {variable_of(f"--{option}"): text for option, (_, text) in pairs.items()}
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
    overlay = kustomized(tmp_path, patches=[{"target": {"kind": "ConfigMap"}, "patch": json.dumps(patch)}])
    assert one(rendered({"options": options}), "ConfigMap")["data"] == data
    assert one(overlay, "ConfigMap")["data"] == data


def test_an_empty_list_is_none_at_all_and_an_empty_allow_list_allows_nothing() -> None:
    options: dict[str, list[str]] = {
        name: [] for name in ("allow-fqdn", "allow-secret", "route-label", "toleration")
    }
    data = one(rendered({"options": options}), "ConfigMap")["data"]
    assert data == {"RECONCILE_ALLOW_FQDN": "", "RECONCILE_ALLOW_SECRET": "", "RECONCILE_ROUTE": "mapping"}


def test_another_api_group_is_in_the_options_and_in_the_rights() -> None:
    found = rendered({"options": {"api-group": "previews.example.com"}})
    assert one(found, "ConfigMap")["data"]["RECONCILE_API_GROUP"] == "previews.example.com"
    assert one(found, "ClusterRole", NAME)["rules"] == shipped(group="previews.example.com")
    assert one(found, "ClusterRole", f"{NAME}-plan")["rules"] == shipped(
        f"{NAME}-plan", "previews.example.com"
    )


def test_two_releases_share_no_name() -> None:
    first, second = (rendered({}, release=release, namespace="shop") for release in ("a", "b"))
    assert not names(first) & names(second)
    binding = one(first, "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == f"a-{NAME}"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": f"a-{NAME}", "namespace": "shop"}]


def test_templates_are_mounted_where_the_option_finds_them(tmp_path: Path) -> None:
    folder = "/etc/preview-reconcile/templates"
    chart = rendered({**VALUES["templates"], "options": {"route": None}})
    for manifests in (kustomized(tmp_path, "templates"), chart):
        assert one(manifests, "ConfigMap", f"{NAME}-templates")["data"] == {"app.yaml": DOCUMENT}
        assert one(manifests, "ConfigMap", NAME)["data"]["RECONCILE_TEMPLATES"] == folder
        pod = pod_template(manifests)["spec"]
        assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == folder
        assert pod["volumes"][1]["configMap"] == {"name": f"{NAME}-templates"}


def test_rules_beside_the_shipped_ones_are_a_role_of_their_own_of_the_releases_account() -> None:
    values = {"extraRules": EXTRA_RULES}
    found = rendered(values, release="a", namespace="shop")
    assert one(found, "ClusterRole", f"a-{NAME}-templates")["rules"] == EXTRA_RULES
    assert one(found, "ClusterRole", f"a-{NAME}")["rules"] == shipped()
    binding = one(found, "ClusterRoleBinding", f"a-{NAME}-templates")
    assert binding["roleRef"]["name"] == f"a-{NAME}-templates"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": f"a-{NAME}", "namespace": "shop"}]
    assert not [m for m in rendered({}) if m["metadata"]["name"].endswith("-templates")]


def test_a_run_that_only_plans_gets_and_lists_the_kinds_of_templates_too() -> None:
    found = rendered({"extraRules": EXTRA_RULES, "planOnly": True})
    rules = [{**rule, "verbs": ["get", "list"]} for rule in EXTRA_RULES]
    assert one(found, "ClusterRole", f"{NAME}-templates")["rules"] == rules


def bound(manifests: list[Manifest]) -> set[tuple[str, str, str]]:
    """Of each RoleBinding its namespace, its role, and the namespace of whose it is."""
    return {
        (m["metadata"]["namespace"], m["roleRef"]["name"], m["subjects"][0]["namespace"])
        for m in manifests
        if m["kind"] == "RoleBinding"
    }


def test_a_pipeline_has_an_account_in_its_namespace_and_may_reconcile_if_set() -> None:
    pipelines = [{"namespace": "shop"}, {"namespace": "blog", "reconcile": True}]
    found = rendered({"pipelines": pipelines}, release="a", namespace="previews")
    name = f"a-{NAME}"
    assert bound(found) == {
        ("shop", f"{name}-author", "shop"),
        ("blog", f"{name}-author", "blog"),
        ("blog", name, "blog"),
        ("previews", f"{name}-options", "blog"),
    }
    accounts = [m for m in found if m["metadata"]["name"] == f"{name}-pipeline"]
    assert [m["metadata"]["namespace"] for m in accounts] == ["shop", "blog"]
    subjects = {m["subjects"][0]["name"] for m in found if m["kind"] == "RoleBinding"}
    assert subjects == {f"{name}-pipeline"}
    (rule,) = one(found, "ClusterRole", f"{name}-options")["rules"]
    assert rule["resourceNames"] == [name]
    assert one(found, "ClusterRole", f"{name}-author")["rules"] == shipped(f"{NAME}-author")


def test_a_pipeline_of_another_namespace_is_refused_with_namespace_only() -> None:
    values = {"namespaceOnly": True, "pipelines": [{"namespace": "shop"}]}
    bindings = bound(rendered(values, namespace="shop"))
    assert bindings == {("shop", NAME, "shop"), ("shop", f"{NAME}-author", "shop")}
    version = ("--kube-version", "1.34.0")
    done = helm("template", NAME, str(CHART), "--namespace", "blog", *version, "--values", "-", values=values)
    assert "pipelines: shop is not the namespace of the release" in done.stderr


def test_the_alerts_are_about_the_releases_own_name() -> None:
    for rule in alert_rules(rendered({"alerts": {"enabled": True, "labels": {"team": "web"}}}, release="a")):
        assert f'=~"a-{NAME}.*"' in rule["expr"]
        assert f'=~"{NAME}.*"' not in rule["expr"]


def test_what_is_only_the_charts_is_taken() -> None:
    image, digest, secrets = "registry.example.com/reconcile", f"sha256:{'0' * 64}", [{"name": "pull"}]
    of_cronjob = {"suspend": True, "schedule": "*/5 * * * *"}
    of_pod = {"nodeSelector": {"pool": "tools"}, "tolerations": [{"key": "tools", "operator": "Exists"}]}
    of_image = {"repository": image, "digest": digest, "pullPolicy": "Always", "pullSecrets": secrets}
    resources = {"limits": {"memory": "1Gi"}}
    found = rendered({"image": of_image, **of_cronjob, **of_pod, "resources": resources})
    pod = pod_template(found)["spec"]
    (container,) = pod["containers"]
    assert one(found, "CronJob")["spec"].items() >= of_cronjob.items()
    assert pod.items() >= {**of_pod, "imagePullSecrets": secrets}.items()
    assert (container["image"], container["imagePullPolicy"]) == (f"{image}@{digest}", "Always")
    assert container["resources"]["limits"] == resources["limits"]


def test_helm_lint_accepts_the_chart() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 chart(s) failed" in done.stdout


REFUSED = """
mode: daemonset
timeout: 5 minutes
interval: "0"
activeDeadlineSeconds: 0
image: {digest: 0.1.0}
planonly: true
openshift: "yes"
extraRules: {verbs: [get]}
pipelines: [shop, {reconcile: true}]
options:
  routes: ingress
  route: gateway
  allow-fqdn: "*.example.com"
  allow-pull-policy: [always]
  allow-protect: [shop]
  route-kind: [none]
  max-previews: 0
  dry-run: true
---
timeout: 300
planOnly: "yes"
extraRules:
- {apiGroups: [""], resources: [configmaps], verbs: [watch]}
- {apiGroups: [""], resources: ["*"], verbs: [get]}
- {apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [a]}
options: {allow-fqdn: ["a\\nb"]}
---
templates: {app.txt: a}
"""
PLACES = (
    "/mode /timeout /interval /activeDeadlineSeconds /image/digest planonly /openshift /extraRules "
    "/pipelines/0 /pipelines/1 routes /options/route /options/allow-fqdn /options/allow-pull-policy/0 "
    "/options/allow-protect/0 /options/route-kind/0 /options/max-previews dry-run",
    "/timeout /planOnly /extraRules/0/verbs/0 /extraRules/1/resources/0 /extraRules/2 /options/allow-fqdn/0",
    "app.txt",
)


@pytest.mark.parametrize(("values", "places"), [*zip(yaml.safe_load_all(REFUSED), PLACES, strict=True)])
def test_values_that_mean_nothing_are_refused_each_by_its_place(values: dict[str, Any], places: str) -> None:
    done = helm("template", NAME, str(CHART), "--values", "-", values=values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
    assert [place for place in places.split() if f"'{place}'" not in done.stderr] == []


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    return found


def test_the_schema_has_the_operators_options_with_a_list_for_each_that_repeats() -> None:
    given = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    options = {name.removeprefix("--"): option for option in given for name in option.opts}
    in_schema = schema()["properties"]["options"]["properties"]
    assert sorted(in_schema) == OPERATORS
    assert {name for name, rule in in_schema.items() if rule.get("type") == "array"} == {
        name for name in OPERATORS if options[name].multiple
    }
    choices = {n: o.type.choices for n, o in options.items() if isinstance(o.type, click.Choice)}
    one_of = {name: rule.get("items", rule) for name, rule in in_schema.items()}
    assert {name: tuple(rule["enum"]) for name, rule in one_of.items() if "enum" in rule} == {
        name: tuple(choices[name]) for name in OPERATORS if name in choices
    }
