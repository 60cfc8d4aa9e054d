"""What changes between the look and the write is read again and decided again, on a real API server."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.cluster.pool import Stop, pause
from reconcile.desire.children import KINDS
from reconcile.model.names import Names
from reconcile.run import run
from tests.controlplane import AskFailed
from tests.e2e.story import Story
from tests.e2e.strangers import stranger

MANAGER = Names().field_manager
Act = Callable[[], object]
MADE_BY = {
    **dict.fromkeys(("Service", "Mapping", "Ingress"), "created by"),
    **dict.fromkeys(("Deployment", "HTTPRoute"), "field managers:"),
}
"""What is said of a stranger's object of each kind."""


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


@pytest.mark.parametrize(
    "kinds", [("Deployment", "Service", "Mapping"), ("Ingress",), ("HTTPRoute",)], ids=lambda kinds: kinds[-1]
)
def test_an_unmanaged_object_that_appears_before_the_write_keeps_its_fields(
    story: Story, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...]
) -> None:
    """One of each kind, each before the write of another preview."""
    story = replace(story, route=kinds[-1])
    names = {kind: f"pr-{kind.lower()}" for kind in kinds}
    for name in names.values():
        story.apply(name, replicas=0)
    made: dict[str, dict[str, Any]] = {}

    def meanwhile() -> None:
        made.update({kind: story.create(stranger(kind, name), by="helm") for kind, name in names.items()})

    between_plan_and_writes(monkeypatch, meanwhile)
    result = story.reconcile(code=1)
    blocked = sorted(line for line in result.lines if " blocked: " in line)
    for line, (kind, name) in zip(blocked, sorted(names.items()), strict=True):
        key = f"{kind} {story.namespace}/{name}"
        assert line.startswith(f"! {key} blocked: {key}: ")
        assert f"{MADE_BY[kind]} helm" in line
        assert "is not managed by preview-reconcile" in line
    story.settled()
    for kind, name in names.items():
        after = story.live(kind, name)
        assert fields_of(after) == fields_of(made[kind])
        assert MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]
    wrote = story.writes()
    again = story.reconcile(code=1).changes
    assert {f"! Preview {story.namespace}/{name} {kind}" for kind, name in names.items()} <= {
        " ".join(line.split()[:4]) for line in again
    }
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


def test_what_another_run_just_made_is_managed_whatever_a_controller_adds_to_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates, load balancers and DNS: their controllers write to a new route within the second."""
    story.apply(replicas=0)
    kinds = ("Deployment", "Service", "Mapping")

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
    story.apply(replicas=0, fqdn=story.host("other"))
    change, waited = touch(story, "Mapping"), [0.0]  # no controller answers its change with one of its own

    def paused(seconds: float, stop: Stop) -> None:
        waited.append(seconds)
        pause(seconds, stop)

    def busy() -> None:
        if sum(waited) < 0.5:
            change()

    before(monkeypatch, KubernetesCluster, "apply", *[busy] * 9)
    monkeypatch.setattr("reconcile.execute.write.pause", paused)
    story.reconcile()
    assert len(waited) > 3
    monkeypatch.undo()
    story.silent()
