"""Who gets a hostname: holders, strangers, moves and circles, in whatever order they are listed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.objects import Key
from reconcile.plan.hostname_rulings import GRANTED, Claim, Fate, Holding, Route, Ruling, rulings_of

X, Y, Z = "x.example.com", "y.example.com", "z.example.com"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def claim(name: str, hostname: str, created: str = OLD) -> Claim:
    return Claim(f"shop/{name}", hostname, created)


def route(name: str, *hostnames: str, fate: Fate = "stays", kind: str = "Mapping") -> Route:
    return Route(Key(kind, "shop", name), frozenset(hostnames), f"shop/{name}", fate)


def stranger(*hostnames: str, name: str = "web") -> Route:
    return Route(Key("Ingress", "infra", name), frozenset(hostnames))


def settled(claims: Sequence[Claim], *routes: Route) -> dict[str, Ruling]:
    return {preview.removeprefix("shop/"): ruling for preview, ruling in rulings_of(claims, routes).items()}


def holding(name: str, hostname: str = X, since: str = NEW) -> Holding:
    return Holding(f"shop/{name}", hostname, since)


def ruled(claims: Sequence[Claim], routes: Sequence[Route], *holdings: Holding) -> dict[str, Ruling]:
    rulings = rulings_of(claims, routes, holdings)
    return {preview.removeprefix("shop/"): ruling for preview, ruling in rulings.items()}


def blocked(by: str) -> Ruling:
    return Ruling("blocked", by)


def waits(by: str, *, in_this_run: bool = True) -> Ruling:
    return Ruling("waits", by, in_this_run)


def test_a_name_that_nobody_has_is_granted() -> None:
    assert settled([claim("a", X), claim("b", Y)]) == {"a": GRANTED, "b": GRANTED}


def test_of_two_that_want_a_free_name_the_oldest_gets_it() -> None:
    rulings = {"b": GRANTED, "a": blocked("belongs to shop/b")}
    assert settled([claim("a", X, NEW), claim("b", X, OLD)]) == rulings


@pytest.mark.parametrize("created", [OLD, ""])
def test_of_two_of_one_age_the_first_by_namespace_and_name_gets_it(created: str) -> None:
    rulings = {"a": GRANTED, "b": blocked("belongs to shop/a")}
    assert settled([claim("b", X, created), claim("a", X, created)]) == rulings


def test_one_that_has_no_age_counts_as_young() -> None:
    assert settled([claim("a", X, ""), claim("b", X, NEW)])["b"] == GRANTED


@pytest.mark.parametrize("kind", ["Mapping", "Ingress", "HTTPRoute"])
@pytest.mark.parametrize("fate", ["stays", "follows", "goes", "later"])
def test_who_has_the_name_keeps_it_from_an_older_one(kind: str, fate: Fate) -> None:
    """Whatever the plan does with its route: it wants the name, and has it."""
    rulings = {"b": GRANTED, "a": blocked("belongs to shop/b")}
    assert settled([claim("a", X, OLD), claim("b", X, NEW)], route("b", X, fate=fate, kind=kind)) == rulings


def test_of_two_that_have_the_name_the_oldest_is_the_holder() -> None:
    rulings = {"b": GRANTED, "a": blocked("belongs to shop/b")}
    assert settled([claim("a", X, NEW), claim("b", X, OLD)], route("a", X), route("b", X)) == rulings


def test_a_strangers_route_wins_over_whoever_does_not_have_the_name() -> None:
    by = blocked("belongs to Ingress infra/web")
    assert settled([claim("a", X), claim("b", X)], stranger(X)) == {"a": by, "b": by}


def test_beside_who_has_the_name_a_strangers_route_is_a_warning() -> None:
    rulings = {
        "b": Ruling("granted", warning="Ingress infra/web has it too"),
        "a": blocked("belongs to shop/b"),
    }
    assert settled([claim("a", X, OLD), claim("b", X, NEW)], stranger(X), route("b", X)) == rulings


def test_of_several_strangers_the_first_is_named() -> None:
    routes = [stranger(X, name="z"), stranger(X, name="a")]
    assert settled([claim("a", X)], *routes) == {"a": blocked("belongs to Ingress infra/a")}


# a name that is still on a route of a preview that no longer wants it


@pytest.mark.parametrize(
    ("fate", "ruling"),
    [
        ("follows", waits("Mapping shop/b still has it")),
        ("goes", waits("Mapping shop/b still has it")),
        ("later", waits("Mapping shop/b still has it", in_this_run=False)),
        ("stays", blocked("is still on Mapping shop/b, which belongs to shop/b")),
    ],
)
def test_a_name_on_the_route_of_another(fate: Fate, ruling: Ruling) -> None:
    assert settled([claim("a", X)], route("b", X, fate=fate)) == {"a": ruling}


def test_of_two_that_wait_for_a_name_the_younger_is_blocked_by_the_older() -> None:
    rulings = settled([claim("a", X, NEW), claim("c", X, OLD)], route("b", X, fate="follows"))
    assert rulings == {"c": waits("Mapping shop/b still has it"), "a": blocked("belongs to shop/c")}


def test_a_chain_waits_link_by_link() -> None:
    """a takes y from b, b takes z from c, c takes x, which is free."""
    claims = [claim("a", Y), claim("b", Z), claim("c", X)]
    routes = [route("b", Y, fate="follows"), route("c", Z, fate="follows")]
    assert settled(claims, *routes) == {
        "a": waits("Mapping shop/b still has it"),
        "b": waits("Mapping shop/c still has it"),
        "c": GRANTED,
    }


def test_who_waits_for_one_that_is_blocked_is_blocked_too() -> None:
    claims = [claim("a", Y), claim("b", Z)]
    routes = [route("b", Y, fate="follows"), route("c", Z, fate="stays")]
    assert settled(claims, *routes) == {
        "a": blocked("is still on Mapping shop/b, which belongs to shop/b"),
        "b": blocked("is still on Mapping shop/c, which belongs to shop/c"),
    }


def test_who_waits_for_one_that_a_stranger_blocks_is_blocked_too() -> None:
    claims = [claim("a", Y), claim("b", Z)]
    assert settled(claims, route("b", Y, fate="follows"), stranger(Z)) == {
        "a": blocked("is still on Mapping shop/b, which belongs to shop/b"),
        "b": blocked("belongs to Ingress infra/web"),
    }


def test_a_swap_is_begun_by_the_oldest() -> None:
    claims = [claim("a", Y, NEW), claim("b", X, OLD)]
    routes = [route("a", X, fate="follows"), route("b", Y, fate="follows")]
    assert settled(claims, *routes) == {"a": waits("Mapping shop/b still has it"), "b": GRANTED}


@pytest.mark.parametrize("fate", ["goes", "later"])
def test_a_swap_does_not_begin_while_a_third_route_has_the_name(fate: Fate) -> None:
    claims = [claim("a", Y, NEW), claim("b", X, OLD)]
    routes = [route("a", X, fate="follows"), route("b", Y, fate="follows"), route("c", X, fate=fate)]
    assert settled(claims, *routes) == {
        "a": waits("Mapping shop/b still has it"),
        "b": waits("Mapping shop/a still has it", in_this_run=fate == "goes"),
    }


def test_of_several_routes_that_stay_the_first_is_named() -> None:
    routes = [route("c", X), route("b", X)]
    for order in (routes, routes[::-1]):
        assert settled([claim("a", X)], *order) == {
            "a": blocked("is still on Mapping shop/b, which belongs to shop/b")
        }


def test_two_circles_begin_each_with_its_own_oldest() -> None:
    claims = [claim("a", Y), claim("b", X), claim("c", "d.example.com"), claim("d", "c.example.com")]
    routes = [
        route("a", X, fate="follows"),
        route("b", Y, fate="follows"),
        route("c", "c.example.com", fate="follows"),
        route("d", "d.example.com", fate="follows"),
    ]
    assert [name for name, ruling in settled(claims, *routes).items() if ruling == GRANTED] == ["a", "c"]


def test_the_end_of_a_wait_is_not_promised_for_this_run_where_something_takes_longer() -> None:
    routes = [route("b", X, fate="follows"), route("c", X, fate="later")]
    assert settled([claim("a", X)], *routes) == {"a": waits("Mapping shop/b still has it", in_this_run=False)}


# what statuses record


@pytest.mark.parametrize("fate", ["stays", "follows", "goes", "later"])
def test_whose_status_records_the_name_keeps_it_from_an_older_one_that_has_it_on_its_route(
    fate: Fate,
) -> None:
    """Somebody wrote it there by hand, or a run did that saw no other namespace: that route loses it."""
    given = [claim("a", X, NEW), claim("b", X, OLD)]
    rulings = ruled(given, [route("a", X), route("b", X, fate=fate)], holding("a"))
    assert rulings["a"].verdict == "granted"
    why = {Key("Mapping", "shop", "b"): "it has x.example.com, which belongs to shop/a"}
    assert rulings["b"] == Ruling("blocked", "belongs to shop/a", gives_up=why)


@pytest.mark.parametrize("fate", ["stays", "follows"])
def test_who_is_blocked_elsewhere_keeps_no_name_that_another_has_on_record(fate: Fate) -> None:
    """Its route would stay as it is, with what somebody wrote into it."""
    given = [claim("a", X), claim("b", Y), claim("c", Y, NEW)]
    routes = [route("a", X), route("b", Y), route("c", X, fate=fate)]
    rulings = ruled(given, routes, holding("a"))
    why = {Key("Mapping", "shop", "c"): "it has x.example.com, which belongs to shop/a"}
    assert rulings["c"] == Ruling("blocked", "belongs to shop/b", gives_up=why)
    assert ruled(given, routes)["c"].gives_up == {}, "without a record nobody knows whose it is"


def test_a_name_that_nobody_asks_for_any_more_stays_with_who_has_it_on_record() -> None:
    """Both were to move on, and cannot; each route has kept what it had."""
    given = [claim("a", Y), claim("b", Y, NEW), claim("c", Y, NEW)]
    routes = [route("a", Y), route("b", X), route("c", X)]
    rulings = ruled(given, routes, replace(holding("c"), wanted=False))
    why = {Key("Mapping", "shop", "b"): "it has x.example.com, which belongs to shop/c"}
    assert rulings["b"] == Ruling("blocked", "belongs to shop/a", gives_up=why)
    assert rulings["c"] == blocked("belongs to shop/a")
    assert rulings == {**ruled(given, routes), "b": rulings["b"]}, "without a record nobody knows whose it is"


def test_who_has_no_claim_keeps_no_name_that_another_has_on_record() -> None:
    """One whose name is taken, or that cannot be read: nothing else of it is changed."""
    rulings = ruled([claim("a", X)], [route("a", X), route("b", X)], holding("a"))
    assert rulings["b"].gives_up == {
        Key("Mapping", "shop", "b"): "it has x.example.com, which belongs to shop/a"
    }
    its_own = ruled([claim("a", X)], [route("a", X), route("b", X)], holding("b", since=OLD), holding("a"))
    assert "b" not in its_own, "that one was first"


def test_a_route_that_stays_beside_the_one_that_is_wanted_keeps_no_name_of_another() -> None:
    """One of another kind, which is protected, say."""
    given = [claim("a", X), claim("c", Y)]
    routes = [route("a", X), route("c", Y), route("c", X, kind="Ingress")]
    rulings = ruled(given, routes, holding("a"))
    why = {Key("Ingress", "shop", "c"): "it has x.example.com, which belongs to shop/a"}
    assert rulings["c"] == Ruling("granted", gives_up=why)


def test_a_name_is_kept_though_the_route_is_gone_for_a_moment() -> None:
    given = [claim("a", X, NEW), claim("b", X, OLD)]
    assert ruled(given, [], holding("a")) == {"a": GRANTED, "b": blocked("belongs to shop/a")}


def test_of_two_records_the_earlier_counts() -> None:
    given = [claim("a", X), claim("b", X)]
    rulings = ruled(given, [route("a", X), route("b", X)], holding("a", since=NEW), holding("b", since=OLD))
    assert {name: ruling.verdict for name, ruling in rulings.items()} == {"a": "blocked", "b": "granted"}


def test_a_record_of_one_that_does_not_want_the_name_counts_while_its_route_has_it() -> None:
    """It is a preview that cannot be read just now, say; who has written the name into a route waits."""
    there = [route("a", X), route("b", X)]
    why = {Key("Mapping", "shop", "b"): "it has x.example.com, which belongs to shop/a"}
    by_it = Ruling("blocked", "is still on Mapping shop/a, which belongs to shop/a", gives_up=why)
    assert ruled([claim("b", X)], there, holding("a")) == {"b": by_it}
    assert ruled([claim("b", X)], there[1:], holding("a")) == {"b": GRANTED}


def test_of_two_records_that_of_whom_wants_the_name_counts() -> None:
    """In a circle the oldest went first, and then the other could not go on: it does not want the name."""
    given = [claim("a", X), claim("b", Y), claim("c", Y, OLD)]
    there = [route("a", X), route("b", X, fate="follows"), route("c", Y)]
    unwanted = replace(holding("b", since=OLD), wanted=False)
    rulings = ruled(given, there, holding("a"), unwanted, holding("c", Y))
    why = {Key("Mapping", "shop", "b"): "it has x.example.com, which belongs to shop/a"}
    assert rulings["a"] == GRANTED
    assert rulings["b"] == Ruling("blocked", "belongs to shop/c", gives_up=why)


def test_who_went_first_in_a_circle_waits_with_the_name_for_the_other_to_go_on() -> None:
    given = [claim("a", X), claim("b", Y)]
    there = [route("a", X), route("b", X, fate="follows")]
    unwanted = replace(holding("b", since=OLD), wanted=False)
    assert ruled(given, there, unwanted) == {"a": waits("Mapping shop/b still has it"), "b": GRANTED}


def test_a_record_alone_takes_nothing_from_a_stranger() -> None:
    assert ruled([claim("a", X)], [stranger(X)], holding("a")) == {
        "a": blocked("belongs to Ingress infra/web")
    }
    with_route = ruled([claim("a", X)], [stranger(X), route("a", X)], holding("a"))
    assert with_route == {"a": Ruling("granted", warning="Ingress infra/web has it too")}


def test_beside_a_holder_a_route_that_stays_is_a_warning() -> None:
    rulings = ruled([claim("a", X)], [route("b", X)], holding("a"))
    assert rulings["a"] == Ruling("granted", warning="Mapping shop/b has it too")


def test_who_cannot_see_all_gets_what_its_status_records_and_nothing_else() -> None:
    given = [replace(claim(name, host), unsure=True) for name, host in (("a", X), ("b", Y), ("c", Z))]
    rulings = ruled(given, [route("b", Y)], holding("a"))
    assert rulings == {"a": GRANTED, "b": Ruling("blocked", unsure=True), "c": Ruling("blocked", unsure=True)}


def test_of_those_that_cannot_see_all_only_the_holder_gets_the_name() -> None:
    given = [replace(claim(name, X), unsure=True) for name in "abc"]
    assert ruled(given, [], holding("b")) == {
        "a": blocked("belongs to shop/b"), "b": GRANTED, "c": blocked("belongs to shop/b"),
    }  # fmt: skip


# many


def moves(last: str) -> tuple[list[Claim], list[Route]]:
    """Ten thousand previews, each of which asks for the next one's name."""
    names = [f"p{n}" for n in range(10_000)]
    claims = [claim(one, f"{other}.x") for one, other in pairwise([*names, last])]
    return claims, [route(name, f"{name}.x", fate="follows") for name in names]


@pytest.mark.parametrize("last", ["free", "p0"])
def test_a_long_chain_or_circle_moves_without_recursion(last: str) -> None:
    claims, routes = moves(last)
    rulings = settled(claims, *routes)
    granted = {name for name, ruling in rulings.items() if ruling == GRANTED}
    assert granted == ({"p0"} if last == "p0" else {"p9999"})
    assert {ruling.verdict for name, ruling in rulings.items() if name not in granted} == {"waits"}


def test_a_long_chain_behind_a_stranger_is_blocked_as_a_whole() -> None:
    claims, routes = moves("taken")
    rulings = settled(claims, *routes, stranger("taken.x"))
    assert {ruling.verdict for ruling in rulings.values()} == {"blocked"}


NAMES = st.sampled_from("abcd")
HOSTS = st.sampled_from([X, Y, Z])
CLAIMS = st.lists(
    st.tuples(NAMES, HOSTS, st.sampled_from([OLD, NEW, ""])), unique_by=lambda c: c[0], max_size=4
)
ROUTES = st.lists(
    st.one_of(
        st.builds(
            lambda name, hosts, fate, kind: route(name, *hosts, fate=fate, kind=kind),
            NAMES,
            st.lists(HOSTS, max_size=2),
            st.sampled_from(["follows", "goes", "later", "stays"]),
            st.sampled_from(["Mapping", "Ingress"]),
        ),
        st.builds(lambda hosts, name: stranger(*hosts, name=name), st.lists(HOSTS, max_size=1), NAMES),
    ),
    unique_by=lambda r: r.key,
    max_size=6,
)


HOLDINGS = st.lists(st.builds(holding, NAMES, HOSTS, st.sampled_from([OLD, NEW])), max_size=4)


@given(CLAIMS, ROUTES, HOLDINGS, st.randoms(use_true_random=False))
def test_every_claim_gets_one_ruling_whatever_the_order(
    claims: list[Any], routes: list[Route], holdings: list[Holding], random: Any
) -> None:
    given_claims = [claim(*parts) for parts in claims]
    rulings = rulings_of(given_claims, routes, holdings)
    frozen = rulings.keys() - {c.preview for c in given_claims}
    assert len(rulings) == len(given_claims) + len(frozen)
    assert all(rulings[preview].gives_up for preview in frozen)
    shuffled_claims, shuffled_routes = list(given_claims), list(routes)
    random.shuffle(shuffled_claims)
    random.shuffle(shuffled_routes)
    assert rulings_of(shuffled_claims, shuffled_routes, holdings[::-1]) == rulings


@given(CLAIMS, ROUTES, HOLDINGS)
def test_no_name_is_granted_twice(claims: list[Any], routes: list[Route], holdings: list[Holding]) -> None:
    given_claims = [claim(*parts) for parts in claims]
    rulings = rulings_of(given_claims, routes, holdings)
    granted = [c.hostname for c in given_claims if rulings[c.preview].verdict == "granted"]
    assert len(granted) == len(set(granted))
