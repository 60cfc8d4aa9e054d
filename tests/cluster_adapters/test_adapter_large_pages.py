"""A page is bounded by its bytes as well as by its items: what is larger is given up, and asked for in parts."""

import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.conftest import (
    DATE,
    DEPLOYMENTS,
    Api,
    FakeTime,
    Wire,
    connected,
    deployment,
    status,
)

PAGE_BYTES = 10_000
SMALL, LARGE, HUGE = 10, 4_000, 30_000
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.pages.PAGE_BYTES", PAGE_BYTES)


def sized(*sizes: int) -> list[dict[str, Any]]:
    """Deployments of about so many bytes each, besides their names."""
    return [
        deployment(f"pr-{number}", annotations={"note": "é" * (size // 2)})
        for number, size in enumerate(sizes)
    ]


def pages_of(items: list[dict[str, Any]]) -> Answer:
    """As a server answers: it keeps to `limit`, and a token is the number of the next item."""

    def answer(request: httpx.Request) -> httpx.Response:
        start, limit = int(request.url.params.get("continue", "0")), int(request.url.params["limit"])
        more = {"continue": str(start + limit)} if start + limit < len(items) else {}
        body = {"metadata": {"resourceVersion": "7", **more}, "items": items[start : start + limit]}
        return httpx.Response(200, content=json.dumps(body, ensure_ascii=False).encode(), headers=JSON)

    return answer


JSON = {**DATE, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "sizes",
    [
        (SMALL,) * 3,
        (LARGE,) * 20,
        (HUGE,),
        (HUGE,) * 3,
        (*(SMALL,) * 40, HUGE, *(SMALL,) * 40),
        (HUGE, *(SMALL,) * 100),
        (*(SMALL,) * 100, *(LARGE,) * 9, HUGE),
    ],
)
def test_a_list_of_large_items_is_complete_and_in_order(api: Api, sizes: tuple[int, ...]) -> None:
    items = sized(*sizes)
    api.server.get(DEPLOYMENTS).mock(side_effect=pages_of(items))
    assert list(api.cluster.list(DEPLOYMENT).items) == items


def limits_asked(route: respx.Route) -> list[tuple[str, int]]:
    asked = (call.request.url.params for call in route.calls)
    return [(params.get("continue", ""), int(params["limit"])) for params in asked]


def test_a_page_that_is_too_large_is_requested_again_with_fewer_items_and_the_next_ones_grow(
    api: Api,
) -> None:
    route = api.server.get(DEPLOYMENTS).mock(side_effect=pages_of(sized(*(LARGE,) * 8, *(SMALL,) * 60)))
    api.cluster.list(DEPLOYMENT)
    assert limits_asked(route) == [
        *(("", limit) for limit in (500, 125, 31, 7, 1)),
        *((str(start), 1) for start in range(1, 8)),
        ("8", 1),
        ("9", 2),
        ("11", 4),
        ("15", 8),
        ("23", 16),
        ("39", 32),
    ]


def test_an_expired_list_is_restarted_with_as_few_items_as_were_learned(api: Api) -> None:
    items, expires = sized(*(LARGE,) * 3), itertools.chain([True], itertools.repeat(False))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("continue") == "2" and next(expires):
            return status(410, "Expired", "too old")
        return pages_of(items)(request)

    route = api.server.get(DEPLOYMENTS).mock(side_effect=answer)
    assert list(api.cluster.list(DEPLOYMENT).items) == items
    assert limits_asked(route)[5:] == [("1", 1), ("2", 1), ("", 1), ("1", 1), ("2", 1)]


def test_a_page_is_measured_as_it_is_once_unpacked(
    tmp_path: Path, time: FakeTime, wire: Callable[..., Wire]
) -> None:
    """At a socket: the mock hands over bodies that are unpacked."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    large = gzip.compress(json.dumps({"metadata": {}, "items": [deployment()]}).encode() + b" " * PAGE_BYTES)
    small = gzip.compress(json.dumps({"metadata": {}, "items": [deployment()]}).encode())
    assert len(large) < PAGE_BYTES
    server = wire(*(lambda connection, body=body: connection.sendall(head + body) for body in (large, small)))
    cluster = connected(tmp_path, server.url, pacing=time.pacing)
    assert list(cluster.list(DEPLOYMENT).items) == [deployment()]
    cluster.close()
    assert [request.partition("limit=")[2].split()[0] for request in server.requests] == ["500", "125"]
