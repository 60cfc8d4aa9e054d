"""Reading a preview: what is wrong is told in a line, nothing secret is told, and nothing raises."""

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconcile.kube.objects import Key
from reconcile.model.names import DEFAULT_GROUP, PRUNE_DISABLED, Names
from reconcile.model.preview import PreviewEnvironment, Unreadable, has_digest, parse_preview
from reconcile.model.problems import Problem
from reconcile.model.spec import EnvFromSource, EnvVar, Spec
from tests.builders import a_preview, without_uid
from tests.whole import drawn

SECRET = "hunter2"


def read(manifest: dict[str, Any], *, strict_fields: bool = True) -> PreviewEnvironment | Unreadable:
    return parse_preview(manifest, group=DEFAULT_GROUP, strict_fields=strict_fields)


def message(**preview: Any) -> str:
    return message_of(a_preview(**preview))


def message_of(manifest: dict[str, Any]) -> str:
    parsed = read(manifest)
    assert isinstance(parsed, Unreadable)
    return parsed.message


def spec(**fields: Any) -> Spec:
    parsed = read(a_preview(**fields))
    assert isinstance(parsed, PreviewEnvironment), parsed
    return parsed.spec


THERE: dict[str, Any] = {
    "uid": "u",
    "generation": 3,
    "resource_version": "9",
    "labels": {"a": "b"},
    "annotations": {"c": "d"},
}
DELETED = "2026-01-02T00:00:00Z"
READ: dict[str, Any] = {
    **THERE,
    "name": "pr-7",
    "namespace": "blog",
    "creation_timestamp": "2026-01-01T00:00:00Z",
    "deletion_timestamp": DELETED,
    "status": {"url": "x"},
}
"""What every preview has, whether its spec can be read or not."""


@pytest.mark.parametrize("fqdn", ["a.example.com", "Foo"])
def test_a_preview_of_a_server_is_read_in_full(fqdn: str) -> None:
    manifest = a_preview(
        "pr-7", "blog", image="nginx", fqdn=fqdn, deleted=DELETED, status={"url": "x"}, **THERE
    )
    found: PreviewEnvironment | Unreadable
    if fqdn == "Foo":
        problem = Problem(("spec", "fqdn"), '"Foo" has upper-case letters')
        found = Unreadable(**READ, message=f"spec.fqdn: {problem.sentence}", problems=(problem,))
    else:
        found = PreviewEnvironment(**READ, spec=Spec(image="nginx", fqdn=fqdn))
    assert read(manifest) == found
    assert found.key == Key("PreviewEnvironment", "blog", "pr-7")


def test_a_preview_of_a_file_has_no_uid_and_is_read_all_the_same() -> None:
    parsed = read(without_uid(a_preview()))
    assert isinstance(parsed, PreviewEnvironment)
    assert (parsed.uid, parsed.generation, parsed.creation_timestamp, parsed.status) == ("", 0, "", {})
    assert parsed.deletion_timestamp is None


def test_image_and_fqdn_are_all_that_is_needed() -> None:
    nothing = ("replicas", "image_pull_policy", "resources", "health_path", "revision", "ttl", "setup")
    empty = ("env", "env_from", "image_pull_secrets", "command", "args")
    assert spec(image="nginx", fqdn="a.example.com").model_dump() == {
        **{"image": "nginx", "fqdn": "a.example.com", "port": 80, "suspend": False},
        **dict.fromkeys(nothing, None),
        **dict.fromkeys(empty, ()),
    }


def test_lists_become_tuples_and_quantities_stay_as_written_sorted_by_name() -> None:
    read_spec = spec(
        env=[{"name": "B", "value": "2"}, {"name": "A"}],
        envFrom=[{"prefix": "X_", "secretRef": {"name": "s"}}],
        imagePullSecrets=[{"name": "b"}, {"name": "a"}],
        resources={"limits": {"memory": "1.5Gi", "cpu": 1}},
        args=["b", "a"],
    )
    assert read_spec.env == (EnvVar(name="B", value="2"), EnvVar(name="A"))
    assert [type(item) for item in read_spec.env_from] == [EnvFromSource]
    assert [secret.name for secret in read_spec.image_pull_secrets] == ["b", "a"]
    assert read_spec.resources is not None
    assert read_spec.resources.limits == (("cpu", "1"), ("memory", "1.5Gi"))
    assert read_spec.args == ("b", "a")


def test_a_preview_never_changes() -> None:
    manifest = a_preview(env=[{"name": "A", "value": "1"}], labels={"a": "b"}, status={"url": "x"})
    parsed = read(manifest)
    assert isinstance(parsed, PreviewEnvironment)
    with pytest.raises(FrozenInstanceError):
        parsed.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        parsed.spec.port = 1  # type: ignore[misc]
    for mapping in (parsed.labels, parsed.annotations, parsed.status):
        with pytest.raises(TypeError):
            mapping["x"] = "y"  # type: ignore[index]
    manifest["metadata"]["labels"]["a"] = "other"
    manifest["spec"]["env"].clear()
    assert parsed.labels == {"a": "b"}
    assert len(parsed.spec.env) == 1
    assert hash(parsed) == hash(read(a_preview(env=[{"name": "A", "value": "1"}])))


@pytest.mark.parametrize(
    ("fqdn", "problem"),
    [
        ("Foo", '"Foo" has upper-case letters'),
        ("a.example.com:80", '"a.example.com:80" has a port; leave it out'),
        ("*.example.com", '"*.example.com" has a wildcard; a preview has one hostname'),
        ("a.example.com.", '"a.example.com." has a trailing dot'),
        ("https://a.example.com", '"https://a.example.com" has a scheme; leave it out, and any path with it'),
        ("a.example.com/x", '"a.example.com/x" has a path; only the hostname goes here'),
        ("a_b.example.com", '"a_b.example.com" has an underscore, which no hostname may have'),
        ("a b.example.com", '"a b.example.com" has white space'),
        ("a..b", '"a..b" has an empty label'),
        ("a-.b", "\"a-.b\" has a label that starts or ends with '-'"),
        ("10.0.0.1", '"10.0.0.1" ends in a number as an IP address does, and is no DNS name'),
        ("::1", '"::1" is an IP address; a DNS name is asked for'),
        ("a" * 64, f'"{"a" * 60}…" has a label of more than 63 characters'),
        ("a." * 127, f'"{"a." * 30}…" has 254 characters; at most 253 are allowed'),
        ("é.de", "\"é.de\" is no DNS name: labels of lower-case letters, digits and '-', joined by dots"),
        (f"bob:{SECRET}@a.example.com", '"…@a.example.com" has user info; only the hostname goes here'),
        ("a\x1b[31m\n", '"a\\u001b[31m\\u000a" has white space'),
    ],
)
def test_each_mistake_in_a_hostname_is_named(fqdn: str, problem: str) -> None:
    assert message(fqdn=fqdn) == f"spec.fqdn: {problem}"


NO_IMAGE = "is no image reference: REGISTRY:PORT/PATH:TAG@DIGEST, of which only the path must be there"
USER_INFO = "has user info; put credentials into a Secret, named in imagePullSecrets"
NO_DIGEST = "has an '@' without a whole digest: sha256: and 64 hexadecimal digits in lower case"


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("", '"" is empty'),
        ("a b", '"a b" has white space'),
        ("docker://a", '"docker://a" has a scheme; leave it out'),
        (f"bob:{SECRET}@a.example.com/b", f'"…@a.example.com/b" {USER_INFO}'),
        (f"bob:{SECRET}@a/b@sha256:00", f'"…@a/b@sha256:00" {USER_INFO}'),
        (f"bob:{SECRET}@x@a/b", f'"…@a/b" {USER_INFO}'),
        ("a@sha256:00", f'"a@sha256:00" {NO_DIGEST}'),
        ("a@latest", f'"…@latest" {NO_DIGEST}'),
        ("a.example.com/Shop:1", '"a.example.com/Shop:1" has upper-case letters in its path'),
        ("Shop", '"Shop" has upper-case letters in its path'),
        ("a:", '"a:" has a tag that is empty or of more than 128 characters'),
        ("a//b", f'"a//b" {NO_IMAGE}'),
    ],
)
def test_each_mistake_in_an_image_is_named(image: str, problem: str) -> None:
    assert message(image=image) == f"spec.image: {problem}"


MISTAKES = r"""
{"port": "8080"} -> spec.port: "8080" is not a whole number
{"port": 0} -> spec.port: 0 is less than 1
{"port": 70000} -> spec.port: 70000 is more than 65535
{"port": 80.5} -> spec.port: 80.5 is not a whole number
{"replicas": true} -> spec.replicas: true is not a whole number
{"suspend": "yes"} -> spec.suspend: "yes" is not true or false
{"imagePullPolicy": "always"} -> spec.imagePullPolicy: "always" is not 'Always', 'IfNotPresent' or 'Never'
{"revision": 123} -> spec.revision: 123 is not a string; put it in quotes
{"revision": ["a"]} -> spec.revision: is not a string
{"ttl": "72"} -> spec.ttl: "72" has no unit; write d, h, m or s after the number
{"ttl": "3651d"} -> spec.ttl: "3651d" is more than ten years; 0 is never
{"healthPath": "healthz"} -> spec.healthPath: "healthz" does not start with '/'
{"resources": []} -> spec.resources: is not an object, with fields of its own
{"resources": {"limits": {"cpu": "1K"}}} -> spec.resources.limits.cpu: "1K" is not a valid quantity, such as 500m, 0.5 or 256Mi
{"resources": {"limits": {"a.b/c": -1}}} -> spec.resources.limits[a.b/c]: -1 is not from 0 to 999999999999999
{"resources": {"limits": {"gpu": "1"}}} -> spec.resources.limits.gpu: "gpu" is no resource of a container, such as cpu, memory or example.com/gpu
{"resources": {"limits": {"memory": "512Mi", "cpu": 1}, "requests": {"memory": "1Gi", "cpu": 2}}} -> spec.resources: requests.cpu (2) is above limits.cpu (1); lower the request or raise the limit; also requests.memory (1Gi) is above limits.memory (512Mi); lower the request or raise the limit
{"resources": {"requests": {"example.com/gpu": 1}}} -> spec.resources: requests.example.com/gpu has no limit; set limits.example.com/gpu to the same amount
{"resources": {"limits": {"example.com/gpu": 2}, "requests": {"example.com/gpu": 1}}} -> spec.resources: requests.example.com/gpu (1) differs from limits.example.com/gpu (2); set both to one amount
{"resources": {"limits": {"example.com/gpu": "500m"}}} -> spec.resources: limits.example.com/gpu (500m) is not a whole number; write it as 1, or as 512Ki where it is counted in bytes
{"resources": {"limits": {"hugepages-2Mi": "3Mi", "cpu": 1}}} -> spec.resources: limits.hugepages-2Mi (3Mi) is not a multiple of the page size; use a multiple of 2Mi
{"resources": {"limits": {"hugepages-2Mi": "4Mi"}}} -> spec.resources: hugepages-2Mi is alone; set cpu or memory too, which huge pages require
{"resources": {"limits": {"requests.example.com/gpu": 1}}} -> spec.resources.limits[requests.example.com/gpu]: "requests.example.com/gpu" begins with 'requests.', as in a ResourceQuota; leave that out
{"setup": {}} -> spec.setup: has no command, args or image; one of them must say what to run
{"command": "sh"} -> spec.command: is not a list
{"args": [1]} -> spec.args[0]: is not a string; put it in quotes
{"args": [null]} -> spec.args[0]: is null
{"env": [{"name": "A"}, {"name": "A"}]} -> spec.env: has "A" twice
{"env": ["A=1"]} -> spec.env[0]: is not an object, with fields of its own
{"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]} -> spec.env[0]: has both value and valueFrom; one of them must go
{"env": [{"name": "A", "valueFrom": {}}]} -> spec.env[0].valueFrom: has 0 of secretKeyRef, configMapKeyRef, fieldRef; it must have exactly one
{"envFrom": [{"secretRef": {"name": "S"}}]} -> spec.envFrom[0].secretRef.name: "S" has upper-case letters
{"colour": "red"} -> spec.colour: is not a known field
{"a\nb": 1} -> spec[…]: is not a known field
{"healthpath": "/"} -> spec.healthpath: is not a known field; did you mean healthPath?
{"env": [{"name": "A", "valuefrom": {}}]} -> spec.env[0].valuefrom: is not a known field; did you mean valueFrom?
{"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optinal": true}}}]} -> spec.env[0].valueFrom.secretKeyRef.optinal: is not a known field; did you mean optional?
{"resources": {"limit": {}}} -> spec.resources.limit: is not a known field; did you mean limits?
""".strip().splitlines()


@pytest.mark.parametrize("row", MISTAKES)
def test_a_mistake_is_named_with_its_place(row: str) -> None:
    fields, _, problem = row.partition(" -> ")
    assert message(**json.loads(fields)) == problem


def test_what_is_too_much_is_named_by_its_number() -> None:
    assert message(replicas=10**5000) == "spec.replicas: a number is more than 100"
    assert message(command=["a"] * 101) == "spec.command: has 101 items; at most 100 are allowed"


def test_of_many_problems_the_first_are_shown_and_the_rest_counted() -> None:
    problems = message(args=[1] * 100)
    assert problems.count("; spec.args[") == 19
    assert problems.endswith("; and 80 more")


WITHOUT_SPEC = {name: part for name, part in a_preview().items() if name != "spec"}
LONG = "a" * 64


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({**a_preview(), "spec": {}}, "spec.image: is missing; spec.fqdn: is missing"),
        ({**a_preview(), "spec": {"image": None, "fqdn": "a"}}, "spec.image: is missing"),
        ({**a_preview(), "spec": None}, "spec: is missing"),
        ({**a_preview(), "spec": []}, "spec: is not an object, with fields of its own"),
        (WITHOUT_SPEC, "spec: is missing"),
        (
            a_preview(LONG, fqdn="a"),
            f'metadata.name: "{LONG[:60]}…" has 64 characters; at most 63 are allowed',
        ),
        (a_preview("1a"), 'metadata.name: "1a" starts with a digit; start with a letter, such as pr-1'),
        (a_preview("Pr", fqdn="a"), 'metadata.name: "Pr" has upper-case letters'),
        (a_preview("pr_1", fqdn="a"), "metadata.name: \"pr_1\" has an underscore; use '-'"),
        (a_preview(namespace="../x"), 'metadata.namespace: "../x" is no DNS label'),
        (
            {**a_preview(), "apiVersion": "platform9.com/v2"},
            'apiVersion: "platform9.com/v2" is not "platform9.com/v1"',
        ),
        (
            a_preview("a.b", fqdn="Foo", port=0),
            'metadata.name: "a.b" has a dot; use \'-\'; spec.fqdn: "Foo" has upper-case letters; spec.port: 0 is less than 1',
        ),
    ],
)
def test_all_problems_are_shown_in_one_line(manifest: dict[str, Any], told: str) -> None:
    assert message_of(manifest) == told


def test_labels_and_annotations_must_be_strings() -> None:
    manifest = a_preview()
    manifest["metadata"] |= {"labels": {"a": 1, "b": "c"}, "annotations": []}
    parsed = read(manifest)
    assert isinstance(parsed, Unreadable)
    assert parsed.labels == {"b": "c"}
    assert parsed.message == (
        "metadata.labels.a: is not a string; put it in quotes; "
        "metadata.annotations: is not an object, with fields of its own"
    )


def test_a_field_outside_of_the_spec_that_is_unknown_is_named() -> None:
    manifest = {**a_preview(), "sepc": {}}
    manifest["metadata"]["label"] = {}
    assert message_of(manifest) == (
        "sepc: is not a known field; did you mean spec?; "
        "metadata.label: is not a known field; did you mean labels?"
    )


def test_unknown_fields_of_a_server_are_ignored() -> None:
    manifest = {**a_preview(colour="red", env=[{"name": "A", "new": 1}]), "new": 1}
    manifest["metadata"]["new"] = 1
    parsed = read(manifest, strict_fields=False)
    assert isinstance(parsed, PreviewEnvironment)
    assert parsed.spec.env == (EnvVar(name="A"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"env": [{"name": f"TOKEN={SECRET}"}]},
        {"env": [{"name": "A", "value": {SECRET: SECRET}}]},
        {"env": [{"name": "A", "value": [SECRET]}]},
        {"env": [{"name": "A", "value": SECRET * 10000}]},
        {"env": [{"name": "A", "value": SECRET}] * 2},
        {"env": [{"name": SECRET + "!", "value": SECRET}]},
        {"env": [SECRET]},
        {"env": SECRET},
        {"env": {"A": SECRET}},
        {"env": [{f"TOKEN={SECRET}": None}]},
        {"env": [{"name": "A", "valueFrom": SECRET}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": SECRET + "_", "key": SECRET + "!"}}}]},
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": SECRET, "apiVersion": SECRET}}}]},
        {"args": [{"a": SECRET}]},
        {"args": SECRET},
        {"command": [SECRET * 10000]},
        {"command": [[SECRET]]},
        {"image": f"bob:{SECRET}@a.example.com/b"},
        {"image": f"https://bob:{SECRET}@a.example.com/b"},
        {"fqdn": f"https://bob:{SECRET}@a.example.com"},
    ],
)
def test_no_value_of_env_args_command_or_user_info_is_ever_shown(fields: dict[str, Any]) -> None:
    assert SECRET not in message(**fields)


def test_no_value_is_in_the_repr_of_a_preview() -> None:
    fields: dict[str, Any] = {
        **{"env": [{"name": "A", "value": SECRET}], "args": [SECRET], "command": [SECRET]},
        "setup": {"command": [SECRET], "args": [SECRET]},
    }
    assert SECRET not in repr(read(a_preview(**fields)))


def test_an_image_with_a_digest_is_pinned() -> None:
    assert has_digest("localhost:5000/a/b:tag@sha256:" + "0" * 64)
    assert not has_digest("localhost:5000/a/b:tag")


FIELDS = [*(field.alias or name for name, field in Spec.model_fields.items()), "name", "value", "valueFrom"]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), below),
    max_leaves=12,
)


@drawn()
@given(
    st.dictionaries(st.sampled_from(["metadata", "spec", "status", "apiVersion"]), TREES), TREES, st.text()
)
def test_no_json_tree_raises(tree: dict[str, Any], metadata: Any, name: str) -> None:
    rest = metadata if isinstance(metadata, dict) else {"labels": metadata, "uid": metadata}
    manifest = {**tree, "metadata": {**rest, "name": name, "namespace": name}}
    parsed = read(manifest)
    assert isinstance(parsed, PreviewEnvironment | Unreadable)
    if isinstance(parsed, Unreadable):
        assert parsed.message.isprintable(), json.dumps(parsed.message)


@drawn()
@given(st.dictionaries(st.sampled_from(FIELDS), TREES))
def test_no_spec_raises(fields: dict[str, Any]) -> None:
    manifest = a_preview()
    manifest["spec"] |= fields
    assert isinstance(read(manifest), PreviewEnvironment | Unreadable)


@pytest.mark.parametrize("key", [1, None, True, 1.5])
def test_a_key_that_is_no_string_as_yaml_allows_it_does_not_raise(key: Any) -> None:
    manifest = a_preview()
    manifest["spec"]["env"] = [{"name": "A", key: "x"}]
    manifest["spec"][key] = 1
    manifest["metadata"][key] = 1
    manifest["metadata"]["labels"] = {key: "x"}
    manifest[key] = 1
    for strict_fields in (True, False):
        assert isinstance(read(manifest, strict_fields=strict_fields), PreviewEnvironment | Unreadable)


# what is long, and no bound of the CRD keeps out


def with_metadata(**metadata: Any) -> dict[str, Any]:
    preview = a_preview()
    return {**preview, "metadata": {**preview["metadata"], **metadata}}


def test_labels_without_end_are_refused_and_not_kept() -> None:
    parsed = read(with_metadata(labels={f"example.com/{number}": "x" * 60 for number in range(1000)}))
    assert isinstance(parsed, Unreadable)
    assert parsed.message == (
        "metadata.labels: has more than 16384 characters; keep what need not be selected by in annotations"
    )
    assert parsed.labels == {}


@pytest.mark.parametrize("fqdn", ["pr-1.example.com", "Foo"])
def test_of_long_annotations_only_that_it_is_protected_is_kept(fqdn: str) -> None:
    prune = Names().prune_annotation
    for protected, kept in ((PRUNE_DISABLED, {prune: PRUNE_DISABLED}), ("x" * 20_000, {})):
        manifest = with_metadata(annotations={"example.com/note": "x" * 20_000, prune: protected})
        manifest["spec"]["fqdn"] = fqdn
        assert read(manifest).annotations == kept


def test_of_a_status_what_no_run_wrote_and_what_is_too_long_for_a_run_is_left_out() -> None:
    conditions = [
        {"type": "Ready", "status": "True", "reason": "Available", "message": "its pods are available"},
        {"type": "Stalled", "status": "True", "reason": "Invalid", "message": "x" * 20_000},
        {"type": "Mine", "status": "True", "reason": "Mine", "message": ""},
    ]
    status = {"observedGeneration": 1, "url": "x" * 20_000, "conditions": conditions}
    assert read({**a_preview(), "status": status}).status == {
        "observedGeneration": 1,
        "conditions": conditions[:1],
    }
