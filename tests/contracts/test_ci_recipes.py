"""action.yml and ci/gitlab.yml, as the recipes of docs/ci use them, with the real `reconcile` on a folder.

What belongs to the CI system is a stub (`ci_stubs`): kubectl keeps its previews in files, which
`RECONCILE_FROM` names. tests/e2e/test_pipeline.py runs the same shell against a real API server.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.cluster.files.yaml import dump
from reconcile.report.markdown import LIMIT, MARK
from tests.builders import a_preview
from tests.contracts import ci_stubs
from tests.forges import (
    ACTION,
    JOBS,
    ROOT,
    SCRIPT,
    GitHub,
    GitLab,
    Machine,
    included,
    recipes,
    scripts_of,
)
from tests.forges import shell_script as program
from tests.shop import Shop

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="not on the PATH: jq, which the scripts call")

NAME = "feature-login-df7c7aeb"
FQDN = f"{NAME}.shop.preview.example.com"
OPTIONS = {"data": {"RECONCILE_ROUTE": "ingress"}}

Forge = GitHub | GitLab


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine.make(
        tmp_path,
        STUBS=str(tmp_path),
        RECONCILE_FROM=str(tmp_path / "previews"),
        RECONCILE_TO=str(tmp_path / "children"),
    )
    (tmp_path / "previews").mkdir()
    (tmp_path / "options.json").write_text(json.dumps(OPTIONS))
    stubs = f'exec "{sys.executable}" "{ci_stubs.__file__}"'
    for name in ("kubectl", "gh", "curl"):
        program(tmp_path / "bin" / name, f'{stubs} {name} "$@"')
    # In files nothing becomes ready, so --wait is left out; that it is there is a test of its own.
    no_wait = 'for word; do shift; case $word in --wait*) ;; *) set -- "$@" "$word" ;; esac; done'
    program(
        tmp_path / "bin" / "reconcile",
        f'echo "reconcile $*" >> "$STUBS/calls"\n{no_wait}\nexec "{sys.executable}" -m reconcile "$@"',
    )
    return made


@pytest.fixture
def github(machine: Machine) -> GitHub:
    return GitHub(machine)


@pytest.fixture(params=[GitHub, GitLab], ids=lambda forge: forge.__name__)
def forge(request: pytest.FixtureRequest, machine: Machine) -> Forge:
    found: Forge = request.param(machine)
    return found


def children(machine: Machine) -> list[str]:
    return sorted(path.name for path in (machine.home / "children").glob("*"))


def calls(machine: Machine, program: str) -> list[str]:
    lines = (machine.home / "calls").read_text().splitlines()
    return [line for line in lines if line.split()[0] == program]


def comments(machine: Machine) -> list[str]:
    file = machine.home / "comments.json"
    return [comment["body"] for comment in json.loads(file.read_text())] if file.exists() else []


def mark_of(name: str, namespace: str = "shop") -> str:
    """The first line of the comment of a preview."""
    return MARK.replace(" -->", f" {namespace}/{name} -->")


def other_preview(machine: Machine, folder: str = "previews", **given: Any) -> None:
    """An older preview, that is there (`previews`), or comes in the moment that ours is applied (`late`)."""
    (machine.home / folder).mkdir(exist_ok=True)
    manifest = a_preview("other", created="2020-01-01T00:00:00Z", **given)
    manifest["metadata"].pop("uid")
    (machine.home / folder / "other.yaml").write_text(dump(manifest))


# opened, pushed to, closed


def test_a_request_is_opened_pushed_to_and_closed_twice(forge: Forge) -> None:
    machine = forge.machine
    files = [f"shop.{kind}.{NAME}.yaml" for kind in ("deployment", "ingress", "service")]
    assert forge.opens(), machine.printed
    plan, wait = (
        re.sub(r" --report \S+", "", line) for line in calls(machine, "reconcile") if "--print" not in line
    )
    assert re.fullmatch(rf"reconcile shop/{NAME} --filename \S+/?preview.yaml --dry-run", plan)
    assert wait == f"reconcile shop/{NAME} --wait --wait-timeout=5m"
    assert children(machine) == files
    assert forge.url == f"https://{FQDN}"
    (opened,) = comments(machine)
    assert f'<a href="https://{FQDN}">' in opened

    assert forge.opens("c0ffee2"), machine.printed
    (pushed,) = comments(machine)
    assert f"~ Deployment  shop/{NAME}  its preview or an option changed" in pushed, "the same comment, anew"
    assert "c0ffee2" in (machine.home / "children" / files[0]).read_text()

    assert forge.closes(), machine.printed
    (closed,) = comments(machine)
    assert f"<td><code>shop/{NAME}</code></td><td>Gone</td>" in closed
    assert (children(machine), os.listdir(machine.home / "previews")) == ([], [])

    assert forge.closes(), machine.printed
    (again,) = comments(machine)
    assert f"shop/{NAME}: not found" in again


def test_github_has_the_outputs_the_summary_and_the_environment(github: GitHub) -> None:
    github.page = recipes("github-actions.md")[1]
    assert github.opens(), github.machine.printed
    assert github.outputs == {
        "url": "https://pr-42.shop.preview.example.com",
        "state": "Changed",
        "reason": "Progressing",
        "name": "pr-42",
    }
    assert github.url == github.outputs["url"]
    assert comments(github.machine) == [github.summary]
    assert "End the deployments of the environment" not in github.ran

    assert github.closes(), github.machine.printed
    assert "<code>shop/pr-42</code></td><td>Gone</td>" in github.summary
    ended = [line.split()[5] for line in calls(github.machine, "gh") if "state=inactive" in line]
    assert ended == [f"repos/acme/shop/deployments/{number}/statuses" for number in (1, 2)]


# what goes wrong


def test_a_blocked_preview_fails_the_job_and_the_comment_shows_why(forge: Forge) -> None:
    is_blocked_by_another(forge, "previews")
    if isinstance(forge, GitHub):
        assert (forge.outputs["state"], forge.outputs["reason"]) == ("Blocked", "HostnameConflict")


def is_blocked_by_another(forge: Forge, folder: str) -> None:
    other_preview(forge.machine, folder, fqdn=FQDN)
    assert not forge.opens()
    (comment,) = comments(forge.machine)
    assert "Blocked: <code>HostnameConflict</code>" in comment
    assert f"{FQDN}: belongs to shop/other; change spec.fqdn" in comment
    assert (forge.machine.home / "previews" / f"shop.{NAME}.yaml").exists() is (folder == "late")


# What the script does by itself is the same on both forges.


def test_a_preview_that_is_blocked_after_the_apply_fails_the_job_too(github: GitHub) -> None:
    is_blocked_by_another(github, "late")


def test_a_mistake_in_the_preview_never_reaches_the_cluster(github: GitHub) -> None:
    github.inputs["fqdn"] = "https://pr-42.preview.example.com"
    assert not github.opens()
    (comment,) = comments(github.machine)
    assert "preview.yaml:8: spec.fqdn: " in comment
    assert os.listdir(github.machine.home / "previews") == []


both_ways = pytest.mark.parametrize("reconcile", ["true", "false"], ids=["reconciles", "low-rights"])
each_once = pytest.mark.parametrize(
    ("forge", "reconcile"), [(GitHub, "true"), (GitLab, "false")], ids=["GitHub-reconciles", "GitLab-low-rights"],
    indirect=["forge"],
)  # fmt: skip
NO_FIELD = ("replica: 2", ":11: spec.replica: is not a known field; did you mean replicas?")
NO_YAML = (
    "env: [{name: A",
    ":13: not YAML: while parsing a flow mapping, did not find expected &apos;,&apos; or &apos;}&apos;",
)


@pytest.mark.parametrize(
    ("spec", "mistake", "reconcile"),
    [
        (*NO_FIELD, "true"),
        (*NO_FIELD, "false"),
        ("image: other", ":11: the key &quot;image&quot; is there twice, first on line 7", "false"),
        (*NO_YAML, "true"),
    ],
    ids=["no-field-reconciles", "no-field-low-rights", "twice-low-rights", "no-yaml-reconciles"],
)
def test_a_mistake_in_the_further_fields_is_in_the_log_and_in_the_comment_with_its_line(
    github: GitHub, spec: str, mistake: str, reconcile: str
) -> None:
    github.inputs.update({"spec": f"{spec}\n", "reconcile": reconcile})
    assert not github.opens()
    (comment,) = comments(github.machine)
    assert f"preview.yaml{mistake}" in comment
    assert f"preview.yaml{html.unescape(mistake)}" in github.machine.printed
    assert "Error" not in comment
    assert (github.outputs["state"], github.outputs["reason"]) == ("Blocked", "Invalid")
    assert os.listdir(github.machine.home / "previews") == []


def test_the_check_of_the_low_rights_way_knows_no_limit_and_asks_no_cluster(github: GitHub) -> None:
    """Neither those of the operator nor the variables of another run; the API group alone counts."""
    github.machine.variables.update(
        {"RECONCILE_ALLOW_FQDN": "other.example.com", "RECONCILE_CONTEXT": "none", "RECONCILE_WAIT": "1"}
    )
    github.inputs["spec"] = "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]"
    github.inputs["reconcile"] = "false"
    (github.machine.home / "refusal").write_text("Error from server: as far as this")
    assert not github.opens()
    assert (
        "<code>ApplyFailed</code><br><code>Error from server: as far as this</code>"
        in comments(github.machine)[0]
    )
    assert "Plan:" not in github.machine.printed


@both_ways
def test_a_refusal_of_the_server_is_in_the_comment_without_the_values_of_the_preview(
    github: GitHub, reconcile: str
) -> None:
    """Whole, escaped as in JSON, or in pieces between what was escaped otherwise."""
    github.inputs["reconcile"] = reconcile
    github.inputs["spec"] = """
env: [{name: PASSWORD, value: 'pa"ss'}, {name: B, value: longer-word_1<longerword2}]
args: [--token=abcd, "80"]
"""
    words = 'spec.env[0] "pa\\"ss", pa"ss, longer-word_1\\u003clongerword2, --token=abcd of PASSWORD on 80'
    (github.machine.home / "refusal").write_text(
        f"Warning: old\nThe PreviewEnvironment is invalid: {words}\n"
    )
    assert not github.opens()
    told = (
        'spec.env[0] "(not shown)", (not shown), (not shown)\\u003c(not shown), (not shown) of PASSWORD on 80'
    )
    assert f"The PreviewEnvironment is invalid: {told}" in github.machine.printed
    (comment,) = comments(github.machine)
    assert f"<code>Warning: old The PreviewEnvironment is invalid: {html.escape(told)}</code>" in comment
    assert "Failed: <code>ApplyFailed</code>" in comment
    assert (github.outputs["state"], github.outputs["reason"]) == ("Failed", "ApplyFailed")


@both_ways
def test_without_an_answer_of_the_cluster_there_is_no_comment_and_the_job_fails(
    github: GitHub, reconcile: str
) -> None:
    github.inputs["reconcile"] = reconcile
    (github.machine.home / "refusal").write_text("Unable to connect to the server")
    assert not github.opens()
    assert "Unable to connect to the server" in github.machine.printed
    (github.machine.home / "refusal").unlink()
    if reconcile == "true":
        github.machine.variables["RECONCILE_FROM"] = str(github.machine.home / "nowhere")
        assert not github.opens()
    assert comments(github.machine) == []


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"domain": ""}, "PREVIEW_FQDN: is empty; set it, or PREVIEW_DOMAIN"),
        ({"image": ""}, "PREVIEW_IMAGE: is empty; set the image of the preview"),
        ({"namespace": ""}, "PREVIEW_NAMESPACE: is empty; set the namespace of the preview"),
        ({"reconcile": "no"}, "PREVIEW_RECONCILE: must be true or false"),
    ],
    ids=str,
)
def test_an_input_that_is_missing_or_not_valid_is_named(
    github: GitHub, inputs: dict[str, str], message: str
) -> None:
    github.inputs.update(inputs)
    assert not github.opens()
    assert f"preview-pipeline: {message}" in github.machine.printed
    assert os.listdir(github.machine.home / "previews") == []


# the comment


def test_a_job_without_the_operators_options_leaves_the_comments_of_people_alone(forge: Forge) -> None:
    forge.inputs["options-configmap"] = ""
    bodies = ["a comment", f"{mark_of(NAME)}\nas if it were ours"]
    written = [{**ci_stubs.a_comment(body, mine=False), "id": id_} for id_, body in enumerate(bodies, 1)]
    (forge.machine.home / "comments.json").write_text(json.dumps(written))
    assert forge.opens(), forge.machine.printed
    *theirs, ours = comments(forge.machine)
    assert theirs == bodies
    assert ours.startswith(f"{mark_of(NAME)}\n")
    assert f"shop.mapping.{NAME}.yaml" in children(forge.machine), "not the operator's route"


@each_once
def test_each_preview_of_a_request_has_a_comment_of_its_own(forge: Forge, reconcile: str) -> None:
    """As a matrix of applications has them; one name is the beginning of the other."""
    forge.inputs.update({"reconcile": reconcile, "wait": ""})
    for name in ("pr-42", "pr-42-api", "pr-42"):
        forge.inputs["name"] = name
        assert forge.opens(), forge.machine.printed
    web, api = comments(forge.machine)
    assert web.startswith(f"{mark_of('pr-42')}\n")
    assert api.startswith(f"{mark_of('pr-42-api')}\n")

    forge.inputs["name"] = "pr-42-api"
    assert forge.closes(), forge.machine.printed
    assert comments(forge.machine)[0] == web
    assert "<code>shop/pr-42-api</code></td><td>Gone</td>" in comments(forge.machine)[1]

    # What refuses a preview writes no other comment, either.
    forge.inputs.update({"name": "pr-42", "fqdn": "https://a.example.com"})
    assert not forge.opens()
    assert "Blocked: <code>Invalid</code>" in comments(forge.machine)[0]
    assert len(comments(forge.machine)) == 2


@each_once
def test_a_name_ends_neither_the_first_line_nor_the_query(forge: Forge, reconcile: str) -> None:
    forge.inputs.update({"name": 'a") or true --> @octocat <b>', "reconcile": reconcile})
    for _ in range(2):
        assert not forge.opens()
    (comment,) = comments(forge.machine)
    assert comment.startswith(f"{mark_of('aortrue--octocatb')}\n")


def test_with_the_name_in_the_first_line_the_longest_comment_is_one_that_github_takes() -> None:
    assert LIMIT - len(MARK) + len(mark_of("b" * 63, namespace="a" * 63)) == 65_536


def test_without_a_wait_the_low_rights_way_reports_that_the_preview_is_pending(forge: Forge) -> None:
    forge.inputs.update({"reconcile": "false", "wait": ""})
    assert forge.opens(), forge.machine.printed
    (comment,) = comments(forge.machine)
    assert "<td>Pending<br><code>no run has reported on this spec yet</code></td>" in comment
    assert f"shop/{NAME}: Pending   no run has reported on this spec yet\n" in forge.machine.printed


# the operator's options


def test_the_operators_options_are_taken_and_those_of_the_job_win(github: GitHub) -> None:
    data = {
        **OPTIONS["data"],
        "RECONCILE_INGRESS_CLASS": "web",
        "RECONCILE_ROUTE_ANNOTATION": 'a=it\'s $HOME "here"\nb=2',
        "RECONCILE_URL_SCHEME": "http",
    }
    (github.machine.home / "options.json").write_text(json.dumps({"data": data}))
    github.machine.variables["RECONCILE_URL_SCHEME"] = "https"
    assert github.opens(), github.machine.printed
    ingress = yaml.safe_load((github.machine.home / "children" / f"shop.ingress.{NAME}.yaml").read_text())
    assert ingress["spec"]["ingressClassName"] == "web"
    annotations = ingress["metadata"]["annotations"]
    assert (annotations["a"], annotations["b"]) == ('it\'s $HOME "here"', "2")
    assert github.url.startswith("https://")


def test_where_the_operators_options_are_missing_nothing_is_done(forge: Forge) -> None:
    (forge.machine.home / "options.json").unlink()
    assert not forge.opens()
    assert "ConfigMap preview-reconcile/preview-reconcile: not found" in forge.machine.printed
    assert os.listdir(forge.machine.home / "previews") == []


# what comes from outside


HOSTILE = 'x\'; touch "$STUBS/owned" #$(touch $STUBS/owned)`touch $STUBS/owned`'


def test_what_comes_from_outside_is_never_run(forge: Forge) -> None:
    forge.branch = HOSTILE
    forge.inputs["image"] = HOSTILE.replace("$", "%")  # GitLab puts values of variables in for `$`
    assert not forge.opens()
    (comment,) = comments(forge.machine)
    assert "spec.image: " in comment, "the branch was taken"
    assert not (forge.machine.home / "owned").exists()


def test_a_quote_in_a_text_stays_in_that_text(github: GitHub) -> None:
    github.inputs.update(
        {"image": "it's\nreplicas: 3", "reconcile": "false", "wait": "", "fqdn": "a.example.com"}
    )
    github.opens()
    written = yaml.safe_load((github.machine.work / "temp" / "preview.yaml").read_text())
    assert written["spec"] == {
        "image": "it's replicas: 3", "fqdn": "a.example.com", "revision": "c0ffee1", "ttl": "7d",
    }  # fmt: skip


def test_further_fields_of_the_spec_are_taken_and_a_comment_can_be_left_out(github: GitHub) -> None:
    github.inputs["spec"] = "port: 8080\nimagePullSecrets:\n  - name: registry\n"
    github.inputs["comment"] = "false"
    assert github.opens(), github.machine.printed
    assert (comments(github.machine), mark_of(NAME) in github.summary) == ([], True)
    deployment = (github.machine.home / "children" / f"shop.deployment.{NAME}.yaml").read_text()
    assert "containerPort: 8080" in deployment
    assert "- name: registry" in deployment


def test_no_script_of_github_has_an_expression_in_it() -> None:
    """It would be run as a part of the script, with whatever a pull request has put there."""
    files = [ACTION, *sorted((ROOT / ".github").rglob("*.y*ml"))]
    scripts = [script for file in files for script in scripts_of(yaml.safe_load(file.read_text()))]
    assert len(scripts) > len(files)
    assert [script for script in scripts if "${{" in script] == []


def test_no_script_of_gitlab_holds_an_input() -> None:
    jobs = included({"namespace": "a", "image": "b", "job-image": "c"})
    for job in jobs.values():
        texts = [*job.get("before_script", []), *job.get("script", []), *job.get("after_script", [])]
        assert texts
        assert not [text for text in texts if "$[[" in text]
    raw = JOBS.read_text().partition("\n---\n")[2]
    assert "$[[" not in "".join(re.findall(r"^ +(?:- .*|[a-z]+\(.*)$", raw, re.MULTILINE))


# the documents and the files


def test_every_input_is_used_and_every_input_that_is_used_is_declared() -> None:
    action = yaml.safe_load(ACTION.read_text())
    text = json.dumps(action["runs"])
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    assert {name: one["description"][-1] for name, one in action["inputs"].items()} == dict.fromkeys(
        action["inputs"], "."
    )
    head, body = yaml.safe_load_all(JOBS.read_text())
    assert set(re.findall(r"inputs\.([\w-]+)", json.dumps(body))) == set(head["spec"]["inputs"])


def test_an_output_is_one_that_the_report_writes() -> None:
    action = yaml.safe_load(ACTION.read_text())
    wired = [
        re.findall(r"steps\.preview\.outputs\.(\w+)", one["value"]) for one in action["outputs"].values()
    ]
    assert wired == [["PREVIEW_URL"], ["PREVIEW_STATE"], ["PREVIEW_REASON"], ["PREVIEW_NAME"]]


def test_the_guide_has_the_scripts_variables_and_nothing_else() -> None:
    used = set(re.findall(r"PREVIEW_[A-Z]+", SCRIPT.read_text()))
    written = {"PREVIEW_URL", "PREVIEW_STATE", "PREVIEW_REASON"}
    guide = (ROOT / "docs" / "pipeline.md").read_text()
    rows = set(re.findall(r"^\| `(PREVIEW_[A-Z]+)` \|", guide, re.MULTILINE))
    assert rows == used - written
    given = {
        name for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] for name in step.get("env", {})
    }
    assert {name for name in given if name.startswith("PREVIEW_")} == rows - {"PREVIEW_FOLDER"}


def test_the_guide_has_the_variables_that_the_report_writes(shop: Shop) -> None:
    shop.write()
    shop.reconcile("--dry-run", "--report", "dotenv=p.env")
    names = [line.split("=")[0] for line in Path("p.env").read_text().splitlines()]
    assert len(names) > 3
    text = (ROOT / "docs" / "pipeline.md").read_text()
    assert [name for name in names if f"`{name}=" not in text] == []


def workflows() -> list[tuple[str, str]]:
    """The recipes, using the action of a checkout, so that its inputs are checked too; and our own workflows."""
    pages = [yaml.safe_dump(page, sort_keys=False) for page in recipes("github-actions.md")]
    named = [(f"recipe-{number}.yaml", page) for number, page in enumerate(pages)]
    own = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
    return [*named, *((path.name, path.read_text()) for path in own)]


@pytest.mark.parametrize(("name", "text"), workflows(), ids=lambda value: value if len(value) < 40 else "")
def test_actionlint_finds_nothing_in_a_workflow(name: str, text: str, tmp_path: Path) -> None:
    missing = "not on the PATH: actionlint (go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12)"
    if not (actionlint := shutil.which("actionlint")):
        assert os.environ.get("RECONCILE_REQUIRE_PROGRAMS") != "1", missing
        pytest.skip(missing)
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copy(ACTION, tmp_path)
    text = re.sub(r"uses: OWNER/preview-reconcile@COMMIT", "uses: ./", text)
    # `safe_dump` quotes `on`, which YAML 1.1 takes for a truth.
    (folder / name).write_text(re.sub(r"^'?(true|on)'?:", "on:", text, flags=re.MULTILINE))
    done = subprocess.run([actionlint, "-no-color"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
