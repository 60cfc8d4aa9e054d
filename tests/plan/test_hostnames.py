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
from tests.whole import drawn

X, Y, Z = "x.example.com", "y.example.com", "z.example.com"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def claim(name: str, hostname: str = X, created: str = OLD, *, unsure: bool = False) -> Claim:
    return Claim(f"shop/{name}", hostname, created, unsure)


def route(name: str, *hostnames: str, fate: Fate = "stays", kind: str = "Mapping") -> Route:
    return Route(Key(kind, "shop", name), frozenset(hostnames), f"shop/{name}", fate)


def stranger(*hostnames: str, name: str = "web") -> Route:
    return Route(Key("Ingress", "infra", name), frozenset(hostnames))


def holding(name: str, hostname: str = X, since: str = NEW, *, wanted: bool = True) -> Holding:
    return Holding(f"shop/{name}", hostname, since, wanted)


def ruled(given: Sequence[Claim | Route | Holding], *, unseen: bool = False) -> dict[str, Ruling]:
    rulings = rulings_of(
        [one for one in given if isinstance(one, Claim)],
        [one for one in given if isinstance(one, Route)],
        [one for one in given if isinstance(one, Holding)],
        unseen=unseen,
    )
    return {preview.removeprefix("shop/"): ruling for preview, ruling in rulings.items()}


def blocked(by: str) -> Ruling:
    return Ruling("blocked", by)


def behind(name: str) -> Ruling:
    return blocked(f"is still on Mapping shop/{name}, which belongs to shop/{name}")


def waits(name: str, *, in_this_run: bool = True) -> Ruling:
    return Ruling("waits", f"Mapping shop/{name} still has it", in_this_run)


def warned(beside: str) -> Ruling:
    return Ruling("granted", warning=f"{beside} has it too")


def loses(ruling: Ruling, name: str, holder: str = "a", kind: str = "Mapping") -> Ruling:
    """The ruling on a preview whose route gives up X."""
    return replace(ruling, gives_up={Key(kind, "shop", name): f"it has {X}, which belongs to shop/{holder}"})


BY_A, BY_B, BY_C = (blocked(f"belongs to shop/{name}") for name in "abc")
BY_WEB = blocked("belongs to Ingress infra/web")
UNSURE = Ruling("blocked", unsure=True)
FATES: tuple[Fate, ...] = ("stays", "follows", "goes", "later")
SWAP: list[Claim | Route | Holding] = [
    claim("a", Y, NEW),
    claim("b", X),
    route("a", X, fate="follows"),
    route("b", Y, fate="follows"),
]

Row = tuple[Sequence[Claim | Route | Holding], dict[str, Ruling]]


def row(*given: Claim | Route | Holding, **rulings: Ruling) -> Row:
    return given, rulings


ROWS: dict[str, Row] = {
    "a name that nobody has is granted": row(claim("a", X), claim("b", Y), a=GRANTED, b=GRANTED),
    "of two the oldest gets a free name": row(claim("a", X, NEW), claim("b"), a=BY_B, b=GRANTED),
    "of two of one age the first by name": row(claim("b"), claim("a"), a=GRANTED, b=BY_A),
    "of two without an age too": row(claim("b", X, ""), claim("a", X, ""), a=GRANTED, b=BY_A),
    "one that has no age counts as young": row(claim("a", X, ""), claim("b", X, NEW), a=BY_B, b=GRANTED),
    # Whatever the plan does with its route: it wants the name, and has it.
    **{
        f"who has the name keeps it from an older one: {kind} that {fate}": row(
            claim("a"), claim("b", X, NEW), route("b", X, fate=fate, kind=kind), a=BY_B, b=GRANTED
        )
        for kind in ("Mapping", "Ingress", "HTTPRoute")
        for fate in FATES
    },
    "of two that have it the oldest is the holder": row(
        claim("a", X, NEW), claim("b"), route("a", X), route("b", X), a=BY_B, b=GRANTED
    ),
    "a stranger's route wins over who does not have it": row(
        claim("a"), claim("b"), stranger(X), a=BY_WEB, b=BY_WEB
    ),
    "beside who has it a stranger's is a warning": row(
        claim("a"), claim("b", X, NEW), stranger(X), route("b", X), a=BY_B, b=warned("Ingress infra/web")
    ),
    "of several strangers the first is named": row(
        claim("a"), stranger(X, name="z"), stranger(X, name="a"), a=blocked("belongs to Ingress infra/a")
    ),
    # a name that is still on a route of a preview that no longer wants it
    "on a route that follows its preview": row(claim("a"), route("b", X, fate="follows"), a=waits("b")),
    "on a route that goes": row(claim("a"), route("b", X, fate="goes"), a=waits("b")),
    "on a route that goes later": row(claim("a"), route("b", X, fate="later"), a=waits("b", in_this_run=False)),
    "on a route that stays": row(claim("a"), route("b", X), a=behind("b")),
    "of two that wait the younger is blocked by the older": row(
        claim("a", X, NEW), claim("c"), route("b", X, fate="follows"), a=BY_C, c=waits("b")
    ),
    "a chain waits link by link": row(
        claim("a", Y), claim("b", Z), claim("c", X), route("b", Y, fate="follows"), route("c", Z, fate="follows"),
        a=waits("b"), b=waits("c"), c=GRANTED,
    ),
    "who waits for one that is blocked is blocked too": row(
        claim("a", Y), claim("b", Z), route("b", Y, fate="follows"), route("c", Z), a=behind("b"), b=behind("c")
    ),
    "and for one that a stranger blocks": row(
        claim("a", Y), claim("b", Z), route("b", Y, fate="follows"), stranger(Z), a=behind("b"), b=BY_WEB
    ),
    "a swap is begun by the oldest": row(*SWAP, a=waits("b"), b=GRANTED),
    "and not while a third route has the name, which goes": row(
        *SWAP, route("c", X, fate="goes"), a=waits("b"), b=waits("a")
    ),
    "nor while that goes later": row(
        *SWAP, route("c", X, fate="later"), a=waits("b"), b=waits("a", in_this_run=False)
    ),
    "of several routes that stay the first is named": row(claim("a"), route("c", X), route("b", X), a=behind("b")),
    "two circles begin each with its own oldest": row(
        claim("a", Y), claim("b", X), claim("c", "d.x"), claim("d", "c.x"),
        route("a", X, fate="follows"), route("b", Y, fate="follows"),
        route("c", "c.x", fate="follows"), route("d", "d.x", fate="follows"),
        a=GRANTED, b=waits("a"), c=GRANTED, d=waits("c"),
    ),
    "this run does not end a wait where something takes longer": row(
        claim("a"), route("b", X, fate="follows"), route("c", X, fate="later"), a=waits("b", in_this_run=False)
    ),
    # What statuses record. Somebody wrote it into the route by hand, or a run did that saw no other namespace.
    **{
        f"whose status records it keeps it from an older one that has it on a route that {fate}": row(
            claim("a", X, NEW), claim("b"), route("a", X), route("b", X, fate=fate), holding("a"),
            a=GRANTED, b=loses(BY_A, "b"),
        )
        for fate in FATES
    },
    # Its route would stay as it is, with what somebody wrote into it.
    **{
        f"who is blocked elsewhere keeps no name of another on a route that {fate}": row(
            claim("a"), claim("b", Y), claim("c", Y, NEW), route("a", X), route("b", Y), route("c", X, fate=fate),
            holding("a"),
            a=warned("Mapping shop/c") if fate == "stays" else GRANTED,
            b=GRANTED, c=loses(BY_B, "c"),
        )
        for fate in ("stays", "follows")
    },
    "and without a record nobody knows whose it is": row(
        claim("a"), claim("b", Y), claim("c", Y, NEW), route("a", X), route("b", Y), route("c", X),
        a=GRANTED, b=GRANTED, c=BY_B,
    ),
    # Both were to move on, and cannot; each route has kept what it had.
    "a name that nobody asks for any more stays with who has it on record": row(
        claim("a", Y), claim("b", Y, NEW), claim("c", Y, NEW), route("a", Y), route("b", X), route("c", X),
        holding("c", wanted=False), a=GRANTED, b=loses(BY_A, "b", "c"), c=BY_A,
    ),
    # One whose name is taken, or that cannot be read: nothing else of it is changed.
    "who has no claim keeps no name of another": row(
        claim("a"), route("a", X), route("b", X), holding("a"),
        a=warned("Mapping shop/b"), b=loses(GRANTED, "b"),
    ),
    "but its own, which it had first": row(
        claim("a"), route("a", X), route("b", X), holding("b", since=OLD), holding("a"), a=loses(behind("b"), "a", "b")
    ),
    # One of another kind, which is protected, say.
    "a route beside the wanted one keeps no name of another": row(
        claim("a"), claim("c", Y), route("a", X), route("c", Y), route("c", X, kind="Ingress"), holding("a"),
        a=warned("Ingress shop/c"), c=loses(GRANTED, "c", kind="Ingress"),
    ),
    "a name is kept though the route is gone for a moment": row(
        claim("a", X, NEW), claim("b"), holding("a"), a=GRANTED, b=BY_A
    ),
    "of two records the earlier counts": row(
        claim("a"), claim("b"), route("a", X), route("b", X), holding("a"), holding("b", since=OLD),
        a=loses(BY_B, "a", "b"), b=GRANTED,
    ),
    # It is a preview that cannot be read just now, say; who has written the name into a route waits.
    "a record of one that does not want it counts while its route has it": row(
        claim("b"), route("a", X), route("b", X), holding("a"), b=loses(behind("a"), "b")
    ),
    "and no longer": row(claim("b"), route("b", X), holding("a"), b=GRANTED),
    # In a circle the oldest went first, and then the other could not go on: it does not want the name.
    "of two records that of whom wants it counts": row(
        claim("a"), claim("b", Y), claim("c", Y), route("a", X), route("b", X, fate="follows"), route("c", Y),
        holding("a"), holding("b", since=OLD, wanted=False), holding("c", Y), a=GRANTED, b=loses(BY_C, "b"), c=GRANTED,
    ),
    "who went first in a circle waits with the name for the other": row(
        claim("a"), claim("b", Y), route("a", X), route("b", X, fate="follows"), holding("b", since=OLD, wanted=False),
        a=waits("b"), b=GRANTED,
    ),
    "a record alone takes nothing from a stranger": row(claim("a"), stranger(X), holding("a"), a=BY_WEB),
    "and with a route it is warned": row(claim("a"), stranger(X), route("a", X), holding("a"), a=warned("Ingress infra/web")),
    "beside a holder a route that stays is a warning": row(
        claim("a"), route("b", X), holding("a"),
        a=warned("Mapping shop/b"), b=loses(GRANTED, "b"),
    ),
    "who cannot see all gets what its status records, and nothing else": row(
        claim("a", X, unsure=True), claim("b", Y, unsure=True), claim("c", Z, unsure=True), route("b", Y), holding("a"),
        a=GRANTED, b=UNSURE, c=UNSURE,
    ),
    "of those that cannot see all only the holder gets the name": row(
        *(claim(name, X, unsure=True) for name in "abc"), holding("b"), a=BY_B, b=GRANTED, c=BY_B
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_the_rulings_are_those_of_the_row(name: str) -> None:
    given, rulings = ROWS[name]
    assert ruled(given) == rulings
    assert ruled(given[::-1]) == rulings


# where not all routes could be listed

IN_DOUBT: dict[str, Row] = {
    "a holder waits where else a stranger would have it": row(
        claim("a"), claim("b"), stranger(X), holding("a"),
        a=Ruling("waits", "belongs to Ingress infra/web, but not all routes could be listed"), b=BY_WEB,
    ),
    "what a preview may still have on a route is not granted": row(
        claim("a", Y), claim("b"), route("a", Y), holding("a", wanted=False),
        a=GRANTED, b=Ruling("waits", "shop/a may have it, because not all routes could be listed"),
    ),
    "a holder whose route is seen keeps it": row(
        claim("a"), claim("b"), stranger(X), route("a", X), holding("a"), a=warned("Ingress infra/web"), b=BY_A
    ),
    "who has a route with it keeps it": row(
        claim("b"), route("b", X), holding("a", wanted=False), b=GRANTED
    ),
    "a holder whose route is not seen keeps it": row(claim("a"), claim("b"), holding("a"), a=GRANTED, b=BY_A),
    "what nobody has on record is granted": row(claim("a"), claim("b"), a=GRANTED, b=BY_A),
    "a stranger wins over who has it on no record": row(claim("a"), stranger(X), a=BY_WEB),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_is_on_record_is_given_to_nobody_else_where_a_list_was_incomplete(name: str) -> None:
    given, rulings = IN_DOUBT[name]
    assert ruled(given, unseen=True) == rulings
    assert ruled(given[::-1], unseen=True) == rulings


# many


@pytest.mark.parametrize(
    ("last", "granted", "others"),
    [("free", {"p2999"}, "waits"), ("p0", {"p0"}, "waits"), ("taken", set(), "blocked")],
)
def test_a_long_chain_or_circle_moves_without_recursion(last: str, granted: set[str], others: str) -> None:
    """Three thousand previews, each of which asks for the next one's name."""
    names = [f"p{n}" for n in range(3_000)]
    claims = [claim(one, f"{other}.x") for one, other in pairwise([*names, last])]
    routes = [route(name, f"{name}.x", fate="follows") for name in names]
    rulings = ruled([*claims, *routes, stranger("taken.x")])
    assert {name for name, ruling in rulings.items() if ruling == GRANTED} == granted
    assert {ruling.decision for name, ruling in rulings.items() if name not in granted} == {others}


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


@drawn()
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


@drawn()
@given(CLAIMS, ROUTES, HOLDINGS)
def test_no_name_is_granted_twice(claims: list[Any], routes: list[Route], holdings: list[Holding]) -> None:
    given_claims = [claim(*parts) for parts in claims]
    rulings = rulings_of(given_claims, routes, holdings)
    granted = [c.hostname for c in given_claims if rulings[c.preview].decision == "granted"]
    assert len(granted) == len(set(granted))
