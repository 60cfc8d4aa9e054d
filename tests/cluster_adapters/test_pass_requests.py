"""What a run asks the API server, all of it: which requests, in which order, and none besides."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from tests.builders import a_preview
from tests.cluster_adapters.conftest import status
from tests.cluster_adapters.world import PREVIEWS, World, path
from tests.given import a_read_preview, available, children_of, live, told

PREVIEW = PREVIEWS.kind
KINDS = [kind.resource.kind for kind in CHILDREN]
LISTS = [f"GET {path(kind)}" for kind in (*KINDS, PREVIEW)]
PUTS = ("Deployment", "Service", "Mapping")


def there(name: str = "pr-1", kinds: Iterable[str] = PUTS, **route: Any) -> list[dict[str, Any]]:
    wanted = children_of(a_read_preview(name), **route)
    made = {kind: dict(live(wanted[kind]).manifest) for kind in kinds}
    return [available(child) if kind == "Deployment" else child for kind, child in made.items()]


TOLD = (f"PATCH {path(PREVIEW, 'pr-1')}/status", "POST /apis/events.k8s.io/v1/namespaces/shop/events")
"""What each run that has news of it costs beside its children."""


def requests(world: World) -> Counter[str]:
    return Counter(map(str, world.sent))


def test_children_are_listed_by_label_and_all_routes_and_previews(world: World) -> None:
    world.run()
    page, labelled = {"limit": "500"}, {"limit": "500", "labelSelector": "platform9.com/preview"}
    whole = {"Mapping", "Ingress", "HTTPRoute", PREVIEW}
    assert {sent.path: sent.params for sent in world.sent} == {
        path(kind): page if kind in whole else labelled for kind in (*KINDS, PREVIEW)
    }


@pytest.mark.parametrize("scope", [["-n", "shop"], ["pr-1"], ["shop/pr-1"], ["-l", "team=a"]])
def test_a_scope_filters_the_plan_and_never_the_lists(world: World, scope: list[str]) -> None:
    world.has(told(a_preview("pr-1", labels={"team": "a"})), *there())
    ended = world.run(*scope)
    assert requests(world) == Counter(LISTS)
    assert ended.code == 0


def test_an_image_that_has_changed_costs_one_apply(world: World) -> None:
    world.has(told(a_preview("pr-1", image="registry.example.com/shop:2")), *there())
    ended = world.run()
    assert requests(world) == Counter([*LISTS, f"PATCH {path('Deployment', 'pr-1')}", *TOLD])
    assert ended.code == 0


@pytest.mark.parametrize(
    "asked",
    [path("Service"), path(PREVIEW), path("Service", "pr-1")],
    ids=["a list", "the previews", "a look"],
)
def test_a_401_ends_the_run_before_there_is_a_plan(world: World, asked: str) -> None:
    world.has(*there("pr-0"), a_preview("pr-1"))
    world.says("GET", asked, status(401, "Unauthorized", "Unauthorized"))
    ended = world.run()
    assert ended.out == ""
    assert ended.err.endswith(
        "the API server does not know who we are (401); log in again, or give --context\n"
    )
    assert ended.err.startswith("Error: ")
    assert world.writes == []
    assert ended.code == 5


# what -v says of it


def phases(err: str) -> list[tuple[str, str]]:
    """The phases that the log names, and the requests of each, `""` where there were none."""
    (line,) = (line for line in err.splitlines() if line.startswith("INFO reconcile.run.phases: "))
    told = line.removeprefix("INFO reconcile.run.phases: ")
    pattern = r"([a-z]+) \d+\.\d{3} s(?: \((\d+) requests, \d+\.\d MB\))?(?:, |$)"
    assert re.fullmatch(f"(?:{pattern})+", told), told
    return re.findall(pattern, told)


def test_a_verbose_run_logs_where_its_time_and_its_requests_went(world: World) -> None:
    world.has(a_preview())
    assert phases(world.run("-v", "--yes").err) == [
        ("read", str(len(LISTS))),
        ("desired", ""),
        ("looked", "2"),
        ("planned", ""),
        ("reported", ""),
        ("written", "3"),
        ("published", "2"),
    ]


def test_a_run_that_is_not_verbose_logs_nothing(world: World) -> None:
    assert world.run("--yes").err == ""
