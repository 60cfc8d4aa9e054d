"""What changes between the look and the write is read again and decided again, on a real API server."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.desire.children import KINDS, RESOURCES
from reconcile.errors import AnswerLost
from reconcile.kube.objects import Resource
from reconcile.model.names import Names
from reconcile.run import run
from tests.controlplane import AskFailed, eventually
from tests.e2e.story import ROUTES, Story, container
from tests.e2e.strangers import stranger

MANAGER = Names().field_manager
PRUNE = Names().prune_annotation
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


def before_requests(monkeypatch: pytest.MonkeyPatch, method: str, *acts: Act) -> None:
    """Let something happen just before each of the first requests of one method of the adapter."""
    before(monkeypatch, KubernetesCluster, method, *acts)


def lose_one_answer(monkeypatch: pytest.MonkeyPatch, method: str, *, done: bool) -> None:
    """The first answer of one method does not arrive; `done` tells whether the server got the request."""
    real, answers = getattr(KubernetesCluster, method), ["lost"]

    def without_answer(*args: Any, **kwargs: Any) -> Any:
        if not answers:
            return real(*args, **kwargs)
        answers.pop()
        if done:
            real(*args, **kwargs)
        raise AnswerLost("the connection broke")

    monkeypatch.setattr(KubernetesCluster, method, without_answer)


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
def test_a_strangers_object_that_appears_before_the_write_keeps_the_fields_it_had(
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


def test_a_strangers_object_without_a_spec_stays_without_one(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    bare = {**stranger("Mapping", labels={"app": "strangers"}), "spec": None}
    made: list[dict[str, Any]] = []
    between_plan_and_writes(monkeypatch, lambda: made.append(story.create(bare, by="helm")))
    assert (
        "was created by helm a moment ago and is not managed by preview-reconcile"
        in story.reconcile(code=1).stdout
    )
    after = story.live("Mapping")
    assert {**fields_of(after), "spec": None} == {**fields_of(made[0]), "spec": None}
    assert not after.get("spec")
    assert MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_needs_a_spec_is_not_taken_without_one(story: Story, kind: str) -> None:
    """That is why whoever made one is known by its fields."""
    bare = {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "metadata": {"name": "bare", "labels": {"app": "strangers"}},
    }
    if not KINDS[kind].needs_spec:
        story.ask("POST", story.path_of(kind), bare)
        return
    with pytest.raises(AskFailed) as refused:
        story.ask("POST", story.path_of(kind), bare)
    assert refused.value.code == 422


def test_what_comes_after_a_strangers_object_is_not_made(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    story.apply("pr-2", replicas=0)
    between_plan_and_writes(monkeypatch, lambda: story.create(stranger("Service")))
    result = story.reconcile(code=1)
    service = f"Service {story.namespace}/pr-1"
    skipped = f". Mapping {story.namespace}/pr-1 skipped: {service} comes first, and was not applied"
    assert skipped in result.lines
    assert sorted(story.children()) == sorted(["Deployment/pr-1", "Service/pr-1", *story.all_of("pr-2")])


@pytest.mark.parametrize("route", ROUTES)
def test_what_another_run_has_just_made_is_a_success(
    story: Story, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    story = replace(story, route=route)
    story.apply(replicas=0)
    between_plan_and_writes(monkeypatch, lambda: story.reconcile())
    assert "Done: 3 created, 0 updated, 0 deleted." in story.reconcile().lines
    assert story.children() == story.all_of()
    story.silent()


@pytest.mark.parametrize("route", ROUTES)
def test_what_another_run_has_just_made_is_ours_whatever_a_controller_adds_to_it(
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


def test_what_another_run_has_just_made_and_somebody_edited_is_mended(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create is refused, since it does not force; so it was not merged, and what is there is ours."""
    story.apply(replicas=0)

    def meanwhile() -> None:
        story.reconcile()
        story.edit("Mapping", lambda mapping: mapping["spec"].update(prefix="/elsewhere/"))
        story.edit("Service", lambda service: service["spec"]["ports"][0].update(targetPort=81))

    between_plan_and_writes(monkeypatch, meanwhile)
    assert "Done: 3 created, 0 updated, 0 deleted." in story.reconcile().lines
    story.silent()
    assert story.live("Mapping")["spec"]["prefix"] == "/"


# answers that are lost


def test_a_create_whose_answer_is_lost_is_ours_whatever_a_controller_adds_to_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = replace(story, route="Ingress")
    story.apply(replicas=0)
    real = KubernetesCluster.apply

    def apply(self: KubernetesCluster, resource: Resource, manifest: dict[str, Any], **options: Any) -> Any:
        answer = real(self, resource, manifest, **options)
        if not answer.created:
            return answer
        touch(story, manifest["kind"])()
        raise AnswerLost("the connection broke")

    monkeypatch.setattr(KubernetesCluster, "apply", apply)
    assert "Done: 3 created, 0 updated, 0 deleted." in story.reconcile().lines
    story.silent()
    assert story.children() == story.all_of()


@pytest.mark.parametrize("done", [True, False], ids=["after-it-was-done", "before-it-was-done"])
def test_a_create_whose_answer_is_lost_is_read_and_decided_again(
    story: Story, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    story.apply(replicas=0)
    lose_one_answer(monkeypatch, "apply", done=done)
    assert "Done: 3 created, 0 updated, 0 deleted." in story.reconcile().lines
    applies = [event for event in story.writes() if event.resource == "deployments"]
    assert [(event.verb, event.code) for event in applies] == [("patch", 201)]
    story.silent()


def test_a_create_whose_answer_is_lost_and_that_met_a_stranger_is_not_repeated(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    lose_one_answer(monkeypatch, "apply", done=False)
    between_plan_and_writes(monkeypatch, lambda: story.create(stranger("Deployment")))
    result = story.reconcile(code=1)
    assert f"! Deployment {story.namespace}/pr-1 blocked: " in "\n".join(result.lines)
    assert story.writes() == []


@pytest.mark.parametrize("done", [True, False], ids=["after-it-was-done", "before-it-was-done"])
def test_an_update_whose_answer_is_lost_is_read_and_decided_again(
    story: Story, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, image="registry.example.com/web:2")
    lose_one_answer(monkeypatch, "apply", done=done)
    assert "Done: 0 created, 1 updated, 0 deleted." in story.reconcile().lines
    story.silent()
    assert container(story.live("Deployment"))["image"] == "registry.example.com/web:2"


@pytest.mark.parametrize("done", [True, False], ids=["after-it-was-done", "before-it-was-done"])
def test_a_delete_whose_answer_is_lost_is_read_and_decided_again(
    story: Story, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()
    lose_one_answer(monkeypatch, "delete", done=done)
    assert "Done: 0 created, 0 updated, 3 deleted." in story.reconcile().lines
    assert story.children() == story.all_of("other")


# conflicts


@pytest.mark.parametrize("times", [1, 4])
def test_an_object_that_changes_before_the_write_is_read_and_decided_again(
    story: Story, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, fqdn=story.host("new"))
    before_requests(monkeypatch, "apply", *[touch(story, "Mapping")] * times)
    assert "Done: 0 created, 1 updated, 0 deleted." in story.reconcile().lines
    codes = [event.code for event in story.writes() if event.resource == "mappings"]
    assert codes == [201, *[409] * times, 200]
    story.silent()


def test_an_object_that_never_stands_still_is_a_failure_that_says_so(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, fqdn=story.host("new"))
    before_requests(monkeypatch, "apply", *[touch(story, "Mapping")] * 9)
    result = story.reconcile(code=1)
    name = f"Mapping {story.namespace}/pr-1"
    assert (
        f"x {name} failed: {name}: gave up after 5 update conflicts; the next run will retry" in result.lines
    )
    monkeypatch.undo()
    story.reconcile()
    story.silent()


@pytest.mark.parametrize("method", ["apply", "delete"])
def test_a_burst_of_half_a_second_is_let_pass(
    story: Story, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A rollout's controllers write that often, and each of their writes is a conflict."""
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    if method == "apply":
        story.apply(replicas=0, env=[{"name": "A", "value": "1"}])
    else:
        story.orphan()
    change, ends = touch(story, "Deployment"), []

    def busy() -> None:
        ends.append(time.monotonic() + 0.5)
        if time.monotonic() < ends[0] and story.there("Deployment"):
            change()

    before_requests(monkeypatch, method, *[busy] * 9)
    story.reconcile()
    assert len(ends) > 3
    monkeypatch.undo()
    story.silent()


def test_a_takeover_that_meets_a_change_is_decided_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.edit("Service", lambda service: service["spec"]["ports"][0].update(port=8080))
    before_requests(monkeypatch, "patch", touch(story, "Service"))
    story.reconcile()
    story.silent()
    assert [port["port"] for port in story.live("Service")["spec"]["ports"]] == [80]


def test_what_is_decided_again_sees_what_has_changed(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.apply(replicas=0)
    story.reconcile()
    story.apply(replicas=0, env=[{"name": "A", "value": "1"}])

    def rename_the_port() -> None:
        story.edit("Deployment", lambda d: container(d)["ports"][0].update(containerPort=9999))

    before_requests(monkeypatch, "apply", rename_the_port)
    story.reconcile()
    story.silent()
    assert [port["containerPort"] for port in container(story.live("Deployment"))["ports"]] == [80]


def test_a_child_that_is_protected_before_the_delete_is_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()
    protect = {"metadata": {"annotations": {PRUNE: "disabled"}}}
    between_plan_and_writes(monkeypatch, lambda: story.patch("Service", protect))
    result = story.reconcile()
    assert f"= Service {story.namespace}/pr-1 kept: protected: {PRUNE} is disabled" in result.lines
    assert sorted(story.children()) == sorted(["Service/pr-1", *story.all_of("other")])


def test_a_child_that_changes_before_the_delete_is_deleted_all_the_same(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()
    between_plan_and_writes(monkeypatch, touch(story, "Service"))
    story.reconcile()
    assert [event.code for event in story.writes() if event.verb == "delete"] == [200, 409, 200, 200]
    assert story.children() == story.all_of("other")


def test_a_child_that_was_made_again_before_the_delete_is_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    story.orphan()

    def make_again() -> None:
        story.delete("Service")
        story.create(stranger("Service"))

    between_plan_and_writes(monkeypatch, make_again)
    assert f"= Service {story.namespace}/pr-1 kept: it was recreated" in story.reconcile().lines
    assert sorted(story.children()) == sorted(["Service/pr-1", *story.all_of("other")])


# a preview that comes back, or changes its mind


def test_children_of_a_preview_that_is_made_again_before_the_delete_are_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply("other", replicas=0)
    story.apply(replicas=0)
    story.reconcile()
    uids = story.uids()
    story.orphan()
    between_plan_and_writes(monkeypatch, lambda: story.apply(replicas=0))
    result = story.reconcile()
    assert sorted(line for line in result.lines if " kept: " in line) == [
        f"= {kind} {story.namespace}/pr-1 kept: its preview was recreated"
        for kind in ("Deployment", "Mapping", "Service")
    ]
    assert [event for event in story.writes() if event.verb == "delete"] == []
    story.reconcile()
    story.silent()
    assert story.uids() == uids


def test_an_old_route_whose_preview_changes_before_the_delete_is_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    story.reconcile()
    between_plan_and_writes(
        monkeypatch, lambda: None, lambda: story.apply(replicas=0, fqdn=story.host("new"))
    )
    story = replace(story, route="Ingress")
    result = story.reconcile()
    assert f"= Mapping {story.namespace}/pr-1 kept: its preview was changed" in result.lines
    assert story.there("Mapping")
    story.reconcile()
    story.silent()
    assert story.children() == story.all_of()


# a namespace that goes


def test_a_namespace_that_is_going_is_no_failure(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    going = replace(story, namespace=f"{story.namespace}-going")
    path = f"/api/v1/namespaces/{going.namespace}"
    story.ask("POST", "/api/v1/namespaces", {"metadata": {"name": going.namespace}})
    going.apply(replicas=0, finalizers=["example.com/hold"])
    between_plan_and_writes(monkeypatch, lambda: story.ask("DELETE", path))
    result = going.reconcile()
    assert [line for line in result.lines if line.startswith("= ")] == [
        f"= {kind} {going.namespace}/pr-1 kept: namespace {going.namespace} is being deleted"
        for kind in ("Deployment", "Service", "Mapping")
    ]
    assert going.children() == []
    eventually(
        lambda: going.live("PreviewEnvironment")["metadata"].get("deletionTimestamp"), "the preview is going"
    )
    going.reconcile()
    going.patch("PreviewEnvironment", {"metadata": {"finalizers": None}})
