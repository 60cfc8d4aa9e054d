"""What cronjob/ and its chart make of an operator's all_desired, rendered by the real kubectl and helm."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.programs import missing_programs, program
from tests.templates import document

REPOSITORY = Path(__file__).parents[1]
BASE = REPOSITORY / "cronjob"
CHART = BASE / "chart"
NAME = "preview-reconcile"
COMPONENTS = (
    "namespace-only",
    "plan-only",
    "deployment",
    "network-policy",
    "alerts",
    "openshift",
    "templates",
)
OLDEST = "1.34.0"

Manifest = dict[str, Any]

DOCUMENT = document("Deployment", "spec: {minReadySeconds: 1}")
RIGHTS = (REPOSITORY / "tests" / "cli" / "golden" / "rights.yaml").read_text()
"""What `--print-rights` prints."""
EXTRA_RULES: list[dict[str, Any]] = next(yaml.safe_load_all(RIGHTS))["rules"]
_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
_TEMPLATES = {
    "name": f"{NAME}-templates",
    "namespace": NAME,
    "files": ["app.yaml"],
    "options": {"disableNameSuffixHash": True, "labels": _LABELS},
}
"""What an overlay with the component `templates` has."""
_KUSTOMIZED: dict[str, str] = {}
"""What kubectl printed for these components: every test of them reads the same."""


def kustomized(folder: Path, *components: str, **also: Any) -> list[Manifest]:
    """The base with these components, as an overlay in `folder` renders it; `also` is more of the overlay."""
    asked = json.dumps([components, also])
    if asked not in _KUSTOMIZED:
        _KUSTOMIZED[asked] = _printed(_program("kubectl"), "kustomize", overlay(folder, *components, **also))
    return _documents(_KUSTOMIZED[asked])


def pipeline_kustomized(folder: Path, way: str, **also: Any) -> list[Manifest]:
    """The rights of a pipeline, as an overlay in `folder` renders them."""
    path = os.path.relpath((BASE / "pipeline" / way).resolve(), folder.resolve())
    (folder / "kustomization.yaml").write_text(json.dumps({"resources": [path], **also}))
    return _documents(_printed(_program("kubectl"), "kustomize", folder))


def overlay(folder: Path, *components: str, **also: Any) -> Path:
    """An operator's own kustomization, which has to name the base by a relative path."""
    base = os.path.relpath(BASE.resolve(), folder.resolve())
    paths = [f"{base}/components/{component}" for component in components]
    content = {"resources": [base], "components": paths, **also}
    if "templates" in components:
        (folder / "app.yaml").write_text(DOCUMENT)
        (folder / "rights-of-templates.yaml").write_text(RIGHTS)
        content["configMapGenerator"] = [_TEMPLATES]
        content["resources"] = [base, "rights-of-templates.yaml"]
    # As JSON: PyYAML leaves a string such as `-1e34` unquoted, which is a number to kubectl.
    (folder / "kustomization.yaml").write_text(json.dumps(content))
    return folder


def rendered(values: Mapping[str, Any], *, release: str = NAME, namespace: str = NAME) -> list[Manifest]:
    """The chart with these values."""
    done = helm(
        *("template", release, str(CHART), "--namespace", namespace, "--kube-version", OLDEST),
        *("--values", "-"),
        values=values,
    )
    assert done.returncode == 0, done.stderr
    return _documents(done.stdout)


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """helm, with these values on its stdin."""
    return subprocess.run(
        [_program("helm"), *arguments], input=json.dumps(values or {}), capture_output=True, text=True
    )


def one(manifests: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The one object of a kind, or of a kind and a name."""
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of kind {kind}"
    return found[0]


def pod_template(manifests: Sequence[Manifest]) -> Manifest:
    """The pod of a run, as the CronJob or the Deployment has it."""
    (owner,) = (m for m in manifests if m["kind"] in ("CronJob", "Deployment"))
    spec = owner["spec"]["jobTemplate"]["spec"] if owner["kind"] == "CronJob" else owner["spec"]
    template: Manifest = spec["template"]
    return template


def arguments(manifests: Sequence[Manifest]) -> list[str]:
    """What the command is called with in the pod."""
    (container,) = pod_template(manifests)["spec"]["containers"]
    found: list[str] = container["args"]
    return found


def _printed(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _documents(text: str) -> list[Manifest]:
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def _program(name: str) -> Path:
    """Where a program is; skips where it is missing."""
    if missing_programs([name]):
        pytest.skip(f"not in KUBEBUILDER_ASSETS: {name}")
    return program(name)
