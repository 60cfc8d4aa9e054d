"""A pass over an unchanged cluster costs the pages of one list of each kind, and nothing that grows with them."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from tests.builders import a_preview
from tests.cluster_adapters.world import PREVIEWS, World, a_list, path
from tests.given import a_read_preview, available, children_of, live, told
from tests.proofs.model.apiserver import FURTHER
from tests.templates import all_children, further

WANTED = ("Deployment", "Service", "Mapping")
PAGE = 20
"""Of 500 the world would have to be large, and the count would be the same."""


as_it_is: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = defaultdict(
    lambda: dict,
    Deployment=available,
    PersistentVolumeClaim=lambda claim: {**claim, "status": {"phase": "Bound"}},
)
"""What a controller makes of an object of each kind."""


def pages(items: int) -> int:
    return max(1, math.ceil(items / PAGE))


def costs(world: World, more: dict[str, int], *arguments: str, unchanged: int) -> None:
    """A run finds everything unchanged, and reads one page of each kind, or `more`; it ends well."""
    ended = world.run("-o", "json", *arguments)
    expected = {path(kind.resource.kind): 1 for kind in CHILDREN} | {path(PREVIEWS.kind): 1} | more
    sent = Counter((sent.method, sent.path) for sent in world.sent)
    assert sent == {("GET", to): count for to, count in expected.items()}
    summary = json.loads(ended.out)["passes"][0]["plan"]["summary"]
    others = ("create", "update", "delete", "kept", "waiting", "blocked")
    assert summary == {**dict.fromkeys(others, 0), "unchanged": unchanged}
    assert ended.code == 0


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        *((number, ()) for number in (0, 1, PAGE, PAGE + 1, 3 * PAGE - 1)),
        *((PAGE + 1, arguments) for arguments in (("--dry-run", "--exit-code"), ("--concurrency", "1"))),
    ],
)
def test_an_unchanged_world_costs_the_pages_of_its_lists_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.client.PAGE", PAGE)
    for name in (f"pr-{place}" for place in range(number)):
        deployment, *others = (live(child).manifest for child in children_of(a_read_preview(name)).values())
        world.has(told(a_preview(name)), available(deployment), *others)
    more = {path(kind): pages(number) for kind in (*WANTED, PREVIEWS.kind)}
    costs(world, more, *arguments, unchanged=3 * number)


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ((), {}),
        (("--awake", "Mon-Sun UTC"), {}),
        (("--awake-by-namespace",), {"/api/v1/namespaces": 1}),
    ],
)
def test_awake_hours_cost_no_request_and_those_of_namespaces_one(
    world: World, arguments: tuple[str, ...], more: dict[str, int]
) -> None:
    deployment, *others = (live(child).manifest for child in children_of(a_read_preview()).values())
    world.has(told(a_preview()), available(deployment), *others)
    world.says("GET", "/api/v1/namespaces", a_list([{"metadata": {"name": "shop"}}]))
    costs(world, more, *arguments, unchanged=3)


CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
CLAIM = further("v1", "PersistentVolumeClaim", "-db", "spec: {accessModes: [ReadWriteOnce]}")


@pytest.mark.parametrize("number", [0, 1, PAGE + 1])
def test_two_further_native_kinds_cost_their_two_lists_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    monkeypatch.setattr("reconcile.cluster.kubernetes.client.PAGE", PAGE)
    (tmp_path / "app.yaml").write_text(CONFIG + CLAIM)
    for name in (f"pr-{place}" for place in range(number)):
        preview = told(a_preview(name))
        preview["status"]["kinds"] = ["v1/ConfigMap", "v1/PersistentVolumeClaim"]
        made = all_children(a_read_preview(name), CONFIG + CLAIM).values()
        there = [dict(live(child).manifest) for child in made]
        world.has(preview, *(as_it_is[one["kind"]](one) for one in there))
    kinds = (*WANTED, *(kind.kind for kind in FURTHER), PREVIEWS.kind)
    more = {path(kind): pages(number) for kind in kinds}
    costs(world, more, "--templates", str(tmp_path), unchanged=5 * number)
