"""A list, whole: every page of one consistent read, or an error."""

import codecs
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import httpx2
import msgspec

from reconcile.cluster.kubernetes.responses import Ask, excerpt, is_json, unreadable
from reconcile.cluster.kubernetes.retry import TooLarge
from reconcile.errors import ServerTrouble
from reconcile.kube.nesting import decoded
from reconcile.kube.objects import NAMESPACE, Manifest, type_meta
from reconcile.kube.rawjson import SentObject, opened_items

T = TypeVar("T")

PAGE = 500
PAGE_BYTES = 8 * 1024 * 1024
"""A page with more is given up while it comes, and asked for with fewer items. An object has up to 1.5 MB,
and six lists come at once, each with a page that is read and one on its way."""
FEWER = 4
"""Of a page that is too large so many parts are asked for: some requests are lost, and no page is tiny."""
LARGE = PAGE_BYTES // 2
PIECE = 1024 * 1024
MOST_PAGES = 10_000
RESTARTS = 3

FetchPage = Callable[[str | None, int, int | None], httpx2.Response]
"""Asks for the page that a token leads to, the first one without, and for so many items; the answer is 200 or
410. Raises TooLarge where it has more than so many bytes."""


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


@dataclass
class _Limit:
    """How many items a page is asked for: those that were first thought of, or fewer where they are large."""

    most: int
    items: int

    def shrink(self) -> None:
        self.items = max(1, self.items // FEWER)

    def grow(self, items: int, size: int) -> None:
        """After a page of so many items and bytes: twice as many at most, of half the bytes."""
        fitting = items * PAGE_BYTES // (2 * max(1, size))
        self.items = max(self.items, min(self.most, 2 * self.items, fitting))


def whole_list(ask: Ask, fetch: FetchPage, read: Callable[[Manifest], T], most: int = PAGE) -> tuple[T, ...]:
    """What is read of every item, which has apiVersion and kind; `most` items are asked for at once.

    Raises ServerTrouble where a page is missing or does not fit.

    After a 410 the list starts over from page one: the token that comes with a 410 leads on through another
    state, where objects can be missed
    (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
    """
    limit = _Limit(most, most)

    def fetch_fitting(token: str | None) -> httpx2.Response:
        while True:
            try:
                # One object alone is taken as it is.
                return fetch(token, limit.items, PAGE_BYTES if limit.items > 1 else None)
            except TooLarge:
                limit.shrink()

    for _ in range(1 + RESTARTS):
        ahead = ThreadPoolExecutor(max_workers=1)
        try:
            return _every_page(ask, fetch_fitting, limit, read, ahead)
        except _Expired as expired:
            last = expired
        finally:
            ahead.shutdown(wait=False, cancel_futures=True)
    raise ServerTrouble(
        f"{ask}: it expired {1 + RESTARTS} times before its last page came (410); try again"
    ) from last


def _every_page(
    ask: Ask,
    fetch: Callable[[str | None], httpx2.Response],
    limit: _Limit,
    read: Callable[[Manifest], T],
    ahead: ThreadPoolExecutor,
) -> tuple[T, ...]:
    """Page after page; the items of one are read while the next one comes."""
    found: list[T] = []
    seen: set[str] = set()
    response = fetch(None)
    page = _page(ask, response)
    while token := page.metadata.next:
        _check_token(ask, token, seen)
        limit.grow(len(page.items), len(response.content))
        coming = _ask_for(token, fetch, ahead)
        found += map(read, _items(ask, response, page))
        response = coming.result()
        page = _next_page(ask, response, page)
    if page.metadata.remaining:
        raise ServerTrouble(f"{ask}: its last page says that {page.metadata.remaining} more were to come")
    found += map(read, _items(ask, response, page))
    return tuple(found)


def _ask_for(
    token: str, fetch: Callable[[str | None], httpx2.Response], ahead: ThreadPoolExecutor
) -> Future[httpx2.Response]:
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
        raise ServerTrouble(f"{ask}: it has no end: {MOST_PAGES} pages came")


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
            _check_unicode(response.content)
        return decoded(_PAGE, response.content)
    except (msgspec.DecodeError, ValueError) as error:
        raise unreadable(ask, response, str(error)) from error


def _check_unicode(text: bytes) -> None:
    """What is left undecoded is checked for all but this; in pieces, for text may be four times as large."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(text), PIECE):
        decoder.decode(text[start : start + PIECE], final=start + PIECE >= len(text))


def _items(ask: Ask, response: httpx2.Response, page: _Page) -> list[SentObject]:
    """With what built-in kinds leave out in lists; an item without a name makes the list unreadable."""
    known = type_meta(ask.resource.api_version, ask.resource.kind)
    try:
        if len(response.content) > LARGE:
            # A part keeps all of its page: of a large one little may be kept, so that each has its own bytes.
            items = [SentObject(bytes(text), known).opened() for text in page.items]
        else:
            items = opened_items(response.content, page.items, known)
    except msgspec.DecodeError as error:
        raise unreadable(ask, response, f"an item has no name: {error}") from error
    needed = ("name",) if ask.resource == NAMESPACE else ("name", "namespace")
    if not all(item["metadata"].get(name) for item in items for name in needed):
        raise unreadable(ask, response, f"an item has no {' or no '.join(needed)}")
    return items
