"""A list, whole: every page of one consistent read, or an error."""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec

from reconcile.cluster.kubernetes.answers import Ask, excerpt, is_json, unreadable
from reconcile.errors import ServerTrouble
from reconcile.objects import Manifest

PAGE = 500
MOST_PAGES = 10_000
RESTARTS = 3

FetchPage = Callable[[str | None], httpx2.Response]
"""Asks for the page that a token leads to, the first one without; the answer is 200 or 410."""


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""
    next: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    items: list[dict[str, Any]]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_PAGE = msgspec.json.Decoder(_Page)


class _Expired(Exception):
    """The server has dropped the state that the pages were read from (410)."""


def whole_list(ask: Ask, fetch: FetchPage) -> tuple[Manifest, ...]:
    """Every item, with apiVersion and kind. Raises ServerTrouble where a page is missing or does not fit.

    After a 410 the list starts over from page one: the token that comes with a 410 leads on through another
    state, where objects can be missed
    (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
    """
    for _ in range(1 + RESTARTS):
        try:
            return _every_page(ask, fetch)
        except _Expired as expired:
            last = expired
    raise ServerTrouble(
        f"{ask}: it expired {1 + RESTARTS} times before its last page came (410); try again"
    ) from last


def _every_page(ask: Ask, fetch: FetchPage) -> tuple[Manifest, ...]:
    items: list[Manifest] = []
    versions: set[str] = set()
    seen: set[str] = set()
    token = ""
    for _ in range(MOST_PAGES):
        page = _page(ask, fetch(token or None))
        versions.add(page.metadata.resourceVersion)
        if len(versions) > 1:
            raise ServerTrouble(f"{ask}: its pages are of different states ({', '.join(sorted(versions))})")
        items += page.items
        token = page.metadata.next
        if not token:
            return tuple(items)
        if token in seen:
            raise ServerTrouble(f"{ask}: it has no end: a page leads back to one that was read before")
        seen.add(token)
    raise ServerTrouble(f"{ask}: it has no end: {MOST_PAGES} pages of {PAGE} came")


def _page(ask: Ask, response: httpx2.Response) -> _Page:
    if response.status_code == httpx2.codes.GONE:
        raise _Expired(excerpt(response))
    if not is_json(response):
        raise unreadable(ask, response, excerpt(response))
    try:
        page = _PAGE.decode(response.content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise unreadable(ask, response, str(error)) from error
    for item in page.items:
        _complete(ask, response, item)
    return page


def _complete(ask: Ask, response: httpx2.Response, item: dict[str, Any]) -> None:
    """Fill in what built-in kinds leave out in lists; an item without a name makes the list unreadable."""
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name") or not metadata.get("namespace"):
        raise unreadable(ask, response, "an item has no name or no namespace")
    item["apiVersion"] = ask.resource.api_version
    item["kind"] = ask.resource.kind
