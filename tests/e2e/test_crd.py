"""The CRD on a real API server: it is taken as it is, and takes and refuses what the model does."""

from typing import Any

import pytest

from reconcile.kube.quantity import canonical
from reconcile.model import rules
from reconcile.model.names import PLURAL, SHORT_NAMES, Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from tests.builders import a_preview, without_uid
from tests.contracts.spec_rows import ROWS, Row
from tests.controlplane import AskFailed, ControlPlane

PATH = f"/apis/{Names().api_version}/namespaces/{{}}/{PLURAL}"
DRY = "?dryRun=All&fieldValidation=Strict"


def manifest_of(row: Row, namespace: str) -> dict[str, Any]:
    return {**without_uid(a_preview(row.name, namespace)), "spec": row.whole_spec}


def asked(api_server: ControlPlane, path: str, manifest: dict[str, Any]) -> dict[str, Any] | str:
    """What the server would keep of a manifest, or what it says against it.

    A 500 would be a failure of the CRD, and is raised.
    """
    try:
        kept: dict[str, Any] = api_server.ask("POST", path + DRY, manifest)
    except AskFailed as failure:
        if failure.code not in (400, 422):
            raise
        return str(failure)
    return kept


def answer_to(api_server: ControlPlane, path: str, manifest: dict[str, Any]) -> str:
    """What the server says against a manifest; empty where it takes it."""
    answer = asked(api_server, path, manifest)
    return answer if isinstance(answer, str) else ""


def test_every_row_is_taken_or_refused_as_by_the_model_and_means_the_same(
    api_server: ControlPlane, namespace: str
) -> None:
    wrong = []
    for row in ROWS:
        written = manifest_of(row, namespace)
        answer = asked(api_server, PATH.format(namespace), written)
        if row.taken == isinstance(answer, str):
            wrong.append((row.says, answer))
        elif isinstance(answer, dict):
            ours, theirs = (parse_preview(m, group=Names().group) for m in (written, answer))
            assert isinstance(ours, PreviewEnvironment)
            assert isinstance(theirs, PreviewEnvironment)
            assert theirs.spec == ours.spec, row.says
    assert wrong == []


def test_an_unknown_field_is_pruned_by_the_server_and_ignored_by_the_model(
    api_server: ControlPlane, namespace: str
) -> None:
    written = without_uid(a_preview(namespace=namespace, colour="red", env=[{"name": "A", "vlaue": "1"}]))
    kept = api_server.ask("POST", PATH.format(namespace) + "?dryRun=All&fieldValidation=Ignore", written)
    ours, theirs = (parse_preview(m, group=Names().group) for m in (written, kept))
    assert isinstance(ours, PreviewEnvironment)
    assert isinstance(theirs, PreviewEnvironment)
    assert theirs.spec == ours.spec
    assert "colour" not in kept["spec"]


def test_a_message_of_the_server_names_what_is_wrong(api_server: ControlPlane, namespace: str) -> None:
    def message(name: str = "pr-1", **spec: Any) -> str:
        return answer_to(api_server, PATH.format(namespace), without_uid(a_preview(name, namespace, **spec)))

    assert "the name, which its Service has too, is no DNS label" in message("a.b")
    assert "the value ends in a number as an IP address does" in message(fqdn="1.2.3.4")
    assert "the value has a label of more than 63 characters" in message(fqdn="a" * 64 + ".example.com")
    assert "the value is more than ten years" in message(ttl="3651d")
    assert "has both value and valueFrom; one of them must go" in message(
        env=[{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    )
    assert "must have exactly one of secretKeyRef, configMapKeyRef, fieldRef" in message(
        env=[{"name": "A", "valueFrom": {}}]
    )
    assert "has a request that is above its limit; lower the request or raise the limit" in message(
        resources={"limits": {"memory": "512Mi"}, "requests": {"memory": "1Gi"}}
    )
    assert "without an equal limit; set them equal" in message(resources={"requests": {"example.com/gpu": 1}})
    assert "Duplicate value" in message(env=[{"name": "A"}, {"name": "A"}])
    assert rules.TOO_MUCH_TEXT in message(args=["x" * 32_768], command=["x" * 32_768, "x"])


@pytest.mark.parametrize("short", SHORT_NAMES)
def test_every_field_of_the_spec_is_explained(api_server: ControlPlane, short: str) -> None:
    explained = api_server.kubectl("explain", f"{short}.spec", "--recursive=false")
    assert "The hostname, in lower case, without scheme, port or wildcard." in explained
    assert "<no description>" not in explained


def test_quantities_of_a_pod_are_kept_in_the_form_that_we_foresee(
    api_server: ControlPlane, namespace: str
) -> None:
    rows = [
        row.spec["resources"]["limits"]["cpu"]
        for row in ROWS
        if row.taken and row.says.startswith("resources.limits.cpu ")
    ]
    odd = ["1000", "0.500", "1.500", "01", "00", "0m", "8Ki", "1024Ki", "1025Ki", "512Ki", "0.5Ki", "1.5Ki",
           "0.0001Ki", "1234567u", "1500000u", "1n", "1e4", "12345e-4", "123456789.123456789",
           "999999999.9Gi",
           "500000000", "+1", "1000m", "1999999999999k", "1P", "3Ei"]  # fmt: skip
    assert len(rows) > 15
    quantities = [int(row) if isinstance(row, float) else row for row in [*rows, *odd]]
    assert {q: kept_as(api_server, namespace, q) for q in quantities} == {q: canonical(q) for q in quantities}


STRICTER = ("'1000m'", "'1.'", "'1e3'", "'1T'", "'1000000k'", "hugepages-2M'", "'4M'")
"""What a container may have of devices and huge pages and a preview may not: other spellings of whole numbers."""


def _of_amounts(row: Row) -> bool:
    """Whether it is about the amount of a device, or about limits beside requests."""
    return row.says.startswith("resources.limits {") or row.spec["resources"].keys() >= {"limits", "requests"}


def test_what_is_taken_of_resources_is_what_a_deployment_takes(
    api_server: ControlPlane, namespace: str
) -> None:
    rows = [row for row in ROWS if isinstance(row.spec, dict) and isinstance(row.spec.get("resources"), dict)]
    answers = {row.says: resources_answer(api_server, namespace, row) for row in rows}
    taken = {row.says for row in rows if row.taken}
    assert {says: answer for says, answer in answers.items() if says in taken and answer} == {}
    together = {row.says for row in rows if _of_amounts(row) and not row.taken}
    only_here = {says for says in together if not answers[says]}
    assert len(together - only_here) >= 15
    assert [says for says in only_here if not any(text in says for text in STRICTER)] == []


def resources_answer(api_server: ControlPlane, namespace: str, row: Row) -> str:
    """What the server says against a Deployment with the resources of a row."""
    container = {"name": "app", "image": "a", "resources": row.spec["resources"]}
    return answer_to(
        api_server, f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment_of(container)
    )


def kept_as(api_server: ControlPlane, namespace: str, quantity: str | int) -> str:
    container = {"name": "app", "image": "a", "resources": {"limits": {"memory": quantity}}}
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
    kept = api_server.ask("POST", path, deployment_of(container))
    return str(kept["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"])


def deployment_of(container: dict[str, Any]) -> dict[str, Any]:
    metadata = {"labels": {"a": "b"}, "name": "a"}
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": metadata, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}
