"""Which kinds a server serves, and their schemas: what is asked, what is kept, what each answer means."""

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import Forbidden, ReconcileError, Rejected, ServerTrouble, Unauthorized, Unreachable
from reconcile.kube.objects import DEPLOYMENT, MAPPING, Resource
from tests.cluster_adapters.conftest import DATE, SERVER, Api, status, text_404

GROUP = "example.com"
VERSION = f"{GROUP}/v1"
SERVED = f"{SERVER}/apis/{VERSION}"
INDEX = f"{SERVER}/openapi/v3"
DOCUMENT = f"{INDEX}/apis/{VERSION}"
ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
THING, WIDGET = Resource(GROUP, "v1", "Thing", "thingies"), Resource(GROUP, "v1", "Widget", "widgets")
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
Ask = Callable[[KubernetesCluster], Any]


def served(*resources: Resource, **more: Any) -> httpx.Response:
    """As kube-apiserver sends it: each kind, with a subresource, of which the verbs are others."""
    kinds = [
        one
        for found in resources
        for one in (
            {"name": found.plural, "kind": found.kind, "namespaced": True, "verbs": ALL, **more},
            {"name": f"{found.plural}/status", "kind": found.kind, "namespaced": True, "verbs": ["get"]},
        )
    ]
    return an({"kind": "APIResourceList", "groupVersion": VERSION, "resources": kinds})


def index(*paths: str) -> httpx.Response:
    """As kube-apiserver sends it: as plain text."""
    found = an({"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"} for path in paths}})
    found.headers["Content-Type"] = "text/plain; charset=utf-8"
    return found


def published(*resources: Resource) -> httpx.Response:
    kinds = {
        found.kind: {
            "type": "object",
            "properties": {
                "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}"}]},
                "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
            },
            "x-kubernetes-group-version-kind": [{"group": GROUP, "version": "v1", "kind": found.kind}],
        }
        for found in resources
    }
    return an({"components": {"schemas": {**kinds, META: {"type": "object"}}}})


def an(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body, headers=DATE)


def discover(cluster: KubernetesCluster, kind: str = "Thing") -> Resource | None:
    return cluster.resource(VERSION, kind)


def learn(cluster: KubernetesCluster) -> Any:
    return cluster.schema(THING)


def asked(api: Api) -> list[str]:
    """The URL of each request so far."""
    return [str(call.request.url).removeprefix(SERVER) for call in api.server.calls]


def test_a_native_kind_and_a_route_are_known_without_a_request(api: Api) -> None:
    for resource in (DEPLOYMENT, MAPPING):
        assert api.cluster.resource(resource.api_version, resource.kind) == resource
    assert asked(api) == []


def test_the_kinds_of_a_version_are_requested_once_and_counted(api: Api) -> None:
    answer = served(THING, WIDGET)
    api.says("GET", SERVED, answer)
    assert [discover(api.cluster), discover(api.cluster, "Widget"), discover(api.cluster)] == [
        THING,
        WIDGET,
        THING,
    ]
    assert asked(api) == [f"/apis/{VERSION}"]
    assert (api.cluster.traffic.requests, api.cluster.traffic.size) == (1, len(answer.content))


def test_a_kind_of_the_core_group_that_is_not_in_the_table_is_looked_for_there(api: Api) -> None:
    api.says("GET", f"{SERVER}/api/v1", served(Resource("", "v1", "Novel", "novels")))
    assert api.cluster.resource("v1", "Novel") == Resource("", "v1", "Novel", "novels")
    assert asked(api) == ["/api/v1"]


@pytest.mark.parametrize("missing", [text_404(), status(404, "NotFound"), served(WIDGET)])
def test_a_kind_that_is_missing_is_none_and_found_once_it_is_installed(
    api: Api, missing: httpx.Response
) -> None:
    api.says("GET", SERVED, missing, missing, served(THING))
    assert [discover(api.cluster) for _ in range(4)] == [None, None, THING, THING]
    assert len(asked(api)) == 3


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"namespaced": False}, "is not namespaced"),
        ({"verbs": ["get", "list", "create"]}, "does not support patch, delete"),
        ({"verbs": None}, "does not support get, list, create, patch, delete"),
    ],
)
def test_a_kind_that_can_be_no_child_is_rejected_until_it_can(
    api: Api, more: dict[str, Any], problem: str
) -> None:
    api.says("GET", SERVED, *[served(THING, **more)] * 2, served(THING))
    for _ in range(2):
        with pytest.raises(Rejected, match=f"^Thing of example.com/v1 {problem}$"):
            discover(api.cluster)
    assert discover(api.cluster) == THING


def test_a_schema_is_re_read_where_a_crd_may_have_changed(api: Api) -> None:
    api.says("GET", DOCUMENT, published(WIDGET, THING), published(WIDGET))
    api.says("GET", INDEX, *[index(f"apis/{VERSION}")] * 2)
    assert api.cluster.schema(WIDGET) is not None
    assert api.cluster.schema(THING) is not None
    assert api.cluster.schema(THING, anew=True) is None
    assert len(asked(api)) == 4


def test_the_schemas_of_a_version_are_read_once_by_an_url_without_a_hash(api: Api) -> None:
    api.says("GET", DOCUMENT, published(THING, WIDGET))
    api.says("GET", INDEX, index("api/v1", f"apis/{VERSION}"))
    for resource in (THING, WIDGET, THING):
        node = api.cluster.schema(resource)
        assert node is not None
        assert node.fields["spec"].fields["size"].type == "integer"
    assert asked(api) == ["/openapi/v3", f"/openapi/v3/apis/{VERSION}"]


def test_a_schema_that_is_missing_is_none_and_found_once_it_is_published(api: Api) -> None:
    api.says("GET", DOCUMENT, published(WIDGET), published(WIDGET, THING))
    api.says("GET", INDEX, text_404(), index("api/v1"), *[index(f"apis/{VERSION}")] * 2)
    assert [api.cluster.schema(THING) for _ in range(3)] == [None] * 3
    assert api.cluster.schema(THING) is not None
    assert len(asked(api)) == 6


ANSWERS: dict[str, tuple[httpx.Response | Exception, type[ReconcileError], str]] = {
    "403": (
        status(403, "Forbidden", 'forbidden: User "u" cannot get path'),
        Forbidden,
        r'no right to read it \(403\); bind the ClusterRole system:discovery: forbidden: User "u"',
    ),
    "403 of a proxy": (httpx.Response(403, text="no"), Forbidden, "no right to read it"),
    "401": (status(401, "Unauthorized"), Unauthorized, "does not know who we are"),
    "503": (httpx.Response(503, text="service unavailable"), ServerTrouble, "service unavailable"),
    "a redirect": (httpx.Response(301, headers={"Location": "/"}), ServerTrouble, "a redirect"),
    "404 of a web page": (httpx.Response(404, html="<p>"), ServerTrouble, r"in trouble \(404\)"),
    "404 without a word": (httpx.Response(404), ServerTrouble, r"in trouble \(404\)"),
    "no JSON": (httpx.Response(200, html="<p>welcome"), ServerTrouble, "cannot be used"),
    "other JSON": (an({"kind": "Status"}), ServerTrouble, "cannot be used"),
    "JSON of other types": (an({"resources": 1, "paths": 1}), ServerTrouble, "cannot be used"),
    "a list": (an([]), ServerTrouble, "cannot be used"),
    "nothing": (httpx.Response(200), ServerTrouble, "cannot be used"),
    "no connection": (httpx2.ConnectError("refused"), Unreachable, "refused"),
}


@pytest.mark.parametrize(("ask", "path"), [(discover, f"apis/{VERSION}"), (learn, "openapi/v3")])
@pytest.mark.parametrize("case", ANSWERS)
def test_any_other_answer_is_an_error_and_names_what_was_read(
    api: Api, ask: Ask, path: str, case: str
) -> None:
    answer, error, problem = ANSWERS[case]
    api.says("GET", SERVER, answer)
    with pytest.raises(error, match=f"^get /{path}: .*{problem}"):
        ask(api.cluster)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"components": {"schemas": []}},
        {"components": {"schemas": {"Thing": 1}}},
        {"components": {"schemas": {"Thing": {"type": "array"}}}},
    ],
)
def test_a_document_that_is_no_openapi_is_an_error(api: Api, document: Any) -> None:
    api.says("GET", DOCUMENT, an(document))
    api.says("GET", INDEX, index(f"apis/{VERSION}"))
    with pytest.raises(ServerTrouble, match=f"^get /openapi/v3/apis/{VERSION}: .*cannot be used"):
        api.cluster.schema(THING)
