"""Why one preview is as it is: the answer first, then what it rests on; nothing is written."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.pool import Stop
from reconcile.desire.children import CHILDREN
from reconcile.errors import Forbidden, ServerTrouble
from reconcile.explain.explain import Explanation, answer
from reconcile.explain.inquire import inquire
from reconcile.explain.text import MOST_FIELDS, explanation_text
from reconcile.kube.objects import NamespacedName
from reconcile.model.names import PRUNE_DISABLED
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.run.request import Request
from reconcile.run.run import run
from tests.builders import a_preview
from tests.explain.test_history import event
from tests.given import MANAGER, NAMES, available, edited, entry, key, told
from tests.in_process import Ended
from tests.memory import Memory
from tests.report.test_hostile_output import CANARY, HOSTILE, harmless
from tests.shop import Shop
from tests.templates import further, with_templates

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 1, 3, 4, tzinfo=UTC)
IMAGE = ("spec", "template", "spec", "containers", 0, "image")
ENV = ("spec", "template", "spec", "containers", 0, "env")
CONTAINER = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"app"}')
INJECTED = (*CONTAINER, "f:env", 'k:{"name":"INJECTED"}', "f:value")
TARGET = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")


def a_cluster(*previews: dict[str, Any]) -> Memory:
    memory = Memory(time=NOW)
    for preview in previews or (told(a_preview()),):
        memory.put(preview)
    return memory


def asked(**given: Any) -> Request:
    return Request(**{"scope": make_scope(None, (), None), "settings": Settings(), "concurrency": 1, **given})


def running(*previews: dict[str, Any]) -> Memory:
    """Previews whose children an earlier run made, and whose pods came up."""
    memory = a_cluster(*previews)
    run(memory, asked(), show_plan=lambda plan: None, agree=lambda plan: True)
    for kind in ("Deployment", "Service", "Mapping"):
        child = memory.objects[key(kind)]
        ours = {**child["metadata"]["managedFields"][0], "time": "2026-01-01T04:00:00Z"}
        there = available(dict(child)) if kind == "Deployment" else child
        memory.put(
            there, managedFields=[ours], creationTimestamp="2026-01-01T04:00:00Z", uid=f"uid-of-{kind}"
        )
    for preview in previews or (told(a_preview()),):
        memory.put(preview)
    memory.log.clear()
    return memory


def somebody(
    memory: Memory, kind: str, *path: str | int, to: Any, owns: Any, by: str = "kubectl-set"
) -> None:
    """Somebody edits a child half an hour ago, and is recorded as the one who owns these paths."""
    child = memory.objects[key(kind)]
    theirs = {**entry(by, owns), "time": "2026-01-03T03:30:00Z"}
    fields = [*child["metadata"]["managedFields"], theirs]
    memory.put(edited(child, *path, to=to), managedFields=fields)


def explained(memory: Memory, name: str = "pr-1", **given: Any) -> Explanation:
    request = asked(**given)
    found = inquire(request.context(memory, Stop()), request, NamespacedName("", name))
    assert found is not None
    return found


def text_of(memory: Memory, name: str = "pr-1", **given: Any) -> str:
    return explanation_text(explained(memory, name, **given), cluster="memory")


def lines_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


# to the byte


DRIFTED = (GOLDEN / "explain-drifted.txt").read_text()


def drifted() -> Memory:
    memory = running()
    somebody(memory, "Deployment", *IMAGE, to="evil:9", owns=[(*CONTAINER, "f:image")])
    ours = memory.objects[key("Deployment")]["metadata"]["managedFields"][0]
    ours["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"app"}'].pop("f:image")
    preview = memory.objects[key("PreviewEnvironment")]
    by_ci = {
        **entry("ci", [("f:spec", "f:image"), ("f:spec", "f:fqdn")], "Apply"),
        "time": "2026-01-01T00:00:00Z",
    }
    memory.put(preview, managedFields=[by_ci])
    scaled = {"reason": "ScalingReplicaSet", "message": "Scaled up replica set pr-1-6c4f7 from 0 to 1"}
    memory.put(event(at="04:00:00", type="Normal", **scaled))
    later: dict[str, Any] = {"lastTimestamp": "2026-01-03T03:30:00Z", "count": 3, "message": "no listener"}
    memory.put(event("Mapping", version="2", **later))
    return memory


def test_a_drifted_preview_is_explained_to_the_byte() -> None:
    assert text_of(drifted()) == DRIFTED


def test_the_same_cluster_is_explained_the_same_in_any_order() -> None:
    memory = drifted()
    memory.objects = dict(reversed(memory.objects.items()))
    assert text_of(memory) == DRIFTED


GONE = (GOLDEN / "explain-gone.txt").read_text()


def protect(memory: Memory, kind: str) -> None:
    child = memory.objects[key(kind)]
    annotations = {**child["metadata"]["annotations"], NAMES.prune_annotation: PRUNE_DISABLED}
    memory.put(child, annotations=annotations)


def test_orphans_of_a_gone_preview_are_explained_to_the_byte() -> None:
    memory = running()
    protect(memory, "Service")
    del memory.objects[key("PreviewEnvironment")]
    memory.put(a_preview("pr-2"))
    assert text_of(memory) == GONE


# the answer


def _gone(*kinds: str) -> Callable[[Memory], None]:
    def happens(memory: Memory) -> None:
        for kind in kinds:
            del memory.objects[key(kind)]

    return happens


def _becomes(**given: Any) -> Callable[[Memory], None]:
    return lambda memory: memory.put(a_preview(**given))


def _edited(memory: Memory) -> None:
    somebody(memory, "Service", "spec", "ports", 0, "targetPort", to=81, owns=[TARGET])


def _conflict(memory: Memory) -> None:
    del memory.objects[key("Mapping")]
    for record in ("url", "hostname"):
        memory.objects[key("PreviewEnvironment")]["status"].pop(record, None)
    memory.put(a_preview("pr-0", fqdn="pr-1.preview.example.com", created="2025-01-01T00:00:00Z"))


def _starting(memory: Memory) -> None:
    deployment = memory.objects[key("Deployment")]
    memory.put({**deployment, "status": {"updatedReplicas": 1, "replicas": 1}})


def _crashing(memory: Memory) -> None:
    _starting(memory)
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"containerStatuses": [{"state": waiting, "lastState": {"terminated": {"exitCode": 3}}}]}
    labels = memory.objects[key("Deployment")]["spec"]["template"]["metadata"]["labels"]
    metadata = {"name": "pr-1-6c4f7-bcdfg", "namespace": "shop", "labels": labels}
    memory.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status})


LINK = "https://pr-1.preview.example.com"
COUNTED = {"observedGeneration": 1, "ttl": "1h", "ttlCountsFrom": "2026-01-01T00:00:00Z"}
HAPPENS: dict[str, Callable[[Memory], None]] = {
    "nothing": lambda memory: None,
    "edited": _edited,
    "changed": _becomes(image="registry.example.com/shop:2", generation=2),
    "new": _gone("Deployment", "Service", "Mapping"),
    "unreadable": _becomes(fqdn="Foo"),
    "going": _becomes(deleted="2026-01-03T00:00:00Z"),
    "suspended": _becomes(suspend=True, generation=2),
    "expired": _becomes(ttl="1h", status=COUNTED),
    "gone": _gone("PreviewEnvironment"),
    "conflict": _conflict,
    "starting": _starting,
    "crashing": _crashing,
}
ANSWERS = dict(one.split(":\n", 1) for one in (GOLDEN / "answers.txt").read_text().strip().split("\n\n"))


@pytest.mark.parametrize("name", HAPPENS)
def test_the_answer_is_the_state_and_what_a_run_would_do(name: str) -> None:
    memory = running()
    HAPPENS[name](memory)
    assert "\n".join(answer(explained(memory))) == ANSWERS[name]


def test_of_two_children_of_a_kind_a_further_one_is_named() -> None:
    memory = running()
    worker = "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: []}}}"
    settings = with_templates(further("apps/v1", "Deployment", "-worker", worker))
    memory.put(a_preview(image="registry.example.com/shop:2", generation=2))
    first = answer(explained(memory, settings=settings))[1]
    assert first.startswith("A run would create Deployment pr-1-worker (new preview) and update Deployment (")


def test_a_route_of_another_kind_is_kept_and_no_other_is_listed() -> None:
    memory = a_cluster()
    ingress = Settings(route="ingress", route_given=True)
    run(memory, asked(settings=ingress), show_plan=lambda plan: None, agree=lambda plan: True)
    lines = lines_of(text_of(memory))
    assert "A run would change nothing." in lines
    assert "= Ingress shop/pr-1 kept; pass --route to switch" in lines
    assert "kept as it is: without --route ingress, a run does not change its fields" in lines
    assert [line for line in lines if "Mapping" in line or line == "wanted"] == []
    assert not [line for line in lines_of(text_of(memory, settings=ingress)) if "kept" in line]


def test_a_route_that_a_run_makes_beside_an_unmanaged_one_is_listed() -> None:
    memory = running()
    _gone("Mapping")(memory)
    labels = {NAMES.preview_label: "pr-1"}
    metadata = {"name": "pr-1", "namespace": "shop", "labels": labels, "uid": "uid-of-another"}
    memory.put({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {}})
    lines = lines_of(text_of(memory))
    assert "Mapping shop/pr-1: not there" in lines
    assert not [line for line in lines if line.startswith("kept as it is")]


def test_an_unmanaged_object_is_named_and_none_of_its_fields_is_shown() -> None:
    memory = running()
    child = memory.objects[key("Service")]
    memory.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pr-1", "namespace": "shop"}})
    memory.objects[key("Service")]["metadata"].update(managedFields=[entry("helm", child)], labels={})
    told = explained(memory)
    assert answer(told)[0].startswith("Not ready: NameTaken: Service shop/pr-1: exists and is not managed by")
    (service,) = (child for child in told.children if child.key.kind == "Service")
    assert service.ownership.startswith("not ours: ")
    assert (service.wanted, service.foreign) == ((), ())
    assert [writer.manager for writer in service.writers] == ["helm"]


# field by field


def test_fields_that_others_set_are_shown_with_numbers_and_images_alone() -> None:
    memory = running()
    somebody(memory, "Deployment", *ENV, to=[{"name": "INJECTED", "value": CANARY}], owns=[INJECTED])
    somebody(memory, "Deployment", "spec", "replicas", to=4, owns=[("f:spec", "f:replicas")], by="hpa")
    note = ("f:metadata", "f:annotations", "f:note")
    somebody(
        memory, "Service", "metadata", "annotations", "note", to=CANARY, owns=[note], by="kubectl-annotate"
    )
    found = {
        (child.key.kind, field.path): (field.there, [writer.manager for writer in field.writers])
        for child in explained(memory).children
        for field in child.foreign
    }
    assert found == {
        ("Deployment", "spec.replicas"): ("4", ["hpa"]),
        ("Deployment", "spec.template.spec.containers[app].env[INJECTED].value"): ("set", ["kubectl-set"]),
        ("Service", "metadata.annotations.note"): ("set", ["kubectl-annotate"]),
    }
    assert CANARY not in text_of(memory)


def test_replicas_without_a_recorded_manager_are_shown() -> None:
    memory = running()
    deployment = memory.objects[key("Deployment")]
    memory.put(edited(deployment, "spec", "replicas", to=3))
    assert "? spec.replicas nobody is recorded 3" in lines_of(text_of(memory))


def test_of_a_field_with_two_owners_the_last_one_comes_first() -> None:
    memory = running()
    somebody(memory, "Deployment", *IMAGE, to="registry.example.com/shop:1", owns=[(*CONTAINER, "f:image")])
    (image,) = (f for c in explained(memory).children for f in c.wanted if f.path.endswith(".image"))
    assert [writer.manager for writer in image.writers] == ["kubectl-set", MANAGER]
    assert image.same


def test_of_a_great_many_fields_of_others_some_are_listed_and_the_rest_counted() -> None:
    memory = running()
    notes = {f"n{number:03}": "x" for number in range(MOST_FIELDS + 5)}
    paths = [("f:metadata", "f:annotations", f"f:{name}") for name in notes]
    annotations = {**memory.objects[key("Mapping")]["metadata"]["annotations"], **notes}
    somebody(memory, "Mapping", "metadata", "annotations", to=annotations, owns=paths)
    lines = lines_of(text_of(memory))
    assert len([line for line in lines if line.startswith("? ")]) == MOST_FIELDS
    assert "and 5 more that others set" in lines


# what it asks


def test_only_reads_are_made_and_a_dry_runs_lists_among_them() -> None:
    memory = running()
    text_of(memory)
    lists = [*(kind.resource.plural for kind in CHILDREN), "previewenvironments"]
    assert memory.log == [
        *(f"list {kind}" for kind in lists),
        "get PreviewEnvironment shop/pr-1",
        "list pods in shop",
        "list events in shop",
    ]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ("list events in shop", "its events are not known: no"),
        ("list pods in shop", "its pods are not known: no"),
        ("get PreviewEnvironment shop/pr-1", "who wrote the preview is not known: no"),
    ],
)
@pytest.mark.parametrize("error", [Forbidden, ServerTrouble])
def test_what_must_not_be_read_is_named(request_: str, sentence: str, error: Any) -> None:
    memory = running()
    memory.trouble(request_, error("no"))
    text = text_of(memory)
    assert text.endswith(f"\nNot known\n  {sentence}\n")
    assert answer(explained(memory))[0] == f"Ready: {LINK}"


def test_an_incomplete_list_leaves_the_answer_open() -> None:
    memory = running()
    memory.trouble("list deployments", Forbidden("no"))
    text = text_of(memory)
    assert "Whether it is ready is not known: not all could be read." in text
    assert "! Deployment: the list of deployments is incomplete: no" in text
    assert "\nDeployment shop/pr-1: not read\n" in text


def test_a_name_that_is_nowhere_is_unknown() -> None:
    context = asked().context(running(), Stop())
    assert inquire(context, asked(), NamespacedName("", "pr-9")) is None
    assert inquire(context, asked(), NamespacedName("other", "pr-1")) is None


# whatever others wrote


def test_nothing_that_others_wrote_does_anything_and_no_secret_is_shown() -> None:
    secret = [{"name": "TOKEN", "value": CANARY}]
    ready = {"type": HOSTILE, "status": HOSTILE, "reason": HOSTILE, "message": HOSTILE}
    status = {"conditions": [ready, HOSTILE], "url": HOSTILE, "ttl": HOSTILE}
    memory = running(a_preview(env=secret, args=[CANARY], status=status))
    theirs = [{"name": HOSTILE, "value": CANARY}]
    injected = (*CONTAINER, "f:env", f'k:{{"name":"{"x"}"}}')
    somebody(memory, "Deployment", *ENV, to=[*secret, *theirs], owns=[injected], by=HOSTILE)
    last = {"kubectl.kubernetes.io/last-applied-configuration": CANARY, HOSTILE: HOSTILE}
    annotations = {**memory.objects[key("Service")]["metadata"]["annotations"], **last}
    paths = [("f:metadata", "f:annotations", f"f:{name}") for name in last]
    somebody(memory, "Service", "metadata", "annotations", to=annotations, owns=paths, by=HOSTILE)
    hostile = {"type": HOSTILE, "reason": HOSTILE, "message": f"{HOSTILE} {CANARY}"}
    memory.put(event("Deployment", **{**hostile, "lastTimestamp": "2026-01-03T03:59:00Z"}))
    text = text_of(memory)
    assert CANARY not in text
    assert "TOKEN (values not shown)" in text
    harmless(Ended(0, text, ""))


# the command


def test_a_preview_in_files_is_explained_without_a_server(shop: Shop) -> None:
    shop.write()
    ended = shop.shell("--from", "previews", "--explain", "pr-1")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Preview shop/pr-1, in the files in previews/\n\n")
    assert ended.lines[:2] == [
        "Whether it is ready only an API server can tell.",
        "A run would create Deployment, Service and Mapping (new preview).",
    ]
    assert "Deployment shop/pr-1: not there" in ended.out


def test_an_unreadable_preview_is_explained_with_file_and_line(shop: Shop) -> None:
    shop.write(fqdn="Foo")
    ended = shop.shell("--from", "previews", "--explain", "shop/pr-1")
    assert ended.code == 0
    assert "Not ready: Invalid: previews/shop-pr-1.yaml:8: spec.fqdn" in ended.out


def test_an_unknown_name_exits_1_and_one_of_several_2(shop: Shop) -> None:
    shop.write()
    shop.write(namespace="other")
    ended = shop.shell("--from", "previews", "--explain", "pr-9")
    assert (ended.code, ended.out) == (1, "")
    assert "pr-9: no such preview, and no children of one" in ended.err
    ended = shop.shell("--from", "previews", "--explain", "pr-1")
    assert ended.code == 2
    assert "pass one of other/pr-1, shop/pr-1" in ended.err
    assert shop.shell("--from", "previews", "-n", "other", "--explain", "pr-1").code == 0


def test_a_file_can_be_explained_as_if_it_had_been_applied(shop: Shop) -> None:
    shop.write()
    path = shop.put("../as-if.yaml", shop.write("pr-7").read_text())
    shop.remove("pr-7")
    ended = shop.shell("--from", "previews", "-f", str(path), "--explain", "shop/pr-7")
    assert ended.code == 0
    assert "A run would create Deployment, Service and Mapping (new preview)." in ended.out


def test_with_a_namespace_too_a_run_of_everything_is_what_is_planned(shop: Shop) -> None:
    """Two previews have gone, one in each namespace, and only one may lose its children in a run."""
    for namespace in ("shop", "other"):
        shop.write(namespace=namespace, fqdn=f"pr-1.{namespace}.example.com")
    shop.write("pr-2")
    shop.reconcile()
    for namespace in ("shop", "other"):
        (Path("previews") / f"{namespace}-pr-1.yaml").unlink()
    files = ("--from", "previews", "--from", "children", "-n", "shop", "--max-deletes", "1")
    ended = shop.shell(*files, "--explain", "pr-1")
    assert ended.code == 0
    skipped = "A run would change nothing; the delete of Deployment, Service and Mapping is skipped."
    assert skipped in ended.lines
    alone = shop.shell(*files, "--namespace-only", "--explain", "pr-1")
    assert "A run would delete Deployment, Service and Mapping (its preview is gone)." in alone.lines
