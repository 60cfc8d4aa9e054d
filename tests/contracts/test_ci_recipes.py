"""The recipes of docs/ci do what they say: their shell is run, with the real `reconcile` on a folder.

What belongs to the CI system is a stub (`ci_stubs`): kubectl keeps its previews in files, which
`RECONCILE_FROM` names, so that the recipes' commands stay as they are.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.cluster.files.yaml import dump
from reconcile.report.markdown import MARK
from tests.builders import a_preview
from tests.contracts import ci_stubs

ROOT = Path(__file__).parents[2]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="not on the PATH: jq, which the recipes call")


def recipe(name: str) -> dict[str, Any]:
    """The one YAML document of a page."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci" / name).read_text(), re.S | re.M)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@dataclass
class Machine:
    """Where the jobs run: one folder for what the forge and the cluster keep, a fresh one for each job."""

    home: Path
    variables: dict[str, str]
    jobs: int = 0
    printed: str = ""
    work: Path = field(default_factory=Path)

    def start(self) -> None:
        self.jobs += 1
        self.work = self.home / f"job-{self.jobs}"
        self.work.mkdir()

    def shell(self, script: str, *arguments: str, **variables: str) -> int:
        """Run a script as the CI does."""
        done = subprocess.run(
            [*arguments, script],
            cwd=self.work,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def children(self) -> list[str]:
        return sorted(path.name for path in (self.home / "children").glob("*"))

    def calls(self, program: str) -> list[str]:
        lines = (self.home / "calls").read_text().splitlines()
        return [line for line in lines if line.split()[0] == program]

    def comments(self) -> list[str]:
        file = self.home / "comments.json"
        return [comment["body"] for comment in json.loads(file.read_text())] if file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "previews").mkdir()
    stubs = f'exec "{sys.executable}" "{ci_stubs.__file__}"'
    for name in ("kubectl", "gh", "curl"):
        program(programs / name, f'{stubs} {name} "$@"')
    # In files nothing becomes ready, so --wait is left out; that a recipe has it is a test of its own.
    no_wait = 'for word; do shift; [ "$word" = --wait ] || set -- "$@" "$word"; done\n'
    program(programs / "reconcile", f'{no_wait}exec "{sys.executable}" -m reconcile "$@"')
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RECONCILE_", "PYTEST"))
    }
    return Machine(
        tmp_path,
        {
            **kept,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "STUBS": str(tmp_path),
            "RECONCILE_FROM": str(tmp_path / "previews"),
            "RECONCILE_TO": str(tmp_path / "children"),
        },
    )


def program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def other_preview(machine: Machine, folder: str = "previews", **given: Any) -> None:
    """An older preview, that is there (`previews`), or comes in the moment that ours is applied (`late`)."""
    (machine.home / folder).mkdir(exist_ok=True)
    manifest = a_preview("other", created="2020-01-01T00:00:00Z", **given)
    manifest["metadata"].pop("uid")
    (machine.home / folder / "other.yaml").write_text(dump(manifest))


# GitHub


@dataclass
class GitHub:
    """Runs a job of the workflow as GitHub does."""

    machine: Machine
    name = "pr-42"
    workflow: dict[str, Any] = field(default_factory=lambda: recipe("github-actions.md"))
    sha: str = "c0ffee1"
    outputs: dict[str, str] = field(default_factory=dict)

    def opens(self, sha: str = "c0ffee1") -> bool:
        """Whether the job went well that a push to the pull request runs."""
        self.sha = sha
        return self.run("preview")

    def run(self, job: str) -> bool:
        """Whether each step of the job went well; after one that did not, some are left out."""
        self.machine.start()
        self.outputs, well = {}, True
        for step in self.workflow["jobs"][job]["steps"]:
            if well or "!cancelled()" in step.get("if", ""):
                well = self._step(step) and well
        return well

    def _step(self, step: dict[str, Any]) -> bool:
        files = {name: self.machine.work / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        given = {**self.workflow["env"], **step.get("env", {})}
        variables = {name: self._expand(value) for name, value in given.items()}
        variables |= {"GITHUB_REPOSITORY": "acme/shop", **{name: str(file) for name, file in files.items()}}
        code = self.machine.shell(step["run"], "bash", "-e", "-c", **variables)
        if files["GITHUB_OUTPUT"].exists():
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.outputs = dict(line.split("=", 1) for line in lines)
        return code == 0

    def _expand(self, text: str) -> str:
        known = {
            "github.event.number": "42",
            "github.event.pull_request.head.sha": self.sha,
            "github.token": "a-token",
            **{f"steps.preview.outputs.{name}": value for name, value in self.outputs.items()},
        }
        return EXPRESSION.sub(lambda match: known[match[1]], text)

    @property
    def url(self) -> str:
        """The link of the environment."""
        return self._expand(self.workflow["jobs"]["preview"]["environment"]["url"])

    @property
    def summary(self) -> str:
        return (self.machine.work / "github_step_summary").read_text()


# GitLab


@dataclass
class GitLab:
    """Runs a job of the pipeline as GitLab does."""

    machine: Machine
    name = "mr-42"
    pipeline: dict[str, Any] = field(default_factory=lambda: recipe("gitlab.md"))
    sha: str = "c0ffee1"
    url: str = ""
    artifacts: dict[str, str] = field(default_factory=dict)

    @property
    def predefined(self) -> dict[str, str]:
        return {
            "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "42",
            "CI_REGISTRY_IMAGE": "registry.example.com/acme/shop",
            "CI_COMMIT_SHA": self.sha,
            "PREVIEW_TOKEN": "a-token",
        }

    def opens(self, sha: str = "c0ffee1") -> bool:
        """Whether the job went well that a push to the merge request runs; the comment is the next one's."""
        self.sha = sha
        well = self.run("preview")
        assert self.run("comment"), self.machine.printed
        return well

    def run(self, name: str) -> bool:
        job = self.pipeline[name]
        base = self.pipeline[job["extends"]]
        given = {**base["variables"], **job.get("variables", {})}
        variables = {key: _expand(value, self.predefined) for key, value in given.items()}
        self.machine.start()
        for file, text in self.artifacts.items():
            (self.machine.work / file).write_text(text)
        script = "\n".join(job["script"])
        code = self.machine.shell(script, "bash", "-eo", "pipefail", "-c", **self.predefined, **variables)
        self._keep(job)
        return code == 0

    def _keep(self, job: dict[str, Any]) -> None:
        """The artifacts, and the environment's link from the variables of the dotenv report."""
        kept = job.get("artifacts")
        self.artifacts = {}
        if not kept:
            return
        files = {file: self.machine.work / file for file in (*kept["paths"], kept["reports"]["dotenv"])}
        texts = {file: path.read_text() for file, path in files.items() if path.exists()}
        dotenv = texts.pop(kept["reports"]["dotenv"], "")
        self.artifacts = texts
        values = dict(line.split("=", 1) for line in dotenv.splitlines())
        assert all(values.values()), "GitLab takes no empty value"
        self.url = _expand(job["environment"]["url"], values)


def _expand(text: str, values: dict[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1], ""), text)


@pytest.fixture
def github(machine: Machine) -> GitHub:
    return GitHub(machine)


@pytest.fixture(params=[GitHub, GitLab], ids=lambda forge: forge.__name__)
def forge(request: pytest.FixtureRequest, machine: Machine) -> GitHub | GitLab:
    found: GitHub | GitLab = request.param(machine)
    return found


@needs_jq
def test_a_request_is_opened_pushed_to_and_closed(forge: GitHub | GitLab) -> None:
    machine, name = forge.machine, forge.name
    children = [f"shop.{kind}.{name}.yaml" for kind in ("deployment", "mapping", "service")]
    assert forge.opens(), machine.printed
    assert machine.children() == children
    assert forge.url == f"https://{name}.preview.example.com"
    (opened,) = machine.comments()
    assert f'<a href="https://{name}.preview.example.com">' in opened

    assert forge.opens("c0ffee2"), machine.printed
    (pushed,) = machine.comments()
    assert f"~ Deployment  shop/{name}  its preview or an option changed" in pushed, "the same comment, anew"
    assert "c0ffee2" in (machine.home / "children" / children[0]).read_text()

    assert forge.run("close"), machine.printed
    (closed,) = machine.comments()
    assert f"<td><code>shop/{name}</code></td><td>Gone</td>" in closed
    assert (machine.children(), os.listdir(machine.home / "previews")) == ([], [])


@needs_jq
def test_github_has_the_outputs_and_the_summary_and_its_deployments_end(github: GitHub) -> None:
    assert github.opens(), github.machine.printed
    assert (github.outputs["PREVIEW_STATE"], github.outputs["PREVIEW_COUNT"]) == ("Changed", "1")
    assert github.machine.comments() == [github.summary]
    assert github.run("close"), github.machine.printed
    inactive = [line.split()[5] for line in github.machine.calls("gh") if "state=inactive" in line]
    assert inactive == [f"repos/acme/shop/deployments/{number}/statuses" for number in (1, 2)]


@needs_jq
def test_closing_twice_or_what_never_was_is_no_failure(forge: GitHub | GitLab) -> None:
    assert forge.run("close"), forge.machine.printed
    assert forge.run("close"), forge.machine.printed
    (comment,) = forge.machine.comments()
    assert f"shop/{forge.name}: not found" in comment


@needs_jq
@pytest.mark.parametrize(("folder", "applied"), [("previews", False), ("late", True)])
def test_a_preview_that_is_blocked_fails_the_job_and_the_comment_says_why(
    forge: GitHub | GitLab, folder: str, applied: bool
) -> None:
    fqdn = f"{forge.name}.preview.example.com"
    other_preview(forge.machine, folder, fqdn=fqdn)
    assert not forge.opens()
    (comment,) = forge.machine.comments()
    assert "Blocked: <code>HostnameConflict</code>" in comment
    assert f"{fqdn}: belongs to shop/other; change spec.fqdn" in comment
    assert (forge.machine.home / "previews" / f"shop.{forge.name}.yaml").exists() is applied
    if isinstance(forge, GitHub):
        assert forge.outputs.get("PREVIEW_STATE") == ("Blocked" if applied else None)


@needs_jq
def test_github_a_mistake_in_the_preview_never_reaches_the_cluster(github: GitHub) -> None:
    github.workflow["env"]["FQDN"] = "https://pr-42.preview.example.com"
    assert not github.opens()
    (comment,) = github.machine.comments()
    assert "preview.yaml:8: spec.fqdn: " in comment
    assert os.listdir(github.machine.home / "previews") == []


@needs_jq
@pytest.mark.parametrize("body", ["a comment", f"{MARK}\nas if it were ours"])
def test_a_comment_of_a_person_is_left_alone(forge: GitHub | GitLab, body: str) -> None:
    comments = [{**ci_stubs.a_comment(body, mine=False), "id": 1}]
    (forge.machine.home / "comments.json").write_text(json.dumps(comments))
    assert forge.opens(), forge.machine.printed
    theirs, ours = forge.machine.comments()
    assert theirs == body
    assert ours.startswith(MARK)


def test_without_an_answer_of_the_cluster_there_is_no_comment_and_the_job_fails(
    forge: GitHub | GitLab,
) -> None:
    forge.machine.variables["RECONCILE_FROM"] = str(forge.machine.home / "nowhere")
    assert not forge.opens()
    assert forge.machine.comments() == []


def test_github_no_script_holds_what_comes_from_outside(github: GitHub) -> None:
    scripts = [step["run"] for job in github.workflow["jobs"].values() for step in job["steps"]]
    assert len(scripts) == 7
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize("page", ["github-actions.md", "gitlab.md"])
def test_the_run_that_makes_it_so_waits_and_no_other(page: str) -> None:
    text = (ROOT / "docs" / "ci" / page).read_text()
    runs = re.findall(r'reconcile "\$NAMESPACE/\$NAME" (.*)', text)
    assert [run.split()[0] for run in runs] == ["-f", "--wait", "--max-deletes"]


@pytest.mark.parametrize("page", ["github-actions.md", "gitlab.md"])
def test_the_page_says_the_variables_that_the_report_writes(page: str, github: GitHub) -> None:
    other_preview(github.machine)
    github.machine.start()
    assert github.machine.shell("reconcile --dry-run --report dotenv=p.env", "sh", "-c") == 0
    names = [line.split("=")[0] for line in (github.machine.work / "p.env").read_text().splitlines()]
    text = (ROOT / "docs" / "ci" / page).read_text()
    assert [name for name in names if f"`{name}=" not in text] == []
