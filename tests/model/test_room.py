"""What is kept of objects that are too large tells whose they are, as all of them would, and no more."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from reconcile.desire.children import CHILDREN
from reconcile.kube.health.pod import trouble_of
from reconcile.kube.hostnames import hostnames
from reconcile.kube.live import Live
from reconcile.model.names import PRUNE_DISABLED
from reconcile.model.room import SMALL, Room
from reconcile.model.settings import Gateway
from reconcile.plan.changes import Delete, Keep, Waiting
from reconcile.plan.child import Child, child_of
from reconcile.plan.decide import TOO_LARGE, decide, prune
from tests.given import NAMES, RULES, a_read_preview, children_of, entry, live
from tests.kube.test_health_pods import RUNNING, UNSCHEDULABLE, a_pod
from tests.model.test_fingerprint import sent

PREVIEW = a_read_preview(uid="u-1", setup={"command": ["migrate"]})
WANTED = {
    kind: manifest
    for route in (
        {"route": "mapping"},
        {"route": "ingress"},
        {"route": "httproute", "gateway": Gateway(namespace="infra", name="web")},
    )
    for kind, manifest in children_of(PREVIEW, **route).items()
}
NOTE = "x" * 2 * SMALL
OTHERS = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "u-9", "controller": True}
LARGE: dict[str, Any] = {"annotations": {"example.com/note": NOTE}}
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "protected": {"annotations": {NAMES.prune_annotation: PRUNE_DISABLED}},
    "going": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    "another's label": {"labels": {NAMES.preview_label: "pr-9"}},
    "another's identity": {"annotations": {NAMES.identity_annotation: "Service/shop/pr-9"}},
    "with another controller": {"ownerReferences": [OTHERS]},
    "not applied by us": {"managedFields": [entry("velero", [("f:spec",)])]},
    "without a history": {"managedFields": []},
}


def large(kind: str, **metadata: Any) -> Live:
    """A child as it is there, with much that somebody else wrote."""
    wanted = live(WANTED[kind]).manifest
    meta = {**wanted["metadata"], **metadata}
    for name in ("labels", "annotations"):
        more = metadata.get(name, {})
        meta[name] = {
            **wanted["metadata"][name],
            **({"example.com/note": NOTE} if name == "annotations" else {}),
            **more,
        }
    return Live({**wanted, "metadata": meta})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [kind.resource.kind for kind in CHILDREN])
def test_what_is_kept_shows_its_owner_and_if_it_may_be_deleted(kind: str, variant: str) -> None:
    whole = large(kind, **VARIANTS[variant])
    kept = Room(NAMES, 0).live(sent(whole.manifest))
    assert kept.partial
    assert len(msgspec.json.encode(kept.manifest)) < SMALL
    for uid in ("", "u-1"):
        as_whole, as_kept = (Child(one, "pr-1", RULES, uid=uid) for one in (whole, kept))
        assert as_kept.ownership == as_whole.ownership
        there, then = (prune(child, "its preview is gone") for child in (as_whole, as_kept))
        assert type(there) is type(then)
        if isinstance(there, Delete) and isinstance(then, Delete):
            assert (there.live.uid, there.live.resource_version) == (
                then.live.uid,
                then.live.resource_version,
            )
        else:
            assert there == then
    assert hostnames(kept) == hostnames(whole)


@pytest.mark.parametrize("kind", [kind.resource.kind for kind in CHILDREN])
def test_a_partial_object_is_not_written(kind: str) -> None:
    whole = large(kind)
    assert isinstance(decide(WANTED[kind], PREVIEW, child_of(PREVIEW, whole, RULES)), Keep)
    kept = Room(NAMES, 0).live(sent(whole.manifest))
    assert decide(WANTED[kind], PREVIEW, child_of(PREVIEW, kept, RULES)) == Waiting(
        kept.key, "shop/pr-1", TOO_LARGE
    )


def test_small_objects_are_fully_kept_and_large_ones_while_there_is_room() -> None:
    room = Room(NAMES, 5 * SMALL)
    small, one = sent(live(WANTED["Service"]).manifest), sent(large("Deployment").manifest)
    kept = [room.live(item) for item in (one, small, one, one, small)]
    assert [found.partial for found in kept] == [False, False, False, True, False]


def test_what_grows_without_end_is_cut_except_what_decides() -> None:
    many = [{**OTHERS, "controller": False, "uid": f"u-{number}"} for number in range(1000)]
    managers = [entry(f"manager-{number}", [("f:spec",)]) for number in range(1000)]
    ours = live(WANTED["Service"]).manifest["metadata"]["managedFields"]
    there = large("Service", ownerReferences=[*many, OTHERS], managedFields=[*managers, *ours])
    kept = Room(NAMES, 0).live(sent(there.manifest))
    assert OTHERS in kept.owner_references
    assert kept.applied_by(NAMES.field_manager) is not None
    assert len(msgspec.json.encode(kept.manifest)) < SMALL


def told(pods: Iterable[Live]) -> str:
    trouble = trouble_of(pods, (), None)
    assert trouble is not None
    return trouble.message


def test_a_large_pod_keeps_all_that_is_reported_and_no_secret() -> None:
    condition = {**UNSCHEDULABLE, "message": "no node for --password=hunter22"}
    containers = [{"name": "app", "args": ["--password=hunter22", NOTE]}]
    pods = [
        a_pod({"name": "app", **RUNNING}, name=name, spec={"containers": containers}, conditions=(condition,))
        for name in ("pr-1-a", "pr-1-b")
    ]
    room = Room(NAMES)
    kept = [room.pod(sent(pod.manifest)) for pod in pods]
    assert told(kept) == told(pods)
    assert "hunter22" not in told(kept)
    assert kept[0].spec["containers"] is kept[1].spec["containers"]
