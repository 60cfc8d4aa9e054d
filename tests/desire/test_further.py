"""Further children, which documents make by themselves: what they are, and what they may not be."""

from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.desire.templates.source import source_of
from reconcile.kube.objects import Key
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.scope import Scope
from tests.given import a_read_preview
from tests.template_cases import at
from tests.templates import NAME, all_children, document, further, loaded, with_templates

PREVIEW = a_read_preview()
BUILT_IN = ["Deployment pr-1", "Service pr-1", "Mapping pr-1"]
APPS, NETWORKING, GATEWAY = "apps/v1", "networking.k8s.io/v1", "gateway.networking.k8s.io/v1"
AMBASSADOR = "getambassador.io/v3alpha1"
PODS = "template: {spec: {containers: [{name: db, image: 'registry.example.com/db:1'}]}}"
OURS = {
    "app.kubernetes.io/managed-by": "preview-reconcile",
    "app.kubernetes.io/name": "preview",
    "app.kubernetes.io/instance": "pr-1",
    "platform9.com/preview": "pr-1",
}
MINE = {"platform9.com/preview": "pr-1"}


def of_pods(component: str, **labels: str) -> dict[str, str]:
    """What a workload selects its pods by."""
    return {**labels, **MINE, "app.kubernetes.io/component": component}


def only(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The one child that no preview has without a document."""
    (made,) = (child for key, child in found.items() if key not in BUILT_IN)
    return made


def made(text: str, preview: PreviewEnvironment = PREVIEW, **settings: Any) -> dict[str, Any]:
    return only(all_children(preview, text, **settings))


# what each is


def test_a_further_child_is_marked_as_every_child_and_names_its_owner() -> None:
    text = further("v1", "ConfigMap", "-config", "data: {a: b}", metadata="labels: {team: shop}")
    metadata = made(text)["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert (metadata["name"], metadata["namespace"]) == ("pr-1-config", "shop")
    assert metadata["labels"] == {**OURS, "app.kubernetes.io/component": "config", "team": "shop"}
    assert metadata["annotations"].pop("platform9.com/identity") == "ConfigMap/shop/pr-1-config of pr-1"
    assert metadata["annotations"].keys() == {"platform9.com/templates", "platform9.com/applied"}
    assert (owner["kind"], owner["name"], owner["controller"]) == ("PreviewEnvironment", "pr-1", True)


@pytest.mark.parametrize(
    ("text", "identity", "component"),
    [
        (further(APPS, "Deployment", "-db", f"spec: {{{PODS}}}"), "Deployment/shop/pr-1-db of pr-1", "db"),
        (further(APPS, "StatefulSet", "", f"spec: {{{PODS}}}"), "StatefulSet/shop/pr-1 of pr-1", "statefulset"),
        (further("example.com/v1", "Redis", ""), "Redis.example.com/shop/pr-1 of pr-1", "redis"),
        (further("serving.knative.dev/v1", "Service", ""), "Service.serving.knative.dev/shop/pr-1 of pr-1", "service"),
        (further(AMBASSADOR, "Mapping", "-api-v2", f"spec: {{hostname: '{NAME}'}}".replace(NAME, "${preview.spec.fqdn}")), "Mapping/shop/pr-1-api-v2 of pr-1", "api-v2"),
    ],
)  # fmt: skip
def test_its_identity_has_the_full_kind_and_the_preview(text: str, identity: str, component: str) -> None:
    metadata = made(text)["metadata"]
    assert metadata["annotations"]["platform9.com/identity"] == identity
    assert metadata["labels"]["app.kubernetes.io/component"] == component


def test_its_pods_get_a_token_only_if_the_document_sets_it() -> None:
    """Their image may be an author's."""
    text = further(APPS, "Deployment", "-db", f"spec: {{{PODS}}}")
    pods = made(text)["spec"]["template"]["spec"]
    assert (pods["automountServiceAccountToken"], pods["enableServiceLinks"]) == (False, False)
    asked = "spec: {template: {spec: {automountServiceAccountToken: true}}}"
    assert made(text + further(APPS, "Deployment", "-db", asked))["spec"]["template"]["spec"] == {
        **pods,
        "automountServiceAccountToken": True,
    }


def test_a_child_of_a_protected_preview_is_protected_and_has_no_owner() -> None:
    preview = a_read_preview(annotations={"platform9.com/prune": "disabled"})
    metadata = made(further("v1", "ConfigMap"), preview)["metadata"]
    assert metadata["annotations"]["platform9.com/prune"] == "disabled"
    assert "ownerReferences" not in metadata


SELECTORS = [
    ("v1", "Service", "spec: {selector: {a: b}, ports: [{port: 1}]}", "spec.selector", {"a": "b", **MINE}),
    ("v1", "Service", "spec: {selector: {platform9.com/preview: other}}", "spec.selector", MINE),
    ("v1", "Service", "spec: {clusterIP: None, selector: {a: b}}", "spec.selector", {"a": "b", **MINE}),
    ("v1", "Service", "spec: {type: ExternalName, externalName: db.example.com}", "spec.selector", None),
    (APPS, "Deployment", f"spec: {{{PODS}}}", "spec.selector.matchLabels", of_pods("x")),
    (APPS, "Deployment", f"spec: {{selector: {{matchLabels: {{a: b}}}}, {PODS}}}", "spec.selector.matchLabels", of_pods("x", a="b")),
    (APPS, "StatefulSet", f"spec: {{{PODS}}}", "spec.selector.matchLabels", of_pods("x")),
    (APPS, "DaemonSet", f"spec: {{{PODS}}}", "spec.selector.matchLabels", of_pods("x")),
    ("policy/v1", "PodDisruptionBudget", "spec: {minAvailable: 1}", "spec.selector.matchLabels", MINE),
    ("policy/v1", "PodDisruptionBudget", "spec: {selector: {}}", "spec.selector.matchLabels", MINE),
    ("policy/v1", "PodDisruptionBudget", "spec: {selector: {matchLabels: {platform9.com/preview: other, a: b}}}", "spec.selector.matchLabels", {"a": "b", **MINE}),
    (NETWORKING, "NetworkPolicy", "spec: {podSelector: {}, policyTypes: [Ingress]}", "spec.podSelector.matchLabels", MINE),
    (NETWORKING, "NetworkPolicy", "spec: {policyTypes: [Ingress]}", "spec.podSelector.matchLabels", MINE),
]  # fmt: skip
"""A kind, its spec, and what it selects at which path."""


@pytest.mark.parametrize(("api_version", "kind", "spec", "path", "found"), SELECTORS)
def test_what_selects_pods_selects_those_of_its_preview_alone(
    api_version: str, kind: str, spec: str, path: str, found: Any
) -> None:
    assert at(made(further(api_version, kind, "-x", spec)), path) == found


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "path"),
    [
        *((APPS, kind, f"spec: {{{PODS}}}", "spec.template") for kind in ("Deployment", "StatefulSet", "DaemonSet")),
        ("batch/v1", "CronJob", f"spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{{PODS}}}}}}}", "spec.jobTemplate.spec.template"),
    ],
)  # fmt: skip
def test_pods_are_distinct_from_those_of_the_app(api_version: str, kind: str, spec: str, path: str) -> None:
    found = at(made(further(api_version, kind, "-db", spec)), f"{path}.metadata.labels")
    assert found == {**OURS, "app.kubernetes.io/component": "db"}


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "path", "values"),
    [
        (APPS, "Deployment", f"spec: {{replicas: 2, {PODS}}}", "spec.replicas", (2, 0)),
        (APPS, "StatefulSet", f"spec: {{{PODS}}}", "spec.replicas", (None, 0)),
        ("batch/v1", "CronJob", f"spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{{PODS}}}}}}}", "spec.suspend", (None, True)),
        (APPS, "DaemonSet", f"spec: {{{PODS}}}", "spec.replicas", (None, None)),
    ],
)  # fmt: skip
def test_what_runs_something_does_not_while_its_preview_is_suspended(
    api_version: str, kind: str, spec: str, path: str, values: tuple[Any, Any]
) -> None:
    text = further(api_version, kind, "-x", spec)
    assert tuple(at(made(text, a_read_preview(suspend=suspend)), path) for suspend in (False, True)) == values


def test_a_secret_is_sent_in_base64_whatever_it_is_written_in() -> None:
    text = further("v1", "Secret", "-s", f"data: {{a: eA==, b: eA==}}\nstringData: {{b: '{NAME}', c: 'é'}}")
    found = made(text)
    assert found["data"] == {"a": "eA==", "b": "cHItMQ==", "c": "w6k="}
    assert "stringData" not in found


@pytest.mark.parametrize(
    "text",
    [
        further("autoscaling/v2", "HorizontalPodAutoscaler", "-x", f"spec: {{maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: '{NAME}'}}}}"),
        further("v1", "PersistentVolumeClaim", "-x", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"),
        further("example.com/v1", "Redis", "-x", "spec: {a: [1, {b: c}], d: null}"),
        further("v1", "ServiceAccount", "-x"),
    ],
)  # fmt: skip
def test_all_else_is_as_the_document_has_it(text: str) -> None:
    found = {k: v for k, v in made(text).items() if k != "metadata"}
    ((template,), _) = loaded(text)
    wanted: dict[str, Any] = {**template.manifest}
    if "d" in wanted.get("spec", {}):
        del wanted["spec"]["d"]
    assert str(found) == str(wanted).replace(NAME, "pr-1")


EVERY_KIND = [
    further("policy/v1", "PodDisruptionBudget"),
    further("v1", "Service"),
    further(APPS, "Deployment", "-x", f"spec: {{{PODS}}}"),
    further(APPS, "DaemonSet", "-y", f"spec: {{{PODS}}}"),
    further(APPS, "StatefulSet", "-z", f"spec: {{{PODS}}}"),
    further("example.com/v1", "Redis"),
    further("v1", "PersistentVolumeClaim"),
    further("v1", "ConfigMap", "-b"),
    further("v1", "ConfigMap", "-a"),
    further("v1", "Secret"),
    further("v1", "ServiceAccount"),
    further(NETWORKING, "NetworkPolicy"),
    further(AMBASSADOR, "Mapping", "-x", "spec: {hostname: '${preview.spec.fqdn}', prefix: /api/}"),
]
ORDER = [
    "NetworkPolicy pr-1-x",
    "ServiceAccount pr-1-x",
    "Secret pr-1-x",
    "ConfigMap pr-1-a",
    "ConfigMap pr-1-b",
    "PersistentVolumeClaim pr-1-x",
    "Redis.example.com pr-1-x",
    "Service pr-1-x",
    "StatefulSet pr-1-z",
    "DaemonSet pr-1-y",
    "Deployment pr-1-x",
    "Deployment pr-1",
    "Mapping pr-1-x",
    "PodDisruptionBudget pr-1-x",
    "Service pr-1",
    "Mapping pr-1",
]


def test_what_pods_need_comes_before_them_and_what_counts_them_after() -> None:
    found = [*all_children(a_read_preview(setup={"command": ["migrate"]}), "".join(EVERY_KIND))]
    (job,) = (key for key in found if key.startswith("Job "))
    assert found == [*ORDER[:11], job, *ORDER[11:]]


def test_documents_of_one_name_make_one_child_the_last_wins() -> None:
    text = further("v1", "ConfigMap", "-c", "data: {a: one, b: one}") + further(
        "v1", "ConfigMap", "-c", "data: {b: two, c: two}", when="team=shop"
    )
    assert made(text)["data"] == {"a": "one", "b": "one"}
    preview = a_read_preview(labels={"team": "shop"})
    assert made(text, preview)["data"] == {"a": "one", "b": "two", "c": "two"}


def test_nothing_that_a_document_only_removes_is_left_in_its_child() -> None:
    item = "[{name: a, $patch: delete}, {name: b, image: registry.example.com/b}]"
    text = further(
        APPS, "Deployment", "-d", f"spec: {{paused: null, template: {{spec: {{containers: {item}}}}}}}"
    )
    found = made(text)
    assert at(found, "spec.template.spec.containers") == [{"name": "b", "image": "registry.example.com/b"}]
    assert "paused" not in found["spec"]


@pytest.mark.parametrize(
    ("labels", "there"), [({"team": "shop"}, True), ({"team": "other"}, False), ({}, False)]
)
def test_a_selector_picks_the_previews(labels: dict[str, str], there: bool) -> None:
    text = further("v1", "ConfigMap", when="team=shop")
    assert ("ConfigMap pr-1-x" in all_children(a_read_preview(labels=labels), text)) is there


# ${hash}


HASHED = "spec: {template: {metadata: {annotations: {config: '${hash}'}}}}"


def hash_of(text: str, preview: PreviewEnvironment = PREVIEW) -> str:
    found = all_children(preview, text + document("Deployment", HASHED))["Deployment pr-1"]
    return str(at(found, "spec.template.metadata.annotations.config"))


def test_the_hash_is_that_of_what_config_maps_and_secrets_hold() -> None:
    config, secret = (further("v1", kind, "-c", "data: {a: eA==}") for kind in ("ConfigMap", "Secret"))
    found = [
        hash_of(text)
        for text in (
            config,
            config.replace("eA==", "eQ=="),
            config + secret,
            config + secret.replace("eA==", "eQ=="),
        )
    ]
    assert len(set(found)) == len(found)
    assert all(len(one) == 10 for one in found)


@pytest.mark.parametrize(
    "other",
    [
        a_read_preview(annotations={"platform9.com/prune": "disabled"}),
        a_read_preview(uid="another"),
        a_read_preview(image="registry.example.com/shop:2"),
    ],
)
def test_the_hash_does_not_change_with_whose_they_are(other: PreviewEnvironment) -> None:
    config = further("v1", "ConfigMap", "-c", "data: {a: b}")
    assert hash_of(config, other) == hash_of(config)
    assert hash_of(config + further("v1", "Service")) == hash_of(config)
    assert hash_of(config + further("v1", "ConfigMap", "-d", when="team=shop")) == hash_of(config)


def test_the_text_of_the_hash_may_stand_in_what_is_hashed() -> None:
    assert made(further("v1", "ConfigMap", "-c", "data: {a: '$${hash}'}"))["data"] == {"a": "${hash}"}


# names


@pytest.mark.parametrize(
    ("api_version", "kind", "longest"),
    [("v1", "ConfigMap", 63), (APPS, "StatefulSet", 52), ("batch/v1", "CronJob", 52), ("example.com/v1", "Redis", 63)],
)  # fmt: skip
def test_a_name_that_is_too_long_refuses_its_preview_with_a_remedy(
    api_version: str, kind: str, longest: int
) -> None:
    settings = with_templates(further(api_version, kind, "-config"))
    fits, refused = desire(
        [a_read_preview("p" * (longest - 7)), a_read_preview("p" * (longest - 6))], settings, Scope()
    )
    assert (fits.reason, refused.reason, refused.children) == ("", "Refused", ())
    assert refused.message == (
        f"app.yaml:4: metadata.name: {'p' * (longest - 6)}-config has {longest + 1} characters, and at most "
        f"{longest} are allowed; rename the preview, or shorten the document's name"
    )


# what is refused at load


def problems(text: str, **settings: Any) -> list[str]:
    """What is wrong, without the file and the line."""
    return [problem.split(": ", 1)[1] for problem in loaded(text, **settings)[1]]


NOT_FOR_TEMPLATES = {
    "v1 Pod": "a pod by itself is not started again; use a Deployment",
    "apps/v1 ReplicaSet": "its Deployment makes it; use a Deployment",
    "v1 ReplicationController": "use a Deployment",
    "rbac.authorization.k8s.io/v1 Role": "a template gives no rights; name a service account that exists",
    "rbac.authorization.k8s.io/v1 RoleBinding": "a template gives no rights; name a service account that exists",
    "rbac.authorization.k8s.io/v1 ClusterRole": "it is in no namespace, or cannot be deleted",
    "rbac.authorization.k8s.io/v1beta1 RoleBinding": "a template gives no rights; name a service account that exists",
    "events.k8s.io/v1 Event": "it tells what happened, and is not kept",
    "v1 Event": "it tells what happened, and is not kept",
    "apps/v1 ControllerRevision": "its controller makes it",
    "v1 Endpoints": "its controller makes it; use a Service",
    "discovery.k8s.io/v1 EndpointSlice": "its controller makes it; use a Service",
    "coordination.k8s.io/v1 Lease": "its holder writes it",
    "v1 Namespace": "it is in no namespace, or cannot be deleted",
    "v1 PersistentVolume": "it is in no namespace, or cannot be deleted",
    "authorization.k8s.io/v1 LocalSubjectAccessReview": "it is in no namespace, or cannot be deleted",
    "platform9.com/v1 PreviewEnvironment": "a preview makes no previews",
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_FOR_TEMPLATES)
def test_a_kind_that_is_not_for_templates_is_refused_with_the_reason(what: str) -> None:
    api_version, kind = what.split()
    found = problems(further(api_version, kind))
    assert found == [f'kind: {api_version} "{kind}" is not for templates: {NOT_FOR_TEMPLATES[what]}']


FIXED = "is not a template's to change; leave it out"
HOSTNAME = "the hostname of a further route is ${preview.spec.fqdn}, whole, and no other"
OWN_HOST = "'${preview.spec.fqdn}'"
CLAIMS = "volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]"
WHEN_DELETED = "spec.persistentVolumeClaimRetentionPolicy.whenDeleted"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (further("v1", "ConfigMap", "-x", "status: {}"), ["status: is not a known field"]),
        (further("v1", "Service", "-x", "status: {}"), ["status: is the server's; leave it out"]),
        (further("v1", "ConfigMap", metadata="namespace: other"), [f"metadata.namespace: {FIXED}"]),
        (further("v1", "ConfigMap", metadata="finalizers: [a/b]"), [f"metadata.finalizers: {FIXED}"]),
        (further("v1", "ConfigMap", metadata="generateName: a"), [f"metadata.generateName: {FIXED}"]),
        (further("v1", "ConfigMap", metadata="ownerReferences: [{apiVersion: v1, kind: Pod, name: a, uid: b}]"), [f"metadata.ownerReferences: {FIXED}"]),
        (further("v1", "ConfigMap", metadata="labels: {platform9.com/preview: a, app.kubernetes.io/component: app}"), [f"metadata.labels[app.kubernetes.io/component]: {FIXED}", f"metadata.labels[platform9.com/preview]: {FIXED}"]),
        (further("v1", "ConfigMap", metadata="annotations: {platform9.com/prune: disabled}"), [f"metadata.annotations[platform9.com/prune]: {FIXED}"]),
        (further(APPS, "Deployment", "-x", "spec: {template: {metadata: {labels: {app.kubernetes.io/component: app}}}}"), [f"spec.template.metadata.labels[app.kubernetes.io/component]: {FIXED}"]),
        (further(APPS, "DaemonSet", "-x", "spec: {template: {metadata: {finalizers: [a/b]}}}"), [f"spec.template.metadata.finalizers: {FIXED}"]),
        (further("batch/v1", "CronJob", "-x", "spec: {jobTemplate: {spec: {template: {metadata: {annotations: {platform9.com/a: b}}}}}}"), [f"spec.jobTemplate.spec.template.metadata.annotations[platform9.com/a]: {FIXED}"]),
        (further("example.com/v1", "Redis", "-x", "status: {}"), ["status: is the server's; leave it out"]),
        (further(APPS, "StatefulSet", "-x", f"spec: {{{CLAIMS}}}"), [f"{WHEN_DELETED}: is missing: Delete removes the claims with the preview, Retain leaves them for ever"]),
        (further(APPS, "StatefulSet", "-x", f"spec: {{{CLAIMS}, persistentVolumeClaimRetentionPolicy: {{whenScaled: Retain}}}}"), [f"{WHEN_DELETED}: is missing: Delete removes the claims with the preview, Retain leaves them for ever"]),
        (further(APPS, "StatefulSet", "-x", f"spec: {{{CLAIMS}, persistentVolumeClaimRetentionPolicy: {{whenDeleted: Retain}}}}"), []),
        (further(APPS, "StatefulSet", "-x", f"spec: {{{CLAIMS}, persistentVolumeClaimRetentionPolicy: {{whenDeleted: Retain, whenScaled: Delete}}}}"), ["spec.persistentVolumeClaimRetentionPolicy.whenScaled: Delete would remove the claims of a preview that is suspended; write Retain"]),
        (further(APPS, "Deployment", "-setup"), ['metadata.name: "${preview.metadata.name}-setup" is taken for pods of the setup itself; choose another name']),
        (further("v1", "ConfigMap", "-app"), []),
        (further("v1", "ConfigMap", "-"), ['metadata.name: "${preview.metadata.name}-" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview']),
        (further("v1", "ConfigMap", "-A"), ['metadata.name: "${preview.metadata.name}-A" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview']),
        (further("v1", "ConfigMap", "2"), ['metadata.name: "${preview.metadata.name}2" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview']),
        (further("v1", "ConfigMap", "-${preview.spec.revision}"), ['metadata.name: "${preview.metadata.name}-${preview.spec.revision}" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview']),
        (further("v1", "ConfigMap", "-" + "x" * 60), [f"metadata.name: preview-{'x' * 60} has 68 characters, and at most 63 are allowed; rename the preview, or shorten the document's name"]),
        (further("apps/v1beta1", "Deployment"), ['apiVersion: "apps/v1beta1" is not apps/v1']),
        (further("v1", "ConfigMap", "-x", "data: {a: '${hash}'}"), ["data.a: ${hash} is the hash of this; take it out"]),
        (further("v1", "Secret", "-x", "stringData: {a: 'x${hash}'}"), ["stringData.a: ${hash} is the hash of this; take it out"]),
        (further("v1", "Secret", "-x", "data: {a: '!'}"), ["data.a: is not in base64"]),
        (further("v1", "ConfigMap", "-x", "data: {a: 1}"), ["data.a: is not a string; put it in quotes"]),
        (further("v1", "ConfigMap", "-x", "spec: {}"), ["spec: is not a known field"]),
        (further(GATEWAY, "HTTPRoute", "-x", f"spec: {{hostnames: [{OWN_HOST}], rules: [{{matches: [{{path: {{value: /api}}}}]}}]}}"), []),
        (further(GATEWAY, "HTTPRoute", "-x", "spec: {rules: []}"), [f"spec: {HOSTNAME}"]),
        (further(GATEWAY, "HTTPRoute", "-x", f"spec: {{hostnames: [{OWN_HOST}, b.example.com]}}"), [f"spec: {HOSTNAME}"]),
        (further(GATEWAY, "GRPCRoute", "-x", f"spec: {{hostnames: [{OWN_HOST}]}}"), []),
        (further(GATEWAY, "GRPCRoute", "-x", "spec: {rules: []}"), [f"spec: {HOSTNAME}"]),
        (further(GATEWAY, "GRPCRoute", "-x", "spec: {hostnames: [b.example.com]}"), [f"spec: {HOSTNAME}"]),
        (further(NETWORKING, "Ingress", "-x", f"spec: {{rules: [{{host: {OWN_HOST}}}]}}"), []),
        (further(NETWORKING, "Ingress", "-x", f"spec: {{rules: [{{host: {OWN_HOST}}}, {{}}]}}"), [f"spec: {HOSTNAME}"]),
        (further(NETWORKING, "Ingress", "-x", f"spec: {{rules: [{{host: {OWN_HOST}}}], defaultBackend: {{service: {{name: a}}}}}}"), [f"spec: {HOSTNAME}"]),
        (further(AMBASSADOR, "Mapping", "-x", f"spec: {{hostname: {OWN_HOST}, prefix: /api/}}"), []),
        (further(AMBASSADOR, "Mapping", "-x", f"spec: {{hostname: {OWN_HOST}, host: '.*', host_regex: true}}"), [f"spec: {HOSTNAME}"]),
        (further(AMBASSADOR, "Mapping", "-x", "spec: {prefix: /api/}"), [f"spec: {HOSTNAME}"]),
    ],
)  # fmt: skip
def test_what_no_further_child_may_be_is_refused_at_load(text: str, found: list[str]) -> None:
    assert problems(text) == found


def test_a_second_document_is_wrong_only_with_the_first_and_refuses_at_load_or_the_preview() -> None:
    """Each document is checked by itself; what comes of them together, with the values of a preview."""
    whole = f"spec: {{{CLAIMS}, persistentVolumeClaimRetentionPolicy: {{whenDeleted: Delete}}}}"
    text = further(APPS, "StatefulSet", "-x", whole) + further(
        APPS, "StatefulSet", "-x", "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: null}}"
    )
    (found,) = desire([PREVIEW], with_templates(text), Scope())
    assert (found.reason, found.message) == (
        "Refused",
        f"app.yaml:10: {WHEN_DELETED}: is missing: Delete removes the claims with the preview, Retain leaves them for ever",
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (further("example.com/v1", "Redis", "-a") + further("example.com/v2", "Redis", "-b"), ["app.yaml:7: apiVersion: another document has example.com/v1; use one of them"]),
        (further("example.com/v1", "Redis", "-a") + further("example.org/v2", "Redis", "-b"), []),
        (further("autoscaling/v2", "HorizontalPodAutoscaler", "-x", f"spec: {{maxReplicas: 3, scaleTargetRef: {{kind: StatefulSet, name: '{NAME}-db'}}}}") + further(APPS, "StatefulSet", "-db", "spec: {replicas: 1}"), ["app.yaml:10: spec.replicas: a HorizontalPodAutoscaler sets it; leave it out"]),
        (further("autoscaling/v2", "HorizontalPodAutoscaler", "-x", f"spec: {{maxReplicas: 3, scaleTargetRef: {{kind: Deployment, name: '{NAME}'}}}}") + document("Deployment", "spec: {replicas: 1}"), ["app.yaml:10: spec.replicas: a HorizontalPodAutoscaler sets it; leave it out"]),
        (further("autoscaling/v2", "HorizontalPodAutoscaler", "-x", f"spec: {{maxReplicas: 3, scaleTargetRef: {{kind: Deployment, name: '{NAME}'}}}}") + further(APPS, "Deployment", "-db", "spec: {replicas: 1}"), []),
        (further(APPS, "Deployment", "-db") + further(APPS, "DaemonSet", "-db"), ["app.yaml:9: metadata.name: a Deployment has this name, and their pods would be taken for each other's; choose another name"]),
        (further(APPS, "Deployment", "-db", when="lean") + further(APPS, "DaemonSet", "-db", when="!lean"), []),
        (further(APPS, "Deployment", "-db", when="lean") + further("v1", "Service", "-db"), []),
        (further("autoscaling/v9", "HorizontalPodAutoscaler", "-x", "spec: {scaleTargetRef: {kind: [Deployment], name: {}}}"), []),
    ],
)  # fmt: skip
def test_what_is_wrong_only_beside_another_document(text: str, found: list[str]) -> None:
    assert [*loaded(text)[1]] == found


def test_a_route_of_a_kind_that_is_not_read_is_refused() -> None:
    text = further(NETWORKING, "Ingress", "-x", f"spec: {{rules: [{{host: {OWN_HOST}}}]}}")
    assert problems(text, route_kinds=("Mapping",)) == [
        "kind: Ingress is not read (--route-kind), and so no template makes one"
    ]


# who has a hostname


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (further("networking.istio.io/v1", "VirtualService", "-x", f"spec: {{hosts: [{OWN_HOST}]}}"), True),
        (further(GATEWAY, "GRPCRoute", "-x", f"spec: {{hostnames: [{OWN_HOST}]}}"), True),
        (further(NETWORKING, "Ingress", "-x", f"spec: {{rules: [{{host: {OWN_HOST}}}]}}"), True),
        (further("networking.istio.io/v1", "VirtualService", "-x", "spec: {hosts: [a.example.com]}"), False),
        (further("v1", "ConfigMap", "-x", "data: {url: 'https://${preview.spec.fqdn}'}"), False),
    ],
)  # fmt: skip
def test_what_may_lead_a_hostname_to_it_requests_it(text: str, there: bool) -> None:
    (found,) = desire([PREVIEW], with_templates(text, route="none"), Scope())
    assert [key.name for key in found.at_hostname] == ["pr-1-x"] * there


# whose field is it


def test_the_line_of_a_field_of_a_further_child_is_that_of_its_last_document() -> None:
    text = further("v1", "ConfigMap", "-c", "data:\n  a: one\n  b: one") + further(
        "v1", "ConfigMap", "-c", "data: {b: two}"
    )
    settings = with_templates(text + document("Deployment", "spec: {replicas: 2}"))
    key = Key("ConfigMap", "shop", "pr-1-c")
    lines = [source_of(("f:data", f"f:{name}"), key, PREVIEW, settings) for name in "abc"]
    assert lines == ["app.yaml:6", "app.yaml:12", ""]
    assert source_of(("f:data", "f:a"), key._replace(name="pr-1-d"), PREVIEW, settings) == ""
    assert source_of(("f:spec", "f:replicas"), Key("Deployment", "shop", "pr-1"), PREVIEW, settings) == (
        "app.yaml:17"
    )
    assert source_of(("f:spec", "f:replicas"), Key("Deployment", "shop", "pr-1-x"), PREVIEW, settings) == ""
