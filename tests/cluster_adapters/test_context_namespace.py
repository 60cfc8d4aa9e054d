"""Where a file without a namespace is, and what a bare NAME means, on a server: as with `kubectl apply`."""

from pathlib import Path

import pytest

from reconcile.cli.main import exit_code_of
from reconcile.cluster.files.yaml import dump
from tests.builders import a_preview, without_uid
from tests.cluster_adapters.conftest import SERVER
from tests.cluster_adapters.world import World


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """One whose contexts are in no namespace, in team-a and in team-b."""
    file = tmp_path / "contexts"
    file.write_text(
        f"""
current-context: team-a
contexts:
- {{name: none, context: {{cluster: test}}}}
- {{name: team-a, context: {{cluster: test, namespace: team-a}}}}
- {{name: team-b, context: {{cluster: test, namespace: team-b}}}}
clusters: [{{name: test, cluster: {{server: "{SERVER}"}}}}]
"""
    )
    return str(file)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A preview as its author has it, without a namespace."""
    manifest = without_uid(a_preview("pr-9"))
    del manifest["metadata"]["namespace"]
    (tmp_path / "pr-9.yaml").write_text(dump(manifest))
    return str(tmp_path / "pr-9.yaml")


@pytest.mark.parametrize(
    ("arguments", "namespace"),
    [
        ((), "team-a"),
        (("team-a/pr-9",), "team-a"),
        (("pr-9",), "team-a"),
        (("--context", "team-b"), "team-b"),
        (("--context", "none"), "default"),
        (("--context", "none", "default/pr-9"), "default"),
        (("-n", "team-c"), "team-c"),
        (("-n", "team-c", "team-c/pr-9"), "team-c"),
    ],
)
def test_a_file_without_a_namespace_is_planned_where_kubectl_would_put_it(
    world: World, kubeconfig: str, file: str, arguments: tuple[str, ...], namespace: str
) -> None:
    ended = world.run("--kubeconfig", kubeconfig, "--dry-run", "-f", file, *arguments)
    assert ended.code == 0
    assert f"+ Deployment  {namespace}/pr-9  new preview" in ended.out
    assert "Plan: 3 to create" in ended.out


def test_a_name_in_another_namespace_is_refused_with_the_option_to_add_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], kubeconfig: str, file: str
) -> None:
    assert exit_code_of(["--kubeconfig", kubeconfig, "--dry-run", "-f", file, "team-b/pr-9"]) == 2
    assert capsys.readouterr().err.startswith(
        f"Error: -f {file}:1: PreviewEnvironment pr-9 names no namespace, so it would be team-a/pr-9 "
        "and not team-b/pr-9; pass -n team-b\n"
    )


def test_a_context_that_was_switched_decides_no_write(world: World, kubeconfig: str) -> None:
    """A bare NAME is looked for in all namespaces; where several have it, whoever runs it has to say which."""
    world.has(a_preview("pr-9", namespace="team-a"), a_preview("pr-9", namespace="team-b"))
    world.has(a_preview("pr-8", namespace="team-b"))
    ended = world.run("--kubeconfig", kubeconfig, "--yes", "pr-9")
    assert (ended.code, "pass one of team-a/pr-9, team-b/pr-9" in ended.err) == (2, True)
    ended = world.run("--kubeconfig", kubeconfig, "--dry-run", "pr-8")
    assert "+ Deployment  team-b/pr-8  new preview" in ended.out
