"""Whatever somebody does to a child is mended by one run, and the next run only lists."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.story import Story, container, env_of


@pytest.fixture
def running(story: Story) -> Story:
    """A preview with everything but pods, made and settled."""
    story.apply(
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
        healthPath="/healthz",
        port=8080,
        replicas=0,
    )
    story.reconcile()
    story.settled()
    return story


def variables(story: Story) -> list[str]:
    return [variable["name"] for variable in env_of(story.live("Deployment"))]


def container_port(app: dict[str, Any]) -> None:
    app["ports"][0]["containerPort"] = 9999


def env_to_value_from(app: dict[str, Any]) -> None:
    app["env"][0] = {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def probe_handler(app: dict[str, Any]) -> None:
    app["readinessProbe"]["exec"] = {"command": ["true"]}
    del app["readinessProbe"]["httpGet"]


def image(app: dict[str, Any]) -> None:
    app["image"] = "registry.example.com/other:1"


def env_reordered(app: dict[str, Any]) -> None:
    app["env"].reverse()


BOTH = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
EDITED: dict[str, Any] = {"env": BOTH, "healthPath": "/healthz", "port": 8080, "replicas": 0}
# What somebody edits, and what of the same fields the author says next; by the field that is looked at then.
AUTHORS: list[tuple[Callable[[dict[str, Any]], None], dict[str, Any], str, Any]] = [
    (container_port, {"port": 7000}, "ports", [{"name": "http", "containerPort": 7000, "protocol": "TCP"}]),
    (env_to_value_from, {"env": [{"name": "A", "value": "new"}]}, "env", [{"name": "A", "value": "new"}]),
    (probe_handler, {"healthPath": None}, "readinessProbe", {"tcpSocket": {"port": "http"}}),
    (image, {"image": "registry.example.com/web:2"}, "image", "registry.example.com/web:2"),
    (env_reordered, {"port": 7000}, "env", BOTH),
]


def test_the_authors_next_change_wins_over_an_edit_that_no_run_has_seen(story: Story) -> None:
    """That each edit alone is found and mended is in test_properties.py."""
    previews = {f"pr-{number}": row for number, row in enumerate(AUTHORS)}
    for name in previews:
        story.apply(name, **EDITED)
    story.reconcile()
    for name, (edit, *_) in previews.items():
        story.edit("Deployment", lambda deployment, edit=edit: edit(container(deployment)), name)
    for name, (_, spec, *_) in previews.items():
        story.apply(name, **{key: value for key, value in {**EDITED, **spec}.items() if value is not None})
    story.reconcile()
    story.silent()
    for name, (edit, _, field, wanted) in previews.items():
        found = container(story.live("Deployment", name))[field]
        handlers = {"exec", "httpGet", "tcpSocket"}
        found = {k: v for k, v in found.items() if k in handlers} if field == "readinessProbe" else found
        assert found == wanted, edit.__name__


def test_fields_of_others_are_removed_where_the_server_refuses_both(running: Story) -> None:
    """Such as a request above the limit that the author sets; else every later run would be refused."""
    place = "/spec/template/spec/containers/0/resources"
    running.patch(
        "Deployment", [{"op": "add", "path": place, "value": {"requests": {"memory": "2Gi"}}}], by="tuner"
    )
    running.apply(resources={"limits": {"memory": "1Gi"}})
    (told,) = (line for line in running.reconcile().lines if "refused beside ours" in line)
    assert told == (
        f"~ Deployment {running.namespace}/pr-1 done: removed spec.template.spec.containers[app].resources.requests, "
        "which the API server refused beside ours"
    )
    assert container(running.live("Deployment"))["resources"]["limits"] == {"memory": "1Gi"}
    running.silent()


def test_an_export_applied_with_force_does_not_keep_what_the_author_drops(running: Story) -> None:
    for kind in ("Deployment", "Service", "Mapping"):
        export = running.plane.kubectl("get", kind.lower(), "pr-1", "-n", running.namespace, "-o", "yaml")
        lines = [line for line in export.splitlines() if "resourceVersion" not in line]
        running.plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", "-", input="\n".join(lines)
        )
    running.reconcile()
    running.silent()
    running.apply(env=[{"name": "C", "value": "3"}], port=9000)
    running.reconcile()
    running.silent()
    deployment = running.live("Deployment")
    assert variables(running) == ["C"]
    assert [port["containerPort"] for port in container(deployment)["ports"]] == [9000]
    assert container(deployment)["readinessProbe"].keys() & {"httpGet", "tcpSocket"} == {"tcpSocket"}


def test_what_somebody_adds_with_kubectl_is_reverted_unless_an_annotation_keeps_it(running: Story) -> None:
    def kubectl(*arguments: str) -> None:
        running.plane.kubectl(*arguments, "-n", running.namespace)

    kubectl("annotate", "deployment", "pr-1", "platform9.com/hand-edits=keep")
    kubectl("set", "env", "deployment/pr-1", "DEBUG=1")
    patch = '{"spec": {"headers": {"x-never": "sent"}}}'
    kubectl("patch", "mapping", "pr-1", "--type=merge", "-p", patch)
    result = running.reconcile()
    kept, drifted = sorted(result.changes)
    assert kept.startswith(f"= Deployment {running.namespace}/pr-1 ")
    assert "env[DEBUG]" in kept
    assert kept.endswith("added by hand (platform9.com/hand-edits is keep)")
    assert drifted == f"~ Mapping {running.namespace}/pr-1 drifted"
    assert [line for line in result.lines if line.startswith("spec.headers")]
    assert "DEBUG" in variables(running)
    assert "headers" not in running.live("Mapping")["spec"]

    kubectl("annotate", "deployment", "pr-1", "platform9.com/hand-edits-")
    result = running.reconcile()
    assert result.changes == [f"~ Deployment {running.namespace}/pr-1 drifted"]
    assert "spec.template.spec.containers[app].env[DEBUG] - (not shown)" in result.lines
    assert variables(running) == ["A", "B", "C"]
    running.silent()


def test_what_others_add_elsewhere_stays(running: Story) -> None:
    def inject(manifest: dict[str, Any]) -> None:
        container(manifest).setdefault("env", []).append({"name": "INJECTED", "value": "1"})

    def add(manifest: dict[str, Any]) -> None:
        manifest["metadata"]["annotations"]["example.com/note"] = "mine"
        sidecar = {"name": "proxy", "image": "registry.example.com/proxy:1"}
        manifest["spec"]["template"]["spec"]["containers"].append(sidecar)

    running.edit("Deployment", inject, by="injector")
    running.edit("Deployment", add)
    running.silent()
    path = f"{running.path_of('Deployment', 'pr-1')}/scale?fieldManager=autoscaler"
    running.ask("PATCH", path, {"spec": {"replicas": 4}}, "application/merge-patch+json")
    running.apply(image="registry.example.com/web:9", env=[{"name": "A", "value": "1"}])
    running.reconcile()
    running.silent()
    deployment = running.live("Deployment")
    assert variables(running) == ["A", "INJECTED"]
    assert [c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]] == ["app", "proxy"]
    assert container(deployment)["image"] == "registry.example.com/web:9"
    assert deployment["metadata"]["annotations"]["example.com/note"] == "mine"
    assert deployment["spec"]["replicas"] == 4


def test_a_field_edited_back_and_dropped_in_one_run_is_removed_too(running: Story) -> None:
    running.edit("Deployment", lambda d: container(d)["env"][0].update(value="changed"))
    running.edit("Deployment", lambda d: container(d)["env"][0].update(value="1"))
    running.apply(env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}])
    running.reconcile()
    running.silent()
    assert variables(running) == ["B", "C"]
