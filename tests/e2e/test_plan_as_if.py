"""`-f` on a real API server: by reads alone it plans what is planned once the previews are applied."""

from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.model.names import DEFAULT_GROUP, PLURAL
from reconcile.report.markdown import MARK
from tests.controlplane import Account, ControlPlane, allow, service_account
from tests.e2e.story import CHILD_RESOURCES, READS, Result, Story


@pytest.fixture
def reader(api_server: ControlPlane, namespace: str) -> Account:
    """A user who may read, and nothing else."""
    account = service_account(api_server, namespace, "reader")
    allow(api_server, account.user, ["get", "list"], [f"{PLURAL}.{DEFAULT_GROUP}", *CHILD_RESOURCES])
    return account


@pytest.fixture
def as_if(story: Story, reader: Account) -> Story:
    """The same story for the user who may only read."""
    return Story(story.plane, story.namespace, reader)


def write(path: Path, story: Story, name: str = "pr-1", **spec: Any) -> str:
    """A preview as its author has it in a file, without a namespace."""
    manifest = {
        "apiVersion": story.names.api_version,
        "kind": "PreviewEnvironment",
        "metadata": {"name": name},
        "spec": {"image": "registry.example.com/web:1", "fqdn": story.host(name), **spec},
    }
    path.write_text(dump(manifest))
    return str(path)


def plan_of(result: Result) -> str:
    """Without the first line, which names the files."""
    return result.stdout.partition("\n\n")[2]


def only_read(story: Story) -> bool:
    return {event.verb for event in story.requests()} <= READS


def test_a_new_preview_is_planned_as_once_it_is_applied(story: Story, as_if: Story, tmp_path: Path) -> None:
    file = write(tmp_path / "pr.yaml", story)
    before = as_if.reconcile("--dry-run", "-f", file)
    assert before.changes == [
        f"+ {child.replace('/', f' {story.namespace}/')} new preview" for child in story.all_of()
    ]
    assert not story.there("PreviewEnvironment")
    story.apply()
    assert plan_of(as_if.reconcile("--dry-run")) == plan_of(before)
    assert only_read(as_if)


def test_a_change_is_planned_as_once_it_is_applied_and_leaves_the_others_alone(
    story: Story, as_if: Story, tmp_path: Path
) -> None:
    story.apply("pr-1", healthPath="/healthz")
    story.apply("pr-2")
    story.reconcile()
    new: dict[str, Any] = {
        "image": "registry.example.com/web:2",
        "port": 8080,
        "env": [{"name": "A", "value": "1"}],
    }
    before = as_if.reconcile("--dry-run", "-f", write(tmp_path / "pr.yaml", story, **new))
    assert before.changes == [f"~ Deployment {story.namespace}/pr-1 its preview or an option changed"]
    assert story.live("PreviewEnvironment")["spec"]["image"] == "registry.example.com/web:1"
    story.apply("pr-1", **new)
    assert plan_of(as_if.reconcile("--dry-run")) == plan_of(before)
    assert only_read(as_if)


def test_what_is_there_already_plans_nothing(story: Story, as_if: Story, tmp_path: Path) -> None:
    """The server has filled in defaults, and the children have the owner's uid."""
    story.apply()
    story.reconcile()
    result = as_if.reconcile("--dry-run", "--exit-code", "-f", write(tmp_path / "pr.yaml", story))
    assert "0 to create, 0 to update, 0 to delete" in result.stdout


def test_a_mistake_is_found_in_the_file_before_the_server_sees_it(
    story: Story, as_if: Story, tmp_path: Path
) -> None:
    story.apply("pr-2")
    file = write(tmp_path / "pr.yaml", story, prot=8080)
    result = as_if.reconcile("--dry-run", "-f", file, code=1)
    assert (
        f"! Preview {story.namespace}/pr-1 {file}:8: spec.prot: is not a known field; did you mean port?"
        in result.changes
    )
    assert len(result.changes) == 4, "the others are planned all the same"


def test_the_comment_and_the_variables_of_a_run(story: Story, tmp_path: Path) -> None:
    story.apply()
    comment, variables = tmp_path / "comment.md", tmp_path / "preview.env"
    story.reconcile("--report", f"markdown={comment}", "--report", f"dotenv={variables}")
    assert comment.read_text().startswith(f"{MARK}\n")
    assert f'<a href="https://{story.host("pr-1")}">' in comment.read_text()
    assert "<td>Changed: <code>Progressing</code>" in comment.read_text()
    assert variables.read_text() == (
        "PREVIEW_COUNT=1\n"
        "PREVIEW_NAME=pr-1\n"
        f"PREVIEW_URL=https://{story.host('pr-1')}\n"
        "PREVIEW_STATE=Changed\n"
        "PREVIEW_REASON=Progressing\n"
    )


def planned(result: Result) -> str:
    """The plan in an explanation; what else it says tells how long ago things were."""
    return result.stdout.partition("\nWhat a run would do\n")[2].partition("\n\nDeployment ")[0]


def test_of_a_name_in_the_file_explain_shows_what_it_would_be(
    story: Story, as_if: Story, tmp_path: Path
) -> None:
    story.apply("pr-1")
    story.reconcile()
    new_image = "registry.example.com/web:2"
    file = write(tmp_path / "pr.yaml", story, image=new_image)
    before = as_if.reconcile("--explain", "pr-1", "-f", file)
    assert "A run would update Deployment (its preview or an option changed)." in before.lines
    assert f"spec.image {new_image}" in before.lines
    container = "spec.template.spec.containers[app]"
    assert f"~ {container}.image us registry.example.com/web:1, wanted {new_image}" in before.lines
    story.apply("pr-1", image=new_image)
    assert planned(as_if.reconcile("--explain", "pr-1")) == planned(before) != ""
    assert only_read(as_if)


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
    missing = alone.reconcile(*own, "--explain", "pr-8", "-f", file, code=1)
    assert "pr-8: no such preview" in missing.stderr
    assert only_read(alone)
