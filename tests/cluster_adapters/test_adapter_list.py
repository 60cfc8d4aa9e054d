"""A list counts only when it is whole; every other answer is an error that names the kind."""

import itertools
import re
import threading

import httpx
import httpx2
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import Forbidden, NotInstalled, ReconcileError, Rejected, ServerTrouble
from reconcile.kube.objects import DEPLOYMENT, SERVICE, Manifest
from reconcile.kube.rawjson import SentObject
from tests.cluster_adapters.conftest import (
    DEPLOYMENTS,
    IN_SHOP,
    SERVER,
    FakeTime,
    deployment,
    page,
    status,
    text_404,
)

JSON = {"Content-Type": "application/json"}


def test_every_page_is_read_and_items_are_completed(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    route = httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=[page("pr-1", "pr-2", **{"continue": "one"}), page("pr-3")]
    )
    listing = cluster.list(DEPLOYMENT, label="platform9.com/preview")
    assert listing.items == (deployment("pr-1"), deployment("pr-2"), deployment("pr-3"))
    assert listing.problems == ()
    first, second = (dict(call.request.url.params) for call in route.calls)
    assert first == {"limit": "500", "labelSelector": "platform9.com/preview"}
    assert second == {"limit": "500", "labelSelector": "platform9.com/preview", "continue": "one"}


def test_a_page_is_read_while_the_next_one_comes(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    asked_for_more = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if "continue" not in request.url.params:
            return page("pr-1", **{"continue": "one"})
        asked_for_more.set()
        return page("pr-2")

    httpx2_mock.get(DEPLOYMENTS).mock(side_effect=answer)
    listing = cluster.list(DEPLOYMENT, read=lambda _: asked_for_more.wait(timeout=10))
    assert listing.items == (True, True)


def test_a_page_that_leads_nowhere_and_says_that_more_were_to_come_is_no_whole_list(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=page("pr-1", remainingItemCount=2))
    with pytest.raises(ServerTrouble, match="its last page says that 2 more were to come"):
        cluster.list(DEPLOYMENT)


def as_decoded(item: Manifest) -> Manifest:
    """As `observe` reads a preview."""
    assert isinstance(item, SentObject)
    return item.decoded()


def test_an_item_that_no_machine_can_hold_makes_the_list_unreadable_where_it_is_read_whole(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    item = b'{"metadata": {"name": "a", "namespace": "b"}, "spec": {"port": 1e99999}}'
    body = b'{"items": [' + item + b"]}"
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=httpx.Response(200, content=body, headers=JSON))
    with pytest.raises(ServerTrouble, match="has sent a Deployment that cannot be read: Number out of range"):
        cluster.list(DEPLOYMENT, read=as_decoded)


def test_where_a_list_starts_over_nothing_of_the_first_try_is_left(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=[page("pr-1", **{"continue": "one"}), status(410, "Expired", "too old"), page("pr-2")]
    )
    assert cluster.list(DEPLOYMENT, read=lambda item: item["metadata"]["name"]).items == ("pr-2",)


def test_one_namespace_is_asked_for_by_its_path(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(IN_SHOP).mock(return_value=page("pr-1"))
    assert cluster.list(DEPLOYMENT, namespace="shop").items == (deployment("pr-1"),)


def test_the_core_group_has_its_own_path(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(f"{SERVER}/api/v1/services").mock(return_value=page())
    assert cluster.list(SERVICE).items == ()


def test_an_unknown_group_is_not_installed(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=text_404())
    with pytest.raises(NotInstalled, match=r"does not serve deployments.apps of v1 \(404\); install its"):
        cluster.list(DEPLOYMENT)


def test_an_unknown_kind_of_a_known_group_is_not_installed(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    message = "the server could not find the requested resource"
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=status(404, "NotFound", message))
    with pytest.raises(NotInstalled):
        cluster.list(DEPLOYMENT)


def test_the_404_of_a_web_page_proves_nothing(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=httpx.Response(404, html="<h1>not here</h1>"))
    with pytest.raises(ServerTrouble, match=r"\(404\): <h1>not here</h1>"):
        cluster.list(DEPLOYMENT)


def test_a_missing_right_is_named_with_the_way_to_see_it(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    said = 'deployments.apps is forbidden: User "ci" cannot list resource "deployments" in API group "apps"'
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=status(403, "Forbidden", said))
    with pytest.raises(Forbidden) as caught:
        cluster.list(DEPLOYMENT)
    assert str(caught.value) == (
        "list deployments.apps in all namespaces: no right to list deployments.apps in all namespaces (403); "
        f"have it granted, `kubectl auth can-i list deployments.apps --all-namespaces` tells: {said}"
    )


def test_a_list_that_expires_starts_over_without_the_offered_token(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    gone = httpx.Response(
        410, json={"kind": "Status", "reason": "Expired", "code": 410, "metadata": {"continue": "offered"}}
    )
    route = httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=[
            page("pr-1", **{"continue": "one"}),
            gone,
            page("pr-1", version="8", **{"continue": "two"}),
            page("pr-2", version="8"),
        ]
    )
    assert cluster.list(DEPLOYMENT).items == (deployment("pr-1"), deployment("pr-2"))
    assert [call.request.url.params.get("continue") for call in route.calls] == [None, "one", None, "two"]


def test_a_list_that_expires_for_ever_is_given_up(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    route = httpx2_mock.get(DEPLOYMENTS).mock(return_value=status(410, "Expired"))
    with pytest.raises(ServerTrouble, match="it expired 4 times"):
        cluster.list(DEPLOYMENT)
    assert route.call_count == 4


def test_a_500_on_page_two_is_asked_again_and_then_the_list_fails(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    trouble = itertools.repeat(status(500, "InternalError", "etcd is slow"))
    route = httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=itertools.chain([page("pr-1", **{"continue": "one"})], trouble)
    )
    with pytest.raises(ServerTrouble, match=r"list deployments.apps .*\(500\): etcd is slow"):
        cluster.list(DEPLOYMENT)
    assert route.call_count == 1 + 7
    assert time.slept == [0.25, 0.5, 1, 2, 4, 8]


def test_pages_of_different_states_are_no_list(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=[page("pr-1", **{"continue": "one"}), page("pr-2", version="8")]
    )
    with pytest.raises(ServerTrouble, match=r"its pages are of different states \(7, 8\)"):
        cluster.list(DEPLOYMENT)


def test_a_token_that_comes_back_ends_the_list(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    route = httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=lambda request: page("pr-1", **{"continue": "same"})
    )
    with pytest.raises(ServerTrouble, match="it has no end"):
        cluster.list(DEPLOYMENT)
    assert route.call_count == 2


def test_ever_new_tokens_end_as_well(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.pages.MOST_PAGES", 5)
    tokens = map(str, itertools.count())
    route = httpx2_mock.get(DEPLOYMENTS).mock(
        side_effect=lambda request: page("pr-1", **{"continue": next(tokens)})
    )
    with pytest.raises(ServerTrouble, match="it has no end: 5 pages came"):
        cluster.list(DEPLOYMENT)
    assert route.call_count == 5


ANSWERS_THAT_ARE_NO_LIST = {
    "broken JSON": (httpx.Response(200, content=b'{"items": [{', headers=JSON), "Input data was truncated"),
    "no UTF-8": (httpx.Response(200, content=b'{"items": [{"a": "\xff"}]}', headers=JSON), "utf-8"),
    "too deep": (httpx.Response(200, content=b'{"a":' * 100_000, headers=JSON), "."),
    "items missing": (httpx.Response(200, json={"kind": "DeploymentList"}), "missing required field `items`"),
    "items null": (httpx.Response(200, json={"items": None}), "Expected `array`, got `null`"),
    "items an object": (httpx.Response(200, json={"items": {}}), "Expected `array`, got `object`"),
    "an item null": (httpx.Response(200, json={"items": [None]}), "Expected `object`, got `null`"),
    "an item without metadata": (
        httpx.Response(200, json={"items": [{"spec": {}}]}),
        "missing required field `metadata`",
    ),
    "an item with a number as name": (
        httpx.Response(200, json={"items": [{"metadata": {"name": 1, "namespace": "shop"}}]}),
        "Expected `str`, got `int`",
    ),
    "an item unnamed": (httpx.Response(200, json={"items": [{"metadata": {}}]}), "no name or no namespace"),
    "a token no text": (
        httpx.Response(200, json={"items": [], "metadata": {"continue": 3}}),
        "Expected `str`, got `int`",
    ),
    "a web page": (httpx.Response(200, html="<p>log in"), r"\(200, text/html\) cannot be used: <p>log in"),
    "no Content-Type": (httpx.Response(200, content=b'{"items": []}'), r"\(200, no Content-Type\)"),
    "nothing": (httpx.Response(204), r"\(204\): nothing was said"),
    "a redirect": (
        httpx.Response(302, headers={"Location": "http://login.example.com"}),
        r"redirect \(302\)",
    ),
    "an error untyped": (httpx.Response(409, content=b"{}"), r"it is JSON, and no Status \(409\)"),
    "an error as HTML typed JSON": (httpx.Response(418, content=b"<p>tea", headers=JSON), "<p>tea"),
    "an error that is a list": (httpx.Response(418, json=[]), "it is JSON, and no Status"),
}


@pytest.mark.parametrize("case", ANSWERS_THAT_ARE_NO_LIST)
def test_any_other_answer_is_an_error_that_names_the_kind(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, case: str
) -> None:
    answer, words = ANSWERS_THAT_ARE_NO_LIST[case]
    route = httpx2_mock.get(DEPLOYMENTS).mock(return_value=answer)
    with pytest.raises(ReconcileError, match=words) as caught:
        cluster.list(DEPLOYMENT)
    assert isinstance(caught.value, ServerTrouble) or answer.status_code == 409
    assert str(caught.value).startswith("list deployments.apps in all namespaces: ")
    assert route.call_count == 1


def test_a_long_message_is_cut_to_one_line(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.get(DEPLOYMENTS).mock(return_value=status(400, "BadRequest", "no\n\n" + "x" * 5000))
    with pytest.raises(Rejected) as caught:
        cluster.list(DEPLOYMENT)
    said = str(caught.value).partition("(400): ")[2]
    assert re.fullmatch(r"no x{196}…", said)


def test_a_compressed_body_that_is_broken_is_asked_again(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    broken = httpx2.DecodingError("Error -3 while decompressing")
    httpx2_mock.get(DEPLOYMENTS).mock(side_effect=[broken, page("pr-1")])
    assert cluster.list(DEPLOYMENT).items == (deployment("pr-1"),)


@pytest.mark.parametrize("namespace", ["", "..", "a/b", "Shop", "shop\n", "a" * 64, "a.b"])
def test_a_namespace_that_is_none_is_never_sent(cluster: KubernetesCluster, namespace: str) -> None:
    with pytest.raises(Rejected, match="a namespace is lower-case letters"):
        cluster.list(DEPLOYMENT, namespace=namespace)
