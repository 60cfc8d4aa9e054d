"""What changes between the look and the write is read again and decided again, on a real API server."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.desire.children import KINDS
from reconcile.model.names import Names
from reconcile.run import run
from tests.controlplane import AskFailed
from tests.e2e.story import ROUTES, Story
from tests.e2e.strangers import stranger

MANAGER = Names().field_manager
Act = Callable[[], object]


def before(monkeypatch: pytest.MonkeyPatch, place: object, name: str, *acts: Act) -> None:
    """Let something happen just before each of the first calls of a function."""
    real, left = getattr(place, name), list(acts)

    def after_the_act(*args: Any, **kwargs: Any) -> Any:
        if left:
            left.pop(0)()
        return real(*args, **kwargs)

    monkeypatch.setattr(place, name, after_the_act)


def between_plan_and_writes(monkeypatch: pytest.MonkeyPatch, *acts: Act) -> None:
    """Let something happen after a pass has made its plan, before any of it is carried out; by pass."""
    before(monkeypatch, run, "execute", *acts)


def touch(story: Story, kind: str) -> Act:
    """A change of an object that does not concern us; each one moves its resourceVersion."""
    turns = iter(range(100))
    return lambda: story.patch(kind, {"metadata": {"annotations": {"example.com/turn": str(next(turns))}}})


def fields_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """An object without what every write changes, and what a Deployment's controller adds."""
    dropped = {"resourceVersion", "managedFields", "generation"}
    metadata = {field: value for field, value in manifest["metadata"].items() if field not in dropped}
    if metadata.get("annotations", {}).keys() == {"deployment.kubernetes.io/revision"}:
        del metadata["annotations"]
    return {**manifest, "metadata": metadata, "status": None}


# somebody was quicker


@pytest.mark.parametrize("kind", ["Deployment", "Service", *ROUTES])
def test_an_unmanaged_object_that_appears_before_the_write_keeps_its_fields(
    story: Story, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind in ROUTES:
        story = replace(story, route=kind)
    story.apply(replicas=0)
    made: list[dict[str, Any]] = []
    between_plan_and_writes(monkeypatch, lambda: made.append(story.create(stranger(kind), by="helm")))
    result = story.reconcile(code=1)
    (line,) = [line for line in result.lines if " blocked: " in line]
    assert line.startswith(f"! {kind} {story.namespace}/pr-1 blocked: {kind} {story.namespace}/pr-1: ")
    assert (
        "created by helm" if kind in ("Service", "Mapping", "Ingress") else "field managers: helm"
    ) in line
    assert "is not managed by preview-reconcile" in line
    story.settled()
    after = story.live(kind)
    assert fields_of(after) == fields_of(made[0])
    assert MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]
    wrote = story.writes()
    assert story.reconcile(code=1).changes[0].startswith(f"! Preview {story.namespace}/pr-1 {kind} ")
    assert story.writes() == wrote


def test_a_kind_that_needs_a_spec_is_not_taken_without_one(story: Story) -> None:
    """That is why whoever made one is known by its fields."""
    for kind, known in KINDS.items():
        bare = {"apiVersion": known.resource.api_version, "kind": kind, "metadata": {"name": "bare"}}
        if known.needs_spec:
            with pytest.raises(AskFailed) as refused:
                story.ask("POST", story.path_of(kind), bare)
            assert refused.value.code == 422, kind
        else:
            story.ask("POST", story.path_of(kind), bare)


@pytest.mark.parametrize("route", ROUTES)
def test_what_another_run_just_made_is_managed_whatever_a_controller_adds_to_it(
    story: Story, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """Certificates, load balancers and DNS: their controllers write to a new route within the second."""
    story = replace(story, route=route)
    story.apply(replicas=0)
    kinds = ("Deployment", "Service", route)

    def meanwhile() -> None:
        story.reconcile()
        for kind in kinds:
            touch(story, kind)()
            story.patch(kind, {"metadata": {"finalizers": ["example.com/load-balancer"]}})

    between_plan_and_writes(monkeypatch, meanwhile)
    assert "Done: 3 created, 0 updated, 0 deleted." in story.reconcile().lines
    story.silent()
    for kind in kinds:
        assert MANAGER in [entry["manager"] for entry in story.live(kind)["metadata"]["managedFields"]]
        story.patch(kind, {"metadata": {"finalizers": None}})


def test_a_burst_of_half_a_second_is_let_pass(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollout's controllers write that often, and each of their writes is a conflict."""
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, env=[{"name": "A", "value": "1"}])
    change, ends = touch(story, "Deployment"), []

    def busy() -> None:
        ends.append(time.monotonic() + 0.5)
        if time.monotonic() < ends[0]:
            change()

    before(monkeypatch, KubernetesCluster, "apply", *[busy] * 9)
    story.reconcile()
    assert len(ends) > 3
    monkeypatch.undo()
    story.silent()


def test_children_of_a_preview_recreated_before_the_delete_are_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    uids = story.uids()
    story.orphan()
    between_plan_and_writes(monkeypatch, lambda: story.apply(replicas=0))
    result = story.reconcile()
    assert sorted(line for line in result.lines if " canceled: " in line) == [
        f"= {kind} {story.namespace}/pr-1 canceled: its preview was recreated"
        for kind in ("Deployment", "Mapping", "Service")
    ]
    assert [event for event in story.writes() if event.verb == "delete"] == []
    story.reconcile()
    story.silent()
    assert story.uids() == uids
