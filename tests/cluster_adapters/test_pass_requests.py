"""What a run asks the API server, all of it: which requests, in which order, and none besides."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from tests.builders import a_preview
from tests.cluster_adapters.conftest import status
from tests.cluster_adapters.world import PREVIEWS, World, a_list, after_apply, path
from tests.given import a_read_preview, available, children_of, edited, live, told

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


def test_an_empty_cluster_costs_one_list_of_each_kind(world: World) -> None:
    ended = world.run("-o", "json")
    assert requests(world) == Counter(LISTS)
    assert ended.code == 0


def test_the_previews_are_listed_after_every_kind_of_child(world: World) -> None:
    """One that was made between the lists has no children yet, and none of them is taken for left over."""
    world.run()
    assert sorted(map(str, world.sent[:-1])) == sorted(LISTS[:-1])
    assert str(world.sent[-1]) == f"GET {path(PREVIEW)}"


def test_children_are_listed_by_our_label_and_routes_and_previews_whole(world: World) -> None:
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


def test_namespace_only_asks_nothing_outside_the_namespace(world: World) -> None:
    inside = [f"{path(kind, '*').removesuffix('/*')}" for kind in (*KINDS, PREVIEW)]
    for to in inside:
        world.says("GET", to, a_list([a_preview("pr-1")] if to == inside[-1] else []))
    ended = world.run("-n", "shop", "--namespace-only", "--allow-fqdn", "*.preview.example.com")
    looks = [f"GET {path(kind, 'pr-1')}" for kind in PUTS[:2]]
    puts = [f"PATCH {path(kind, 'pr-1')}" for kind in PUTS]
    assert requests(world) == Counter([*(f"GET {to}" for to in inside), *looks, *puts, *TOLD])
    assert "only namespace shop was read: hostnames of other namespaces were not seen" in ended.out
    assert ended.code == 0


def test_a_dry_run_of_everything_that_can_be_planned_only_reads(world: World) -> None:
    aged = edited(there("pr-2")[0], "metadata", "annotations", "platform9.com/applied", to="older")
    world.has(a_preview("pr-1"), a_preview("pr-2"), aged, *there("pr-2")[1:], *there("pr-0"))
    ended = world.run("--dry-run", "--exit-code", "-o", "json")
    assert {action for action, _, _ in ended.planned} == {"create", "update", "delete"}
    assert requests(world) == Counter([*LISTS, *(f"GET {path(kind, 'pr-1')}" for kind in PUTS[:2])])
    assert ended.code == 3


def test_a_new_preview_costs_a_look_at_what_no_list_shows_and_three_applies(world: World) -> None:
    world.has(a_preview("pr-1"))
    ended = world.run()
    looks = [f"GET {path(kind, 'pr-1')}" for kind in PUTS[:2]]
    puts = [f"PATCH {path(kind, 'pr-1')}" for kind in PUTS]
    assert requests(world) == Counter([*LISTS, *looks, *puts, *TOLD])
    assert [str(sent) for sent in world.writes] == [f"PATCH {path(kind, 'pr-1')}" for kind in PUTS]
    assert ended.code == 0


def test_an_image_that_has_changed_costs_one_apply(world: World) -> None:
    world.has(told(a_preview("pr-1", image="registry.example.com/shop:2")), *there())
    ended = world.run()
    assert requests(world) == Counter([*LISTS, f"PATCH {path('Deployment', 'pr-1')}", *TOLD])
    assert ended.code == 0


def test_a_preview_that_is_gone_costs_for_each_child_one_look_at_the_preview_and_one_delete(
    world: World,
) -> None:
    world.has(*there("pr-0"), told(a_preview("pr-1")), *there())
    ended = world.run()
    deletes = [f"DELETE {path(kind, 'pr-0')}" for kind in PUTS]
    assert requests(world) == Counter([*LISTS, *[f"GET {path(PREVIEW, 'pr-0')}"] * 3, *deletes])
    assert [str(sent) for sent in world.writes] == deletes[::-1], "the route first, then what it leads to"
    assert ended.code == 0


def test_a_switch_of_routes_takes_two_passes_and_the_old_route_goes_in_the_second(world: World) -> None:
    world.has(told(a_preview("pr-1")), *there())
    ingress = children_of(a_read_preview(), route="ingress")["Ingress"]
    world.says("GET", path("Ingress"), a_list(), a_list([after_apply(ingress, None)]))
    ended = world.run("--route", "ingress", "-o", "json")
    assert requests(world) == Counter(
        [
            *LISTS * 2,
            f"PATCH {path('Ingress', 'pr-1')}",
            f"GET {path(PREVIEW, 'pr-1')}",
            f"DELETE {path('Mapping', 'pr-1')}",
            *[TOLD[1]] * 2,
        ]
    )
    assert ended.outcomes == {"Ingress pr-1": ("created", ""), "Mapping pr-1": ("deleted", "")}
    assert ended.code == 0


def test_a_list_that_fails_in_the_second_pass_withholds_the_old_route(world: World) -> None:
    world.has(a_preview("pr-1"), *there())
    world.says("GET", path("Ingress"), a_list(), status(500, "InternalError", "etcd is slow"))
    ended = world.run("--route", "ingress", "-o", "json")
    assert [str(sent) for sent in world.writes] == [f"PATCH {path('Ingress', 'pr-1')}"]
    assert ended.code == 4


@pytest.mark.parametrize("kind", [*KINDS, PREVIEW])
def test_a_401_ends_the_run_before_there_is_a_plan(world: World, kind: str) -> None:
    world.has(*there("pr-0"), a_preview("pr-1"))
    world.says("GET", path(kind), status(401, "Unauthorized", "Unauthorized"))
    ended = world.run()
    assert ended.out == ""
    assert ended.err.endswith(
        "the API server does not know who we are (401); log in again, or give --context\n"
    )
    assert ended.err.startswith("Error: ")
    assert world.writes == []
    assert ended.code == 5


def test_a_401_to_a_look_ends_the_run_before_there_is_a_plan(world: World) -> None:
    world.has(*there("pr-0"), a_preview("pr-1"))
    world.says("GET", path("Service", "pr-1"), status(401, "Unauthorized", "Unauthorized"))
    ended = world.run()
    assert ended.out == ""
    assert world.writes == []
    assert ended.code == 5


def test_a_look_that_fails_withholds_its_kind_as_a_list_would(world: World) -> None:
    world.has(*there("pr-0"), a_preview("pr-1"))
    world.says("GET", path("Service", "pr-1"), status(500, "InternalError", "etcd is slow"))
    ended = world.run("-o", "json")
    assert ended.planned == {
        ("create", "Deployment", "pr-1"),
        ("delete", "Deployment", "pr-0"),
        ("keep", "Service", "pr-0"),
        ("delete", "Mapping", "pr-0"),
    }
    assert ended.withheld == {
        "Service": "Service shop/pr-1 could not be read: get Service shop/pr-1: the API server is in trouble "
        "(500): etcd is slow; all changes of this kind are skipped"
    }
    assert ended.code == 4


# what -v says of it


def phases(err: str) -> list[tuple[str, str]]:
    """The phases that the log names, and the requests of each, `""` where there were none."""
    (line,) = (line for line in err.splitlines() if line.startswith("INFO reconcile.run.phases: "))
    told = line.removeprefix("INFO reconcile.run.phases: ")
    pattern = r"([a-z]+) \d+\.\d{3} s(?: \((\d+) requests, \d+\.\d MB\))?(?:, |$)"
    assert re.fullmatch(f"(?:{pattern})+", told), told
    return re.findall(pattern, told)


def test_a_verbose_run_says_where_its_time_and_its_requests_went(world: World) -> None:
    world.has(a_preview())
    assert phases(world.run("-v", "--yes").err) == [
        ("read", str(len(LISTS))),
        ("desired", ""),
        ("looked", "2"),
        ("planned", ""),
        ("told", ""),
        ("written", "3"),
        ("published", "2"),
    ]


def test_a_verbose_dry_run_ends_with_its_plan(world: World) -> None:
    world.has(a_preview())
    told = phases(world.run("-v", "--dry-run").err)
    assert told == [("read", str(len(LISTS))), ("desired", ""), ("looked", "2"), ("planned", "")]


def test_a_run_that_is_not_verbose_says_nothing_of_it(world: World) -> None:
    assert world.run("--yes").err == ""
