"""The commands in the documents: each is run here, or stands in one table with the reason why not; options exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconcile.cli.main import command
from tests.cookbook import ROOT, Clone

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEMPLATES = ROOT / "docs" / "templates.md"
BY_TESTS_OF_THEIR_OWN = {"docs/cookbook": "test_cookbook.py", "docs/ci": "test_ci_recipes.py"}

# The beginning of a command, and why it cannot be run here.
NOT_RUN = {
    "pip install": "it would put this checkout into the Python that runs the tests; test_image.py installs it",
    "docker": "there is no docker here; tests/node builds the image by other means, and runs it",
    "kubectl": "it wants a cluster; tests/e2e/test_install.py installs, upgrades and removes on one",
    "helm": "it wants a cluster; test_chart.py renders the chart",
    "kind load": "it wants a cluster of kind",
    "k3d": "it wants a cluster of k3d",
    "ctr": "it is for a node",
    "RECONCILE_PUSHGATEWAY": "it wants a Pushgateway; tests/cli/test_metrics.py",
    "eval": "it wants the ConfigMap of a cluster; test_manifests.py reads the ConfigMap",
    'eval "$(_RECONCILE': "each is for a shell of its own; tests/shells types them in all three",
    "_RECONCILE_COMPLETE": "it is for fish; tests/shells types it there",
    "token=": "it wants a cluster; tests/e2e/test_pipeline.py makes a kubeconfig with it",
    "reconcile --print-crd": "it wants a cluster; the CRD is compared in test_crd_and_model.py",
    "reconcile --route ingress --wait": "in files nothing becomes ready; tests/node waits for the first preview",
    "curl": "it wants the first preview, which tests/node requests on a real node",
    "reconcile --interval": "it never ends; tests/cli/test_interval.py",
}


def commands_of(path: Path) -> Iterator[str]:
    """The commands in the `sh` blocks of a document, continued lines joined, comments left out."""
    for block in re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.strip()


ALL = [
    (str(path.relative_to(ROOT)), line)
    for path in DOCUMENTS
    for line in commands_of(path)
    if not str(path.relative_to(ROOT)).startswith(tuple(BY_TESTS_OF_THEIR_OWN))
]


def reason(line: str) -> str | None:
    """Why a command is not run here; None where it is."""
    found = [prefix for prefix in NOT_RUN if line.startswith(prefix)]
    return NOT_RUN[max(found, key=len)] if found else None


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = Clone.make(tmp_path_factory.mktemp("documents") / "clone")
    (made.root / "preview.yaml").write_text((ROOT / "examples" / "shop" / "pr-42.yaml").read_text())
    (made.root / "templates").mkdir()
    (block,) = re.findall(
        r"^# (templates/redis.yaml\n.*?)^```$", TEMPLATES.read_text(), re.MULTILINE | re.DOTALL
    )
    (made.root / "templates" / "redis.yaml").write_text(f"# {block}")
    return made


RUN = {line: document for document, line in ALL if reason(line) is None}


@pytest.mark.parametrize("line", RUN)
def test_a_command_of_a_document_runs(line: str, clone: Clone) -> None:
    """On the example's folder, in place of a cluster."""
    folder = {"RECONCILE_FROM": str(clone.root / "examples" / "shop")}
    folder |= {} if re.search("--dry-run|--explain", line) else {"RECONCILE_TO": str(clone.root / "children")}
    # The demo's options are its own.
    printed = clone.run(f"{line}\necho ended with $?", **({} if line.startswith("make") else folder))
    assert printed.endswith("ended with 0\n"), f"{RUN[line]}: {line}\n{printed}"


def test_commands_are_found_and_each_reason_is_needed() -> None:
    assert len(ALL) > 20
    used = {line for _, line in ALL}
    idle = [prefix for prefix in NOT_RUN if not any(line.startswith(prefix) for line in used)]
    assert idle == [], "nothing begins so any more: take it out of NOT_RUN"


def calls_of(path: Path) -> Iterator[str]:
    """Every call of `reconcile` in a document: in a block or in the text, up to what the shell does with it."""
    text = re.sub(r"\\\n\s*", "", path.read_text())
    yield from re.findall(
        r"^(?:\$ |      run: |    )?(?:\w+=\S+ )*(reconcile [^\n|>;&…#]*)", text, re.MULTILINE
    )
    yield from re.findall(r"(?<!`)`(reconcile [^`\n|>…]+)`", text)


def unknown_option(call: str) -> str:
    """What is wrong with the options of a call; a value may stand for others, such as DURATION."""
    words = shlex.split(re.sub(r"\[[^\]]*\]", "", call))[1:]
    try:
        command.make_context("reconcile", words)
    except click.NoSuchOption as error:
        return f"{call}: {error}"
    except (click.exceptions.Exit, click.UsageError):
        pass
    return ""


def test_a_call_of_the_command_has_options_that_it_has() -> None:
    calls = [(path, call) for path in DOCUMENTS for call in calls_of(path)]
    assert len(calls) > 30
    assert [(path, problem) for path, call in calls if (problem := unknown_option(call))] == []
