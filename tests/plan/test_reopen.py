"""Settled previews about which others decide, or the clock: each pass looks at these."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.kube.live import Live
from reconcile.kube.objects import Key
from reconcile.model.settings import Settings
from reconcile.model.sleep import Hours
from reconcile.model.snapshot import Settled, Snapshot
from reconcile.model.status import Kept
from reconcile.model.ttl import Ttl
from reconcile.plan.reopen import to_open
from tests.builders import a_preview
from tests.given import a_read_preview, an_unreadable_preview, children_of, edited, live, untracked

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
FQDN = "pr-1.preview.example.com"


def settled(name: str = "pr-1", **fields: Any) -> Settled:
    preview = a_read_preview(name)
    lives = tuple(live(child) for child in children_of(preview).values())
    found: dict[str, Any] = {
        "labels": {},
        "fqdn": preview.spec.fqdn,
        "suspended": False,
        "reason": "Available",
        "message": "its pods are available",
        "ttl": None,
        "kept": (),
        "kinds": frozenset(),
    }
    return Settled(
        "shop", name, **{**found, **fields}, children=lives, observed_digest=f"of {name}", manifest={}
    )


def route(kind: str, name: str, fqdn: str = FQDN, **metadata: Any) -> Live:
    """A route of that name with the hostname, which is a stranger's unless the metadata say otherwise."""
    made = children_of(a_read_preview(name, fqdn=fqdn), route=kind.lower())[kind]
    return untracked(made, **{"labels": None, "annotations": None, "ownerReferences": None, **metadata})


def a_snapshot(*previews: Any, settled: tuple[Settled, ...], routes: tuple[Live, ...] = ()) -> Snapshot:
    return Snapshot(
        previews=previews,
        previews_sent=len(previews) + len(settled),
        children={one.key: one for one in routes},
        kinds={},
        settled=settled,
    )


def opened(snapshot: Snapshot, settings: Settings | None = None, now: datetime | None = NOW) -> set[str]:
    return {place.partition("/")[2] for place in to_open(snapshot, settings or Settings(), now)}


TWO = (settled("pr-1"), settled("pr-2"))


def test_what_nobody_else_is_about_stays_settled() -> None:
    others = (a_read_preview("pr-3"), an_unreadable_preview("pr-4"))
    elsewhere = (route("Ingress", "shop", "www.example.com"),)
    assert opened(a_snapshot(*others, settled=TWO, routes=elsewhere)) == set()
    assert opened(a_snapshot(settled=())) == set()


WORK = ("Mon-Fri 07:00-20:00 Europe/Berlin",)
FRIDAY, SATURDAY, MONDAY = (datetime(2026, 1, day, 12, tzinfo=UTC) for day in (9, 10, 12))
UNTIL_MONDAY = (
    "asleep until 2026-01-12T06:00:00Z (Mon-Fri 07:00-20:00 Europe/Berlin); to wake it now: kubectl annotate -n shop "
    "previewenvironments.platform9.com pr-1 platform9.com/awake-until=4h --overwrite"
)
AWAKE, EMPTY = settled(), settled(reason="Suspended", message="scaled to zero (replicas is 0)")
SUSPENDED = settled(suspended=True, reason="Suspended", message="suspended (spec.suspend is true)")
SLEEPING = settled(reason="Asleep", message=UNTIL_MONDAY)


@pytest.mark.parametrize(
    ("one", "hours", "now", "looked_at"),
    [
        (AWAKE, Hours(WORK), FRIDAY, False),
        (AWAKE, Hours(WORK), SATURDAY, True),
        (SLEEPING, Hours(WORK), SATURDAY, False),
        (SLEEPING, Hours(WORK), MONDAY, True),
        # The hours of its namespace, which are no setting, are others than when it fell asleep.
        (SLEEPING, Hours(WORK, {"shop": ("Sun UTC",)}), SATURDAY, True),
        (SLEEPING, Hours(WORK, {"shop": ()}), SATURDAY, True),
        (SLEEPING, Hours(WORK, {"other": ()}), SATURDAY, False),
        (AWAKE, Hours((), {"shop": WORK}), SATURDAY, True),
        (AWAKE, Hours((), {"other": WORK}), SATURDAY, False),
        # Nobody knows the hours, or the time.
        (AWAKE, Hours(WORK, None), SATURDAY, False),
        (SLEEPING, Hours(WORK, None), MONDAY, False),
        (AWAKE, Hours(WORK), None, False),
        (SUSPENDED, Hours(WORK), SATURDAY, False),
        (SUSPENDED, Hours(WORK), MONDAY, False),
        # Its further children may have pods.
        (EMPTY, Hours(WORK), SATURDAY, True),
        (EMPTY, Hours(WORK), MONDAY, False),
    ],
)
def test_awake_hours_that_begin_or_end_or_are_others(
    one: Settled, hours: Hours, now: datetime | None, looked_at: bool
) -> None:
    snapshot = replace(a_snapshot(settled=(one,)), hours=hours)
    assert opened(snapshot, now=now) == ({"pr-1"} if looked_at else set())


def test_a_hostname_that_another_preview_requests() -> None:
    assert opened(a_snapshot(a_read_preview("pr-3", fqdn=FQDN), settled=TWO)) == {"pr-1"}


def test_a_hostname_of_two_settled_ones() -> None:
    assert opened(a_snapshot(settled=(*TWO, settled("pr-3", fqdn=FQDN)))) == {"pr-1", "pr-3"}


@pytest.mark.parametrize("kind", ["Mapping", "Ingress", "HTTPRoute"])
def test_a_hostname_that_a_route_of_somebody_else_has(kind: str) -> None:
    assert opened(a_snapshot(settled=TWO, routes=(route(kind, "other"),))) == {"pr-1"}


def test_a_hostname_that_a_wildcard_of_somebody_else_takes() -> None:
    wide = edited(dict(route("Mapping", "other").manifest), "spec", "hostname", to="*.preview.example.com")
    wide = edited(wide, "spec", "precedence", to=10)
    assert opened(a_snapshot(settled=TWO, routes=(Live(wide),))) == {"pr-1", "pr-2"}


def test_a_hostname_that_leads_elsewhere_on_one_path_alone_of_a_route_that_may_be_a_previews() -> None:
    elsewhere = edited(dict(route("Mapping", "other").manifest), "spec", "prefix", to="/elsewhere/")
    assert opened(a_snapshot(settled=TWO, routes=(Live(elsewhere),))) == {"pr-1"}


def test_a_hostname_of_a_listener_that_a_route_hangs_on() -> None:
    made = edited(dict(route("HTTPRoute", "other").manifest), "spec", "hostnames", to=None)
    made = edited(made, "spec", "parentRefs", to=[{"name": "web", "namespace": "infra"}])
    snapshot = a_snapshot(settled=TWO, routes=(Live(made),))
    assert opened(snapshot) == set()
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "hostname": FQDN}
    gateway = {"metadata": {"name": "web", "namespace": "infra"}, "spec": {"listeners": [listener]}}
    read = Snapshot(
        previews=(),
        previews_sent=2,
        children=snapshot.children,
        kinds={},
        settled=TWO,
        gateways={Key("Gateway", "infra", "web"): gateway},
    )
    assert opened(read) == {"pr-1"}


def test_a_route_of_its_name_that_has_lost_its_label() -> None:
    assert opened(a_snapshot(settled=TWO, routes=(route("Ingress", "pr-2", "old.example.com"),))) == {"pr-2"}


def test_a_namespace_with_more_than_it_may_have() -> None:
    of_a_gone_one = live(children_of(a_read_preview("gone"))["Service"])
    snapshot = a_snapshot(a_read_preview("pr-3"), settled=TWO, routes=(of_a_gone_one,))
    assert opened(snapshot, Settings(max_previews=4)) == set()
    assert opened(snapshot, Settings(max_previews=3)) == {"pr-1", "pr-2"}


@pytest.mark.parametrize(
    ("begun", "expected"),
    [("2026-01-10T11:59:00Z", set()), ("2026-01-10T11:05:00Z", {"pr-1"}), ("2026-01-09T00:00:00Z", {"pr-1"})],
)
def test_a_ttl_that_is_over_or_nearly_so(begun: str, expected: set[str]) -> None:
    snapshot = a_snapshot(settled=(settled("pr-1", ttl=Ttl("1h", begun)), settled("pr-2")))
    assert opened(snapshot) == expected
    assert opened(snapshot, now=None) == set()


def test_a_kept_route_that_is_now_to_be_switched() -> None:
    kept = settled("pr-1", kept=(Kept("Ingress", "", "kept; pass --route to switch"),))
    by_the_server = settled("pr-2", kept=(Kept("Deployment", "", "the API server keeps it"),))
    assert opened(a_snapshot(settled=(kept, by_the_server))) == set()
    assert opened(a_snapshot(settled=(kept, by_the_server)), Settings(route_given=True)) == {"pr-1"}


def test_what_is_opened_is_among_the_others_again() -> None:
    one = replace(TWO[0], manifest=a_preview("pr-1"))
    snapshot = a_snapshot(settled=(one, TWO[1])).opened({"shop/pr-1"}, "platform9.com")
    assert [preview.name for preview in snapshot.previews] == ["pr-1"]
    assert [one.name for one in snapshot.settled] == ["pr-2"]
    assert snapshot.observed_digests == {"shop/pr-1": "of pr-1"}
    assert {key.kind for key in snapshot.children} == {"Deployment", "Service", "Mapping"}
