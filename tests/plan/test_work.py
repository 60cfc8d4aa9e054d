"""Where one author makes many of a thing, the work grows with their number and not with its square."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconcile.cluster.context import Context
from reconcile.desire.desired import Desired
from reconcile.errors import Forbidden, ReconcileError, ServerTrouble
from reconcile.kube.health.events import PodEvent
from reconcile.kube.health.pod import trouble_of
from reconcile.kube.objects import Key, Resource
from reconcile.model.settings import Settings
from reconcile.plan.changes import Keep, Plan
from reconcile.plan.diff import difference
from reconcile.plan.draft import Draft
from reconcile.report.states import states
from reconcile.status.events import News, announce
from reconcile.status.result import Pass, Run, Standing
from tests.given import CONTAINER, a_read_preview, as_child, children_of, edited, entry, live
from tests.kube.test_health_pods import RUNNING, a_pod
from tests.memory import Memory
from tests.status.test_events import NOW
from tests.work import grows_evenly


def of_variables(many: int) -> dict[str, Any]:
    env = [{"name": f"VARIABLE_{number}", "value": "v"} for number in range(many)]
    return children_of(a_read_preview(env=env))["Deployment"]


APP = ("spec", "template", "spec", "containers", 0)


def test_variables_are_not_searched_for_each_of_them() -> None:
    def work(many: int) -> Callable[[], object]:
        wanted = of_variables(many)
        other = [{"name": f"VARIABLE_{number}", "value": "w"} for number in range(many)]
        there = live(edited(wanted, *APP, "env", to=other), applied=wanted)
        return lambda: difference(as_child(there), wanted)

    assert grows_evenly(work)


@pytest.mark.parametrize("manager", ["kubectl-edit", "injector"])
def test_fields_of_others_are_not_compared_with_each_own_field(manager: str) -> None:
    def work(many: int) -> Callable[[], object]:
        wanted = of_variables(many)
        added = [(*CONTAINER, "f:env", f'k:{{"name":"OTHER_{number}"}}') for number in range(many)]
        more = [{"name": f"OTHER_{number}"} for number in range(many)]
        mine = wanted["spec"]["template"]["spec"]["containers"][0]["env"]
        there = live(edited(wanted, *APP, "env", to=[*more, *mine]), entry(manager, added), applied=wanted)
        return lambda: difference(as_child(there), wanted)

    assert grows_evenly(work)


class Counted(str):
    """A name that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_changes_of_a_preview_are_not_searched_for_each_of_its_objects() -> None:
    keys = [Key("Mapping", "shop", Counted(f"web-{number}")) for number in range(200)]
    changes = tuple(Keep(key, "shop/pr-1") for key in keys)
    draft = Draft("shop/pr-1", Desired(a_read_preview(), in_scope=True), {}, changes)
    Counted.compared = 0
    assert all(draft.keeps_as_ours(Key(*key[:2], Counted(key.name))) for key in keys)
    assert Counted.compared <= 10 * len(keys)


def test_what_was_waited_for_is_not_searched_for_each_preview() -> None:
    def work(many: int) -> Callable[[], object]:
        previews = tuple(a_read_preview(f"pr-{number}") for number in range(many))
        waited = tuple(Standing("shop", preview.name, "ready") for preview in previews)
        done = Run((Pass(Plan(())),), previews=previews, waited=waited)
        return lambda: states(done)

    assert grows_evenly(work)


class Once(tuple[PodEvent, ...]):
    """Events that count how often all of them are looked at."""

    times = 0

    def __iter__(self) -> Iterator[PodEvent]:
        Once.times += 1
        return super().__iter__()


def test_events_are_not_searched_for_each_pod() -> None:
    pods = [a_pod(RUNNING, name=f"pod-{number}") for number in range(20)]
    Once.times = 0
    trouble_of(pods, Once(PodEvent(f"uid-{number}", "Unhealthy", "no") for number in range(20)), NOW)
    assert Once.times == 1


@pytest.mark.parametrize("error", [ServerTrouble("no"), Forbidden("no")])
def test_refused_events_are_not_searched_for_each_one(
    error: ReconcileError, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Refusing(Memory):
        def create(self, resource: Resource, manifest: Any) -> bool:
            raise error

    def counted(item: Any) -> str:
        asked.append(item.preview.name)
        return str(item.preview.namespace)

    monkeypatch.setattr("reconcile.status.events._namespace", counted)
    told = [
        (a_read_preview(namespace=f"shop-{number}"), News("Normal", "Created", "Create", "made", ""))
        for number in range(50)
    ]
    announce(Context(Refusing(), Settings(), concurrency=1), told, NOW)
    assert len(asked) <= 4 * len(told)
