"""A list, whole: every page of one consistent read, or an error."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import httpx2
import msgspec

from reconcile.cluster.kubernetes.answers import Ask, excerpt, is_json, unreadable
from reconcile.errors import ServerTrouble
from reconcile.objects import Manifest
from reconcile.sent import SentObject

T = TypeVar("T")

PAGE = 500
MOST_PAGES = 10_000
RESTARTS = 3

FetchPage = Callable[[str | None], httpx2.Response]
"""Asks for the page that a token leads to, the first one without; the answer is 200 or 410."""


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""
    next: str = msgspec.field(name="continue", default="")
    remaining: int | None = msgspec.field(name="remainingItemCount", default=None)


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_PAGE = msgspec.json.Decoder(_Page)


class _Expired(Exception):
    """The server has dropped the state that the pages were read from (410)."""


def whole_list(ask: Ask, fetch: FetchPage, read: Callable[[Manifest], T]) -> tuple[T, ...]:
    """What is read of every item, which has apiVersion and kind.

    Raises ServerTrouble where a page is missing or does not fit.

    After a 410 the list starts over from page one: the token that comes with a 410 leads on through another
    state, where objects can be missed
    (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
    """
    for _ in range(1 + RESTARTS):
        ahead = ThreadPoolExecutor(max_workers=1)
        try:
            return _every_page(ask, fetch, read, ahead)
        except _Expired as expired:
            last = expired
        finally:
            ahead.shutdown(wait=False, cancel_futures=True)
    raise ServerTrouble(
        f"{ask}: it expired {1 + RESTARTS} times before its last page came (410); try again"
    ) from last


def _every_page(
    ask: Ask, fetch: FetchPage, read: Callable[[Manifest], T], ahead: ThreadPoolExecutor
) -> tuple[T, ...]:
    """Page after page; the items of one are read while the next one comes."""
    found: list[T] = []
    seen: set[str] = set()
    response = fetch(None)
    page = _page(ask, response)
    while token := page.metadata.next:
        _check_token(ask, token, seen)
        coming = _ask_for(token, fetch, ahead)
        found += map(read, _items(ask, response, page))
        response = coming.result()
        page = _next_page(ask, response, page)
    if page.metadata.remaining:
        raise ServerTrouble(f"{ask}: its last page says that {page.metadata.remaining} more were to come")
    found += map(read, _items(ask, response, page))
    return tuple(found)


def _ask_for(token: str, fetch: FetchPage, ahead: ThreadPoolExecutor) -> Future[httpx2.Response]:
    try:
        return ahead.submit(fetch, token)
    except RuntimeError:  # there is no thread to be had: nothing is read meanwhile
        ahead.shutdown(wait=False, cancel_futures=True)
        coming = Future[httpx2.Response]()
        coming.set_result(fetch(token))
        return coming


def _check_token(ask: Ask, token: str, seen: set[str]) -> None:
    if token in seen:
        raise ServerTrouble(f"{ask}: it has no end: a page leads back to one that was read before")
    seen.add(token)
    if len(seen) == MOST_PAGES:
        raise ServerTrouble(f"{ask}: it has no end: {MOST_PAGES} pages of {PAGE} came")


def _next_page(ask: Ask, response: httpx2.Response, before: _Page) -> _Page:
    page = _page(ask, response)
    states = sorted({before.metadata.resourceVersion, page.metadata.resourceVersion})
    if len(states) > 1:
        raise ServerTrouble(f"{ask}: its pages are of different states ({', '.join(states)})")
    return page


def _page(ask: Ask, response: httpx2.Response) -> _Page:
    if response.status_code == httpx2.codes.GONE:
        raise _Expired(excerpt(response))
    if not is_json(response):
        raise unreadable(ask, response, excerpt(response))
    try:
        if not response.content.isascii():
            response.content.decode()  # what is left undecoded is checked for all but this
        return _PAGE.decode(response.content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise unreadable(ask, response, str(error)) from error


def _items(ask: Ask, response: httpx2.Response, page: _Page) -> list[SentObject]:
    """With what built-in kinds leave out in lists; an item without a name makes the list unreadable."""
    known = {"apiVersion": ask.resource.api_version, "kind": ask.resource.kind}
    try:
        items = [SentObject(text, known).opened() for text in page.items]
    except msgspec.DecodeError as error:
        raise unreadable(ask, response, f"an item has no name: {error}") from error
    if not all(item["metadata"]["name"] and item["metadata"]["namespace"] for item in items):
        raise unreadable(ask, response, "an item has no name or no namespace")
    return items
