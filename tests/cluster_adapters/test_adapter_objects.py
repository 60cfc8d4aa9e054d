"""Reads and writes of one object: what is sent, and what each answer means."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import httpx2
import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.cluster.port import Applied
from reconcile.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NoAnswer,
    NotInstalled,
    NotStarted,
    ReconcileError,
    Rejected,
    ServerTrouble,
    Unreachable,
)
from reconcile.kube.objects import DEPLOYMENT, EVENTS_V1, MAPPING, Resource
from reconcile.model.names import KIND, PLURAL, Names
from tests.cluster_adapters.conftest import DATE, IN_SHOP, SERVER, Api, deployment, page, status, text_404

MANAGER = "preview-reconcile.platform9.com"
PR_1 = f"{IN_SHOP}/pr-1"
EVENTS = f"{SERVER}/apis/events.k8s.io/v1/namespaces/shop/events"
PREVIEW = f"{SERVER}/apis/platform9.com/v1/namespaces/shop/previewenvironments/pr-1"
GUARDED = deployment(uid="u-1", resourceVersion="7")
EVENT = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "pr-1.abc", "namespace": "shop"},
    "note": "created Service: new preview",
}
STATUS: dict[str, Any] = {
    "apiVersion": "platform9.com/v1",
    "kind": KIND,
    "metadata": {"name": "pr-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "7"},
    "status": {"url": "https://pr-1.example.com"},
}
STEPS = [{"op": "test", "path": "/metadata/uid", "value": "u-1"}]
DELETE_OPTIONS = {
    "apiVersion": "v1",
    "kind": "DeleteOptions",
    "preconditions": {"uid": "u-1", "resourceVersion": "7"},
    "propagationPolicy": "Background",
}
Ask = Callable[[KubernetesCluster], Any]


def get(cluster: KubernetesCluster, name: str = "pr-1") -> Any:
    return cluster.get(DEPLOYMENT, "shop", name)


def apply(cluster: KubernetesCluster, name: str = "pr-1") -> Any:
    return cluster.apply(DEPLOYMENT, deployment(name), manager=MANAGER, force=False)


def update(cluster: KubernetesCluster) -> Any:
    return cluster.apply(DEPLOYMENT, GUARDED, manager=MANAGER, force=True)


def patch(cluster: KubernetesCluster, name: str = "pr-1") -> Any:
    return cluster.patch(DEPLOYMENT, "shop", name, STEPS, manager=MANAGER)


def delete(cluster: KubernetesCluster, name: str = "pr-1", uid: str = "u-1", version: str = "7") -> Any:
    return cluster.delete(DEPLOYMENT, "shop", name, uid=uid, resource_version=version)


def create(cluster: KubernetesCluster, name: str = "pr-1.abc") -> Any:
    return cluster.create(EVENTS_V1, {**EVENT, "metadata": {"name": name, "namespace": "shop"}})


def apply_status(cluster: KubernetesCluster, name: str = "pr-1") -> Any:
    metadata = {**STATUS["metadata"], "name": name}
    return cluster.apply_status(Names().previews, {**STATUS, "metadata": metadata}, manager=MANAGER)


def logs(cluster: KubernetesCluster) -> Any:
    return cluster.logs("shop", "pr-1-a", "app", lines=30, previous=True)


LOG = f"{SERVER}/api/v1/namespaces/shop/pods/pr-1-a/log"
URLS: dict[Ask, str] = {
    logs: LOG,
    get: PR_1,
    apply: PR_1,
    update: PR_1,
    patch: PR_1,
    delete: PR_1,
    create: EVENTS,
    apply_status: PREVIEW,
}


def an(manifest: Any, code: int = 200, **more: Any) -> httpx.Response:
    return httpx.Response(code, json=manifest, **more)


# what is sent, and what is made of its success

APPLY = "application/apply-patch+yaml"
MINE, FORCED = {"fieldManager": MANAGER}, {"fieldManager": MANAGER, "force": "true"}
MADE, MET = Applied(deployment(), created=True), Applied(deployment(), created=False)
LAST_LINES = {"container": "app", "tailLines": "30", "limitBytes": "65536", "previous": "true"}
SENT: dict[str, tuple[Ask, httpx.Response, Any, str, dict[str, str], Any]] = {
    "a read": (get, an(deployment()), deployment(), "", {}, None),
    "an apply that makes": (apply, an(deployment(), 201), MADE, APPLY, MINE, deployment()),
    "an apply that meets": (apply, an(deployment()), MET, APPLY, MINE, deployment()),
    "a forced apply": (update, an(deployment()), MET, APPLY, FORCED, GUARDED),
    "a patch": (patch, an(deployment()), deployment(), "application/json-patch+json", MINE, STEPS),
    "a delete": (delete, an({"kind": "Status"}), True, "application/json", {}, DELETE_OPTIONS),
    "a delete under way": (delete, an({"kind": "Status"}, 202), True, "application/json", {}, DELETE_OPTIONS),
    "a create": (create, an(EVENT, 201, headers=DATE), True, "application/json", {}, EVENT),
    "a create again": (create, status(409, "AlreadyExists"), False, "application/json", {}, EVENT),
    "logs": (logs, httpx.Response(200, content=b"a\n\xff"), "a\n\ufffd", "", LAST_LINES, None),
    "a status": (apply_status, an(STATUS), STATUS, APPLY, FORCED, STATUS),
}


@pytest.mark.parametrize("case", SENT)
def test_each_request_is_what_it_has_to_be_and_its_success_is_understood(api: Api, case: str) -> None:
    ask, answer, result, media_type, params, body = SENT[case]
    route = api.server.route().mock(return_value=answer)
    assert ask(api.cluster) == result
    (request,) = (call.request for call in route.calls)
    where = str(request.url).partition("?")[0]
    assert where == URLS[ask] + ("/status" if ask is apply_status else "")
    assert request.headers.get("Content-Type", "") == media_type
    assert dict(request.url.params) == params
    assert (json.loads(request.content) if request.content else None) == body


def test_an_answer_that_is_kept_takes_little_more_than_its_bytes(api: Api) -> None:
    fields = {"f:spec": {f"f:{number}": None for number in range(100)}}
    there = deployment(managedFields=[{"manager": MANAGER, "fieldsV1": fields}])
    route = api.server.route().mock(return_value=an(there))
    apply(api.cluster)  # what is made once for all
    tracemalloc.start()
    kept = [(apply(api.cluster), update(api.cluster), get(api.cluster)) for _ in range(20)]
    route.calls.reset()
    with_them = tracemalloc.get_traced_memory()[0]
    kept.clear()
    each = (with_them - tracemalloc.get_traced_memory()[0]) / 60
    tracemalloc.stop()
    assert each < len(json.dumps(there)) + 1024


def test_a_preview_of_any_group_can_be_applied(api: Api) -> None:
    preview = {**deployment(), "apiVersion": "previews.example.com/v1", "kind": KIND}
    api.says(
        "PATCH", f"{SERVER}/apis/previews.example.com/v1/namespaces/shop/{PLURAL}/pr-1", an(preview, 201)
    )
    resource = Resource("previews.example.com", "v1", KIND, PLURAL)
    assert api.cluster.apply(resource, preview, manager="m", force=False).created


# what is not there

MISSING = status(404, "NotFound", 'deployments.apps "pr-1" not found', name="pr-1", kind="deployments")
NO_PROOF = (
    text_404(),
    status(404, "NotFound", "the server could not find the requested resource"),
    status(404, "NotFound", name="pr-2", kind="deployments"),
    status(404, "NotFound", name="pr-1", kind="services"),
    status(404, "Unknown", name="pr-1", kind="deployments"),
)


def test_only_the_servers_word_for_this_object_means_that_it_is_gone(api: Api) -> None:
    api.server.route().mock(return_value=MISSING)
    assert get(api.cluster) is None
    assert delete(api.cluster) is False
    with pytest.raises(Conflict, match="it is not there any more"):
        patch(api.cluster)


@pytest.mark.parametrize("ask", [get, delete])
@pytest.mark.parametrize("other", NO_PROOF)
def test_any_other_404_proves_nothing(api: Api, ask: Ask, other: httpx.Response) -> None:
    api.server.route().mock(return_value=other)
    with pytest.raises(NotInstalled):
        ask(api.cluster)


# refusals

WEBHOOK = 'admission webhook "check.example.com" denied the request: user cannot create resource "it"'
QUOTA = 'deployments.apps "pr-1" is forbidden: exceeded quota: pods'
LONG = f'User "system:serviceaccount:{"n" * 200}:x" cannot patch resource "deployments" in API group "apps"'
NO_CREATE = 'User "ci" cannot create resource "deployments" in API group "apps" in the namespace "shop"'
NO_IMPERSONATE = 'User "me" cannot impersonate resource "users" in API group "" at the cluster scope'
NO_PATCH = NO_CREATE.replace("create", "patch")
NO_EVENTS = 'events.events.k8s.io is forbidden: User "ci" cannot create resource "events" in API group "x"'
NO_STATUS = 'User "ci" cannot patch resource "previewenvironments/status" in API group "platform9.com"'
ANOTHER_UID = [{"reason": "FieldValueInvalid", "message": "field is immutable", "field": "metadata.uid"}]
GOING = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
UNDECLARED = "failed to create typed patch object: .status: field not declared in schema"
REMEDY = (
    f"patch status of {KIND} shop/pr-1: the CRD that is installed has no such status; "
    "upgrade it with `reconcile --print-crd --api-group platform9.com | kubectl apply -f -`"
)
TEXT = {"Content-Type": "application/json"}
UNREADABLE_SPEC = (
    b'{"kind": "Deployment", "metadata": {"name": "pr-1", "namespace": "shop"}, "spec": 1e99999}'
)

WAITS = 'container "app" in pod "pr-1-a" is waiting to start'

REFUSED: dict[str, tuple[Ask, httpx.Response, type[ReconcileError], str]] = {
    "another object": (get, an(deployment("pr-2")), ServerTrouble, "it is another object"),
    "a web page for an object": (
        get,
        httpx.Response(200, html="<p>log in"),
        ServerTrouble,
        "(200, text/html) cannot be used: it is no JSON",
    ),
    "a delete that a web page answers": (
        delete,
        httpx.Response(200, html="<p>log in"),
        AnswerLost,
        "cannot be used: it is no JSON",
    ),
    "another uid, to a delete": (
        delete,
        status(409, "Conflict", "the UID in the precondition"),
        Conflict,
        "delete Deployment shop/pr-1: the UID in the precondition (409)",
    ),
    "another uid, to an apply": (
        update,
        status(422, "Invalid", "field is immutable", causes=ANOTHER_UID),
        Conflict,
        "patch Deployment shop/pr-1: field is immutable (422)",
    ),
    **{
        f"what is not valid: {code}": (
            update,
            status(code, "Invalid", "field is immutable"),
            Rejected,
            f"does not take it ({code}): field is immutable",
        )
        for code in (400, 413, 422)
    },
    **{
        f"a write that is answered with {body!r}": (
            apply,
            httpx.Response(200, content=body, headers=TEXT),
            AnswerLost,
            "the answer (200, application/json) cannot be used",
        )
        for body in (b"", b"{", b"[]", b'{"kind": "Deployment"}', UNREADABLE_SPEC)
    },
    "a namespace that goes": (
        apply,
        status(403, "Forbidden", "is being terminated", causes=GOING),
        NamespaceTerminating,
        "namespace shop is being deleted",
    ),
    "a namespace that is none": (
        apply,
        status(404, "NotFound", 'namespaces "shop" not found', name="shop", kind="namespaces"),
        Rejected,
        "there is no namespace shop; make it first",
    ),
    "a quota": (
        apply,
        status(403, "Forbidden", QUOTA),
        Rejected,
        f"patch Deployment shop/pr-1: the API server does not take it (403): {QUOTA}; "
        "correct its preview, or the policy that refuses it",
    ),
    **{
        f"a webhook that denies with {code}": (update, status(code, "Any", WEBHOOK), Rejected, f"({code})")
        for code in (400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
    },
    "what cannot be merged": (
        update,
        status(500, "InternalError", "failed to create typed patch object (shop/pr-1): two of them"),
        Rejected,
        "two of them",
    ),
    "a webhook that is away": (
        update,
        status(500, "InternalError", 'failed calling webhook "check.example.com": refused'),
        ServerTrouble,
        "in trouble (500)",
    ),
    "a missing right with a long name": (
        update,
        status(403, "Forbidden", f'deployments.apps "pr-1" is forbidden: {LONG}'),
        Forbidden,
        f"{'n' * 200}:x has no right to patch deployments.apps in namespace shop (403); "
        "bind the ClusterRole preview-reconcile, which has it",
    ),
    "a right that no role of ours has": (
        update,
        status(403, "Forbidden", NO_PATCH.replace("patch", "impersonate-on:user-info:patch")),
        Forbidden,
        "user ci has no right to impersonate-on:user-info:patch deployments.apps in namespace shop (403); grant it",
    ),
    "a right to something else": (
        update,
        status(403, "Forbidden", f'users "ci" is forbidden: {NO_IMPERSONATE}'),
        Forbidden,
        "patch Deployment shop/pr-1: user me has no right to impersonate users (403); grant it: users",
    ),
    "another authorizer's reason": (
        update,
        status(403, "Forbidden", f'deployments.apps "pr-1" is forbidden: {NO_PATCH}: requires roles/editor'),
        Forbidden,
        "patch Deployment shop/pr-1: user ci has no right to patch deployments.apps in namespace shop (403); "
        "bind the ClusterRole preview-reconcile, which has it: requires roles/editor",
    ),
    "a gateway": (update, status(403, "Forbidden", "access denied by the gateway"), Forbidden, "gateway"),
    "a web page": (update, httpx.Response(403, text="<html>is forbidden: no</html>"), Forbidden, "no</html>"),
    "the right to create": (
        apply,
        status(403, "Forbidden", NO_CREATE),
        Forbidden,
        "patch Deployment shop/pr-1: user ci has no right to create deployments.apps in namespace shop (403); "
        "bind the ClusterRole preview-reconcile, which has it",
    ),
    "the right to Events": (
        create,
        status(403, "Forbidden", NO_EVENTS),
        Forbidden,
        "create Event shop/pr-1.abc: user ci has no right to create events.events.k8s.io in namespace shop "
        "(403); bind the ClusterRole preview-reconcile, which has it",
    ),
    "no Events": (create, text_404(), NotInstalled, "does not serve events.events.k8s.io"),
    "Events of a namespace that goes": (
        create,
        status(403, "Forbidden", causes=GOING),
        NamespaceTerminating,
        "being deleted",
    ),
    "the right to the status": (
        apply_status,
        status(403, "Forbidden", NO_STATUS),
        Forbidden,
        f"patch status of {KIND} shop/pr-1: user ci has no right to patch status of "
        "previewenvironments.platform9.com in namespace shop (403); "
        "bind the ClusterRole preview-reconcile, which has it",
    ),
    "a CRD without a schema for it": (
        apply_status,
        status(500, "", UNDECLARED),
        NotInstalled,
        f"{REMEDY}: {UNDECLARED}",
    ),
    **{
        f"a container that has not started{said}": (
            logs,
            status(400, "BadRequest", WAITS + said),
            NotStarted,
            f"the container has not started{why}",
        )
        for said, why in (
            (": ImagePullBackOff", " (ImagePullBackOff)"),
            (": ContainerCreating", " (ContainerCreating)"),
            (": PodInitializing", " (PodInitializing)"),
            (": trying and failing to pull image", " (trying and failing to pull image)"),
            (": image can't be pulled", " (image can't be pulled)"),
            (" - no logs yet", ""),
        )
    },
    # What a kubelet does not say, or not so, is told as it is.
    "logs in trouble": (logs, status(500, "InternalError", f"{WAITS}: x"), ServerTrouble, f"(500): {WAITS}"),
    "logs without a kubelet": (logs, status(503, "x", "no kubelet"), ServerTrouble, "(503): no kubelet"),
    "logs that are refused": (
        logs,
        status(400, "BadRequest", "the limit is waiting to start"),
        Rejected,
        "does not take it (400): the limit is waiting to start",
    ),
    "logs that a gateway refuses": (logs, httpx.Response(400, text=f"{WAITS}: x"), Rejected, f"{WAITS}: x"),
    "logs of a pod that is gone": (logs, text_404(), ServerTrouble, "in trouble (404): 404 page not found"),
    "the right to logs": (
        logs,
        status(403, "Forbidden", 'cannot get resource "pods/log"'),
        Forbidden,
        "there is no right to get log of pods in namespace shop (403); grant it",
    ),
    "a status in trouble": (apply_status, status(500, "", "etcd is away"), ServerTrouble, "etcd is away"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_is_an_error_of_its_kind_with_the_servers_words(api: Api, case: str) -> None:
    ask, answer, error, words = REFUSED[case]
    route = api.server.route().mock(return_value=answer)
    with pytest.raises(ReconcileError) as caught:
        ask(api.cluster)
    assert caught.type is error
    assert words in str(caught.value)
    may_pass = answer.status_code in (429, 500, 503) and ask is not logs
    assert route.call_count == 1 or may_pass, "what stays is not asked again"


GONE = status(404, "NotFound", "not found", name="pr-1", kind="previewenvironments")


@pytest.mark.parametrize(
    ("there", "error", "words"),
    [(an(STATUS), NotInstalled, REMEDY), (GONE, Conflict, "it is not there any more")],
)
def test_a_crd_without_a_status_reports_an_existing_preview_as_gone(
    api: Api, there: httpx.Response, error: type[ReconcileError], words: str
) -> None:
    api.says("PATCH", f"{PREVIEW}/status", GONE)
    api.says("GET", PREVIEW, there)
    with pytest.raises(error) as caught:
        apply_status(api.cluster)
    assert str(caught.value).endswith(words) or words in str(caught.value)


# what is never sent

NAMES = ["", ".", "..", "../services/x", "a/b", "a?b", "a%2fb", "A", "a..b", "-a", "a\n", "é", "a" * 254]


@pytest.mark.parametrize("ask", [get, apply, patch, delete, create, apply_status])
def test_a_name_that_is_none_is_never_sent(api: Api, ask: Any) -> None:
    for name in NAMES:
        with pytest.raises(Rejected):
            ask(api.cluster, name)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: delete(c, uid=""), "only with its uid and resourceVersion"),
        (lambda c: delete(c, version=""), "only with its uid and resourceVersion"),
        (lambda c: c.apply(DEPLOYMENT, {"kind": "Deployment"}, manager="m", force=False), "a namespace is"),
        (lambda c: c.list(Resource("../../api/v1", "v1", "Secret", "secrets")), "is no API group"),
    ],
)
def test_what_has_no_guard_no_place_or_no_group_is_never_sent(api: Api, ask: Ask, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        ask(api.cluster)


# the rest


def test_the_time_is_the_servers(api: Api) -> None:
    api.says("GET", f"{SERVER}/apis/getambassador.io/v3alpha1/mappings", page())
    api.cluster.list(MAPPING)
    assert api.cluster.now() == datetime(2026, 11, 22, 18, 57, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 18:57:00 GMT"])
def test_no_time_is_made_up(api: Api, date: str) -> None:
    api.says("GET", PR_1, an(deployment(), headers={"Date": date}))
    get(api.cluster)
    with pytest.raises(NoAnswer, match="has not told the time"):
        api.cluster.now()


def test_a_connection_that_cannot_be_made_is_unreachable(api: Api) -> None:
    route = api.says("GET", PR_1, httpx2.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(Unreachable) as caught:
        get(api.cluster)
    assert str(caught.value) == (
        "get Deployment shop/pr-1: no connection to the API server http://api.example.com:8001: "
        "[Errno 111] Connection refused"
    )
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)
    assert route.call_count == 7


def test_it_describes_where_it_is(api: Api) -> None:
    assert api.cluster.description == "context test (http://api.example.com:8001)"
    assert api.cluster.is_server
