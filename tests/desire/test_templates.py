"""Documents of the operator, merged into children: what they set, and what they may not."""

from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.errors import TemplateRefused
from reconcile.model.preview import PreviewEnvironment, Unreadable, parse_preview
from reconcile.model.scope import Scope
from tests import given
from tests.builders import a_preview
from tests.desire.test_further import problems
from tests.given import a_read_preview
from tests.template_cases import ACCEPTED, APP, POD, PROXY, Case, at
from tests.templates import document, loaded, templated, with_templates

MODE = [{"name": "MODE", "value": "demo"}]
PREVIEW = a_read_preview(env=MODE, labels={"team": "shop"}, revision="a1b2c3d")


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_a_document_is_merged_into_a_child(case: Case) -> None:
    before, after = given.children_of(PREVIEW), templated(PREVIEW, case.document)
    assert {path: at(after[case.kind], path) for path in case.sets} == case.sets
    others = [kind for kind in before if kind != case.kind]
    assert {kind: after[kind] for kind in others} == {kind: before[kind] for kind in others}


def test_a_child_with_templates_has_new_hashes_and_one_of_the_templates() -> None:
    before, after = (
        given.children_of(PREVIEW)["Deployment"],
        templated(PREVIEW, ACCEPTED[0].document)["Deployment"],
    )
    annotations = after["metadata"]["annotations"]
    assert annotations.keys() - before["metadata"]["annotations"].keys() == {"platform9.com/templates"}
    for path in (
        "metadata.annotations[platform9.com/applied]",
        "spec.template.metadata.annotations[platform9.com/template]",
    ):
        assert at(after, path) != at(before, path)


def test_templates_come_after_the_spec_and_before_suspend() -> None:
    text = document("Deployment", "spec: {replicas: 3}")
    assert templated(a_read_preview(replicas=1), text)["Deployment"]["spec"]["replicas"] == 3
    assert templated(a_read_preview(replicas=1, suspend=True), text)["Deployment"]["spec"]["replicas"] == 0


def test_the_last_of_two_documents_wins() -> None:
    text = "".join(document("Deployment", f"spec: {{replicas: {number}}}") for number in (3, 4))
    assert templated(PREVIEW, text)["Deployment"]["spec"]["replicas"] == 4


def test_a_document_of_the_setup_job_changes_its_pods_alone() -> None:
    preview = a_read_preview(setup={"command": ["migrate"]})
    text = document("Job", "spec: {template: {spec: {serviceAccountName: shop}}}")
    before, after = given.children_of(preview)["Job"], templated(preview, text)["Job"]
    assert after["spec"]["template"]["spec"]["serviceAccountName"] == "shop"
    assert after["metadata"].keys() == before["metadata"].keys()
    assert after["metadata"]["annotations"].keys() == before["metadata"]["annotations"].keys()


@pytest.mark.parametrize(
    ("labels", "there"),
    [
        ({"team": "shop"}, True),
        ({"team": "shop", "lean": ""}, False),
        ({"team": "other"}, False),
        ({}, False),
    ],
)
def test_a_selector_picks_whose_child_is_changed(labels: dict[str, str], there: bool) -> None:
    text = document(
        "Deployment", f"spec: {{template: {{spec: {{containers: [{PROXY}]}}}}}}", when="team=shop,!lean"
    )
    found = templated(a_read_preview(labels=labels), text)["Deployment"]
    assert (at(found, f"{POD}.containers[proxy]") is not None) is there
    assert ("platform9.com/templates" in found["metadata"]["annotations"]) is there


# expressions


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${preview.metadata.name}-config", "pr-1-config"),
        ("${preview.metadata.namespace}/${preview.metadata.name}", "shop/pr-1"),
        ("${preview.metadata.uid}", "uid-of-shop-pr-1"),
        ("${preview.metadata.labels['team']}", "shop"),
        ("${preview.spec.image}", "registry.example.com/shop:1"),
        ("https://${preview.spec.fqdn}/", "https://pr-1.preview.example.com/"),
        ("${preview.spec.revision}", "a1b2c3d"),
        ("${preview.spec.port}", "80"),
        ("echo $${HOME} $HOME $$", "echo ${HOME} $HOME $$"),
    ],
)
def test_a_value_is_taken_from_the_preview(written: str, value: str) -> None:
    body = f'spec: {{template: {{spec: {{containers: [{{name: app, env: [{{name: X, value: "{written}"}}]}}]}}}}}}'
    assert at(templated(PREVIEW, document("Deployment", body))["Deployment"], f"{APP}.env[X].value") == value


def test_a_whole_number_stays_one_and_what_the_preview_has_not_is_left_out() -> None:
    probe = "{containers: [{name: app, readinessProbe: {grpc: {port: '${preview.spec.port}'}}}]}"
    body = f"spec: {{replicas: '${{preview.spec.replicas}}', template: {{spec: {probe}}}}}"
    spec = templated(PREVIEW, document("Deployment", body))["Deployment"]["spec"]
    probe = at(spec, "template.spec.containers[app].readinessProbe")
    assert (spec.get("replicas"), probe["grpc"]["port"]) == (None, 80)


TEAM = document(
    "Deployment",
    "spec: {template: {metadata: {annotations: {team: \"team-${preview.metadata.labels['team']}\"}}}}",
)


def test_a_preview_without_a_value_inside_a_text_is_refused_by_name() -> None:
    (found,) = desire([a_read_preview()], with_templates(TEAM), Scope())
    assert (found.reason, found.children) == ("Refused", ())
    assert found.message == (
        "app.yaml:5: spec.template.metadata.annotations.team: the preview has no metadata.labels['team']; set it"
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("spec: {paused: '${HOME}'}", 'app.yaml:5: spec.paused: "${HOME}" is nothing of a preview; for the text, write "$${HOME}"'),
        ("spec: {paused: '${preview.spec.prot}'}", 'app.yaml:5: spec.paused: "${preview.spec.prot}" is nothing of a preview (did you mean ${preview.spec.port}?); for the text, write "$${preview.spec.prot}"'),
        ("spec: {paused: '${preview.spec.port'}", "app.yaml:5: spec.paused: has a ${ without its }; for the text itself, write $${"),
        ("spec:\n  '${preview.metadata.name}': 1", "app.yaml:6: spec.[…]: a name has an expression, which only a value may have"),
    ],
)  # fmt: skip
def test_a_wrong_expression_is_named_with_its_remedy(body: str, problem: str) -> None:
    assert loaded(document("Deployment", body)) == ((), (problem.replace("spec.[…]", "spec[…]"),))


SHELL = ";&|<>()`$\\\"' \t\n*?{}!#~=%^,"
"""What ends a word for a shell, or means something in one."""
WORDS = {"name": "a{}", "image": "registry.example.com/a:{}", "fqdn": "a.{}", "revision": "a{}"}


def is_unreadable(field: str, value: str) -> bool:
    """Whether no preview has this value there."""
    given_by_author: dict[str, Any] = {field: value}
    return isinstance(parse_preview(a_preview(**given_by_author), group=given.NAMES.group), Unreadable)


def is_missing_as_label(value: str) -> None:
    """A label of a file with this value is none for a document."""
    with pytest.raises(TemplateRefused, match="has no"):
        templated(a_read_preview(labels={"team": value}), TEAM)


@pytest.mark.parametrize("character", SHELL)
def test_no_value_of_a_preview_is_more_than_a_word_to_a_shell(character: str) -> None:
    """What a document may take from a preview has a rule each, which a label of a file meets or is missing."""
    for field, word in WORDS.items():
        assert is_unreadable(field, word.format(character)), field
    is_missing_as_label(f"a{character}b")


@pytest.mark.parametrize("field", WORDS)
def test_no_value_of_a_preview_begins_like_an_option(field: str) -> None:
    assert is_unreadable(field, "-a")
    is_missing_as_label("-a")


# what no document changes


FIXED = "is not a template's to change; leave it out"
HOSTNAME = "the hostname of a route is ${preview.spec.fqdn}, whole, and no other"


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("Deployment", "spec: {selector: {matchLabels: {a: b}}}", [f"spec.selector: {FIXED}"]),
        ("Service", "spec: {selector: {a: b}}", [f"spec.selector: {FIXED}"]),
        ("Service", "status: {}", [f"status: {FIXED}"]),
        ("Service", "data: {}", ["data: is not a known field; did you mean metadata?"]),
        ("Deployment", "spec: {template: {metadata: {labels: {app.kubernetes.io/component: x}}}}", [f"spec.template.metadata.labels[app.kubernetes.io/component]: {FIXED}"]),
        ("Deployment", "spec: {template: {metadata: {annotations: {platform9.com/x: x}}}}", [f"spec.template.metadata.annotations[platform9.com/x]: {FIXED}"]),
        ("Deployment", "spec: {template: {spec: {containers: [{name: app, $patch: delete}]}}}", ["spec.template.spec.containers: the container app has to stay"]),
        ("Deployment", "spec: {template: {spec: {containers: [{name: app, ports: null}]}}}", ["spec.template.spec.containers: the port http of the container app has to stay"]),
        ("Deployment", "spec: {template: {metadata: {finalizers: [a/b]}}}", [f"spec.template.metadata.finalizers: {FIXED}"]),
        ("Deployment", "spec: {template: {spec: {containers: [{name: app, ports: [{containerPort: 9, name: http}]}]}}}", ["spec.template.spec.containers: the container app has two ports http; the port of a preview is its spec.port"]),
        ("Ingress", "spec: {rules: null}", [f"spec.rules: {HOSTNAME}"]),
        ("Mapping", "spec: {hostname: null}", [f"spec.hostname: {HOSTNAME}"]),
        ("Deployment", "spec: {$retainKeys: [replicas], replicas: 1}", ["spec[…]: is not a known field"]),
        ("Deployment", "spec: {template: {spec: {containers: [{name: app, $patch: replace, image: a}]}}}", ["spec.template.spec.containers[0][…]: is not delete"]),
        ("Deployment", "spec: {template: {spec: {containers: [null]}}}", ["spec.template.spec.containers[0]: is empty; remove the item"]),
        ("Deployment", "spec: {template: {spec: {$patch: delete}}}", ["spec.template.spec[…]: removes only an item of a list; to remove a field, write null"]),
        ("Job", "spec: {backoffLimit: 0}", [f"spec.backoffLimit: {FIXED}"]),
        ("Job", "spec: {template: {spec: {containers: [{name: setup, $patch: delete}]}}}", ["spec.template.spec.containers: the container setup has to stay"]),
        ("Mapping", "spec: {hostname: '*'}", [f"spec.hostname: {HOSTNAME}"]),
        ("Mapping", "spec: {host: '.*', host_regex: true}", [f"spec.host: {HOSTNAME}"]),
        ("Mapping", "spec: {headers: {':authority': b.example.com}}", [f"spec.headers: {HOSTNAME}"]),
        ("Mapping", "spec: {prefix: /api/}", [f"spec.prefix: {HOSTNAME}"]),
        ("HTTPRoute", "spec: {hostnames: ['${preview.spec.fqdn}', b.example.com]}", [f"spec.hostnames: {HOSTNAME}"]),
        ("HTTPRoute", "spec: {hostnames: null}", [f"spec.hostnames: {HOSTNAME}"]),
        ("Ingress", "spec: {rules: [{host: b.example.com}]}", [f"spec.rules: {HOSTNAME}"]),
        ("Ingress", "spec: {rules: [{host: '${preview.spec.fqdn}'}, {}]}", [f"spec.rules: {HOSTNAME}"]),
        ("Ingress", "spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}", [f"spec.defaultBackend: {HOSTNAME}"]),
        ("Deployment", "spec: {replica: 1, template: {spec: {containers: [{name: app, env: [{name: A, value: 1}]}]}}}", ["spec.replica: is not a known field; did you mean replicas?", "spec.template.spec.containers[0].env[0].value: is not a string; put it in quotes"]),
    ],
)  # fmt: skip
def test_what_no_document_may_change_is_refused_at_load(kind: str, body: str, found: list[str]) -> None:
    assert problems(document(kind, body)) == found


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ("namespace: other", f"metadata.namespace: {FIXED}"),
        ("finalizers: [a/b]", f"metadata.finalizers: {FIXED}"),
        ("ownerReferences: [{apiVersion: v1, kind: Pod, name: a, uid: b}]", f"metadata.ownerReferences: {FIXED}"),
        ("labels: {app.kubernetes.io/managed-by: me}", f"metadata.labels[app.kubernetes.io/managed-by]: {FIXED}"),
        ("annotations: {platform9.com/prune: disabled}", f"metadata.annotations[platform9.com/prune]: {FIXED}"),
        ("annotations: {platform9.com/when: a b}", "metadata.annotations[platform9.com/when]: the label selector 'a b': 'a b' is not a valid requirement: must be key=value, key!=value, key in (a,b), key or !key"),
        ("annotations: {platform9.com/when: ''}", "metadata.annotations[platform9.com/when]: the label selector '': '' is not a valid requirement: must be key=value, key!=value, key in (a,b), key or !key"),
        # It would be a document for all previews.
        ("annotations: {example.com/when: lean}", "metadata.annotations[example.com/when]: is not platform9.com/when, which selects previews"),
    ],
)  # fmt: skip
def test_metadata_that_no_document_may_change_is_refused_at_load(metadata: str, found: str) -> None:
    text = document("Deployment", metadata=metadata)
    assert loaded(text) == ((), (f"app.yaml:4: {found}",))


def test_what_a_server_keeps_of_metadata_is_ignored() -> None:
    text = document("Deployment", "spec: {replicas: 2}", metadata="creationTimestamp: null")
    assert templated(PREVIEW, text)["Deployment"]["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "problem"),
    [
        ("apps/v1beta1", "Deployment", "${preview.metadata.name}", 'apiVersion: "apps/v1beta1" is not apps/v1'),
        ("v1", "${preview.spec.revision}", "x", "kind: has an expression, which only the value of another field may have"),
        ("batch/v1", "Job", "${preview.metadata.name}-x", "metadata.name: is not the setup Job, which spec.setup makes; for what runs again and again use a CronJob"),
        ("v1", "ConfigMap", "config", 'metadata.name: "config" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview'),
        ("v1", "ConfigMap", "${preview.metadata.name}.x", 'metadata.name: "${preview.metadata.name}.x" is not ${preview.metadata.name}-NAME, in lower-case letters, digits and dashes, which names a child of a preview'),
        ("apps/v1", "Deployment", "${preview.metadata.name}-app", 'metadata.name: "${preview.metadata.name}-app" is taken for pods of the app itself; choose another name'),
    ],
)  # fmt: skip
def test_another_object_is_refused_by_name(api_version: str, kind: str, name: str, problem: str) -> None:
    text = f"apiVersion: {api_version}\nkind: '{kind}'\nmetadata: {{name: '{name}'}}\n"
    line = {"apiVersion": 1, "kind": 2, "metadata.name": 3}[problem.partition(":")[0]]
    assert loaded(text) == ((), (f"app.yaml:{line}: {problem}",))


def test_all_problems_of_all_documents_are_shown_at_once() -> None:
    text = document("Service", "spec: {selector: {a: b}}") + document(
        "Deployment", "status: {}\nspec: {replica: 1}"
    )
    assert [problem.split(":")[1] for problem in loaded(text)[1]] == ["5", "11"]
    assert [problem.split(":")[2] for problem in loaded(text)[1]] == [" spec.selector", " spec.replica"]


@pytest.mark.parametrize(
    ("pods", "other", "problem"),
    [
        (
            "{containers: [{name: app, ports: [{containerPort: 80, $patch: delete}]}]}",
            a_read_preview("pr-2", port=3000),
            "containers: the port http of the container app has to stay",
        ),
        (
            "{imagePullSecrets: [{name: \"${preview.metadata.labels['x']}\"}]}",
            a_read_preview("pr-2", labels={"x": "pull-a"}),
            "imagePullSecrets[0].name: is missing; it tells the items of this list apart",
        ),
    ],
)
def test_a_document_that_is_wrong_for_one_preview_refuses_that_preview_alone(
    pods: str, other: PreviewEnvironment, problem: str
) -> None:
    text = document("Deployment", f"spec: {{template: {{spec: {pods}}}}}")
    refused, fine = desire([a_read_preview(), other], with_templates(text, allow_secret=("pull-*",)), Scope())
    assert (refused.reason, fine.reason) == ("Refused", "")
    assert refused.message == f"app.yaml:5: spec.template.spec.{problem}"


def test_what_an_author_writes_into_fields_of_the_preview_stays_text() -> None:
    texts = ["${preview.metadata.uid}", "$${HOME}", "${"]
    text = document("Deployment", "spec: {replicas: 1}")
    found = templated(a_read_preview(args=texts, env=[{"name": "A", "value": texts[0]}]), text)["Deployment"]
    assert at(found, f"{APP}.args") == texts
    assert at(found, f"{APP}.env[A].value") == texts[0]
