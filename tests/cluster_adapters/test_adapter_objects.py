"""Reads and writes of one object: what is sent, and what each answer means."""

import json
from datetime import UTC, datetime

import httpx
import httpx2
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.cluster.port import Applied
from reconcile.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NamespaceGoing,
    NoAnswer,
    NotInstalled,
    ReconcileError,
    Rejected,
    ServerTrouble,
    Unreachable,
)
from reconcile.kube.objects import DEPLOYMENT, MAPPING, Resource
from reconcile.model.names import KIND, PLURAL
from tests.cluster_adapters.conftest import IN_SHOP, SERVER, FakeTime, deployment, page, status, text_404

PR_1 = f"{IN_SHOP}/pr-1"
GUARDED = deployment(uid="u-1", resourceVersion="7")
MISSING = status(404, "NotFound", 'deployments.apps "pr-1" not found', name="pr-1", kind="deployments")


def answer(code: int = 200) -> httpx.Response:
    return httpx.Response(code, json=deployment())


def test_an_object_is_read(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(PR_1).mock(return_value=answer())
    assert cluster.get(DEPLOYMENT, "shop", "pr-1") == deployment()


def test_only_the_servers_word_for_this_object_means_that_it_is_gone(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(PR_1).mock(return_value=MISSING)
    assert cluster.get(DEPLOYMENT, "shop", "pr-1") is None


@pytest.mark.parametrize(
    "other",
    [
        text_404(),
        status(404, "NotFound", "the server could not find the requested resource"),
        status(404, "NotFound", name="pr-2", kind="deployments"),
        status(404, "NotFound", name="pr-1", kind="services"),
        status(404, "Unknown", name="pr-1", kind="deployments"),
    ],
)
def test_any_other_404_proves_nothing(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, other: httpx.Response
) -> None:
    httpx2_mock.get(PR_1).mock(return_value=other)
    httpx2_mock.delete(PR_1).mock(return_value=other)
    with pytest.raises(NotInstalled):
        cluster.get(DEPLOYMENT, "shop", "pr-1")
    with pytest.raises(NotInstalled):
        cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7")


def test_another_object_than_was_asked_for_is_no_answer(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment("pr-2")))
    with pytest.raises(ServerTrouble, match="it is another object"):
        cluster.get(DEPLOYMENT, "shop", "pr-1")


@pytest.mark.parametrize(("code", "created"), [(201, True), (200, False)])
def test_an_apply_tells_made_from_met(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, code: int, created: bool
) -> None:
    route = httpx2_mock.patch(PR_1).mock(return_value=answer(code))
    applied = cluster.apply(DEPLOYMENT, deployment(), manager="preview-reconcile.platform9.com", force=False)
    assert applied == Applied(deployment(), created)
    request = route.calls.last.request
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert dict(request.url.params) == {"fieldManager": "preview-reconcile.platform9.com"}
    assert json.loads(request.content) == deployment()


def test_a_forced_apply_says_so(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    route = httpx2_mock.patch(PR_1).mock(return_value=answer())
    cluster.apply(DEPLOYMENT, GUARDED, manager="m", force=True)
    assert dict(route.calls.last.request.url.params) == {"fieldManager": "m", "force": "true"}


def test_a_preview_of_any_group_can_be_applied(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    preview = {**deployment(), "apiVersion": "previews.example.com/v1", "kind": KIND}
    url = f"{SERVER}/apis/previews.example.com/v1/namespaces/shop/{PLURAL}/pr-1"
    httpx2_mock.patch(url).mock(return_value=httpx.Response(201, json=preview))
    assert cluster.apply(
        Resource("previews.example.com", "v1", KIND, PLURAL), preview, manager="m", force=False
    ).created


def test_a_json_patch_is_sent_as_one(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    route = httpx2_mock.patch(PR_1).mock(return_value=answer())
    patch = [{"op": "test", "path": "/metadata/uid", "value": "u-1"}]
    assert cluster.patch(DEPLOYMENT, "shop", "pr-1", patch, manager="m") == deployment()
    request = route.calls.last.request
    assert request.headers["Content-Type"] == "application/json-patch+json"
    assert dict(request.url.params) == {"fieldManager": "m"}
    assert json.loads(request.content) == patch


def test_a_patch_of_what_is_gone_is_a_conflict(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.patch(PR_1).mock(return_value=MISSING)
    with pytest.raises(Conflict, match="it is not there any more"):
        cluster.patch(DEPLOYMENT, "shop", "pr-1", [], manager="m")


@pytest.mark.parametrize("code", [200, 202])
def test_a_delete_carries_its_preconditions(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, code: int
) -> None:
    route = httpx2_mock.delete(PR_1).mock(return_value=httpx.Response(code, json={"kind": "Status"}))
    assert cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7") is True
    assert json.loads(route.calls.last.request.content) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "u-1", "resourceVersion": "7"},
        "propagationPolicy": "Background",
    }


def test_a_delete_that_a_web_page_answers_may_not_have_been_done(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.delete(PR_1).mock(return_value=httpx.Response(200, html="<p>log in"))
    with pytest.raises(AnswerLost, match="cannot be used: it is no JSON"):
        cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7")


def test_a_delete_of_what_is_gone_says_so(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.delete(PR_1).mock(return_value=MISSING)
    assert cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7") is False


def test_a_delete_of_what_has_changed_is_a_conflict(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.delete(PR_1).mock(return_value=status(409, "Conflict", "the UID in the precondition"))
    with pytest.raises(Conflict, match=r"delete Deployment shop/pr-1: the UID in the precondition \(409\)"):
        cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7")


@pytest.mark.parametrize(("uid", "version"), [("", "7"), ("u-1", "")])
def test_a_delete_without_preconditions_is_never_sent(
    cluster: KubernetesCluster, uid: str, version: str
) -> None:
    with pytest.raises(Rejected, match="only with its uid and resourceVersion"):
        cluster.delete(DEPLOYMENT, "shop", "pr-1", uid=uid, resource_version=version)


def test_a_namespace_that_goes_is_told_from_a_missing_right(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
    httpx2_mock.patch(PR_1).mock(return_value=status(403, "Forbidden", "is being terminated", causes=causes))
    with pytest.raises(NamespaceGoing, match="namespace shop is being deleted"):
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)


def test_a_policy_that_says_no_is_no_missing_right(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    said = 'deployments.apps "pr-1" is forbidden: exceeded quota: pods'
    httpx2_mock.patch(PR_1).mock(return_value=status(403, "Forbidden", said))
    with pytest.raises(Rejected) as caught:
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)
    assert str(caught.value) == (
        f"patch Deployment shop/pr-1: the API server does not take it (403): {said}; "
        "correct its preview, or the policy that refuses it"
    )


WEBHOOK = 'admission webhook "check.example.com" denied the request: user cannot create resource "it"'
TOO_LONG = (
    f'User "system:serviceaccount:{"n" * 200}:x" cannot patch resource "deployments" in API group "apps"'
)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        *(
            (status(code, "Any", WEBHOOK), Rejected)
            for code in (400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
        ),
        (
            status(500, "InternalError", "failed to create typed patch object (shop/pr-1): two of them"),
            Rejected,
        ),
        (status(500, "InternalError", 'failed calling webhook "check.example.com": refused'), ServerTrouble),
        (status(403, "Forbidden", f'deployments.apps "pr-1" is forbidden: {TOO_LONG}'), Forbidden),
        (status(403, "Forbidden", "access denied by the gateway"), Forbidden),
        (httpx.Response(403, text="<html>is forbidden: no</html>"), Forbidden),
    ],
)
def test_what_concerns_one_object_is_told_from_what_concerns_the_run(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, answer: httpx.Response, error: type
) -> None:
    httpx2_mock.patch(PR_1).mock(return_value=answer)
    with pytest.raises(ReconcileError) as caught:
        cluster.apply(DEPLOYMENT, GUARDED, manager="m", force=True)
    assert caught.type is error


def test_the_missing_right_is_the_one_that_the_server_names(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    said = 'User "ci" cannot create resource "deployments" in API group "apps" in the namespace "shop"'
    httpx2_mock.patch(PR_1).mock(return_value=status(403, "Forbidden", said))
    with pytest.raises(Forbidden, match=r"`kubectl auth can-i create deployments.apps -n shop`"):
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)


def test_a_namespace_that_is_not_there_is_named(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    answer = status(404, "NotFound", 'namespaces "shop" not found', name="shop", kind="namespaces")
    httpx2_mock.patch(PR_1).mock(return_value=answer)
    with pytest.raises(Rejected, match="there is no namespace shop; make it first"):
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)


@pytest.mark.parametrize("code", [400, 413, 422])
def test_an_object_that_the_server_does_not_take_is_sent_once(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, code: int
) -> None:
    route = httpx2_mock.patch(PR_1).mock(return_value=status(code, "Invalid", "field is immutable"))
    with pytest.raises(Rejected, match=rf"does not take it \({code}\): field is immutable"):
        cluster.apply(DEPLOYMENT, GUARDED, manager="m", force=True)
    assert route.call_count == 1


def test_an_object_of_another_uid_is_a_conflict(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    causes = [{"reason": "FieldValueInvalid", "message": "field is immutable", "field": "metadata.uid"}]
    httpx2_mock.patch(PR_1).mock(return_value=status(422, "Invalid", "field is immutable", causes=causes))
    with pytest.raises(Conflict, match=r"patch Deployment shop/pr-1: field is immutable \(422\)"):
        cluster.apply(DEPLOYMENT, GUARDED, manager="m", force=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"kind": "Deployment"}'])
def test_a_write_whose_answer_cannot_be_read_may_have_been_done(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    httpx2_mock.patch(PR_1).mock(return_value=httpx.Response(200, content=body, headers=headers))
    with pytest.raises(AnswerLost, match=r"the answer \(200, application/json\) cannot be used"):
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)


NAMES = ["", ".", "..", "../services/x", "a/b", "a?b", "a%2fb", "A", "a..b", "-a", "a\n", "é", "a" * 254]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_is_never_sent(cluster: KubernetesCluster, name: str) -> None:
    with pytest.raises(Rejected):
        cluster.get(DEPLOYMENT, "shop", name)
    with pytest.raises(Rejected):
        cluster.apply(DEPLOYMENT, deployment(name), manager="m", force=False)
    with pytest.raises(Rejected):
        cluster.patch(DEPLOYMENT, "shop", name, [], manager="m")
    with pytest.raises(Rejected):
        cluster.delete(DEPLOYMENT, "shop", name, uid="u-1", resource_version="7")


def test_a_manifest_without_a_place_is_never_sent(cluster: KubernetesCluster) -> None:
    with pytest.raises(Rejected):
        cluster.apply(DEPLOYMENT, {"apiVersion": "apps/v1", "kind": "Deployment"}, manager="m", force=False)


def test_a_group_that_is_no_group_is_never_sent(cluster: KubernetesCluster) -> None:
    with pytest.raises(Rejected, match="is no API group"):
        cluster.list(Resource("../../api/v1", "v1", "Secret", "secrets"))


def test_the_time_is_the_servers(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(f"{SERVER}/apis/getambassador.io/v3alpha1/mappings").mock(return_value=page())
    cluster.list(MAPPING)
    assert cluster.now() == datetime(2026, 11, 22, 18, 57, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 18:57:00 GMT"])
def test_no_time_is_made_up(cluster: KubernetesCluster, httpx2_mock: respx.Router, date: str) -> None:
    httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment(), headers={"Date": date}))
    cluster.get(DEPLOYMENT, "shop", "pr-1")
    with pytest.raises(NoAnswer, match="has not told the time"):
        cluster.now()


def test_a_connection_that_cannot_be_made_is_unreachable(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(side_effect=httpx2.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(Unreachable) as caught:
        cluster.get(DEPLOYMENT, "shop", "pr-1")
    assert str(caught.value) == (
        "get Deployment shop/pr-1: no connection to the API server http://api.example.com:8001: "
        "[Errno 111] Connection refused"
    )
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)
    assert route.call_count == 7


def test_people_are_told_where_it_is(cluster: KubernetesCluster) -> None:
    assert cluster.description == "context test (http://api.example.com:8001)"
    assert cluster.is_server
