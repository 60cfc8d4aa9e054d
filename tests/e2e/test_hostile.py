"""What authors, strangers and the API server write does nothing in our outputs, and no secret is in them."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.controlplane import AskFailed, eventually
from tests.e2e.groups import installation
from tests.e2e.story import Result, Story, call, container
from tests.e2e.strangers import marks, owner, stranger

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
COMMANDS = "::error::boom ##vso[task.complete]x ##[error]y section_start:1:z"
HOSTILE = f"\x1b[31mred\u202eevil\u2066\u200bwide\n::error::boom\r\n##[error]y\x9b2J\u2028{COMMANDS}\x7f"
PLAIN = re.compile(r"^\x1b\[3\dm|\x1b\[0m$", re.MULTILINE)
"""The colours of our own lines."""
ACTS = re.compile(r"^\s*::|##\[|##vso\[|section_(start|end):", re.IGNORECASE | re.MULTILINE)
UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}


def harmless(*results: Result) -> str:
    """All that these calls printed, once it is sure that it can do nothing."""
    text = "\n".join(output for result in results for output in (result.stdout, result.stderr))
    shown = PLAIN.sub("", text)
    assert ACTS.findall(shown) == []
    assert {c for c in shown if unicodedata.category(c) in UNSAFE} <= {"\n"}
    return text


def every_way(story: Story, *arguments: str, code: int = 1) -> list[Result]:
    """The plan in every form, and the run itself with all that it can say."""
    return [
        story.reconcile(*arguments, *how, code=code)
        for how in (
            ("--dry-run",),
            ("--dry-run", "--color"),
            ("--dry-run", "-o", "json"),
            ("-vv", "--color"),
            ("-vv", "-o", "json"),
        )
    ]


# a line can do nothing


def test_what_strangers_write_on_their_objects_does_nothing(story: Story) -> None:
    for name in ("pr-1", "pr-2", "pr-3"):
        story.apply(name, replicas=0)
    references = [owner(HOSTILE, HOSTILE, str(uuid4()))]
    story.create(stranger("Service", "pr-1", ownerReferences=references))
    marked = marks("Service", story.namespace, "pr-2")
    marked["annotations"][story.names.identity_annotation] = HOSTILE
    story.create(stranger("Service", "pr-2", **marked))
    story.create(stranger("Service", "pr-3"), by=COMMANDS.replace(" ", "%20").replace("#", "%23"))
    text = harmless(*every_way(story))
    shown = r"\x1b[31mred\u202eevil\u2066\u200bwide\n::error::boom\r\n#\#[error]y\x9b2J\u2028"
    assert f"controlled by {shown}" in text
    assert f"annotation {story.names.identity_annotation} is that of {shown}" in text
    assert r"; field managers: ::error::boom #\#vso[task.complete]x #\#[error]y section\_start:1:z" in text


def test_what_somebody_writes_on_a_child_of_ours_does_nothing(story: Story) -> None:
    story.apply(replicas=0, revision="1")
    story.reconcile()
    story.edit("Mapping", lambda route: route["spec"].update(hostname=HOSTILE, prefix=COMMANDS))

    def change(deployment: dict[str, Any]) -> None:
        container(deployment)["image"] = HOSTILE.rstrip("\x7f") + "x"
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        annotations[story.names.revision_annotation] = HOSTILE

    story.edit("Deployment", change)
    text = harmless(*every_way(story, code=0))
    for field in ("spec.hostname", "spec.template.spec.containers[app].image", "spec.prefix"):
        assert f"    {field}  " in text
    story.reconcile()
    story.silent()


def test_what_the_server_says_does_nothing(story: Story) -> None:
    story.apply(replicas=0)
    with refusing(story, "CREATE", "'\\u001b[31m\\u202e\\u200b##vso[a] ##[b] section_start:1'"):
        results = [story.reconcile("-vv", *how, code=1) for how in ((), ("-o", "json"))]
    assert r"denied request: \x1b[31m\u202e\u200b#\#vso[a] #\#[b] section\_start:1" in harmless(*results)


def test_what_authors_write_into_a_preview_does_nothing(story: Story) -> None:
    values: dict[str, Any] = {
        "image": HOSTILE,
        "fqdn": HOSTILE,
        "port": HOSTILE,
        "replicas": [HOSTILE],
        "env": [{"name": HOSTILE, "value": HOSTILE}, {HOSTILE: HOSTILE}],
        "resources": {"limits": {HOSTILE: HOSTILE}},
        "imagePullSecrets": [{"name": HOSTILE}],
        "imagePullPolicy": HOSTILE,
        "healthPath": HOSTILE,
        "revision": HOSTILE,
        "ttl": HOSTILE,
        "suspend": HOSTILE,
    }
    noted = {f"{story.namespace}.example.com/note": HOSTILE}
    with installation(story, takes_anything=True) as open_story:
        open_story.apply("all", annotations=noted, **values)
        for number, (field, value) in enumerate(values.items()):
            open_story.apply(f"pr-{number}", annotations=noted, **{field: value})
        text = harmless(*every_way(open_story))
        assert open_story.children() == []
    assert text.count("spec.fqdn: ") >= 2 * 5
    assert r"\\u001b[31mred" in text


def test_what_is_said_on_the_command_line_does_nothing(story: Story) -> None:
    """A CI job may hand on the name of a branch."""
    given = ["--kubeconfig", str(story.account.kubeconfig)]
    calls = [
        [*given, f"{COMMANDS}/x"],
        [*given, "-n", story.namespace, HOSTILE.replace("/", "")],
        [*given, HOSTILE],
        [*given, "-n", HOSTILE],
        [*given, "-n", COMMANDS],
        [*given, "-l", HOSTILE],
        [*given, "--max-deletes", COMMANDS],
        [*given, f"--{COMMANDS}"],
        ["--kubeconfig", f"/nowhere/{HOSTILE}"],
        [*given, "--context", HOSTILE],
        ["--from", HOSTILE, "--dry-run"],
    ]
    for arguments in calls:
        result = call(*arguments)
        assert result.code in (0, 1, 2, 5), arguments
        assert harmless(result).strip(), arguments


# a secret is nowhere


@contextmanager
def refusing(story: Story, operation: str, message: str) -> Iterator[None]:
    """A policy refuses this for every Deployment of the namespace, with the message of an expression."""
    name = story.namespace
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": [operation],
        "resources": ["deployments"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [rule],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
        },
        "validations": [{"expression": "false", "messageExpression": message}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    for plural, content in ((POLICIES, spec), (BINDINGS, binding)):
        story.ask("POST", f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": content})
    try:
        eventually(lambda: is_refused(story, operation), "the policy is in force")
        yield
    finally:
        for plural in (BINDINGS, POLICIES):
            story.ask("DELETE", f"{ADMISSION}/{plural}/{name}")


def is_refused(story: Story, operation: str) -> bool:
    """Whether this is refused, asked without doing it."""
    collection, one = (f"{story.path_of('Deployment', name)}?dryRun=All" for name in ("", "pr-1"))
    try:
        match operation:
            case "CREATE":
                story.ask("POST", collection, stranger("Deployment", "probe"))
            case "UPDATE":
                patch = {"metadata": {"annotations": {"example.com/probe": "1"}}}
                story.ask("PATCH", one, patch, "application/merge-patch+json")
            case _:
                story.ask("DELETE", one)
    except AskFailed as error:
        return error.code == 422
    return False


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
    made = every_way(secret, *SECRETS, code=0)
    secretive(secret, "second", image="registry.example.com/web:2")
    changed = every_way(secret, *SECRETS, code=0)

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
    mended = every_way(secret, *SECRETS, code=0)
    secret.apply(replicas=0)
    dropped = every_way(secret, code=0)
    results = [*made, *changed, *mended, *dropped]
    no_canary(*results)
    assert "spec.template.spec.containers[app].env[A].value  changed (not shown)" in results[5].stdout
    secret.orphan()
    no_canary(*every_way(secret, "--max-deletes", "100%", code=0))


def test_no_secret_of_a_stranger_is_shown(secret: Story) -> None:
    names = ("pr-1", "pr-2", "pr-3")
    for name, kind in zip(names, ("Deployment", "Service", "Mapping"), strict=True):
        secret.apply(name, replicas=0)
        made = stranger(kind, name, annotations={"example.com/note": canary("annotation")})
        if kind == "Deployment":
            made["spec"] = {**made["spec"], "template": {**made["spec"]["template"]}}
            env = [{"name": "A", "value": canary("stranger")}]
            pod = {"containers": [{"name": "app", "image": "a", "env": env, "args": [canary("args")]}]}
            made["spec"]["template"]["spec"] = pod
        secret.create(made)
    results = every_way(secret)
    no_canary(*results)
    assert [line[:2] for line in results[0].changes] == ["! ", "! ", "! "]


APP = "spec.template.spec.containers[0]"
# By operation: what the refusal quotes, in one line, since a policy's message must be one.
QUOTES = {
    "env": ("CREATE", f"object.{APP}.env.map(e, has(e.value) ? e.value : '').join('|')"),
    "cut": ("CREATE", f"object.{APP}.args[0].substring(3, 30)"),
    "command": ("UPDATE", f"object.{APP}.command.join(' ')"),
    "escaped": ("UPDATE", f"oldObject.{APP}.args[0].replace('\"', '\\\\\"')"),
    "old": ("DELETE", f"oldObject.{APP}.args[0]"),
}


@pytest.mark.parametrize("quote", QUOTES)
def test_no_secret_that_the_server_quotes_in_its_refusal_is_shown(secret: Story, quote: str) -> None:
    operation, expression = QUOTES[quote]
    secretive(secret, "first")
    if operation != "CREATE":
        secret.reconcile(*SECRETS)
    if operation == "UPDATE":
        secretive(secret, "second", image="registry.example.com/web:2")
    if operation == "DELETE":
        secret.apply("other", replicas=0)
        secret.orphan()
    # The server's own probe has neither env nor args.
    has_args = f"has({'oldObject' if operation == 'DELETE' else 'object'}.{APP}.args)"
    message = f"{has_args} ? 'no: ' + ({expression}).replace('\\n', ' ') : 'no'"
    with refusing(secret, operation, message):
        results = [secret.reconcile(*SECRETS, "-vv", *how, code=1) for how in ((), ("-o", "json"))]
    no_canary(*results)
    for result in results:
        assert "denied request: no: " in result.stdout
        assert "(not shown)" in result.stdout
