"""`-f` on a real API server: by reads alone it plans what is planned once the previews are applied."""

from pathlib import Path
from typing import Any

from reconcile.cluster.files.yaml import dump
from reconcile.model.names import DEFAULT_GROUP, PLURAL
from tests.controlplane import ControlPlane, allow, service_account
from tests.e2e.story import CHILD_RESOURCES, READS, Result, Story


def write(path: Path, story: Story, name: str = "pr-1", **spec: Any) -> str:
    path.write_text(dump(story.preview(name, **spec)))
    return str(path)


def only_read(story: Story) -> bool:
    return {event.verb for event in story.requests()} <= READS


def planned(result: Result) -> str:
    """The plan in an explanation; what else it says tells how long ago things were.

    Nor is a note of it about the routes that another test has in this cluster meanwhile.
    """
    plan = result.stdout.partition("\nWhat a run would do\n")[2].partition("\n\nDeployment ")[0]
    return "\n".join(line for line in plan.splitlines() if "of the listeners of Gateway" not in line)


def test_of_a_name_in_the_file_explain_shows_what_it_would_be(
    story: Story, reader: Story, tmp_path: Path
) -> None:
    story.apply("pr-1")
    story.reconcile()
    new_image = "registry.example.com/web:2"
    file = write(tmp_path / "pr.yaml", story, image=new_image)
    before = reader.reconcile("--explain", "pr-1", "-f", file)
    assert "A run would update Deployment (its preview or an option changed)." in before.lines
    assert f"spec.image {new_image}" in before.lines
    container = "spec.template.spec.containers[app]"
    assert f"~ {container}.image us registry.example.com/web:1, wanted {new_image}" in before.lines
    story.apply("pr-1", image=new_image)
    assert planned(reader.reconcile("--explain", "pr-1")) == planned(before) != ""
    assert only_read(reader)


def test_a_preview_that_is_in_the_file_alone_is_explained_to_an_author_of_one_namespace(
    story: Story, api_server: ControlPlane, tmp_path: Path
) -> None:
    author = service_account(api_server, story.namespace, "author")
    kinds = [f"{PLURAL}.{DEFAULT_GROUP}", *CHILD_RESOURCES]
    allow(api_server, author.user, ["get", "list"], kinds, namespace=story.namespace)
    alone = Story(story.plane, story.namespace, author)
    file = write(tmp_path / "pr.yaml", story, "pr-9")
    own = ("--namespace-only", "--allow-fqdn", f"*.{story.namespace}.example.com")
    told = alone.reconcile(*own, "--explain", "pr-9", "-f", file)
    assert "A run would create Deployment, Service and Mapping (new preview)." in told.lines
    wrong = write(tmp_path / "wrong.yaml", story, "pr-9", prot=8080)
    told = alone.reconcile(*own, "--explain", "pr-9", "-f", wrong)
    assert f"Not ready: Invalid: {wrong}:8: spec.prot: is not a known field" in told.stdout
    assert "last written by" not in told.stdout, "it is in a file"
    assert only_read(alone)
