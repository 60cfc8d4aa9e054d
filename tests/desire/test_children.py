"""The children of a preview, whole, as they are applied."""

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.desire.children import is_name_of_child, render
from reconcile.desire.children.metadata import with_hash, without_owner
from reconcile.desire.children.setup_job import job_name
from reconcile.kube.objects import Key
from reconcile.model.names import Names
from reconcile.model.preview import parse_preview
from reconcile.model.rules import PULL_POLICIES
from reconcile.model.settings import Gateway, Settings, Toleration
from reconcile.model.spec import Spec
from tests.builders import EVERY_FIELD, a_preview, without_uid
from tests.conftest import SHIPPED
from tests.given import NAMES, a_read_preview, children_of

PREVIEW = a_read_preview(image="nginx:1", fqdn="a.example.com", uid="u-1")
GOLDEN = Path(__file__).parent / "golden"
"""Each child whole, but for the hashes of itself and of its pod template."""


def child(kind: str, preview: Any = PREVIEW, **settings: Any) -> dict[str, Any]:
    """One child, without the hashes of itself and of its pod template."""
    manifest = copy.deepcopy(dict(children_of(preview, **settings)[kind]))
    del manifest["metadata"]["annotations"]["platform9.com/applied"]
    if kind == "Deployment":
        template = manifest["spec"]["template"]["metadata"]
        del template["annotations"]["platform9.com/template"]
        if not template["annotations"]:
            del template["annotations"]
    return manifest


def pod_spec(**spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = child("Deployment", a_read_preview(**spec))["spec"]["template"]["spec"]
    return found


def container(**spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod_spec(**spec)["containers"][0]
    return found


DIGEST = "nginx@sha256:" + "a" * 64
EVERYTHING_OF_PODS: dict[str, Any] = {
    "image": DIGEST,
    "fqdn": "a.example.com",
    "uid": "u-1",
    "port": 8080,
    "replicas": 2,
    "env": [
        {"name": "B", "value": "1"},
        {"name": "A", "value": ""},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ],
    "envFrom": [
        {"prefix": "P_", "secretRef": {"name": "s"}},
        {"configMapRef": {"name": "c", "optional": False}},
    ],
    "imagePullSecrets": [{"name": "pull"}],
    "resources": {"limits": {"memory": "1024Mi"}, "requests": {"cpu": "0.5"}},
    "command": ["run"],
    "args": ["--all", ""],
    "healthPath": "/healthz",
    "revision": "abc",
}
A_SETUP: dict[str, Any] = {
    "image": "nginx:1",
    "fqdn": "a.example.com",
    "uid": "u-1",
    "imagePullSecrets": [{"name": "pull"}],
    "resources": {"limits": {"cpu": "0.5"}},
    "command": ["serve"],
    "revision": "abc",
    "setup": {"command": ["migrate"], "args": ["--all"]},
    "env": [{"name": "A", "value": "1"}],
    "envFrom": [{"configMapRef": {"name": "c"}}],
}
PODS: dict[str, Any] = {
    "pod_security": "restricted",
    "node_selector": (("pool", "previews"),),
    "priority_class": "low",
}
ALL_OF_PODS: dict[str, Any] = {
    **PODS,
    "default_limits": (("cpu", "1000m"), ("memory", "64Mi")),
    "default_requests": (("memory", "32Mi"),),
    "tolerations": (
        Toleration(key="previews", operator="Exists"),
        Toleration(key="pool", operator="Equal", value="previews", effect="NoSchedule"),
    ),
}
EXTRAS: dict[str, Any] = {
    "route_labels": (("team", "shop"),),
    "route_annotations": (("example.com/note", "a b"),),
}
SECTION = Gateway(namespace="infra", name="web", section="https")


@pytest.mark.parametrize(
    ("golden", "preview", "settings"),
    [
        ("deployment", PREVIEW, {}),
        ("deployment-with-everything", a_read_preview(**EVERYTHING_OF_PODS), ALL_OF_PODS),
        # Another name of the Job would run the setup of every preview of every cluster again.
        ("job", a_read_preview(**A_SETUP), PODS),
        ("service", a_read_preview(uid="u-1", port=8080), {}),
        ("mapping", PREVIEW, EXTRAS),
        ("ingress", PREVIEW, {"route": "ingress", **EXTRAS}),
        ("ingress-with-class-and-certificate", PREVIEW, {"route": "ingress", "ingress_class": "web", "tls_secret": "wildcard"}),
        ("ingress-with-issuer", PREVIEW, {"route": "ingress", "cluster_issuer": "letsencrypt"}),
        # Its lists are atomic: the defaults of them are written out.
        ("httproute", PREVIEW, {"route": "httproute", "gateway": replace(SECTION, section=None), **EXTRAS}),
        ("httproute-with-section", PREVIEW, {"route": "httproute", "gateway": SECTION}),
    ],
)  # fmt: skip
def test_a_child_is_applied_as_it_stands_in_its_file(
    golden: str, preview: Any, settings: dict[str, Any]
) -> None:
    whole = yaml.safe_load((GOLDEN / f"{golden}.yaml").read_text())
    assert child(whole["kind"], preview, **settings) == whole


def template_mark(**spec: Any) -> str:
    template = children_of(a_read_preview(**spec))["Deployment"]["spec"]["template"]
    return str(template["metadata"]["annotations"]["platform9.com/template"])


def test_a_pod_template_carries_a_mark_that_no_other_template_has() -> None:
    marks = [
        template_mark(),
        template_mark(image="nginx:2"),
        template_mark(revision="a"),
        template_mark(env=[{"name": "A"}]),
        template_mark(port=81),
    ]
    assert len(set(marks)) == len(marks)
    assert template_mark(replicas=3) == template_mark(suspend=True) == template_mark(), "no other pods"


@pytest.mark.parametrize(
    ("spec", "replicas"),
    [({}, None), ({"replicas": 3}, 3), ({"replicas": 0}, 0), ({"suspend": True, "replicas": 3}, 0)],
)
def test_replicas_are_rendered_only_where_they_are_set(spec: Any, replicas: int | None) -> None:
    assert child("Deployment", a_read_preview(**spec))["spec"].get("replicas") == replicas


@pytest.mark.parametrize(
    "spec",
    [
        {"env": [], "envFrom": [], "command": [], "args": [], "imagePullSecrets": []},
        {"resources": {}},
        {"resources": {"limits": {}, "requests": {}}},
        {"env": None, "resources": None},
    ],
)
def test_nothing_empty_is_rendered_since_a_server_drops_it(spec: dict[str, Any]) -> None:
    assert container(**spec) == container()
    assert pod_spec(**spec) == pod_spec()


TAG = "nginx:1"


def pull_policies(*allowed: str, image: str = TAG, **spec: Any) -> tuple[str, str]:
    """The pull policy of the app's container, and of the setup's, which has another kind of image."""
    preview = a_read_preview(image=image, setup={"image": DIGEST if image == TAG else TAG}, **spec)
    made = children_of(preview, allow_pull_policy=allowed)
    app, setup = (made[kind]["spec"]["template"]["spec"]["containers"] for kind in ("Deployment", "Job"))
    return app[0]["imagePullPolicy"], setup[0]["imagePullPolicy"]


@pytest.mark.parametrize(
    ("allowed", "tag", "digest"),
    [
        ((), "Always", "IfNotPresent"),
        (("Never", "IfNotPresent", "Always"), "Always", "IfNotPresent"),
        (("Always", "IfNotPresent"), "Always", "IfNotPresent"),
        (("Always",), "Always", "Always"),
        (("Never", "Always"), "Always", "Always"),
        (("IfNotPresent",), "IfNotPresent", "IfNotPresent"),
        (("Never", "IfNotPresent"), "IfNotPresent", "IfNotPresent"),
        (("Never",), "Never", "Never"),
    ],
)
def test_the_pull_policy_is_the_usual_one_of_the_image_or_else_one_that_is_allowed(
    allowed: tuple[str, ...], tag: str, digest: str
) -> None:
    assert pull_policies(*allowed) == (tag, digest)
    assert pull_policies(*allowed, image=DIGEST) == (digest, tag)
    assert pull_policies(*allowed, imagePullPolicy=None) == (tag, digest)


@pytest.mark.parametrize("policy", PULL_POLICIES)
@pytest.mark.parametrize("image", [TAG, DIGEST])
def test_a_pull_policy_that_is_set_is_that_of_the_app_and_of_the_setup(policy: str, image: str) -> None:
    assert pull_policies(image=image, imagePullPolicy=policy) == (policy, policy)
    assert set(pull_policies(*PULL_POLICIES, image=image, imagePullPolicy=policy)) == {policy}


def setup_of(name: str = "pr-1", **spec: Any) -> dict[str, Any]:
    return child("Job", a_read_preview(name, **{"setup": {"command": ["migrate"]}, **spec}))


def setup_name(name: str = "pr-1", **spec: Any) -> str:
    found: str = setup_of(name, **spec)["metadata"]["name"]
    return found


def test_a_setup_with_an_image_of_its_own_runs_that() -> None:
    (setup,) = setup_of(image="a:1", setup={"image": "b:2"})["spec"]["template"]["spec"]["containers"]
    assert (setup["image"], "command" in setup) == ("b:2", False)


def test_another_image_or_revision_has_a_job_of_another_name_and_nothing_else_has() -> None:
    others = [
        setup_name(image="other:1"),
        setup_name(revision="2"),
        setup_name(setup={"command": ["migrate"], "image": "other:1"}),
        setup_name(namespace="blog"),
        setup_name("pr-2"),
    ]
    assert len({setup_name(), *others}) == 6
    same: list[dict[str, Any]] = [
        {"setup": {"command": ["other"]}},
        {"env": [{"name": "A", "value": "1"}]},
        {"fqdn": "other.example.com"},
        {"uid": "made-again"},
        {"suspend": True},
        {"imagePullPolicy": "Never"},
    ]
    assert {setup_name(**spec) for spec in same} == {setup_name()}


@pytest.mark.parametrize("name", ["a", "pr-1", "a" * 52, "a" * 51 + "-b", "a" * 63, "a" + "-" * 61 + "b"])
def test_a_setup_jobs_name_is_a_label_that_only_its_preview_gives(name: str) -> None:
    made = setup_name(name)
    assert re.fullmatch("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", made)
    assert is_name_of_child(Key("Job", "shop", made), name)
    assert not is_name_of_child(Key("Job", "shop", made), "pr")
    for other in (name, f"{name}-{'0' * 9}", f"{name}-{'0' * 11}", f"{name}-{'g' * 10}", made + "0"):
        assert not is_name_of_child(Key("Job", "shop", other), name)


def test_no_setup_job_has_the_name_of_a_replica_set() -> None:
    """Of 2,000 revisions some twenty have a hash of a pod template's letters alone."""
    preview = a_read_preview(setup={"command": ["migrate"]})
    names = {
        job_name(replace(preview, spec=preview.spec.model_copy(update={"revision": str(number)})))
        for number in range(2_000)
    }
    assert len(names) == 2_000
    assert not [name for name in names if re.fullmatch("pr-1-[456789bcdf]{10}", name)]


def test_a_long_name_is_cut_where_no_dash_stands() -> None:
    assert re.fullmatch(f"{'a' * 51}-[0-9a-f]{{10}}", setup_name("a" * 51 + "-b"))
    assert re.fullmatch(f"{'a' * 52}-[0-9a-f]{{10}}", setup_name("a" * 63))


@pytest.mark.parametrize(
    ("route", "kinds"),
    [
        ("mapping", ["Deployment", "Service", "Mapping"]),
        ("ingress", ["Deployment", "Service", "Ingress"]),
        ("httproute", ["Deployment", "Service", "HTTPRoute"]),
        ("none", ["Deployment", "Service"]),
    ],
)
def test_a_preview_has_one_kind_of_route_and_it_comes_last(route: Any, kinds: list[str]) -> None:
    assert [manifest["kind"] for manifest in render(PREVIEW, Settings(route=route))] == kinds


ALL = [{"route": "mapping"}, {"route": "ingress"}, {"route": "httproute"}]


EVERYTHING = a_read_preview(**EVERY_FIELD).spec


def every_child(preview: Any) -> dict[str, Any]:
    """Of a preview that says nothing of a field, those of the field's example."""
    asked = {name: getattr(EVERYTHING, name) for name in Spec.model_fields}
    given = {name: getattr(preview.spec, name) for name in preview.spec.model_fields_set}
    preview = replace(preview, spec=preview.spec.model_copy(update={**asked, **given}))
    found = {kind: m for settings in ALL for kind, m in children_of(preview, **settings).items()}
    assert found.keys() >= SHIPPED
    return found


def test_the_hash_is_the_one_that_earlier_versions_wrote() -> None:
    """Another one would have every child of every cluster applied again. Without an owner, whose kind has
    another name in a kit that was made one's own."""
    group = "previews.example.com"
    annotations = children_of(replace(PREVIEW, uid="", group=group), group=group)["Service"]["metadata"][
        "annotations"
    ]
    assert annotations[f"{group}/applied"] == "985d4805e5d74f36fbf6c6ed3804ad9c"


def test_the_hash_covers_all_the_rest_and_not_the_hash_before() -> None:
    for manifest in every_child(PREVIEW).values():
        assert with_hash(manifest, NAMES) == manifest
        other = {**manifest, "spec": {**manifest["spec"], "x": 1}}
        assert with_hash(other, NAMES)["metadata"] != manifest["metadata"]


def test_a_protected_preview_protects_every_child_from_us_and_from_the_garbage_collector() -> None:
    preview = a_read_preview(annotations={"platform9.com/prune": "disabled"})
    for manifest in every_child(preview).values():
        assert manifest["metadata"]["annotations"]["platform9.com/prune"] == "disabled"
        assert "ownerReferences" not in manifest["metadata"]


@pytest.mark.parametrize("value", ["enabled", "", "Disabled"])
def test_any_other_value_protects_nothing(value: str) -> None:
    preview = a_read_preview(annotations={"platform9.com/prune": value})
    for manifest in every_child(preview).values():
        assert "platform9.com/prune" not in manifest["metadata"]["annotations"]
        assert manifest["metadata"]["ownerReferences"]


def test_children_of_a_preview_without_a_uid_have_no_owner_that_a_cluster_could_miss() -> None:
    written = parse_preview(without_uid(a_preview()), group="platform9.com", strict_fields=True)
    theirs = every_child(a_read_preview())
    for kind, manifest in every_child(written).items():
        assert manifest == without_owner(theirs[kind], NAMES)


def test_nothing_of_the_authors_labels_and_annotations_reaches_a_child() -> None:
    marked = a_read_preview(labels={"team": "x"}, annotations={"note": "y"})
    assert every_child(marked) == every_child(a_read_preview())


def test_names_follow_the_api_group() -> None:
    names = Names("previews.example.com")
    manifest = children_of(replace(PREVIEW, group=names.group), group=names.group)["Service"]
    assert manifest["metadata"]["ownerReferences"][0]["apiVersion"] == "previews.example.com/v1"
    assert "platform9.com" not in str(manifest)
    assert set(manifest["metadata"]["annotations"]) == {names.identity_annotation, names.applied_annotation}
