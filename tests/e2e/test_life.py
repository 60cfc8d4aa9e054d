"""A preview comes up, follows its author, and goes away."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.e2e.groups import PREVIEWS
from tests.e2e.story import ROUTES, Story, container


@pytest.fixture(params=ROUTES)
def routed(request: pytest.FixtureRequest, story: Story) -> Story:
    """The same story, with each kind of route."""
    return replace(story, route=request.param)


def spec_of_route(story: Story, host: str) -> dict[str, Any]:
    """The route of pr-1 as the server keeps it."""
    backend = {"group": "", "kind": "Service", "name": "pr-1", "port": 80, "weight": 1}
    gateway = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "infra", "name": "web"}
    service = {"service": {"name": "pr-1", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": service}
    specs: dict[str, dict[str, Any]] = {
        "Mapping": {"hostname": host, "prefix": "/", "service": f"http://pr-1.{story.namespace}:80"},
        "Ingress": {"ingressClassName": "web", "rules": [{"host": host, "http": {"paths": [path]}}]},
        "HTTPRoute": {
            "parentRefs": [gateway],
            "hostnames": [host],
            "rules": [
                {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend]}
            ],
        },
    }
    return specs[story.route]


# comes up


def test_an_image_and_a_hostname_are_a_running_preview(routed: Story) -> None:
    uid = routed.apply()["metadata"]["uid"]
    result = routed.reconcile()
    place = f"{routed.namespace}/pr-1"
    assert result.changes == [
        f"+ Deployment {place} new preview",
        f"+ Service {place} new preview",
        f"+ {routed.route} {place} new preview",
    ]
    routed.silent()
    assert routed.children() == routed.all_of()
    deployment, service, route = (routed.live(kind) for kind in ("Deployment", "Service", routed.route))
    assert deployment["status"]["availableReplicas"] == 1
    assert container(deployment)["image"] == "registry.example.com/web:1"
    selector = {"platform9.com/preview": "pr-1", "app.kubernetes.io/component": "app"}
    assert deployment["spec"]["selector"] == {"matchLabels": selector}
    assert service["spec"]["selector"] == selector
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]
    assert route["spec"] == spec_of_route(routed, routed.host("pr-1"))
    for child in (deployment, service, route):
        meta = child["metadata"]
        assert meta["labels"] == {
            "app.kubernetes.io/managed-by": "preview-reconcile",
            "app.kubernetes.io/name": "preview",
            "app.kubernetes.io/instance": "pr-1",
            "platform9.com/preview": "pr-1",
        }
        assert meta["annotations"]["platform9.com/identity"] == f"{child['kind']}/{place}"
        assert meta["ownerReferences"] == [
            {
                "apiVersion": "platform9.com/v1",
                "kind": "PreviewEnvironment",
                "name": "pr-1",
                "uid": uid,
                "controller": True,
            }
        ]


ALLOWED = ("--allow-secret", "db", "--allow-secret", "all")
EVERYTHING: dict[str, Any] = {
    "image": f"registry.example.com:5000/team/web:2@sha256:{'a' * 64}",
    "port": 8080,
    "replicas": 2,
    "env": [
        {"name": "Z", "value": "1"},
        {"name": "EMPTY"},
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url", "optional": True}}},
        {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "mode"}}},
    ],
    "envFrom": [{"prefix": "P_", "secretRef": {"name": "all", "optional": True}}],
    "imagePullSecrets": [{"name": "registry"}],
    "imagePullPolicy": "Never",
    "command": ["serve"],
    "args": ["--verbose", "--port=8080"],
    "resources": {"limits": {"memory": "0.5Gi"}, "requests": {"cpu": "0.5", "memory": "0.5Gi"}},
    "healthPath": "/healthz",
    "revision": "0123abc",
}


def plain_container(**fields: Any) -> dict[str, Any]:
    """The app container as the server keeps it, of a preview with an image and a hostname alone."""
    return {
        "name": "app",
        "image": "registry.example.com/web:1",
        "imagePullPolicy": "Always",
        "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        **probes(tcpSocket={"port": "http"}),
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "resources": {},
        "securityContext": {"allowPrivilegeEscalation": False},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        **fields,
    }


def probes(**handler: Any) -> dict[str, Any]:
    common = {"successThreshold": 1, "timeoutSeconds": 5, **handler}
    return {
        "startupProbe": {**common, "failureThreshold": 86400, "periodSeconds": 1},
        "readinessProbe": {**common, "failureThreshold": 3, "periodSeconds": 5},
    }


def own_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    """Those of the pod template, but for its mark."""
    found = dict(deployment["spec"]["template"]["metadata"]["annotations"])
    del found["platform9.com/template"]
    return found


def test_every_field_of_the_spec_has_its_effect_and_loses_it_when_dropped(story: Story) -> None:
    story.apply()
    story.reconcile()
    story.apply(**EVERYTHING)
    story.reconcile(*ALLOWED)
    story.silent(*ALLOWED)
    deployment = story.live("Deployment")
    template = deployment["spec"]["template"]
    assert deployment["status"]["availableReplicas"] == 2
    assert own_annotations(deployment) == {"platform9.com/revision": "0123abc"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    field = {"apiVersion": "v1", "fieldPath": "metadata.name"}
    assert container(deployment) == plain_container(
        image=EVERYTHING["image"],
        imagePullPolicy="Never",
        command=["serve"],
        args=["--verbose", "--port=8080"],
        ports=[{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        env=[
            {"name": "Z", "value": "1"},
            {"name": "EMPTY"},
            {"name": "A", "valueFrom": {"fieldRef": field}},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url", "optional": True}}},
            {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "mode"}}},
        ],
        envFrom=[{"prefix": "P_", "secretRef": {"name": "all", "optional": True}}],
        resources={"limits": {"memory": "512Mi"}, "requests": {"cpu": "500m", "memory": "512Mi"}},
        **probes(httpGet={"path": "/healthz", "port": "http", "scheme": "HTTP"}),
    )
    story.apply()
    story.reconcile()
    story.silent()
    deployment = story.live("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert own_annotations(deployment) == {}
    assert "imagePullSecrets" not in deployment["spec"]["template"]["spec"]
    assert container(deployment) == plain_container()


def test_a_suspended_preview_has_no_pods_and_keeps_its_service_and_route(story: Story) -> None:
    story.apply(replicas=2)
    story.reconcile()
    story.apply(replicas=2, suspend=True)
    story.reconcile()
    story.silent()
    assert story.children() == story.all_of()
    assert story.live("Deployment")["spec"]["replicas"] == 0
    assert story.live("Deployment")["status"].get("replicas", 0) == 0
    story.apply(replicas=2)
    story.reconcile()
    story.silent()
    assert story.live("Deployment")["status"]["availableReplicas"] == 2


# what the operator says


def test_the_operators_options_reach_the_pods(story: Story) -> None:
    key = f"{story.namespace}.example.com/pool"
    story.ask("PATCH", "/api/v1/nodes/node-0", {"metadata": {"labels": {key: "previews"}}}, MERGE)
    priority = {"metadata": {"name": story.namespace}, "value": 7}
    story.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", priority)
    options = [
        *("--node-selector", f"{key}=previews"),
        *("--toleration", "pool=previews:NoSchedule", "--toleration", "spot"),
        *("--priority-class", story.namespace),
        *("--default-resources", "limits.memory=512Mi", "--default-resources", "requests.cpu=100m"),
        *("--allow-pull-policy", "IfNotPresent"),
    ]
    story.apply(resources={"limits": {"memory": "1Gi"}})
    story.reconcile(*options)
    story.silent(*options)
    pod = story.live("Deployment")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {key: "previews"}
    assert pod["tolerations"] == [
        {"key": "pool", "operator": "Equal", "value": "previews", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]
    assert pod["priorityClassName"] == story.namespace
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}}
    assert pod["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    story.reconcile()
    story.silent()
    pod = story.live("Deployment")["spec"]["template"]["spec"]
    assert not pod.keys() & {"nodeSelector", "tolerations", "priorityClassName"}
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}
    assert pod["containers"][0]["imagePullPolicy"] == "Always"
    story.ask("DELETE", f"/apis/scheduling.k8s.io/v1/priorityclasses/{story.namespace}")


def test_default_resources_give_way_to_the_authors_own(story: Story) -> None:
    options = [
        *("--default-resources", "limits.memory=512Mi", "--default-resources", "requests.cpu=500m"),
    ]
    story.apply(resources={"requests": {"memory": "1Gi"}, "limits": {"cpu": "0.1"}})
    story.reconcile(*options)
    story.silent(*options)
    pod = story.live("Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"] == {
        "limits": {"cpu": "100m", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }


MERGE = "application/merge-patch+json"


def test_a_namespace_that_enforces_restricted_admits_the_pods(story: Story) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    story.ask("PATCH", f"/api/v1/namespaces/{story.namespace}", label, MERGE)
    story.apply(replicas=1)
    story.reconcile("--pod-security", "restricted")
    story.silent("--pod-security", "restricted")
    assert story.live("Deployment")["status"]["availableReplicas"] == 1


# follows its author


def test_a_new_image_is_rolled(story: Story) -> None:
    story.apply()
    story.reconcile()
    story.settled()
    story.apply(image="registry.example.com/web:2")
    result = story.reconcile()
    assert result.changes == [f"~ Deployment {story.namespace}/pr-1 its preview or an option changed"]
    image = (
        "spec.template.spec.containers[app].image registry.example.com/web:1 -> registry.example.com/web:2"
    )
    assert image in result.lines
    story.silent()
    deployment = story.live("Deployment")
    assert container(deployment)["image"] == "registry.example.com/web:2"
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert deployment["status"]["availableReplicas"] == 1


def test_a_new_revision_of_the_same_image_is_rolled(story: Story) -> None:
    for revision in ("one", "two"):
        story.apply(revision=revision)
        story.reconcile()
        story.silent()
    deployment = story.live("Deployment")
    assert own_annotations(deployment) == {"platform9.com/revision": "two"}
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_a_new_hostname_moves_the_route(routed: Story) -> None:
    routed.apply()
    routed.reconcile()
    before = routed.uids()
    routed.apply(fqdn=routed.host("other"))
    result = routed.reconcile()
    assert result.changes == [f"~ {routed.route} {routed.namespace}/pr-1 its preview or an option changed"]
    routed.silent()
    assert routed.route_hosts() == [routed.host("other")]
    assert routed.uids() == before


# goes away


def test_a_deleted_preview_takes_its_children_along(routed: Story) -> None:
    routed.apply()
    routed.apply("pr-2")
    routed.reconcile()
    routed.settled()
    routed.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", routed.namespace)
    eventually(lambda: routed.children() == routed.all_of("pr-2"), "the children of pr-1 are gone")
    routed.silent()
    assert routed.children() == routed.all_of("pr-2")


def test_a_run_beside_the_garbage_collector_ends_well(story: Story) -> None:
    story.apply()
    story.apply("pr-2")
    story.reconcile()
    story.delete("PreviewEnvironment")
    story.reconcile()
    eventually(lambda: story.children() == story.all_of("pr-2"), "the children of pr-1 are gone")
    story.silent()


def test_orphans_are_deleted_and_other_previews_stay(routed: Story) -> None:
    routed.apply()
    routed.apply("pr-2")
    routed.reconcile()
    before = routed.settled()
    routed.plane.kubectl("delete", PREVIEWS, "pr-1", "-n", routed.namespace, "--cascade=orphan")
    assert routed.children() == [
        name for pair in zip(routed.all_of(), routed.all_of("pr-2"), strict=True) for name in pair
    ]
    result = routed.reconcile()
    place = f"{routed.namespace}/pr-1"
    assert result.changes == [
        f"- Deployment {place} its preview is gone",
        f"- Service {place} its preview is gone",
        f"- {routed.route} {place} its preview is gone",
    ]
    deletes = [(event.verb, event.resource) for event in routed.writes()][-3:]
    assert deletes == [("delete", routed.plural), ("delete", "services"), ("delete", "deployments")]
    routed.silent()
    assert routed.children() == routed.all_of("pr-2")
    assert routed.versions() == {name: before[name] for name in routed.all_of("pr-2")}


def test_a_preview_made_again_gets_its_children_back_in_place(routed: Story) -> None:
    routed.apply()
    routed.reconcile()
    before = routed.uids()
    routed.orphan()
    uid = routed.apply(image="registry.example.com/web:2")["metadata"]["uid"]
    result = routed.reconcile()
    assert [line.split()[0] for line in result.changes] == ["~", "~", "~"]
    routed.silent()
    assert routed.uids() == before
    for kind in ("Deployment", "Service", routed.route):
        assert [owner["uid"] for owner in routed.live(kind)["metadata"]["ownerReferences"]] == [uid]
    assert container(routed.live("Deployment"))["image"] == "registry.example.com/web:2"


def test_one_run_is_enough_while_the_garbage_collector_takes_the_old_children(routed: Story) -> None:
    routed.apply()
    routed.reconcile()
    routed.settled()
    routed.delete("PreviewEnvironment")
    uid = routed.apply()["metadata"]["uid"]
    routed.reconcile()
    routed.silent()
    assert routed.children() == routed.all_of()
    for kind in ("Deployment", "Service", routed.route):
        assert [owner["uid"] for owner in routed.live(kind)["metadata"]["ownerReferences"]] == [uid]


def test_an_empty_list_of_previews_deletes_nothing_unless_that_is_said(alone: Story) -> None:
    alone.apply()
    alone.apply("pr-2")
    alone.reconcile()
    for name in ("pr-1", "pr-2"):
        alone.orphan(name)
    before = alone.settled()
    result = alone.reconcile(code=4)
    assert result.changes == [
        *(
            f"= {kind} {alone.namespace}/{name} delete skipped (its preview is gone)"
            for name in ("pr-1", "pr-2")
            for kind in ("Deployment", "Service", "Mapping")
        ),
        "! Refusing to delete 6 children: the list of previews is empty; "
        "if this is intended, pass --max-deletes 100%",
    ]
    alone.silent(code=4)
    assert alone.versions() == before
    result = alone.reconcile("--max-deletes", "100%")
    assert [line.split()[0] for line in result.changes] == ["-"] * 6
    assert alone.children() == []
    alone.silent()


def test_a_list_that_only_the_scope_makes_empty_is_not_empty(alone: Story, elsewhere: Story) -> None:
    alone.apply()
    elsewhere.apply()
    alone.reconcile(everywhere=True)
    alone.orphan()
    alone.reconcile()
    assert alone.children() == []
    alone.silent()
    assert elsewhere.children() == elsewhere.all_of()
