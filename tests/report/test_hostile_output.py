"""Whatever files and servers hold: no output can do anything, no secret is in one, and nothing falls over."""

import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.desire.children import CHILDREN
from reconcile.kube.redact import HIDDEN, redacted, secret_values
from tests.builders import a_preview, without_uid
from tests.in_process import Ended
from tests.shop import Shell, Shop

COMMANDS = "::error::boom ##vso[task.complete]x ##[error]y section_start:1:z"
HOSTILE = f"\x1b[31mred\u202eevil\u2066\u200bwide\n::error::boom\r\n##[error]y\x9b2J\u2028{COMMANDS}\x7f"
ACTS = re.compile(r"^\s*::|##\[|##vso\[|section_(start|end):", re.IGNORECASE | re.MULTILINE)
UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
CANARY = "canary-0a1b2c3d"


def harmless(*ended: Ended) -> str:
    """All that these calls printed, once it is sure that it can do nothing."""
    text = "\n".join(output for one in ended for output in (one.out, one.err))
    assert ACTS.findall(text) == []
    assert {c for c in text if unicodedata.category(c) in UNSAFE} <= {"\n"}
    return text


def every_way(shop: Shop, code: int) -> list[Ended]:
    """The plan and the run, with all that they can say."""
    ways = (("--dry-run",), ("--dry-run", "-o", "json"), ("-vv",), ("-vv", "-o", "json"))
    return [shop.reconcile(*way, code=code) for way in ways]


# what a server says of an object


def deployment(**container: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}


SECRETIVE = deployment(
    name="app",
    image="registry.example.com/web:1",
    env=[
        {"name": "A", "value": "correct horse battery"},
        {"name": "B", "value": "hunter2"},
        {"name": "C", "value": 'quo"ted\\ <secret>\nof two lines'},
        {"name": "D", "value": "80"},
        {"name": "E", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
        {"name": "F"},
    ],
    args=["--password=opensesame"],
    command=["/bin/secretive-start"],
)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no: correct horse battery!", f"no: {HIDDEN}!"),
        ("no: rect horse batt!", f"no: {HIDDEN}!"),
        ("no: correct horse ba…", f"no: {HIDDEN}…"),
        ("no: correct…", f"no: {HIDDEN}…"),
        ("no: cor…", "no: cor…"),
        ('"hunter2" or hunter2, not hunter22', f'"{HIDDEN}" or {HIDDEN}, not hunter22'),
        ('is quo"ted\\ <secret> of two lines', f"is {HIDDEN}"),
        (r'is "quo\"ted\\ <secret>\nof two lines"', f'is "{HIDDEN}"'),
        ('is "quo\\"ted\\\\ \\u003csecret\\u003e\\nof two lines"', None),
        ("containers[0].args: --password=opensesame", f"containers[0].args: {HIDDEN}"),
        ("/bin/secretive-start: not found", f"{HIDDEN}: not found"),
        ("port 80 of registry.example.com/web:1", "port 80 of registry.example.com/web:1"),
        ("Secret database is not there", "Secret database is not there"),
    ],
)
def test_a_message_is_shown_without_the_secrets_that_it_quotes(message: str, shown: str | None) -> None:
    told = redacted(message, SECRETIVE)
    assert told == shown if shown is not None else HIDDEN in told
    assert not re.search("horse|<secret>|of two|sesame|secretive", told)


def test_secrets_of_other_containers_and_of_other_objects_are_hidden_too() -> None:
    sidecar = {"name": "sidecar", "env": [{"name": "A", "value": CANARY}]}
    other = {"kind": "Deployment", "spec": {"template": {"spec": {"initContainers": [sidecar]}}}}
    assert redacted(f"no: {CANARY}, opensesame", SECRETIVE, other) == f"no: {HIDDEN}, {HIDDEN}"


NAMED = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "checkout", "namespace": "shop", "labels": {"example.com/preview": "checkout"}},
    **deployment(
        name="checkout-app",
        image="registry.example.com/web:1",
        args=["checkout", "shop", "checkout-app", "registry.example.com/web:1", "checkout:1234"],
        env=[
            {"name": "URL", "value": "https://checkout.example.com"},
            {"name": "API", "value": "http://checkout/v1/opensesame"},
            {"name": "PASSWORD", "value": "shop-9f8e7d6c"},
        ],
    ),
}
NAMED_ROUTE = {"kind": "Ingress", "spec": {"rules": [{"host": "checkout.example.com"}]}}
NAMED_POD = {"spec": {"template": {**NAMED["spec"]["template"], "metadata": {"name": "checkout-6c4-x"}}}}


@pytest.mark.parametrize(
    "message",
    [
        "Scaled up replica set checkout-5b6fcd649d from 0 to 1",
        "Successfully assigned shop/checkout-5b6fcd649d-m46fs to node-0",
        "Back-off restarting failed container checkout-app in pod checkout-6c4-x_shop(uid)",
        'Pulling image "registry.example.com/web:1"',
        "ready at https://checkout.example.com",
    ],
)
def test_a_value_that_is_a_name_in_the_objects_hides_no_name(message: str) -> None:
    assert redacted(message, NAMED, NAMED_ROUTE, NAMED_POD) == message


@pytest.mark.parametrize(
    "quoted",
    ["shop-9f8e7d6c", "http://checkout/v1/opensesame", "checkout:1234", "9f8e7d6c", "/v1/opensesame"],
)
def test_a_name_within_a_value_shows_none_of_it(quoted: str) -> None:
    assert redacted(f"no: {quoted} of checkout", NAMED, NAMED_ROUTE) == f"no: {HIDDEN} of checkout"


def test_what_others_may_read_as_a_name_is_hidden_all_the_same() -> None:
    """Only names count: no text of a custom resource, and no value, annotation or data with such a key."""
    others = [
        a_database(spec={"name": "opensesame"}),
        {"metadata": {"annotations": {"name": "opensesame"}}, "data": {"name": "opensesame"}},
        deployment(env=[{"name": "name", "value": "opensesame"}]),
    ]
    assert redacted("no: opensesame", *others) == f"no: {HIDDEN}"


def a_database(api: str = "postgres.example.com/v1", **parts: Any) -> dict[str, Any]:
    kept = {"status": {"phase": "of Database"}, "image": "postgres:17"}
    return {"apiVersion": api, "kind": "Database", "metadata": {"name": "database"}, **kept, **parts}


POD = SECRETIVE["spec"]["template"]
IN_SPEC = {"spec": {"text": "opensesame"}}
HIDES = {
    # a Secret, and what a clone adds that is like one
    "stringData": {"stringData": {"PASSWORD": "opensesame"}},
    "data as they are": {"data": {"PASSWORD": "opensesame"}},
    "data in base64": {"data": {"PASSWORD": "b3BlbnNlc2FtZQ=="}},
    "binary data": {"binaryData": {"blob": "b3BlbnNlc2FtZQ=="}},
    # the pods of any workload
    "a StatefulSet": {"spec": {"template": POD}},
    "a CronJob": {"spec": {"jobTemplate": {"spec": {"template": POD}}}},
    "a probe": deployment(livenessProbe={"exec": {"command": ["check", "opensesame"]}}),
    "a hook": deployment(lifecycle={"preStop": {"exec": {"command": ["opensesame"]}}}),
    # every text of a custom resource
    "a field": a_database(spec={"password": "opensesame"}),
    "lists": a_database(spec={"users": [{"name": "a", "passwords": [["opensesame"]]}]}),
    "beside the spec": a_database(config="--password=opensesame"),
    "maps in data": a_database(data={"a": {"b": "opensesame"}}),
    "an image that is a map": a_database(spec={"pod": {"image": {"tag": "opensesame"}}}),
    "a group that only looks like one of Kubernetes": a_database("cluster.x-k8s.io/v1", **IN_SPEC),
}


@pytest.mark.parametrize("name", HIDES)
def test_the_secrets_of_any_kind_are_hidden_and_nothing_else(name: str) -> None:
    message = "no: opensesame of Database database in postgres:17 and PASSWORD"
    assert redacted(message, HIDES[name]) == message.replace("opensesame", HIDDEN)


@pytest.mark.parametrize("encoded", ["b3BlbnNlc2FtZQ==", "//79/P///v38"])
def test_what_is_encoded_is_hidden_as_it_stands_too(encoded: str) -> None:
    for field in ("data", "binaryData"):
        assert redacted(f"no: {encoded} in A", {field: {"A": encoded}}) == f"no: {HIDDEN} in A"


@pytest.mark.parametrize(
    "manifest",
    [
        *(
            {"data": data}
            for data in ("opensesame", ["opensesame"], {"opensesame": None, "another": 7}, None)
        ),
        *(
            a_database(api, **IN_SPEC)
            for api in ("v1", "apps/v1", "gateway.networking.k8s.io/v1", "getambassador.io/v3alpha1")
        ),
    ],
)
def test_what_is_no_secret_in_a_native_kind_and_data_of_another_shape_are_shown(manifest: Any) -> None:
    assert redacted("no: opensesame", manifest) == "no: opensesame"


@given(value=st.text(min_size=8), before=st.text(), after=st.text(), cut=st.data())
def test_no_eight_characters_of_a_value_are_ever_shown(
    value: str, before: str, after: str, cut: st.DataObject
) -> None:
    start = cut.draw(st.integers(0, len(value) - 8))
    piece = value[start : cut.draw(st.integers(start + 8, len(value)))]
    told = redacted(before + piece + after, deployment(args=[value]))
    left = told.replace(HIDDEN, "\n")
    pieces = (value[at : at + 8] for at in range(len(value) - 7))
    assert not [found for found in pieces if found in left and "\n" not in found]


NAMES = st.sampled_from(["name", "value", "env", "host", "spec", "k:{}", "f:a"])
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8) | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(TREES, TREES, TREES)
def test_a_message_about_any_object_is_shown(spec: Any, template: Any, pod: Any) -> None:
    for manifest in (
        {"data": spec, "stringData": template},
        {"spec": spec},
        {"spec": {"template": template}},
        {"spec": {"template": {"spec": {"containers": pod, "initContainers": [pod]}}}},
        {"spec": {"jobTemplate": {"spec": {"template": template}}}},
        {"apiVersion": "example.com/v1", "spec": spec, "data": template},
    ):
        assert redacted("an end", manifest)
        assert all(isinstance(value, str) for value in secret_values(manifest))


# what files hold


def test_what_a_file_holds_of_a_preview_does_nothing(shop: Shop) -> None:
    fields: dict[str, Any] = {
        **dict.fromkeys(("image", "fqdn", "port", "healthPath", "ttl", HOSTILE), HOSTILE),
        "env": [{"name": HOSTILE, "value": HOSTILE}, {HOSTILE: HOSTILE}],
        "resources": {"limits": {HOSTILE: HOSTILE}},
    }
    for number, (field, value) in enumerate(fields.items()):
        preview = without_uid(a_preview(f"pr-{number}", annotations={HOSTILE: HOSTILE}))
        preview["spec"][field] = value
        shop.put(f"{number}.yaml", json.dumps(preview))
    text = harmless(*every_way(shop, 1))
    assert text.count("::error::boom") > len(fields)
    assert shop.children() == []


@pytest.mark.parametrize("field", ["name", "namespace", "kind", "apiVersion"])
def test_what_names_an_object_does_nothing_and_leads_nowhere(shop: Shop, field: str) -> None:
    for number, value in enumerate((HOSTILE, COMMANDS, "../../escaped", "a/b", "", ".", "pr-1\n")):
        preview = without_uid(a_preview(f"pr-1{number}"))
        (preview["metadata"] if field in preview["metadata"] else preview)[field] = value
        shop.put(f"{number}.yaml", json.dumps(preview))
    shop.write("pr-2")
    ended = shop.shell("--from", "previews", "--to", "children", "-vv")
    assert ended.code in (0, 1, 4)
    harmless(ended)
    assert shop.path("Service", "pr-2").exists()
    assert {path.parts[0] for path in Path().rglob("*")} <= {"previews", "children"}
    assert {name.split(".")[0] for name in shop.state()} <= {"shop", "default"}


def test_the_name_of_a_file_does_nothing(shop: Shop) -> None:
    name = HOSTILE.replace("/", "") + ".yaml"
    (Path("previews") / name).write_text("spec: [")
    (Path("previews") / f"2{name}").write_text(json.dumps(without_uid(a_preview(fqdn="No"))))
    shop.write("pr-2")
    text = harmless(*every_way(shop, 4))
    assert "! Preview     shop/pr-1  previews/2\ufffd[31mred\ufffdevil" in text
    assert "! Refusing to prune: previews/\ufffd[31mred\ufffdevil" in text


BROKEN = {
    "unclosed quote": 'value: "%s',
    "unclosed list": "[%s, {a: ",
    "tab": "a: b\n\t%s: c",
    "two documents in one": "a: %s\n b: c: d",
    "unknown alias": "a: *%s",
    "unknown tag": "!%s a",
    "tag of Python": "!!python/object/apply:os.system [%s]",
    "key twice": "{a: %s, a: %s}",
    "bad escape": '"\\q %s"',
    "bad indent": "  a: %s\n b: c",
    "reserved": "a: @%s",
    "directive": "%%YAML 9.9 %s\n---\na: b",
    "block": "a: |9 %s\n b",
    "no document of Kubernetes": "%s",
    "a list of it": "- %s\n- TOKEN=%s",
    "no kind": "{apiVersion: v1, metadata: {name: a}, data: {password: %s}}",
}


def whole(number: int, text: str) -> str:
    return text


def value(number: int, text: str) -> str:
    """The text as a value in the preview of this number."""
    named = f"apiVersion: platform9.com/v1\nkind: PreviewEnvironment\nmetadata: {{name: pr-1{number}, namespace: shop}}"
    indented = "\n".join(f"      {line}" for line in text.split("\n"))
    return f"{named}\nspec:\n  env:\n    - name: A\n      value:\n{indented}\n"


@pytest.mark.parametrize("where", [whole, value])
def test_an_error_about_a_file_never_quotes_its_content(shop: Shop, where: Callable[[int, str], str]) -> None:
    """Who breaks a file while editing has the whole of it in the log of a CI job otherwise."""
    for number, text in enumerate(BROKEN.values()):
        shop.put(f"{number}.yaml", where(number, text.replace("%s", CANARY).replace("%%", "%")))
    shop.write("pr-2")
    for output in ("json", "text"):
        ended = shop.shell("--from", "previews", "--to", "children", "-vv", "-o", output)
        assert ended.code == 4
        assert CANARY not in ended.out + ended.err
        assert output == "json" or "TOKEN" not in ended.out
        told = {number for number in range(len(BROKEN)) if f"previews/{number}.yaml" in ended.out}
        assert len(told) >= len(BROKEN) - 1, "a file without a kind may be anybody's"


@pytest.mark.parametrize("fqdn", [None, "No"])
def test_no_secret_of_a_preview_is_shown_whatever_is_wrong_with_it(shop: Shop, fqdn: str | None) -> None:
    """What stands in the wrong place is a secret all the same."""
    odd: list[dict[str, Any]] = [
        {"env": f"TOKEN={CANARY}"},
        {"env": [f"TOKEN={CANARY}"]},
        {"env": {"TOKEN": CANARY}},
        {"env": [{"name": f"TOKEN={CANARY}"}]},
        {"env": [{"name": "A", "value": {"from": CANARY}}]},
        {"env": [{"name": "A", "value": CANARY, "valueFrom": {"fieldRef": {"fieldPath": CANARY}}}]},
        {"env": [{"name": "A", "value": CANARY}, {"name": "A", "value": CANARY}]},
        {"env": [{"name": "A", f"TOKEN={CANARY}": "x"}]},
        {"env": [{"name": "A", "value": CANARY + "\x00"}]},
        {"env": [{"name": "A", "value": CANARY * 3000}]},
        {"args": CANARY, "command": CANARY},
        {"args": [[CANARY]], "command": [{CANARY: CANARY}]},
        {"args": {CANARY: CANARY}},
        {"command": [CANARY] * 101},
    ]
    for at, spec in enumerate(odd):
        shop.put(f"{at}.yaml", json.dumps(without_uid(a_preview(f"pr-{at:02}", fqdn=fqdn, **spec))))
    for ended in every_way(shop, 1):
        assert CANARY not in ended.out + ended.err
        assert len(ended.out) < 20_000


# objects of every shape

MATCHES: dict[str, Any] = {"hostnames": ["a"], "rules": [{"matches": ["a", {"path": "a"}]}]}
PATHS: dict[str, Any] = {
    "rules": [{"host": "a", "http": [1]}, {"host": "a", "http": {"paths": [{"path": 1}]}}]
}
HEADERS = {"headers": {"1": 1}, "regex_headers": ["a"], "host": 1, "prefix": [1]}


@pytest.mark.parametrize(
    ("kind", "spec", "metadata", "ours"),
    [
        ("Deployment", 5, {}, False),
        ("Service", None, {}, False),
        ("Service", {"ports": [{"name": []}]}, {}, True),
        ("Mapping", "text", {}, True),
        ("Mapping", {"hostname": "*", "prefix": "/", "precedence": "1"}, {}, False),
        ("Mapping", HEADERS, {}, False),
        ("Ingress", {"rules": ["a"]}, {}, True),
        ("Ingress", PATHS, {}, False),
        ("HTTPRoute", {"hostnames": 7}, {}, True),
        ("HTTPRoute", MATCHES, {}, False),
        ("Deployment", {}, {"managedFields": [{"fieldsV1": {"f:spec": 1}}]}, True),
        ("Deployment", {}, {"managedFields": {"a": 1}}, True),
        ("Service", {}, {"ownerReferences": ["a"]}, True),
        ("Service", {}, {"labels": ["a"]}, False),
        ("Mapping", {"hostname": "a"}, {"labels": ["a"]}, False),
    ],
)
def test_no_object_of_a_dump_makes_the_run_fall_over(
    shop: Shop, kind: str, spec: Any, metadata: dict[str, Any], ours: bool
) -> None:
    """`tests/proofs/fuzz` has objects of every shape; these have once been too much."""
    identity = {"platform9.com/identity": f"{kind}/shop/pr-1"}
    marks = {"labels": {"platform9.com/preview": "pr-1"}, "annotations": identity}
    named = {"name": "pr-1", "namespace": "shop", **(marks if ours else {}), **metadata}
    version = {one.resource.kind: one.resource.api_version for one in CHILDREN}[kind]
    shop.put("odd.yaml", json.dumps({"apiVersion": version, "kind": kind, "metadata": named, "spec": spec}))
    shop.write("pr-1")
    for route in ("ingress", "mapping"):
        ended = shop.shell("--from", "previews", "--dry-run", "--route", route, "-vv")
        assert ended.code in (0, 1, 4), ended
        harmless(ended)


# what is large


def test_being_over_the_number_deletes_nothing_and_names_the_limit(shop: Shop) -> None:
    for name in ("pr-1", "pr-2", "pr-3"):
        shop.write(name, dumped=True)
    shop.reconcile()
    before = shop.state()
    for more in ((), ("--max-deletes", "100%")):
        lines = shop.reconcile("--max-previews", "1", *more, code=1).lines
        assert [line for line in lines if line.startswith("!")] == [
            f"! Preview shop/{name} namespace shop has 3 previews, and this is not one of its 1 oldest: "
            "delete some, or raise --max-previews"
            for name in ("pr-2", "pr-3")
        ]
    assert shop.state() == before != {}


def test_megabytes_in_a_preview_are_reported_in_short_lines(shop: Shop) -> None:
    env = [{"name": f"V{number}", "value": CANARY + "x" * 32_000} for number in range(100)]
    shop.write("pr-1", env=env[:2])
    shop.write("pr-5", env=env)
    shop.write("pr-2", env=[{"name": "A", "value": CANARY + "x" * 1_000_000}])
    shop.write("pr-3", fqdn="x" * 1_000_000, image="y" * 1_000_000)
    shop.write("pr-4", annotations={"example.com/note": "x" * 1_000_000})
    for ended in every_way(shop, 1):
        assert CANARY not in ended.out + ended.err
        assert max(map(len, ended.out.splitlines())) < 1000
    assert shop.children() == [
        f"{kind} shop/{name}" for name in ("pr-1", "pr-4") for kind in ("Deployment", "Service", "Mapping")
    ]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [BOMB, "[" * 5_000, "{a: " * 5_000, "- " * 20_000 + "a", "a: &a {b: *a}", '{"a":' * 5_000],
    ids=["aliases", "lists", "maps", "blocks", "itself", "json"],
)
def test_a_file_that_would_grow_or_nest_without_end_is_a_mistake_in_it(shop: Shop, text: str) -> None:
    shop.put("bomb.yaml", text)
    shop.write("pr-2")
    for output in ("json", "text"):
        ended = shop.reconcile("--dry-run", "-vv", "-o", output, code=4)
        harmless(ended)
        assert len(ended.out) < 10_000
    assert "previews/bomb.yaml" in ended.out


def test_the_command_line_does_nothing(shell: Shell, tmp_path: Path) -> None:
    """A CI job may hand on the name of a branch."""
    given = ["--from", os.fspath(tmp_path), "--dry-run"]
    for arguments in (
        [*given, f"{COMMANDS}/x"],
        [*given, HOSTILE],
        [*given, "-n", COMMANDS],
        [*given, "-l", HOSTILE],
        [*given, "--max-deletes", COMMANDS],
        [*given, "--api-group", HOSTILE],
        [*given, "--allow-fqdn", HOSTILE],
        [*given, f"--{COMMANDS}"],
        ["--from", HOSTILE, "--dry-run"],
        ["--from", COMMANDS, "--dry-run"],
    ):
        ended = shell(*arguments)
        assert ended.code in (0, 1, 2), arguments
        assert harmless(ended).strip(), arguments
