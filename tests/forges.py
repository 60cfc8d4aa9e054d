"""The CI systems, as far as action.yml and ci/gitlab.yml need them: their shell is run as they run it.

Nothing here knows what the scripts do. What they call (kubectl, reconcile, gh, curl) is what the PATH has.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
JOBS = ROOT / "ci" / "gitlab.yml"
SCRIPT = ROOT / "ci" / "preview-pipeline"

Document = dict[str, Any]
Lookup = Callable[[str], Any]

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_TOKEN = re.compile(r"'[^']*'|[a-z][\w.-]*(?:\(\))?|&&|\|\||==|!=|!|[()]", re.IGNORECASE)
_OPERATORS = {"&&": "and", "||": "or", "!": "not"}
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")


def recipes(page: str) -> list[Document]:
    """The YAML documents of a page of docs/ci."""
    texts = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci" / page).read_text(), re.S | re.M)
    return [yaml.safe_load(text) for text in texts]


@dataclass
class Machine:
    """Where jobs run: a home for all of them, and a fresh folder for each."""

    home: Path
    variables: dict[str, str]
    jobs: int = 0
    printed: str = ""
    work: Path = field(default_factory=Path)

    @classmethod
    def make(cls, home: Path, **variables: str) -> "Machine":
        """A machine with `reconcile` and `preview-pipeline` of this checkout in `home/bin`."""
        programs = home / "bin"
        programs.mkdir(parents=True)
        shell_script(programs / "reconcile", f'exec "{sys.executable}" -m reconcile "$@"')
        (programs / SCRIPT.name).symlink_to(SCRIPT)
        dropped = ("RECONCILE_", "PREVIEW_", "PYTEST", "KUBECONFIG", "GITHUB_", "CI_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        path = f"{programs}:{os.environ['PATH']}"
        return cls(home, {**kept, "PATH": path, "PYTHONPATH": str(ROOT), **variables})

    def start(self) -> None:
        self.jobs += 1
        self.work = self.home / f"job-{self.jobs}"
        self.work.mkdir()

    def shell(self, script: str, *arguments: str, **variables: str) -> int:
        """Run a script as the CI does; its exit code."""
        done = subprocess.run(
            [*arguments, script],
            cwd=self.work,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.printed += done.stdout + done.stderr
        return done.returncode


def shell_script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


# GitHub


def evaluated(expression: str, lookup: Lookup) -> Any:
    """The value of an expression: texts, names, `&&`, `||`, `!`, `==` and parentheses.

    `&&` and `||` give one of their operands, as Python's do.
    """
    rest = _TOKEN.sub("", expression)
    assert not rest.strip(), f"unknown in an expression: {rest}"
    words = (_in_python(token) for token in _TOKEN.findall(expression))
    return eval(" ".join(words), {"lookup": lookup})


def _in_python(token: str) -> str:
    if token in _OPERATORS:
        return _OPERATORS[token]
    return f"lookup({token!r})" if token[0].isalpha() else token


def expanded(text: str, lookup: Lookup) -> str:
    """A text with the values of its expressions."""
    return _EXPRESSION.sub(lambda match: str(evaluated(match[1], lookup) or ""), text)


@dataclass
class GitHub:
    """Runs a workflow of docs/ci/github-actions.md, and the action as the workflow uses it."""

    machine: Machine
    branch: str = "feature/login"
    inputs: dict[str, str] = field(default_factory=dict)
    """In place of the workflow's."""
    page: Document = field(default_factory=lambda: recipes("github-actions.md")[0])
    action: Document = field(default_factory=lambda: yaml.safe_load(ACTION.read_text()))
    sha: str = "c0ffee1"
    event: str = "synchronize"
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    well: bool = True

    def opens(self, sha: str = "c0ffee1") -> bool:
        """Whether the workflow goes well that a push to the pull request runs."""
        self.sha = sha
        return self.runs("synchronize")

    def closes(self) -> bool:
        return self.runs("closed")

    def runs(self, event: str) -> bool:
        """Whether each job of the workflow went well that this event runs; it runs one."""
        self.event = event
        jobs = [job for job in self.page["jobs"].values() if evaluated(job["if"], self._known)]
        assert len(jobs) == 1
        (job,) = jobs
        self.job = job
        (step,) = (step for step in job["steps"] if "uses" in step)
        given = {name: expanded(str(text), self._known) for name, text in step["with"].items()}
        return self.uses({**given, **self.inputs}, step.get("id", ""))

    def uses(self, given: Mapping[str, str], id_: str) -> bool:
        """Whether the action went well, with these inputs; after a step that did not, some are left out."""
        self.machine.start()
        programs = self.machine.work / "temp" / "preview-reconcile"
        programs.mkdir(parents=True)
        (programs / "bin").symlink_to(self.machine.home / "bin")
        self.steps, self.ran, self.well = {}, [], True
        inputs = {f"inputs.{name}": self._input(name, given) for name in self.action["inputs"]}
        assert not given.keys() - self.action["inputs"].keys(), "GitHub only warns of an unknown input"

        def lookup(name: str) -> Any:
            return inputs[name] if name in inputs else self._known(name)

        for step in self.action["runs"]["steps"]:
            condition = step.get("if", "success()").removeprefix("${{").removesuffix("}}")
            skips = not self.well and "cancelled()" not in condition
            if not skips and evaluated(condition, lookup):
                self.well = self._step(step, lookup) and self.well
        self.outputs = {name: expanded(one["value"], lookup) for name, one in self.action["outputs"].items()}
        self.steps[id_] = self.outputs
        return self.well

    def _input(self, name: str, given: Mapping[str, str]) -> str:
        declared = self.action["inputs"][name]
        assert name in given or not declared.get("required"), f"required: {name}"
        return given.get(name, expanded(declared.get("default", ""), self._known))

    def _step(self, step: Document, lookup: Lookup) -> bool:
        assert step["shell"] == "bash"
        self.ran.append(step["name"])
        work = self.machine.work
        files = {name: work / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        variables = {name: expanded(str(text), lookup) for name, text in step.get("env", {}).items()}
        variables |= {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_ACTION_PATH": str(ROOT)}
        variables |= {"RUNNER_TEMP": str(work / "temp"), **{name: str(file) for name, file in files.items()}}
        code = self.machine.shell(
            step["run"], "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", **variables
        )
        if files["GITHUB_OUTPUT"].exists() and "id" in step:
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.steps[step["id"]] = dict(line.split("=", 1) for line in lines)
        return code == 0

    def _known(self, name: str) -> Any:
        if name.startswith("steps."):
            _, id_, _, output = name.split(".")
            return self.steps.get(id_, {}).get(output, "")
        known = {
            "success()": self.well,
            "cancelled()": False,
            "github.event.action": self.event,
            "github.event.number": 42,
            "github.event.pull_request.number": 42,
            "github.event.pull_request.head.sha": self.sha,
            "github.event.pull_request.head.repo.full_name": "acme/shop",
            "github.repository": "acme/shop",
            "github.head_ref": self.branch,
            "github.ref_name": "42/merge",
            "github.sha": "of-the-merge",
            "github.actor": "octocat",
            "github.token": "a-token",
            "secrets.PREVIEW_KUBECONFIG": self.machine.variables.get("KUBECONFIG_SECRET", ""),
        }
        return known[name]

    @property
    def url(self) -> str:
        """The link: that of the environment, where the job has one."""
        if "environment" in self.job:
            return expanded(self.job["environment"]["url"], self._known)
        return self.outputs["url"]

    @property
    def summary(self) -> str:
        return (self.machine.work / "github_step_summary").read_text()


# GitLab


def included(inputs: Mapping[str, Any]) -> Document:
    """The jobs of ci/gitlab.yml with these inputs, as GitLab interpolates them."""
    head, body = yaml.safe_load_all(JOBS.read_text())
    declared = head["spec"]["inputs"]
    assert not inputs.keys() - declared.keys(), "GitLab refuses an unknown input"
    values = {name: inputs.get(name, one.get("default")) for name, one in declared.items()}
    assert None not in values.values(), "GitLab refuses to include it without a mandatory input"
    found: Document = _interpolated(body, values)
    return found


def _interpolated(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _interpolated(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolated(value, values) for value in node]
    if isinstance(node, str):
        return _INPUT.sub(lambda match: _as_text(values[match[1]]), node)
    return node


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class GitLab:
    """Runs the jobs of ci/gitlab.yml as docs/ci/gitlab.md includes them."""

    machine: Machine
    branch: str = "feature/login"
    inputs: dict[str, Any] = field(default_factory=dict)
    """In place of the page's."""
    page: Document = field(default_factory=lambda: recipes("gitlab.md")[0])
    sha: str = "c0ffee1"
    url: str = ""

    @property
    def jobs(self) -> Document:
        (include,) = self.page["include"]
        return included({**include["inputs"], **self.inputs})

    @property
    def predefined(self) -> dict[str, str]:
        return {
            "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "42",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": self.branch,
            "CI_REGISTRY_IMAGE": "registry.example.com/acme/shop",
            "CI_COMMIT_SHA": self.sha,
            "CI_COMMIT_REF_SLUG": "feature-login",
            "PREVIEW_TOKEN": "a-token",
        }

    def opens(self, sha: str = "c0ffee1") -> bool:
        """Whether the job goes well that a push to the merge request runs."""
        self.sha = sha
        return self.runs("preview")

    def closes(self) -> bool:
        return self.runs("preview-close")

    def runs(self, name: str) -> bool:
        job = _merged(self.jobs[".preview"], self.jobs[name])
        given = {key: _filled(str(value), self.predefined) for key, value in job["variables"].items()}
        variables = {**self.predefined, **given}
        shell = ("bash", "-eo", "pipefail", "-c")
        self.machine.start()
        code = self.machine.shell("\n".join([*job["before_script"], *job["script"]]), *shell, **variables)
        after = self.machine.shell("\n".join(job["after_script"]), *shell, **variables)
        assert after == 0, self.machine.printed
        if "artifacts" in job:
            self._keep(job)
        return code == 0

    def _keep(self, job: Document) -> None:
        """The environment's link, from the variables of the dotenv report."""
        file = self.machine.work / job["artifacts"]["reports"]["dotenv"]
        lines = file.read_text().splitlines() if file.exists() else []
        values = dict(line.split("=", 1) for line in lines)
        assert all(values.values()), "GitLab takes no empty value"
        self.url = _filled(job["environment"]["url"], values)


def _merged(base: Document, job: Document) -> Document:
    """`extends`: mappings are merged, everything else is replaced."""
    both = {
        key: _merged(base[key], job[key]) if isinstance(job[key], dict) else job[key]
        for key in base.keys() & job.keys()
    }
    return {**base, **job, **both}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1], ""), text)


def scripts_of(node: Any) -> Iterator[str]:
    """Every script in a document of GitHub's."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "run")
        yield from (script for value in node.values() for script in scripts_of(value))
    if isinstance(node, list):
        yield from (script for value in node for script in scripts_of(value))
