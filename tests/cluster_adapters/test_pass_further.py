"""Kinds that no template makes any more: when they are listed, and what a settled preview remembers of them."""

import json
from collections import Counter
from typing import Any

from reconcile.desire.children import CHILDREN
from tests.builders import a_preview
from tests.cluster_adapters.world import PREVIEWS, World, path
from tests.given import a_read_preview, available, live, told
from tests.templates import all_children, further

CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
CLAIM = further("v1", "PersistentVolumeClaim", "-db", "spec: {accessModes: [ReadWriteOnce]}")
LISTS = [f"GET {path(kind.resource.kind)}" for kind in CHILDREN]
PREVIEW_LIST = f"GET {path(PREVIEWS.kind)}"
NONE = ("--templates", "none")
KEPT = "kept: no template makes it any more, and it holds data; kubectl delete it"


def made(world: World, text: str, *kinds: str) -> None:
    """What a run with these documents has left, and remembers."""
    preview = told(a_preview())
    preview["status"]["kinds"] = list(kinds)
    there = [dict(live(child).manifest) for child in all_children(a_read_preview(), text).values()]
    world.has(preview, *(available(one) if one["kind"] == "Deployment" else one for one in there))


def asked(world: World, *arguments: str) -> list[str]:
    """What another run asks, in order."""
    world.sent.clear()
    assert world.run(*arguments).code == 0
    return list(map(str, world.sent))


def status(world: World) -> dict[str, Any]:
    there = world.has_now(PREVIEWS.kind, "pr-1")
    assert there is not None
    found: dict[str, Any] = there["status"]
    return found


def test_what_only_a_status_remembers_is_listed_after_the_previews(world: World) -> None:
    made(world, CONFIG, "v1/ConfigMap", "v1/PersistentVolumeClaim")
    found = asked(world, "--dry-run", *NONE)
    more = [f"GET {path(kind)}" for kind in ("ConfigMap", "PersistentVolumeClaim")]
    assert Counter(found) == Counter([*LISTS, PREVIEW_LIST, *more])
    assert set(found[found.index(PREVIEW_LIST) + 1 :]) == set(more)
    assert all(sent.params["labelSelector"] == "platform9.com/preview" for sent in world.sent[-2:])


def test_a_kind_is_listed_until_a_complete_list_has_none(world: World) -> None:
    made(world, CONFIG, "v1/ConfigMap")
    config = f"GET {path('ConfigMap')}"
    assert f"DELETE {path('ConfigMap', 'pr-1-config')}" in asked(world, *NONE)
    assert config in asked(world, *NONE)
    assert status(world)["kinds"] == []
    assert config not in asked(world, *NONE)
    assert sorted(asked(world, *NONE)) == sorted([*LISTS, PREVIEW_LIST])


def test_what_is_kept_is_shown_until_it_is_gone(world: World) -> None:
    """Its kind is not among the first lists, by which a preview is found to be as it was."""
    made(world, CLAIM, "v1/PersistentVolumeClaim")
    claims = f"GET {path('PersistentVolumeClaim')}"
    asked(world, *NONE)
    for _ in range(2):
        assert sorted(asked(world, *NONE)) == sorted([*LISTS, PREVIEW_LIST, claims])
    assert status(world)["kept"] == [{"kind": "PersistentVolumeClaim", "name": "pr-1-db", "reason": KEPT}]
    summary = json.loads(world.run("-o", "json", *NONE).out)["passes"][0]["plan"]["summary"]
    assert (summary["kept"], summary["unchanged"]) == (1, 3)
    world.loses("PersistentVolumeClaim", "pr-1-db")
    asked(world, *NONE)
    assert (status(world)["kept"], status(world)["kinds"]) == ([], [])
    asked(world, *NONE)
    assert sorted(asked(world, *NONE)) == sorted([*LISTS, PREVIEW_LIST])
