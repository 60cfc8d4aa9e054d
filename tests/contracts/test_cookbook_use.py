"""The cookbook's pages for users: YAML and shell of them run on a folder, their programs on a stub."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.events import News, event
from reconcile.yamlfiles import dump
from tests.builders import a_preview
from tests.controlplane.programs import program as program_path
from tests.installation import one, rendered
from tests.unit.given import NAMES, a_read_preview

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "cookbook"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page, in their order."""
    text = (PAGES / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


def documents(page: str) -> list[Any]:
    return [yaml.safe_load(text) for text in blocks(page, "yaml")]


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it on the previews in `folder`/previews, with the `reconcile` of this checkout."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "reconcile").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconcile "$@"\n')
    (programs / "reconcile").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILE_")}
    ours = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RECONCILE_FROM": str(folder / "previews"),
        "RECONCILE_TO": str(folder / "children"),
    }
    return subprocess.run(
        ["sh", "-ec", script], cwd=folder, env={**kept, **ours, **variables}, capture_output=True, text=True
    )


def preview(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / "previews").mkdir(exist_ok=True)
    (folder / "previews" / "preview.yaml").write_text(dump(manifest))


def kinds(folder: Path) -> dict[str, Any]:
    """The children that were made, by kind."""
    made = [yaml.safe_load(path.read_text()) for path in (folder / "children").glob("*.yaml")]
    return {child["kind"]: child for child in made}


def test_a_secret_reaches_app_and_setup_where_the_operator_allows_it(tmp_path: Path) -> None:
    (manifest,) = documents("database.md")
    preview(tmp_path, manifest)
    refused = shell("reconcile", tmp_path)
    assert (refused.returncode, "say --allow-secret" in refused.stdout) == (1, True)
    _, allowed = blocks("database.md", "sh")
    done = shell(allowed, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = kinds(tmp_path)
    for kind in ("Job", "Deployment"):
        (container,) = found[kind]["spec"]["template"]["spec"]["containers"]
        assert container["env"] == manifest["spec"]["env"]


def test_the_secret_is_the_one_that_the_preview_names() -> None:
    (manifest,) = documents("database.md")
    create = blocks("database.md", "sh")[0]
    reference = manifest["spec"]["env"][0]["valueFrom"]["secretKeyRef"]
    assert f"secret generic {reference['name']} --namespace {manifest['metadata']['namespace']}" in create
    assert f"{reference['key']}=" in create


def test_the_external_job_runs_again_for_a_revision_or_when_deleted_and_not_else(tmp_path: Path) -> None:
    (manifest,) = documents("external-job.md")
    preview(tmp_path, manifest)
    first, delete = blocks("external-job.md", "sh")
    done = shell(first, tmp_path)
    plan = re.findall(r"```\n(\+ Job.*?)^```", (PAGES / "external-job.md").read_text(), re.S | re.M)[0]
    assert all(line in done.stdout for line in plan.splitlines())
    job = kinds(tmp_path)["Job"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    setup = manifest["spec"]["setup"]
    assert {name: container[name] for name in setup} == setup
    assert container["env"] == manifest["spec"]["env"]
    (label,) = re.findall(r"-l (\S+)", delete)
    assert label in [f"{key}={value}" for key, value in job["metadata"]["labels"].items()]

    preview(tmp_path, {**manifest, "spec": {**manifest["spec"], "setup": {**setup, "command": ["other"]}}})
    assert "+ Job" not in shell("reconcile", tmp_path).stdout
    preview(tmp_path, manifest)
    (tmp_path / "children" / f"shop.job.{job['metadata']['name']}.yaml").unlink()
    assert "+ Job" in shell("reconcile", tmp_path).stdout
    preview(tmp_path, {**manifest, "spec": {**manifest["spec"], "revision": "other"}})
    assert "+ Job" in shell("reconcile --dry-run", tmp_path).stdout


@pytest.mark.parametrize(("number", "kind"), [(0, "Ingress"), (1, "HTTPRoute")])
def test_the_command_line_wins_over_the_variable(number: int, kind: str, tmp_path: Path) -> None:
    preview(tmp_path, a_preview("pr-1", uid=None))
    done = shell(blocks("options.md", "sh")[number], tmp_path)
    assert f"+ {kind} " in done.stdout, done.stdout + done.stderr
    assert kinds(tmp_path) == {}


def test_a_variable_has_one_value_a_line_and_a_switch_is_true(tmp_path: Path) -> None:
    manifest = a_preview("pr-1", uid=None)
    preview(tmp_path, {**manifest, "spec": {**manifest["spec"], "fqdn": "pr-1.demo.example.com"}})
    several = blocks("options.md", "sh")[2].replace(" --dry-run", "")
    done = shell(several, tmp_path, RECONCILE_DRY_RUN="true")
    assert (done.returncode, "+ Deployment" in done.stdout) == (0, True), done.stdout + done.stderr
    assert kinds(tmp_path) == {}
    preview(tmp_path, {**manifest, "spec": {**manifest["spec"], "fqdn": "pr-1.else.example.com"}})
    assert shell(several, tmp_path, RECONCILE_DRY_RUN="true").returncode == 1


def test_the_charts_options_are_the_configmap_of_the_overlay() -> None:
    patch, values = documents("options.md")
    wanted = {name: value.rstrip("\n") for name, value in patch["data"].items()}
    assert one(rendered(values), "ConfigMap")["data"] == wanted


def test_the_charts_values_are_taken() -> None:
    values = yaml.safe_load(blocks("helm.md", "yaml")[0])
    data = one(rendered(values), "ConfigMap")["data"]
    assert data["RECONCILE_INGRESS_CLASS"] == values["options"]["ingress-class"]


def test_a_preview_comes_out_of_a_chart(tmp_path: Path) -> None:
    rendered({})  # skips where helm is not there
    templates = tmp_path / "my-chart" / "templates"
    templates.mkdir(parents=True)
    (templates.parent / "Chart.yaml").write_text("apiVersion: v2\nname: my-chart\nversion: 0.1.0\n")
    (templates / "preview.yaml").write_text(blocks("helm.md", "yaml")[1])
    (tmp_path / "previews").mkdir()
    path = f"{program_path('helm').parent}:{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = shell(blocks("helm.md", "sh")[0], tmp_path, PATH=path)
    assert "+ Deployment  shop/pr-42" in done.stdout, done.stdout + done.stderr


class Api(HTTPServer):
    """Somebody's HTTP API: keeps what it is told, answers with `answer`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[Any] = []
        self.answer = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def program(number: int, given: Any, *arguments: str) -> int:
    """Run a program of the page with this on its stdin."""
    command = [sys.executable, "-c", blocks("http-api.md", "python")[number], *arguments]
    return subprocess.run(command, input=json.dumps(given), text=True, capture_output=True).returncode


def test_only_a_ready_preview_of_the_report_is_told(api: Api, tmp_path: Path) -> None:
    preview(tmp_path, a_preview("pr-42"))
    done = shell("reconcile shop/pr-42 --report json=report.json", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert program(0, report, api.url) == 0
    assert api.told == []
    # In files nothing becomes ready, so this one word is not the folder's.
    report["previews"][0]["state"] = "Ready"
    assert program(0, report, api.url) == 0
    assert api.told == [{"name": "shop/pr-42", "url": "https://pr-42.preview.example.com"}]


def events(**changed: Any) -> dict[str, Any]:
    """A list as kubectl gives it: our Event that a preview became ready, or one that differs from it."""

    news = News("Normal", "Available", "Reconcile", "pods are ready", "1")
    made = event(a_read_preview("pr-42"), news, NAMES, datetime(2026, 1, 10, tzinfo=UTC))
    made["metadata"]["uid"] = "uid-of-event"
    return {"items": [{**made, **changed}]}


def test_an_event_is_told_once_and_again_where_the_api_failed(api: Api, tmp_path: Path) -> None:
    told = str(tmp_path / "told")
    api.answer = 500
    assert program(1, events(), api.url, told) != 0
    api.answer = 204
    assert program(1, events(), api.url, told) == 0
    assert program(1, events(), api.url, told) == 0
    assert api.told == [{"name": "shop/pr-42", "note": "pods are ready", "id": "uid-of-event"}] * 2


@pytest.mark.parametrize("other", [{"reason": "Created"}, {"reportingController": "kubelet"}])
def test_other_events_are_not_told(other: dict[str, str], api: Api, tmp_path: Path) -> None:
    assert program(1, events(**other), api.url, str(tmp_path / "told")) == 0
    assert api.told == []
