"""A case: the list of one kind is not what the server has, then a clean run.

The lists come in pages of one object, so that each has a second page; all else is the real server's.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import httpx2

from reconcile.model.names import KIND
from tests.e2e.story import ROUTES
from tests.proofs.faults.faults import EXPIRED, UNSERVED, Broken, Send, closes, refuses
from tests.proofs.faults.judgement import is_of, tells
from tests.proofs.faults.line import KINDS, READ, Line, Place
from tests.proofs.faults.strikes import Seen, harm, judged, seen_with
from tests.proofs.faults.worlds import SETTINGS, Setting, World

LISTED: Mapping[str, Setting] = {
    name: SETTINGS[name] for name in ("gone", "drifted", "switching", "expiring", "documents")
} | {
    f"gone, {route}": replace(SETTINGS["gone"], name=f"gone, {route}", route=route)
    for route in ("Ingress", "HTTPRoute")
}
"""The worlds whose lists come short."""


@dataclass(frozen=True)
class Way:
    """How a list is not what the server has: what becomes of its first page, and of those after it.

    `unnoticed` names the kinds whose list nobody can tell from a whole one then.
    """

    name: str
    first: Broken | None = None
    later: Broken | None = None
    unnoticed: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Short:
    """One case: the list of this kind, in this way."""

    kind: str
    way: Way

    @property
    def noticed(self) -> bool:
        return self.kind not in self.way.unnoticed

    def __str__(self) -> str:
        return f"the list of {self.kind}: {self.way}"


def _page(*without: str, version: str = "", **fields: Any) -> Broken:
    """Answer with the server's own page, but without some fields of it, or with others or another version."""

    def answer(request: httpx2.Request, send: Send) -> httpx2.Response:
        real = send()
        page = {name: value for name, value in real.json().items() if name not in without}
        metadata = {name: value for name, value in page["metadata"].items() if name not in without}
        metadata |= {"resourceVersion": version} if version else {}
        content = json.dumps({**page, "metadata": metadata, **fields}).encode()
        headers = {"Content-Type": "application/json", "Date": real.headers["Date"]}
        return httpx2.Response(real.status_code, headers=headers, content=content)

    return answer


TOKEN, REMAINING = "continue", "remainingItemCount"
CHILDREN = frozenset(KINDS)
LABELLED = CHILDREN - ROUTES.keys()
"""Listed by their label; then the server does not say how many remain. Routes are listed whoever made them."""
EVERY_KIND = CHILDREN | {KIND}
SHORT: tuple[Way, ...] = (
    Way("page two has expired (410)", later=EXPIRED),
    Way("page two is 500", later=refuses(500, "InternalError")),
    Way("page two is closed", later=closes),
    Way("page two is of another state", later=_page(version="1")),
    Way("page two has items: null", later=_page(items=None)),
    Way("the token is dropped", first=_page(TOKEN), unnoticed=LABELLED),
    Way("the token is dropped, and how many remain", first=_page(TOKEN, REMAINING), unnoticed=EVERY_KIND),
    Way("the pages are empty", first=_page(items=[]), later=_page(items=[]), unnoticed=CHILDREN),
    Way("items: []", first=_page(TOKEN, REMAINING, items=[]), unnoticed=CHILDREN),
    Way("items: null", first=_page(items=None)),
    Way("items missing", first=_page("items")),
    Way("404", first=UNSERVED.breaks, unnoticed=frozenset(ROUTES)),
    Way("403", first=refuses(403, "Forbidden")),
    Way("410", first=EXPIRED),
)


def shorts(world: World) -> list[Short]:
    """Each kind that needs more than one page for what the world itself has, in each way; in a fixed order.

    Routes are listed whoever made them: a second page that is there for those of others may be gone with them.
    """
    kinds = sorted(kind for kind in {KIND, *world.story.kinds} if _number(world, kind) > 1)
    return [Short(kind, way) for kind in kinds for way in SHORT]


def _number(world: World, kind: str) -> int:
    folder = f"{world.story.path_of(kind)}/"
    return sum(path.startswith(folder) for path in world.before.uids)


def wrong_with_list(world: World, short: Short) -> list[str]:
    """Run the case; what was wrong about it, nothing where all was right."""

    def meddle(request: httpx2.Request) -> Broken | None:
        if Place(request.method, request.url.path).kind_listed != short.kind:
            return None
        return short.way.later if "continue" in request.url.params else short.way.first

    with patch("reconcile.cluster.kubernetes.client.PAGE", 1):
        seen = seen_with(world, Line(meddle=meddle))
    if short.noticed:
        return [*judged(world, seen), *_written_unseen(short, seen)]
    # Short without a sign: it makes a run write what need not be, and miss what it ought to see.
    return list(harm(world, seen))


def _written_unseen(short: Short, seen: Seen) -> Iterator[str]:
    """What was not seen whole is not changed; without the previews nothing is."""
    if seen.result.code == 0:
        yield "exit 0"
    trace = seen.line.trace  # of which an earlier pass may have seen the list whole
    broken = next((at for at, passed in enumerate(trace) if not passed.whole), len(trace))
    if broken == len(trace):
        yield "every list came whole, so this case is about nothing"
    for passed in trace[broken:]:
        if passed.place.method == READ or tells(passed.place):
            continue
        if short.kind == KIND or is_of(passed.place, short.kind):
            yield f"written though the list was incomplete: {passed.place} ({passed.code})"
