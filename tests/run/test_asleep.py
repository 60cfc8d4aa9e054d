"""Runs by night and by day: pods go and come at the edges of the awake hours, and nothing is written between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.errors import Forbidden
from reconcile.kube.objects import Key
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.status.result import Run
from tests.builders import a_preview
from tests.given import SETUP, available, key
from tests.memory import Memory
from tests.run.test_run import a_cluster, go
from tests.status.test_publish import told

FRIDAY, EVENING, MONDAY = (
    datetime(2026, 1, 9, 12, tzinfo=UTC),
    datetime(2026, 1, 9, 19, tzinfo=UTC),
    datetime(2026, 1, 12, 6, tzinfo=UTC),
)
WORK = "Mon-Fri 07:00-20:00 Europe/Berlin"
AWAKE = Settings(awake=(WORK,))
BY_NAMESPACE = Settings(awake=(WORK,), awake_by_namespace=True)
ANNOTATION = "platform9.com/awake"
SILENT: list[str] = []


def at(memory: Memory, time: datetime, settings: Settings = AWAKE, **request: Any) -> tuple[list[str], Run]:
    """What a run at this time writes, statuses included, and the run."""
    memory.time = time
    memory.log.clear()
    done = go(memory, settings=settings, **request)
    return [line for line in memory.log if line.split()[0] not in ("list", "get")], done


def by_day(*previews: dict[str, Any]) -> Memory:
    """Previews that are available at noon."""
    memory = a_cluster(*previews)
    at(memory, FRIDAY)
    for there, one in list(memory.objects.items()):
        if there.kind == "Deployment":
            memory.put(available(one))
    at(memory, FRIDAY)
    return memory


def replicas(memory: Memory) -> int | None:
    found: int | None = memory.objects[key("Deployment")]["spec"].get("replicas")
    return found


def test_its_pods_go_and_come_at_the_edges_and_nothing_is_written_between() -> None:
    memory = by_day()
    assert (replicas(memory), told(memory)) == (None, ("True", "Available"))
    second = timedelta(seconds=1)
    assert at(memory, EVENING - second)[0] == SILENT
    writes, done = at(memory, EVENING)
    assert writes == [
        "apply Deployment shop/pr-1",
        "status PreviewEnvironment shop/pr-1",
        "event Updated shop/pr-1",
        "event Asleep shop/pr-1",
    ]
    assert [change.message for change in done.plan.writes] == ["its preview is asleep"]
    assert (replicas(memory), told(memory)) == (0, ("False", "Asleep"))
    for time in (EVENING, EVENING + timedelta(hours=5), EVENING + timedelta(days=1), MONDAY - second):
        assert at(memory, time)[0] == SILENT, time
    writes, done = at(memory, MONDAY)
    assert writes[:2] == ["apply Deployment shop/pr-1", "status PreviewEnvironment shop/pr-1"]
    assert [change.message for change in done.plan.writes] == ["its preview is awake again"]
    assert (replicas(memory), told(memory)) == (None, ("True", "Available"))
    assert at(memory, MONDAY)[0] == SILENT


def test_what_changes_at_night_is_no_news_of_the_clock() -> None:
    memory = by_day()
    at(memory, EVENING)
    memory.put(
        a_preview(image="shop:2", generation=2, status=memory.objects[key("PreviewEnvironment")]["status"])
    )
    _, done = at(memory, EVENING)
    assert [change.message for change in done.plan.writes] == ["its preview or an option changed"]


def test_a_route_that_an_option_changes_at_the_edge_is_no_news_of_the_clock() -> None:
    memory = by_day()
    at(memory, EVENING)
    _, done = at(memory, MONDAY, replace(AWAKE, route_labels=(("team", "shop"),)))
    assert {change.key.kind: change.message for change in done.plan.writes} == {
        "Deployment": "its preview is awake again",
        "Mapping": "its preview or an option changed",
    }


def test_a_sleeping_preview_gets_no_setup_job_until_it_wakes() -> None:
    memory = a_cluster(a_preview(setup=SETUP))
    writes, _ = at(memory, EVENING)
    assert [line for line in writes if " Job " in line] == []
    assert at(memory, EVENING)[0] == SILENT
    writes, _ = at(memory, MONDAY)
    assert writes[0].startswith("apply Job shop/pr-1-")


def test_suspended_and_expired_come_before_asleep() -> None:
    memory = by_day(a_preview(suspend=True))
    assert at(memory, EVENING)[0] == SILENT
    assert told(memory)[1] == "Suspended"
    memory = by_day(a_preview(ttl="1h"))
    at(memory, EVENING)
    assert told(memory)[1] == "Expired"


def a_namespace(memory: Memory, name: str, **annotations: str) -> None:
    found = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}
    memory.objects[Key("Namespace", "", name)] = found


def test_namespaces_are_listed_once_and_only_with_the_option() -> None:
    memory = by_day()
    at(memory, EVENING)
    assert [line for line in memory.log if "namespaces" in line] == []
    at(memory, EVENING, BY_NAMESPACE)
    assert [line for line in memory.log if "namespaces" in line] == ["list namespaces"]


def test_a_namespace_has_hours_of_its_own() -> None:
    memory = by_day()
    a_namespace(memory, "shop", **{ANNOTATION: "Mon-Fri 22:00-24:00 UTC; Mon-Sun 18:00-21:00 UTC"})
    assert at(memory, EVENING, BY_NAMESPACE)[0] == SILENT
    at(memory, EVENING + timedelta(hours=2), BY_NAMESPACE)
    assert told(memory) == ("False", "Asleep")
    at(memory, EVENING + timedelta(hours=3), BY_NAMESPACE)
    assert replicas(memory) is None


def test_unreadable_hours_keep_the_previews_of_the_namespace_awake_and_are_reported() -> None:
    memory = by_day()
    a_namespace(memory, "shop", **{ANNOTATION: "nights"})
    writes, done = at(memory, EVENING, BY_NAMESPACE)
    assert writes == SILENT
    assert [note for note in done.plan.notes if "Namespace" in note] == [
        "Namespace shop: annotation platform9.com/awake: \"nights\": must be 'DAYS HH:MM-HH:MM ZONE' or 'DAYS ZONE', "
        "such as 'Mon-Fri 07:00-20:00 Europe/Berlin'; its previews stay awake"
    ]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({}, "no right to list namespaces"),
        # Such as that of a pipeline with the operator's options, which must not undo the operator's runs.
        ({"scope": make_scope("shop", (), None, namespace_only=True)}, "only namespace shop is read"),
    ],
)
@pytest.mark.parametrize(
    ("before", "after", "reason"), [(FRIDAY, EVENING, "Available"), (EVENING, MONDAY, "Asleep")]
)
def test_where_namespaces_are_not_known_previews_stay_as_they_are(
    before: datetime, after: datetime, reason: str, request_: dict[str, Any], why: str
) -> None:
    memory = by_day()
    at(memory, before)
    memory.trouble("list namespaces", Forbidden("no right to list namespaces"))
    writes, done = at(memory, after, BY_NAMESPACE, **request_)
    assert (writes, told(memory)[1]) == (SILENT, reason)
    assert [note for note in done.plan.notes if "awake hours" in note] == [
        "the awake hours of namespaces are not known, so previews stay asleep or awake as they are "
        f"(--awake-by-namespace): {why}"
    ]
    assert ("list namespaces" in memory.log) is not bool(request_)


def test_in_a_folder_nothing_falls_asleep() -> None:
    memory = a_cluster()
    memory.is_server = False
    at(memory, EVENING)
    assert replicas(memory) is None
