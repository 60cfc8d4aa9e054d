"""Objects that are too large to be kept: what a run does with a preview's own, and with those of a gone one."""

import json
from typing import Any

import pytest

from reconcile.model.room import SMALL
from reconcile.plan.decide import TOO_LARGE
from tests.builders import a_preview
from tests.cluster_adapters.world import World, path
from tests.given import a_read_preview, available, children_of, entry, live, told

NOTE = {"example.com/note": "x" * 2 * SMALL}


@pytest.fixture(autouse=True)
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.model.room.ROOM", 0)


def large(manifest: dict[str, Any], **labels: str) -> dict[str, Any]:
    """The child as it is there, with much that somebody else wrote."""
    edits = [entry("kubectl-edit", [("f:metadata", "f:labels", f"f:{name}") for name in labels])]
    there = live(manifest, *(edits if labels else ())).manifest
    metadata = there["metadata"]
    more = {"annotations": {**metadata["annotations"], **NOTE}, "labels": {**metadata["labels"], **labels}}
    return {**there, "metadata": {**metadata, **more}}


def put(world: World, name: str, *, drifted: bool = False) -> None:
    """A preview's children, all large."""
    deployment, *others = children_of(a_read_preview(name)).values()
    labels = {"app.kubernetes.io/name": "edited"} if drifted else {}
    world.has(available(large(deployment, **labels)), *map(large, others))


def changes(out: str) -> list[tuple[str, str, str]]:
    found = json.loads(out)["passes"][0]["plan"]["changes"]
    return [(change["action"], change["kind"], change["name"]) for change in found]


def test_large_children_of_a_gone_preview_are_deleted(world: World) -> None:
    world.has(told(a_preview("pr-1")))
    put(world, "pr-1")
    put(world, "pr-0")
    ended = world.run("-o", "json")
    assert ended.code == 0, ended
    assert {str(sent) for sent in world.writes} == {
        f"DELETE {path(kind, 'pr-0')}" for kind in ("Deployment", "Service", "Mapping")
    }


def test_a_few_large_children_are_read_once_more_and_compared(world: World) -> None:
    world.has(told(a_preview("pr-1")))
    put(world, "pr-1", drifted=True)
    ended = world.run("-o", "json")
    assert changes(ended.out) == [("update", "Deployment", "pr-1")]
    assert [str(sent) for sent in world.writes] == [f"PATCH {path('Deployment', 'pr-1')}"]


def test_more_of_them_wait_and_keep_nobody_else_from_anything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.plan.reads.WHOLE_AFTER_ALL", 3)
    for name in ("pr-1", "pr-2"):
        world.has(told(a_preview(name)))
        put(world, name, drifted=True)
    world.has(a_preview("pr-3"))
    ended = world.run("-o", "json")
    assert ended.code == 0, ended
    assert changes(ended.out) == [
        *(("create", kind, "pr-3") for kind in ("Deployment", "Service", "Mapping")),
        ("update", "Deployment", "pr-1"),
        *(("wait", kind, "pr-2") for kind in ("Deployment", "Service", "Mapping")),
    ]
    assert TOO_LARGE in ended.out
    (status,) = world.bodies("PATCH", f"{path('PreviewEnvironment', 'pr-2')}/status")
    assert status["status"]["conditions"][0]["reason"] == "Progressing"
    assert TOO_LARGE in status["status"]["conditions"][0]["message"]
