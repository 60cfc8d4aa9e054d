"""No secret is in our outputs, and what the API server quotes in its refusals does nothing there."""

import re
from typing import Any

import pytest

from tests.controlplane import AskFailed
from tests.e2e.policies import policy, rule
from tests.e2e.story import Result, Story, container
from tests.e2e.strangers import stranger

ACTS = re.compile(r"\x1b|^\s*::|##\[|##vso\[|section_(start|end):", re.IGNORECASE | re.MULTILINE)
"""What a terminal or a CI system acts on. All else that others write is for tests/report/test_hostile_output.py."""


def every_way(story: Story, *arguments: str) -> list[Result]:
    """The plan as JSON, and the run itself with all that it can say."""
    return [story.reconcile(*arguments, *how) for how in (("--dry-run", "-o", "json"), ("-vv", "--color"))]


CANARY = re.compile("canary", re.IGNORECASE)


def canary(where: str) -> str:
    """A secret that tells where it was planted, with what servers escape when they quote it."""
    return f'{where}-canary-{where}/"{where}"\\canary <&>\ncanary-{where}-ünï canary'


def secretive(story: Story, turn: str, **spec: Any) -> None:
    """A preview with a canary wherever a secret may be."""
    story.apply(
        replicas=0,
        env=[
            {"name": "A", "value": canary(f"{turn}-env-a")},
            {"name": "B", "value": f"canary{turn}"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
        ],
        command=[canary(f"{turn}-command"), f"--password=canary-{turn}"],
        args=[canary(f"{turn}-args")],
        **spec,
    )


def no_canary(*results: Result) -> None:
    for result in results:
        for output in (result.stdout, result.stderr):
            assert not CANARY.search(output), output


@pytest.fixture
def secret(story: Story) -> Story:
    """A story with a Secret."""
    content = {"metadata": {"name": "database"}, "stringData": {"password": canary("secret")}}
    story.ask("POST", f"/api/v1/namespaces/{story.namespace}/secrets", content)
    return story


SECRETS = ("--allow-secret", "*")


def test_no_secret_is_shown_when_all_goes_well(secret: Story) -> None:
    secretive(secret, "first")
    made = every_way(secret, *SECRETS)
    secretive(secret, "second", image="registry.example.com/web:2")
    changed = every_way(secret, *SECRETS)

    def edit(deployment: dict[str, Any]) -> None:
        app = container(deployment)
        app["env"][0]["value"] = canary("edit")
        app["env"].append({"name": "ADDED", "value": canary("added")})
        app["args"], app["command"] = [canary("args")], [canary("command"), canary("more")]
        app["lifecycle"] = {"preStop": {"exec": {"command": [canary("lifecycle")]}}}
        deployment["metadata"]["annotations"]["example.com/note"] = canary("annotation")
        sidecar = {"name": "sidecar", "image": "a", "env": [{"name": "A", "value": canary("sidecar")}]}
        deployment["spec"]["template"]["spec"]["containers"].append(sidecar)

    secret.edit("Deployment", edit)
    mended = every_way(secret, *SECRETS)
    secret.apply(replicas=0)
    dropped = every_way(secret)
    results = [*made, *changed, *mended, *dropped]
    no_canary(*results)
    assert "spec.template.spec.containers[app].env[A].value  changed (not shown)" in results[3].stdout
    secret.orphan()
    no_canary(*every_way(secret, "--max-deletes", "100%"))


APP = "spec.template.spec.containers[0]"
# By operation: what the refusal quotes, in one line, since a policy's message must be one.
QUOTES = {
    "CREATE": f"object.{APP}.env.map(e, has(e.value) ? e.value : '').join('|')",
    "UPDATE": f"oldObject.{APP}.args[0].replace('\"', '\\\\\"')",
}


@pytest.mark.parametrize("operation", QUOTES)
def test_no_secret_that_the_server_quotes_in_its_refusal_is_shown(secret: Story, operation: str) -> None:
    secretive(secret, "first")
    if operation == "UPDATE":
        secret.reconcile(*SECRETS)
        secretive(secret, "second", image="registry.example.com/web:2")
    # The server's own probe has neither env nor args.
    said = f"('no: \\u001b[31m##vso[a] ' + {QUOTES[operation]}).replace('\\n', ' ')"
    message = f"has(object.{APP}.args) ? {said} : 'no'"
    validation = {"expression": "false", "messageExpression": message}
    with policy(secret, rule([operation]), lambda: is_refused(secret, operation), validations=[validation]):
        results = [secret.reconcile(*SECRETS, "-vv", *how, code=1) for how in ((), ("-o", "json"))]
    no_canary(*results)
    assert r"denied request: no: \x1b[31m#\#vso[a] " in results[0].stdout
    for result in results:
        assert not ACTS.search(result.stdout + result.stderr)
        assert "(not shown)" in result.stdout


def is_refused(story: Story, operation: str) -> bool:
    """Whether this is refused, asked without doing it."""
    try:
        if operation == "CREATE":
            path = f"{story.path_of('Deployment')}?dryRun=All"
            story.ask("POST", path, stranger("Deployment", "probe"))
        else:
            patch = {"metadata": {"annotations": {"example.com/probe": "1"}}}
            path = f"{story.path_of('Deployment', 'pr-1')}?dryRun=All"
            story.ask("PATCH", path, patch, "application/merge-patch+json")
    except AskFailed as error:
        return error.code == 422
    return False
