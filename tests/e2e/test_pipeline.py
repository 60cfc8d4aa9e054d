"""A pipeline on a real API server: action.yml and ci/gitlab.yml, with the shipped rights and no others.

The account and its bindings are made by the commands of docs/pipeline.md. What belongs to the forge is a stub
(`ci_stubs`); kubectl and reconcile are the real ones.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGTERM

import pytest
import yaml

from reconcile.model.names import PLURAL
from reconcile.report.markdown import MARK
from tests.contracts import ci_stubs
from tests.controlplane import Account, AskFailed, ControlPlane, eventually, grant, service_account, shipped
from tests.controlplane.programs import program
from tests.controlplane.rights import SHIPPED, may
from tests.e2e.policies import policy, rule
from tests.e2e.process import Process
from tests.e2e.story import DISCOVERY, Story
from tests.forges import ROOT, GitHub, GitLab, Machine, shell_script
from tests.installation import RIGHTS

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="not on the PATH: jq, which the scripts call")

GUIDE = ROOT / "docs" / "pipeline.md"
OPTIONS = "preview-reconcile"
"""The ConfigMap."""
OPTIONS_ROLE = "preview-reconcile-options"
ACCOUNT = "preview-reconcile-pipeline"
LOW = "false"
EXTRA = {("get", "namespaces")}
"""kubectl looks whether the namespace exists, and gets along without the right to."""
Forge = GitHub | GitLab


def commands(heading: str) -> list[str]:
    """The commands of a section of the guide, one a line."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.M | re.S)
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


@dataclass(frozen=True)
class Pipeline:
    """A namespace with a pipeline in it, and the operator of the cluster."""

    operator: Story
    machine: Machine
    forge: Forge

    @property
    def plane(self) -> ControlPlane:
        return self.operator.plane

    @property
    def namespace(self) -> str:
        return self.operator.namespace

    @property
    def name(self) -> str:
        return self.forge.inputs["name"]

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{ACCOUNT}"

    def as_admin(self, line: str) -> None:
        """Run a command of the guide, whose namespaces are this one."""
        here = re.sub(r"\b(?:shop\b|(?<=--namespace )preview-reconcile)", self.namespace, line)
        script = here.replace("pipeline.kubeconfig", str(self.machine.home / "kubeconfig"))
        code = self.machine.shell(script, "bash", "-c", KUBECONFIG=str(self.plane.kubeconfig))
        assert code == 0, f"{script}\n{self.machine.printed}"

    def gets_rights(self, *roles: str) -> None:
        """The account with these roles bound to it, and its kubeconfig, by the commands of the guide."""
        self.machine.work = self.machine.home
        lines = commands("Rights")
        assert len(lines) == 6
        for line in lines:
            bound = re.search(r"--clusterrole (\S+)", line)
            if bound is None or bound[1] in roles:
                self.as_admin(line)
        self.uses(self.machine.home / "kubeconfig")
        if OPTIONS_ROLE in roles:
            eventually(self.may_get_the_options, f"{self.user} may get the options")
        eventually(
            lambda: may(self.plane, self.user, "delete", f"{PLURAL}.platform9.com", self.namespace),
            f"{self.user} may delete previews",
        )

    def may_get_the_options(self) -> bool:
        script = f"kubectl auth can-i get configmaps/{OPTIONS} -n {self.namespace} --as {self.user}"
        return self.machine.shell(script, "sh", "-c", KUBECONFIG=str(self.plane.kubeconfig)) == 0

    def uses(self, kubeconfig: Path) -> None:
        if isinstance(self.forge, GitHub):
            self.machine.variables["KUBECONFIG_SECRET"] = kubeconfig.read_text()
        else:
            self.machine.variables["KUBECONFIG"] = str(kubeconfig)

    @property
    def comment(self) -> str:
        (found,) = json.loads((self.machine.home / "comments.json").read_text())
        assert found["body"].startswith(MARK.replace(" -->", f" {self.namespace}/{self.name} -->\n"))
        return str(found["body"])

    @property
    def outputs(self) -> dict[str, str]:
        """URL, state and reason, as the forge has them."""
        if isinstance(self.forge, GitHub):
            return {key: value for key, value in self.forge.outputs.items() if key != "name"}
        lines = (self.machine.work / "preview.env").read_text().splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return {name: values.get(f"PREVIEW_{name.upper()}", "") for name in ("url", "state", "reason")}

    def asked(self) -> set[tuple[str, str]]:
        """What its account has asked of the server, but for discovery."""
        events = self.plane.audit(self.user)
        refused = {(event.verb, event.resource) for event in events if event.code == 403}
        assert refused <= EXTRA
        return {(e.verb, e.resource) for e in events if e.resource != DISCOVERY} - EXTRA


@contextmanager
def cronjob(operator: Story) -> Iterator[None]:
    """Runs of the operator, a second apart."""
    process = Process.start(operator, "--interval", "1s", "--namespace-only", "--allow-fqdn", "**")
    try:
        yield
    finally:
        process.tell(SIGTERM)
        process.ended()


@pytest.fixture(params=[GitHub, GitLab], ids=lambda forge: forge.__name__)
def pipeline(
    request: pytest.FixtureRequest, control_plane: ControlPlane, story: Story, tmp_path: Path
) -> Pipeline:
    control_plane.kubectl("apply", "--server-side", "-f", str(SHIPPED))
    machine = Machine.make(tmp_path, STUBS=str(tmp_path), KUBECACHEDIR=str(tmp_path / "cache"))
    for name, line in {
        "kubectl": f'exec "{program("kubectl")}" "$@"',
        **{one: f'exec "{sys.executable}" "{ci_stubs.__file__}" {one} "$@"' for one in ("gh", "curl")},
    }.items():
        shell_script(tmp_path / "bin" / name, line)
    inputs = {
        "namespace": story.namespace,
        "name": "pr-1",
        "domain": f"{story.namespace}.example.com",
        "image": "registry.example.com/web:1",
        "wait": "90s",
        "options-configmap": f"{story.namespace}/{OPTIONS}",
    }
    options = {"RECONCILE_ROUTE": "ingress", "RECONCILE_INGRESS_CLASS": "web"}
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": OPTIONS}, "data": options}
    control_plane.kubectl("apply", "-n", story.namespace, "-f", "-", input=content)
    return Pipeline(replace(story, route="Ingress"), machine, request.param(machine, inputs=inputs))


# What the script does by itself is the same on both forges, and each passes its inputs and a kubeconfig on.
on_github, on_gitlab = (
    pytest.mark.parametrize("pipeline", [forge], indirect=True, ids=[forge.__name__])
    for forge in (GitHub, GitLab)
)

LISTED = {("list", PLURAL)}
"""What `kubectl get pe` asks, and `kubectl wait` of a version that does not list by a watch."""
AUTHOR = {(verb, PLURAL) for verb in shipped("preview-reconcile-author")[0]["verbs"]}


@on_github
def test_a_pipeline_that_reconciles_needs_the_rights_of_the_guide_and_no_others(pipeline: Pipeline) -> None:
    pipeline.gets_rights("preview-reconcile-author", "preview-reconcile", OPTIONS_ROLE)
    operator, forge = pipeline.operator, pipeline.forge
    assert forge.opens(), pipeline.machine.printed
    url = f"https://{operator.host('pr-1')}"
    assert pipeline.outputs == {"url": url, "state": "Ready", "reason": "Available"}
    assert forge.url == url
    assert "Ready: <code>Available</code>" in pipeline.comment
    assert operator.children() == operator.all_of(), "an Ingress, by the operator's options"

    assert forge.closes(), pipeline.machine.printed
    assert "Gone" in pipeline.comment
    eventually(lambda: not operator.children(), "the children are gone")
    granted = {(v, r) for rule in shipped() for r in rule["resources"] for v in rule["verbs"]}
    assert pipeline.asked() <= AUTHOR | granted | {("get", "configmaps")}


@on_gitlab
def test_the_low_rights_way_needs_the_rights_of_an_author_and_no_others(pipeline: Pipeline) -> None:
    pipeline.gets_rights("preview-reconcile-author")
    pipeline.forge.inputs["reconcile"] = LOW
    operator, forge = pipeline.operator, pipeline.forge
    with cronjob(operator):
        assert forge.opens(), pipeline.machine.printed
        url = f"https://{operator.host('pr-1')}"
        assert pipeline.outputs == {"url": url, "state": "Ready", "reason": "Available"}
        assert forge.url == url
        assert (
            f'<a href="{url}"><code>{operator.host("pr-1")}</code></a><br><code>{pipeline.namespace}/pr-1</code>'
            in (pipeline.comment)
        )
        assert forge.opens("c0ffee2"), pipeline.machine.printed
        assert "Ready: <code>Available</code>" in pipeline.comment
    assert operator.live("PreviewEnvironment")["status"]["observedGeneration"] == 2

    # No run reports on the next push, and the status of an earlier one is not believed.
    forge.inputs["wait"] = "3s"
    assert not forge.opens("c0ffee3")
    assert (pipeline.outputs["state"], pipeline.outputs["reason"]) == ("Unknown", "")
    assert "no run has reported on this spec yet: does the CronJob run?" in pipeline.comment
    forge.inputs["wait"] = ""
    assert forge.opens("c0ffee3"), "it does not wait, so it does not fail"
    assert (pipeline.outputs["state"], pipeline.outputs["reason"]) == ("Pending", "")

    # Whatever others wrote into the status is text in the comment.
    condition = {
        "type": "Ready", "status": "False", "reason": "RolloutFailed", "observedGeneration": 3,
        "lastTransitionTime": "2026-01-01T00:00:00Z", "message": "<img> @octocat `\n\n# #1 [a](b)",
    }  # fmt: skip
    path = operator.path_of("PreviewEnvironment", "pr-1") + "/status"
    status = {"status": {"conditions": [condition], "observedGeneration": 3}}
    pipeline.plane.ask("PATCH", path, status, content_type="application/merge-patch+json")
    assert forge.opens("c0ffee3"), pipeline.machine.printed
    assert "<code>&lt;img&gt; @octocat ` # #1 [a](b)</code>" in pipeline.comment

    assert forge.closes(), pipeline.machine.printed
    assert "Gone" in pipeline.comment
    eventually(lambda: not operator.children(), "the garbage collector deletes the children")
    # An apply by the server is a patch, and one that creates needs the right to create, too.
    assert pipeline.asked() | LISTED | {("create", PLURAL)} == AUTHOR


BAD = "object.spec.env.filter(one, one.name == 'BAD')"


@on_github
def test_a_policy_that_quotes_a_value_puts_it_neither_into_the_log_nor_into_the_comment(
    pipeline: Pipeline,
) -> None:
    pipeline.gets_rights("preview-reconcile-author")
    operator, forge = pipeline.operator, pipeline.forge
    secret = 's3cr"et of longerword-2'
    forge.inputs.update({"reconcile": LOW, "wait": "", "spec": f"env: [{{name: BAD, value: '{secret}'}}]"})

    def refuses() -> bool:
        bad = operator.preview("bad", env=[{"name": "BAD", "value": "x"}])
        try:
            operator.ask("POST", operator.path_of("PreviewEnvironment") + "?dryRun=All", bad)
        except AskFailed as error:
            return "not x" in str(error)
        return False

    quotes = {
        "expression": f"!has(object.spec.env) || {BAD}.size() == 0",
        "messageExpression": f"'not ' + {BAD}[0].value + ' in env'",
    }
    with policy(operator, rule(["CREATE"], PLURAL, operator.group), refuses, validations=[quotes]):
        assert not forge.opens()
    assert "denied request: not (not shown) in env" in pipeline.machine.printed
    assert "denied request: not (not shown) in env</code>" in pipeline.comment
    assert (pipeline.outputs["state"], pipeline.outputs["reason"]) == ("Failed", "ApplyFailed")
    assert "s3cr" not in pipeline.machine.printed


@on_github
def test_the_low_rights_way_waits_neither_for_a_preview_that_needs_action_nor_for_one_at_rest(
    pipeline: Pipeline,
) -> None:
    """One that is suspended, or asleep at night, has no pods for hours."""
    pipeline.gets_rights("preview-reconcile-author")
    taken = pipeline.operator.host("pr-1")
    pipeline.operator.apply("older", fqdn=taken, suspend=True)
    pipeline.forge.inputs.update({"reconcile": LOW, "wait": "10m"})
    with cronjob(pipeline.operator):
        assert not pipeline.forge.opens()
        assert pipeline.outputs == {"url": "", "state": "NotReady", "reason": "HostnameConflict"}
        assert "NotReady: <code>HostnameConflict</code><br><code>" in pipeline.comment
        assert f"belongs to {pipeline.namespace}/older" in pipeline.comment
        pipeline.forge.inputs.update({"name": "pr-2", "spec": "suspend: true"})
        assert pipeline.forge.opens(), pipeline.machine.printed
    assert (pipeline.outputs["state"], pipeline.outputs["reason"]) == ("NotReady", "Suspended")


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (("preview-reconcile-author", OPTIONS_ROLE), "no right to list"),
        (
            ("preview-reconcile-author", "preview-reconcile"),
            "ConfigMap {namespace}/preview-reconcile: cannot be read",
        ),
    ],
    ids=["no-run", "no-options"],
)
def test_a_pipeline_that_reconciles_misses_each_role_by_name(
    pipeline: Pipeline, roles: tuple[str, ...], message: str
) -> None:
    pipeline.gets_rights(*roles)
    assert not pipeline.forge.opens()
    assert message.format(namespace=pipeline.namespace) in pipeline.machine.printed
    assert pipeline.operator.children() == []


@on_github
def test_the_guide_binds_the_printed_rights_of_templates_to_the_account_of_a_pipeline(
    pipeline: Pipeline,
) -> None:
    """A role of this test's name: that of the guide is of the cluster. Nor is a child made: each run of the
    cluster would list its kind."""
    role = next(yaml.safe_load_all(RIGHTS))
    account, *lines = commands("Rights")
    (line,) = (line for line in lines if f"--clusterrole {role['metadata']['name']} " in line)
    own = f"templates-{pipeline.namespace}"
    line = line.replace(f"--clusterrole {role['metadata']['name']} ", f"--clusterrole {own} ")
    role["metadata"]["name"] = own
    pipeline.plane.kubectl("apply", "-f", "-", input=yaml.safe_dump(role))
    pipeline.machine.work = pipeline.machine.home
    for command in (account, line):
        pipeline.as_admin(command)
    wanted = [
        (verb, f"{rule['resources'][0]}.{rule['apiGroups'][0]}".rstrip("."))
        for rule in role["rules"]
        for verb in rule["verbs"]
    ]
    assert len(wanted) > 5

    def has_them() -> bool:
        return all(may(pipeline.plane, pipeline.user, *one, pipeline.namespace) for one in wanted)

    eventually(has_them, f"{pipeline.user} has the rights of {own}")


def short(pipeline: Pipeline, verb: str) -> Account:
    """An account with the rights of an author, but for one verb."""
    (rule,) = shipped("preview-reconcile-author")
    account = service_account(pipeline.plane, pipeline.namespace, f"no-{verb}")
    verbs = [one for one in rule["verbs"] if one != verb]
    grant(pipeline.plane, account.user, [{**rule, "verbs": verbs}], namespace=pipeline.namespace)
    return account


@pytest.mark.parametrize("verb", sorted(verb for verb, _ in AUTHOR - LISTED))
def test_each_right_of_an_author_is_missed_by_name(pipeline: Pipeline, verb: str) -> None:
    pipeline.uses(short(pipeline, verb).kubeconfig)
    pipeline.forge.inputs.update({"reconcile": LOW, "wait": "8s"})
    with cronjob(pipeline.operator):
        well = [pipeline.forge.opens(), pipeline.forge.opens("c0ffee2"), pipeline.forge.closes()]
    # kubectl tries to watch until its time is over, and reads in between.
    assert all(well) == (verb == "watch")
    assert re.search(rf'cannot {verb} resource \\?"{PLURAL}', pipeline.machine.printed), (
        pipeline.machine.printed
    )


@on_github
def test_the_commands_of_the_low_rights_way_are_enough(pipeline: Pipeline) -> None:
    """As somebody types them who has neither the action nor the jobs for GitLab."""
    pipeline.gets_rights("preview-reconcile-author")
    pipeline.machine.start()
    manifest = {**pipeline.operator.preview("pr-42")}
    manifest["metadata"]["namespace"] = pipeline.namespace
    (pipeline.machine.work / "preview.yaml").write_text(yaml.safe_dump(manifest))
    lines = commands("The low-rights way")
    assert len(lines) == 4
    with cronjob(pipeline.operator):
        for line in lines:
            here = line.replace("shop", pipeline.namespace)
            code = pipeline.machine.shell(
                here, "sh", "-c", KUBECONFIG=str(pipeline.machine.home / "kubeconfig")
            )
            assert code == 0, f"{here}\n{pipeline.machine.printed}"
    assert f"https://{pipeline.operator.host('pr-42')}\n" in pipeline.machine.printed
    assert "Ready=True Available: " in pipeline.machine.printed
