"""A pass over an unchanged cluster costs the pages of one list of each kind, and nothing that grows with them."""

import json
import math
from collections import Counter

import pytest

from reconcile.desire.children import CHILDREN
from tests.builders import a_preview
from tests.cluster_adapters.world import PREVIEWS, World, path
from tests.given import a_read_preview, available, children_of, live, told

WANTED = ("Deployment", "Service", "Mapping")
PAGE = 20
"""Of 500 the world would have to be large, and the count would be the same."""


def pages(items: int) -> int:
    return max(1, math.ceil(items / PAGE))


@pytest.mark.parametrize("number", [0, 1, PAGE, PAGE + 1, 3 * PAGE - 1])
@pytest.mark.parametrize("arguments", [(), ("--dry-run", "--exit-code"), ("--concurrency", "1")])
def test_an_unchanged_world_costs_the_pages_of_its_lists_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.client.PAGE", PAGE)
    for name in (f"pr-{place}" for place in range(number)):
        deployment, *others = (live(child).manifest for child in children_of(a_read_preview(name)).values())
        world.has(told(a_preview(name)), available(deployment), *others)
    ended = world.run("-o", "json", *arguments)
    expected = {path(kind.resource.kind): 1 for kind in CHILDREN}
    expected |= {path(kind): pages(number) for kind in (*WANTED, PREVIEWS.kind)}
    assert Counter((sent.method, sent.path) for sent in world.sent) == Counter(
        {("GET", to): count for to, count in expected.items()}
    )
    assert json.loads(ended.out)["passes"][0]["plan"]["summary"] == {
        "create": 0,
        "update": 0,
        "delete": 0,
        "kept": 0,
        "waiting": 0,
        "blocked": 0,
        "unchanged": 3 * number,
    }
    assert ended.code == 0
