"""Whatever somebody does to a child is mended by one run, and the next run only lists."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.story import ROUTES, Story, container, env_of

NAME = "platform9.com/preview"
IDENTITY = "platform9.com/identity"


@pytest.fixture
def running(story: Story) -> Story:
    """A preview with everything, made and settled."""
    story.apply(
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
        healthPath="/healthz",
        port=8080,
        replicas=1,
    )
    story.reconcile()
    story.settled()
    return story


Edit = Callable[[dict[str, Any]], None]


def service_port(manifest: dict[str, Any]) -> None:
    manifest["spec"]["ports"][0]["port"] = 8080


def container_port(manifest: dict[str, Any]) -> None:
    container(manifest)["ports"][0]["containerPort"] = 9999


def env_to_value_from(manifest: dict[str, Any]) -> None:
    reference = {"fieldRef": {"fieldPath": "metadata.name"}}
    container(manifest)["env"][0] = {"name": "A", "valueFrom": reference}


def probe_handler(manifest: dict[str, Any]) -> None:
    probe = container(manifest)["readinessProbe"]
    del probe["httpGet"]
    probe["exec"] = {"command": ["true"]}


def image(manifest: dict[str, Any]) -> None:
    container(manifest)["image"] = "registry.example.com/other:1"


def env_value(manifest: dict[str, Any]) -> None:
    container(manifest)["env"][0]["value"] = "changed"


def env_removed(manifest: dict[str, Any]) -> None:
    del container(manifest)["env"][0]


def env_reordered(manifest: dict[str, Any]) -> None:
    container(manifest)["env"].reverse()


def label_stripped(manifest: dict[str, Any]) -> None:
    del manifest["metadata"]["labels"][NAME]


def identity_stripped(manifest: dict[str, Any]) -> None:
    del manifest["metadata"]["annotations"][IDENTITY]


def owner_removed(manifest: dict[str, Any]) -> None:
    del manifest["metadata"]["ownerReferences"]


def replicas_changed(manifest: dict[str, Any]) -> None:
    manifest["spec"]["replicas"] = 3


def selector_changed(manifest: dict[str, Any]) -> None:
    manifest["spec"]["selector"]["extra"] = "key"


EDITS: list[tuple[str, Edit]] = [
    ("Service", service_port),
    ("Service", selector_changed),
    ("Service", label_stripped),
    ("Service", identity_stripped),
    ("Service", owner_removed),
    ("Deployment", container_port),
    ("Deployment", env_to_value_from),
    ("Deployment", probe_handler),
    ("Deployment", image),
    ("Deployment", env_value),
    ("Deployment", env_removed),
    ("Deployment", env_reordered),
    ("Deployment", label_stripped),
    ("Deployment", identity_stripped),
    ("Deployment", owner_removed),
    ("Deployment", replicas_changed),
]


@pytest.mark.parametrize(("kind", "edit"), EDITS, ids=lambda value: getattr(value, "__name__", value))
def test_an_edit_by_hand_is_mended(running: Story, kind: str, edit: Edit) -> None:
    before = running.live(kind)
    running.edit(kind, edit)
    result = running.reconcile()
    assert any(line.startswith(f"~ {kind} {running.namespace}/pr-1 drifted") for line in result.lines), (
        result.stdout
    )
    running.silent()
    after = running.live(kind)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["ownerReferences"] == before["metadata"]["ownerReferences"]
    assert after["metadata"]["annotations"][IDENTITY] == before["metadata"]["annotations"][IDENTITY]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("edit", [label_stripped, identity_stripped, owner_removed], ids=lambda e: e.__name__)
def test_a_stripped_route_is_mended(story: Story, route: str, edit: Edit) -> None:
    story = replace(story, route=route)
    story.apply()
    story.reconcile()
    before = story.live(route)
    story.edit(route, edit)
    story.reconcile()
    story.silent()
    after = story.live(route)
    for name in ("labels", "annotations", "ownerReferences"):
        assert after["metadata"][name] == before["metadata"][name]


# after the edit, the author changes the same field: both must end as the author says


AUTHORS: list[tuple[str, Edit, dict[str, Any], Callable[[dict[str, Any]], Any], Any]] = [
    (
        "Deployment",
        container_port,
        {"port": 7000, "healthPath": "/healthz", "env": [{"name": "A", "value": "1"}]},
        lambda d: [(p["name"], p["containerPort"]) for p in container(d)["ports"]],
        [("http", 7000)],
    ),
    (
        "Deployment",
        env_to_value_from,
        {"port": 8080, "healthPath": "/healthz", "env": [{"name": "A", "value": "new"}]},
        env_of,
        [{"name": "A", "value": "new"}],
    ),
    (
        "Deployment",
        probe_handler,
        {"port": 8080, "env": [{"name": "A", "value": "1"}]},
        lambda d: sorted(container(d)["readinessProbe"].keys() & {"exec", "httpGet", "tcpSocket"}),
        ["tcpSocket"],
    ),
    (
        "Deployment",
        image,
        {"image": "registry.example.com/web:2"},
        lambda d: container(d)["image"],
        "registry.example.com/web:2",
    ),
]


@pytest.mark.parametrize("mended", [True, False], ids=["after-a-run", "in-one-run"])
@pytest.mark.parametrize(
    ("kind", "edit", "spec", "look", "wanted"), AUTHORS, ids=[row[1].__name__ for row in AUTHORS]
)
def test_the_authors_next_change_wins_over_an_edit(
    running: Story,
    kind: str,
    edit: Edit,
    spec: dict[str, Any],
    look: Callable[[dict[str, Any]], Any],
    wanted: Any,
    mended: bool,
) -> None:
    running.edit(kind, edit)
    if mended:
        running.reconcile()
    running.apply(**spec)
    running.reconcile()
    running.silent()
    assert look(running.live(kind)) == wanted


def test_a_field_edited_and_edited_back_goes_when_the_spec_drops_it(running: Story) -> None:
    running.edit("Deployment", env_value)
    running.edit("Deployment", lambda d: container(d)["env"][0].update(value="1"))
    running.reconcile()
    running.silent()
    running.apply(env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}], healthPath="/healthz")
    running.reconcile()
    running.silent()
    assert [variable["name"] for variable in env_of(running.live("Deployment"))] == ["B", "C"]


def test_a_field_edited_back_and_dropped_in_one_run_goes_too(running: Story) -> None:
    running.edit("Deployment", env_value)
    running.edit("Deployment", lambda d: container(d)["env"][0].update(value="1"))
    running.apply(env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}])
    running.reconcile()
    running.silent()
    assert [variable["name"] for variable in env_of(running.live("Deployment"))] == ["B", "C"]


def test_reset_managed_fields_are_taken_back(running: Story) -> None:
    for kind in ("Deployment", "Service", "Mapping"):
        running.patch(kind, {"metadata": {"managedFields": [{}]}})
    result = running.reconcile()
    assert "0 to create, 3 to update" in result.stdout
    running.silent()
    running.apply(env=[{"name": "C", "value": "3"}])
    running.reconcile()
    running.silent()
    assert [variable["name"] for variable in env_of(running.live("Deployment"))] == ["C"]


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
    assert [variable["name"] for variable in env_of(deployment)] == ["C"]
    assert [port["containerPort"] for port in container(deployment)["ports"]] == [9000]
    assert container(deployment)["readinessProbe"].keys() & {"httpGet", "tcpSocket"} == {"tcpSocket"}


def set_env(story: Story, *variables: str) -> None:
    story.plane.kubectl("set", "env", "deployment/pr-1", "-n", story.namespace, *variables)


def test_what_somebody_adds_with_kubectl_is_told_and_taken_back(running: Story) -> None:
    before = env_of(running.live("Deployment"))
    set_env(running, "DEBUG=1")
    patch = '{"spec": {"headers": {"x-never": "sent"}}}'
    running.plane.kubectl("patch", "mapping", "pr-1", "-n", running.namespace, "--type=merge", "-p", patch)
    result = running.reconcile()
    assert f"~ Deployment {running.namespace}/pr-1 drifted" in result.changes
    assert "spec.template.spec.containers[app].env[DEBUG] - (not shown)" in result.lines
    assert [line for line in result.lines if line.startswith("spec.headers")]
    assert env_of(running.live("Deployment")) == before
    assert "headers" not in running.live("Mapping")["spec"]
    running.silent()


def test_an_annotation_keeps_what_was_added_by_hand_and_each_run_says_so(running: Story) -> None:
    running.plane.kubectl(
        "annotate", "deployment", "pr-1", "-n", running.namespace, "platform9.com/hand-edits=keep"
    )
    set_env(running, "DEBUG=1")
    (line,) = running.reconcile().changes
    kept = "added by hand: kept, as platform9.com/hand-edits says"
    assert line.startswith(f"= Deployment {running.namespace}/pr-1 ")
    assert "env[DEBUG]" in line
    assert line.endswith(kept)
    assert "DEBUG" in [variable["name"] for variable in env_of(running.live("Deployment"))]
    running.plane.kubectl(
        "annotate", "deployment", "pr-1", "-n", running.namespace, "platform9.com/hand-edits-"
    )
    running.reconcile()
    assert "DEBUG" not in [variable["name"] for variable in env_of(running.live("Deployment"))]
    running.silent()


def test_what_an_injector_adds_stays(running: Story) -> None:
    def inject(manifest: dict[str, Any]) -> None:
        container(manifest).setdefault("env", []).append({"name": "INJECTED", "value": "1"})

    running.edit("Deployment", inject, by="injector")
    running.silent()
    assert "INJECTED" in [variable["name"] for variable in env_of(running.live("Deployment"))]


def test_what_others_add_elsewhere_stays(running: Story) -> None:
    def add(manifest: dict[str, Any]) -> None:
        manifest["metadata"]["annotations"]["example.com/note"] = "mine"
        sidecar = {"name": "proxy", "image": "registry.example.com/proxy:1"}
        manifest["spec"]["template"]["spec"]["containers"].append(sidecar)

    running.edit("Deployment", add)
    running.silent()
    running.apply(image="registry.example.com/web:9")
    running.reconcile()
    running.silent()
    deployment = running.live("Deployment")
    names = [c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "proxy"]
    assert container(deployment)["image"] == "registry.example.com/web:9"
    assert deployment["metadata"]["annotations"]["example.com/note"] == "mine"


def test_replicas_are_let_go_to_an_autoscaler(running: Story) -> None:
    path = f"{running.path_of('Deployment', 'pr-1')}/scale?fieldManager=autoscaler"
    running.ask("PATCH", path, {"spec": {"replicas": 4}}, "application/merge-patch+json")
    running.apply(port=8080)
    running.reconcile()
    running.silent()
    assert running.live("Deployment")["spec"]["replicas"] == 4


def test_replicas_set_and_unset_by_the_author(running: Story) -> None:
    running.apply(replicas=3)
    running.reconcile()
    assert running.live("Deployment")["spec"]["replicas"] == 3
    running.silent()
    running.apply()
    running.reconcile()
    assert running.live("Deployment")["spec"]["replicas"] == 1
    running.silent()
