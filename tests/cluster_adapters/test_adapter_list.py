"""A list counts only when it is whole; every other answer is an error that names the kind."""

import itertools
import re
import threading
from collections.abc import Sequence
from typing import Any

import httpx
import httpx2
import pytest

from reconcile.errors import Forbidden, NotInstalled, ReconcileError, Rejected, ServerTrouble
from reconcile.kube.objects import DEPLOYMENT, NAMESPACE, SERVICE, Manifest
from reconcile.kube.rawjson import SentObject
from tests.cluster_adapters.conftest import (
    DATE,
    DEPLOYMENTS,
    IN_SHOP,
    SERVER,
    Api,
    deployment,
    page,
    status,
    text_404,
)

JSON = {"Content-Type": "application/json"}
ONE = {"continue": "one"}
EXPIRED = httpx.Response(
    410, json={"kind": "Status", "reason": "Expired", "code": 410, "metadata": {"continue": "offered"}}
)


def tokens(route: Any) -> list[str | None]:
    return [call.request.url.params.get("continue") for call in route.calls]


def test_every_page_is_read_and_items_are_completed(api: Api) -> None:
    route = api.says("GET", DEPLOYMENTS, page("pr-1", "pr-2", **ONE), page("pr-3"))
    listing = api.cluster.list(DEPLOYMENT, label="platform9.com/preview")
    assert listing.items == (deployment("pr-1"), deployment("pr-2"), deployment("pr-3"))
    assert listing.problems == ()
    asked = {"limit": "500", "labelSelector": "platform9.com/preview"}
    assert [dict(call.request.url.params) for call in route.calls] == [asked, {**asked, **ONE}]


def test_a_page_is_read_while_the_next_one_comes(api: Api) -> None:
    asked_for_more = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if "continue" not in request.url.params:
            return page("pr-1", **ONE)
        asked_for_more.set()
        return page("pr-2")

    api.server.get(DEPLOYMENTS).mock(side_effect=answer)
    listing = api.cluster.list(DEPLOYMENT, read=lambda _: asked_for_more.wait(timeout=10))
    assert listing.items == (True, True)


def as_decoded(item: Manifest) -> Manifest:
    """As `observe` reads a preview."""
    assert isinstance(item, SentObject)
    return item.decoded()


def test_an_item_that_no_machine_can_hold_makes_the_list_unreadable_where_it_is_decoded(api: Api) -> None:
    item = b'{"metadata": {"name": "a", "namespace": "b"}, "spec": {"port": 1e99999}}'
    api.says("GET", DEPLOYMENTS, httpx.Response(200, content=b'{"items": [' + item + b"]}", headers=JSON))
    with pytest.raises(ServerTrouble, match="has sent a Deployment that cannot be read: Number out of range"):
        api.cluster.list(DEPLOYMENT, read=as_decoded)


def test_a_namespace_is_in_no_namespace_and_all_else_is(api: Api) -> None:
    bare = httpx.Response(200, json={"items": [{"metadata": {"name": "shop"}}]}, headers=DATE)
    api.says("GET", f"{SERVER}/api/v1/namespaces", bare)
    expected = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert api.cluster.list(NAMESPACE).items == (expected,)
    api.says("GET", DEPLOYMENTS, bare)
    with pytest.raises(ServerTrouble, match="an item has no name or no namespace"):
        api.cluster.list(DEPLOYMENT)


def test_each_list_has_its_own_path(api: Api) -> None:
    api.says("GET", IN_SHOP, page("pr-1"))
    assert api.cluster.list(DEPLOYMENT, namespace="shop").items == (deployment("pr-1"),)
    api.says("GET", f"{SERVER}/api/v1/services", page())
    assert api.cluster.list(SERVICE).items == ()


def test_a_list_that_expires_starts_over_without_the_offered_token_and_keeps_nothing(api: Api) -> None:
    again = page("pr-1", version="8", **{"continue": "two"})
    route = api.says("GET", DEPLOYMENTS, page("pr-9", **ONE), EXPIRED, again, page("pr-2", version="8"))
    assert api.cluster.list(DEPLOYMENT, read=lambda item: item["metadata"]["name"]).items == ("pr-1", "pr-2")
    assert tokens(route) == [None, "one", None, "two"]


def test_a_500_on_page_two_is_asked_again_and_then_the_list_fails(api: Api) -> None:
    trouble = [status(500, "InternalError", "etcd is slow")] * 7
    route = api.says("GET", DEPLOYMENTS, page("pr-1", **ONE), *trouble)
    with pytest.raises(ServerTrouble, match=r"list deployments.apps .*\(500\): etcd is slow"):
        api.cluster.list(DEPLOYMENT)
    assert route.call_count == 1 + 7
    assert api.time.slept == [0.25, 0.5, 1, 2, 4, 8]


def test_ever_new_tokens_end_as_well(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.pages.MOST_PAGES", 5)
    new = map(str, itertools.count())
    route = api.server.get(DEPLOYMENTS).mock(
        side_effect=lambda request: page("pr-1", **{"continue": next(new)})
    )
    with pytest.raises(ServerTrouble, match="it has no end: 5 pages came"):
        api.cluster.list(DEPLOYMENT)
    assert route.call_count == 5


def raw(content: bytes, code: int = 200, **headers: str) -> list[httpx.Response]:
    return [httpx.Response(code, content=content, headers=headers or JSON)]


def body(value: object, code: int = 200) -> list[httpx.Response]:
    return [httpx.Response(code, json=value)]


NO_RIGHT = 'deployments.apps is forbidden: User "ci" cannot list resource "deployments" in API group "apps"'
NO_LIST: dict[str, tuple[Sequence[httpx.Response], type[ReconcileError], str]] = {
    "another state on page two": (
        [page("pr-1", **ONE), page("pr-2", version="8")],
        ServerTrouble,
        "its pages are of different states (7, 8)",
    ),
    "a token that repeats": ([page("pr-1", **ONE)] * 2, ServerTrouble, "it has no end"),
    "410 for ever": ([status(410, "Expired")] * 4, ServerTrouble, "it expired 4 times"),
    "more were to come": (
        [page("pr-1", remainingItemCount=2)],
        ServerTrouble,
        "its last page says that 2 more were to come",
    ),
    "an unknown group": (
        [text_404()],
        NotInstalled,
        "does not serve deployments.apps of v1 (404); install its",
    ),
    "an unknown kind": (
        [status(404, "NotFound", "the server could not find the requested resource")],
        NotInstalled,
        "does not serve",
    ),
    "the 404 of a web page": (
        [httpx.Response(404, html="<h1>not here</h1>")],
        ServerTrouble,
        "(404): <h1>not here</h1>",
    ),
    "a missing right": (
        [status(403, "Forbidden", NO_RIGHT)],
        Forbidden,
        "user ci has no right to list deployments.apps in all namespaces (403); bind the ClusterRole "
        "preview-reconcile, which has it, or preview-reconcile-plan for --dry-run alone",
    ),
    "broken JSON": (raw(b'{"items": [{'), ServerTrouble, "Input data was truncated"),
    "no UTF-8": (raw(b'{"items": [{"a": "\xff"}]}'), ServerTrouble, "utf-8"),
    "too deep": (raw(b'{"a":' * 100_000), ServerTrouble, "cannot be used"),
    "items missing": (body({"kind": "DeploymentList"}), ServerTrouble, "missing required field `items`"),
    "items null": (body({"items": None}), ServerTrouble, "Expected `array`, got `null`"),
    "items an object": (body({"items": {}}), ServerTrouble, "Expected `array`, got `object`"),
    "an item null": (body({"items": [None]}), ServerTrouble, "Expected `object`, got `null`"),
    "no metadata": (body({"items": [{"spec": {}}]}), ServerTrouble, "missing required field `metadata`"),
    "a number as name": (
        body({"items": [{"metadata": {"name": 1, "namespace": "shop"}}]}),
        ServerTrouble,
        "Expected `str`, got `int`",
    ),
    "an item unnamed": (body({"items": [{"metadata": {}}]}), ServerTrouble, "no name or no namespace"),
    "a token no text": (body({"items": [], "metadata": {"continue": 3}}), ServerTrouble, "got `int`"),
    "a web page": (
        [httpx.Response(200, html="<p>log in")],
        ServerTrouble,
        "(200, text/html) cannot be used: <p>log in",
    ),
    "no Content-Type": ([httpx.Response(200, content=b"{}")], ServerTrouble, "(200, no Content-Type)"),
    "nothing": ([httpx.Response(204)], ServerTrouble, "(204): nothing was said"),
    "a redirect": (raw(b"", 302, Location="http://login.example.com"), ServerTrouble, "redirect (302)"),
    "an error untyped": (
        [httpx.Response(418, content=b"{}")],
        ServerTrouble,
        "(418): it is JSON, and no Status",
    ),
    "an error as HTML typed JSON": (raw(b"<p>tea", 418), ServerTrouble, "<p>tea"),
    "an error that is a list": (body([], 418), ServerTrouble, "it is JSON, and no Status"),
}


@pytest.mark.parametrize("case", NO_LIST)
def test_any_other_answer_is_an_error_that_names_the_kind(api: Api, case: str) -> None:
    answers, error, words = NO_LIST[case]
    route = api.server.get(DEPLOYMENTS).mock(side_effect=answers)
    with pytest.raises(ReconcileError) as caught:
        api.cluster.list(DEPLOYMENT)
    assert caught.type is error
    assert str(caught.value).count("list deployments.apps in all namespaces") == 1
    assert words in str(caught.value)
    assert route.call_count == len(answers)


def test_a_long_message_is_cut_to_one_line(api: Api) -> None:
    api.says("GET", DEPLOYMENTS, status(400, "BadRequest", "no\n\n" + "x" * 5000))
    with pytest.raises(Rejected) as caught:
        api.cluster.list(DEPLOYMENT)
    assert re.fullmatch(r"no x{196}…", str(caught.value).partition("(400): ")[2])


def test_a_compressed_body_that_is_broken_is_asked_again(api: Api) -> None:
    broken = httpx2.DecodingError("Error -3 while decompressing")
    api.says("GET", DEPLOYMENTS, broken, page("pr-1"))
    assert api.cluster.list(DEPLOYMENT).items == (deployment("pr-1"),)


def test_a_namespace_that_is_none_is_never_sent(api: Api) -> None:
    for namespace in ("", "..", "a/b", "Shop", "shop\n", "a" * 64, "a.b"):
        with pytest.raises(Rejected, match="a namespace is lower-case letters"):
            api.cluster.list(DEPLOYMENT, namespace=namespace)
