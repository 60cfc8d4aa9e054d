"""Templates on a real API server: what operators add stays silent, is mended, and goes without a trace.

`PROOF=whole` (`make whole`) takes every case; else it is a spread of them.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.author import Author
from tests.e2e.story import ROUTES, Story, container, env_of
from tests.template_cases import ACCEPTED, Case, at
from tests.templates import document

MODE = [{"name": "MODE", "value": "demo"}]
TAKEN = ACCEPTED if os.environ.get("PROOF") == "whole" else ACCEPTED[::4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def put(folder: Path, text: str) -> tuple[str, str]:
    """The options of a run with these documents."""
    (folder / "app.yaml").write_text(text)
    return "--templates", str(folder)


def differences(live: dict[str, Any], case: Case) -> dict[str, Any]:
    """What a live child has in the place of what the case sets; the server's defaults are no difference."""
    found = {path: at(live, path) for path in case.sets}
    return {path: there for path, there in found.items() if not holds(there, case.sets[path])}


def holds(there: Any, wanted: Any) -> bool:
    """Whether a value has all that is wanted of it; nothing stands for nothing."""
    if isinstance(wanted, dict) and wanted and isinstance(there, dict):
        return all(holds(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(there, list):
        return len(there) == len(wanted) and all(map(holds, there, wanted))
    return bool(there == wanted)


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_a_template_applied_once_is_corrected_and_withdrawn(story: Story, folder: Path, case: Case) -> None:
    place = f"{case.kind} {story.namespace}/pr-1"
    story.apply(env=MODE, replicas=0)
    story.reconcile()
    before = story.live(case.kind)["spec"]

    options = put(folder, case.document)
    assert story.reconcile(*options).changes == [f"~ {place} its templates changed"]
    assert differences(story.live(case.kind), case) == {}
    story.silent(*options)

    story.edit(case.kind, lambda live: live.update(spec=before))
    assert story.reconcile(*options).changes == [f"~ {place} drifted"]
    assert differences(story.live(case.kind), case) == {}
    story.silent(*options)

    none = ("--templates", "none")
    assert story.reconcile(*none).changes == [f"~ {place} its templates changed"]
    after = story.live(case.kind)["spec"]
    marks = [spec.get("template", {}).get("metadata", {}).pop("annotations", {}) for spec in (before, after)]
    assert (after, marks[0]) == (before, marks[1])
    story.silent()


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize(
    ("route", "spec", "path", "value"),
    [
        ("Ingress", "spec: {tls: [{hosts: ['${preview.spec.fqdn}'], secretName: wildcard}]}", "spec.tls", "wildcard"),
        ("HTTPRoute", "spec: {parentRefs: [{name: other, namespace: infra}]}", "spec.parentRefs", "other"),
    ],
)  # fmt: skip
def test_a_template_of_a_route_of_another_kind_is_silent(
    story: Story, folder: Path, route: str, spec: str, path: str, value: str
) -> None:
    options = (*ROUTES[route], *put(folder, document(route, spec)))
    story.apply(replicas=0)
    story.reconcile(*options)
    (item,) = at(story.live(route), path)
    assert value in item.values()
    story.silent(*options)


def test_an_edit_of_a_template_reaches_previews_that_a_fingerprint_had_settled(
    story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0, labels={"team": "shop"})
    text = document("Mapping", "spec: {timeout_ms: 1000}", when="team=shop")
    options = put(folder, text)
    story.reconcile(*options)
    story.silent(*options)
    put(folder, text.replace("1000", "2000"))
    story.reconcile(*options)
    assert story.live("Mapping")["spec"]["timeout_ms"] == 2000
    story.silent(*options)
    story.patch("PreviewEnvironment", {"metadata": {"labels": {"team": "other"}}})
    story.reconcile(*options)
    assert "timeout_ms" not in story.live("Mapping")["spec"]


def test_a_setup_job_that_ran_is_not_touched_by_a_template(story: Story, folder: Path) -> None:
    story.apply(replicas=0, setup={"command": ["true"]})
    options = put(folder, document("Job", "spec: {template: {spec: {terminationGracePeriodSeconds: 7}}}"))
    story.reconcile(*options)
    (job,) = story.everything_of("Job").values()
    assert job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7
    put(folder, document("Job", "spec: {template: {spec: {terminationGracePeriodSeconds: 8}}}"))
    assert story.reconcile(*options).changes == []
    assert story.everything_of("Job")[f"Job/{job['metadata']['name']}"]["spec"] == job["spec"]


def test_a_suspended_preview_stays_so(story: Story, folder: Path) -> None:
    options = put(folder, document("Deployment", "spec: {replicas: 2}"))
    story.apply(suspend=True)
    story.reconcile(*options)
    assert story.live("Deployment")["spec"]["replicas"] == 0
    story.silent(*options)


def test_what_is_wrong_in_a_template_writes_nothing_at_all(story: Story, folder: Path) -> None:
    story.apply()
    options = put(folder, document("Deployment", "spec: {replica: 2}"))
    ended = story.reconcile(*options, code=2)
    assert "app.yaml:5: spec.replica: is not a known field; did you mean replicas?" in ended.stderr
    assert story.requests() == ()


SECRETS = document(
    "Deployment",
    """spec:
  template:
    spec:
      containers:
        - name: app
          env:
            - name: TEAM
              value: "${preview.metadata.labels['team']}"
            - name: TOKEN
              valueFrom: {secretKeyRef: {name: "db-${preview.metadata.labels['team']}", key: token}}""",
    when="team",
)


def test_an_author_reaches_no_more_by_a_template_and_stops_nobody_else(story: Story, folder: Path) -> None:
    """The labels are the author's own, up to the longest; what is refused is refused to that preview alone."""
    author = Author(story)
    options = (*put(folder, SECRETS), "--allow-secret", "db-shop*")
    longest = "shop" + "x" * 59
    texts = ["${preview.metadata.uid}", "$${HOME}", "$(TOKEN)"]
    author.apply("app", replicas=0, labels={"team": "prod"}, command=["sh"])
    author.apply("empty", replicas=0, labels={"team": ""})
    author.apply("long", replicas=0, labels={"team": longest})
    author.apply("plain", replicas=0, args=texts, env=[{"name": "TEXT", "value": texts[0]}])
    refused = story.reconcile(*options, code=1).changes
    where = f"{folder}/app.yaml:14: spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.name"
    assert [line for line in refused if line.startswith("!")] == [
        f"! Preview {story.namespace}/app {where}: Secret db-prod is not allowed; --allow-secret is db-shop*",
        f"! Preview {story.namespace}/empty {where}: Secret db- is not allowed; --allow-secret is db-shop*",
    ]
    assert sorted(story.children()) == sorted([*story.all_of("long"), *story.all_of("plain")])
    env = {one["name"]: one for one in env_of(story.live("Deployment", "long"))}
    assert env["TEAM"]["value"] == longest
    assert env["TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == f"db-{longest}"
    plain = story.live("Deployment", "plain")
    assert (container(plain)["args"], env_of(plain)[0]["value"]) == (texts, texts[0])
    story.silent(*options, code=1)

    before = story.live("Deployment", "long")["spec"]
    author.kubectl("label", author.previews, "long", "team=prod", "--overwrite")
    story.reconcile(*options, code=1)
    assert story.live("Deployment", "long")["spec"] == before
    author.kubectl("delete", author.previews, "long")
    story.reconcile(*options, code=1)
    assert sorted(story.children()) == sorted(story.all_of("plain"))


def test_a_run_without_the_templates_option_removes_none_and_no_annotation_stops_it(
    story: Story, folder: Path
) -> None:
    author = Author(story, "Deployment")
    options = put(folder, document("Deployment", "spec: {minReadySeconds: 7}", when="team"))
    author.apply("pr-1", replicas=0, labels={"team": "shop"})
    author.apply("pr-2", replicas=0)
    story.reconcile(*options)
    author.kubectl("annotate", "deployment", "pr-2", f"{story.names.templates_annotation}=forged")
    author.apply("pr-2", replicas=0, revision="b")
    for arguments in (("--dry-run",), ()):
        assert [line[:2] for line in story.reconcile(*arguments, code=1).changes] == ["~ ", "! "]
    assert story.live("Deployment")["spec"]["minReadySeconds"] == 7
    story.silent(*options)
    story.reconcile("--templates", "none")
    assert "minReadySeconds" not in story.live("Deployment")["spec"]
    story.silent()
