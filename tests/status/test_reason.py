"""What a preview's status says: every row of the table in docs/reference/status.md."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.kube.live import Live
from reconcile.kube.objects import key_of
from reconcile.model.hostname_record import HostnameRecord
from reconcile.model.scope import Scope
from reconcile.model.settings import Gateway, Settings
from reconcile.model.setup_record import SetupRecord, record_in
from reconcile.model.sleep import Hours
from reconcile.model.snapshot import Preview
from reconcile.model.status import Status
from reconcile.model.ttl import Ttl
from reconcile.plan.changes import PREVIEW, Blocked, Change, Create, Keep, Outcome, Skipped, Update, Waiting
from reconcile.status.facts import Facts
from reconcile.status.reason import RUN_AGAIN, asks_for_pods, status_of
from tests.given import SETUP, a_read_preview, a_setup_job, an_unreadable_preview, children_of, key, live
from tests.kube.test_health_pods import a_pod, waiting
from tests.kube.test_health_rollout import QUOTA

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
URL = "https://pr-1.preview.example.com"
HTTPROUTE: dict[str, Any] = {"route": "httproute", "gateway": Gateway(namespace="infra", name="web")}
PR1 = a_read_preview(generation=3)
WANTED = children_of(PR1)
UP = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
STARTING = {"replicas": 1, "updatedReplicas": 1, "observedGeneration": 1}


def a_live(kind: str, status: dict[str, Any] | None = None, **settings: Any) -> Live:
    made = live(children_of(PR1, **settings)[kind], generation=1)
    return Live({**made.manifest, "status": status or {}})


def facts(preview: Preview = PR1, **given: Any) -> Facts:
    """A preview with everything, unless a test says otherwise."""
    settings = Settings(**given.pop("settings", {}))
    (desired,) = desire([preview], settings, Scope(), now=given.pop("now", NOW))
    changes: tuple[Change, ...] = tuple(Keep(key_of(m), desired.place) for m in desired.children)
    there: dict[str, Any] = {"deployment": a_live("Deployment", UP), "route": a_live("Mapping")}
    return replace(Facts(desired, changes, (), None, None), **{**there, **given})


def said(given: Facts) -> str:
    status = status_of(given, NOW)
    assert status is not None
    assert (status.observed_generation, status.ttl) == (given.desired.preview.generation, "")
    assert status.ready is (status.reason == "Available")
    assert status.url in ("", URL)
    return f"{status.reason}{'!' * status.stalled}: {status.message}{'' if status.url else ' (no link)'}"


def asleep(preview: Preview = PR1, **given: Any) -> Facts:
    """The same on a Saturday, when it sleeps."""
    hours = Hours(("Mon-Fri 07:00-20:00 Europe/Berlin",))
    (desired,) = desire([preview], Settings(), Scope(), now=NOW, hours=hours)
    return replace(facts(preview, **given), desired=desired)


def deployment(**status: Any) -> Live:
    return a_live("Deployment", status)


def gateway_says(**statuses: str) -> Live:
    route = a_live("HTTPRoute", **HTTPROUTE)
    conditions = [
        {"type": t, "status": s, "reason": "R", "message": "m", "observedGeneration": 1}
        for t, s in statuses.items()
    ]
    parent = route.manifest["spec"]["parentRefs"][0]
    return a_live("HTTPRoute", {"parents": [{"parentRef": parent, "conditions": conditions}]}, **HTTPROUTE)


def blocked(reason: str, message: str) -> tuple[Change, ...]:
    return (Blocked(key(PREVIEW), "shop/pr-1", reason, message),)


SET_UP = a_read_preview(generation=3, setup=SETUP)
SETUP_PLACE = a_setup_job().key.place

CREATE = Create(key("Deployment"), "shop/pr-1", WANTED["Deployment"], "new preview")
ROUTE = Create(key("Mapping"), "shop/pr-1", WANTED["Mapping"], "new preview")
SUSPENDED = a_read_preview(suspend=True, generation=3)
REFUSED = {"allow_image": ("ghcr.io/acme/*",)}
WITHOUT_IT = "does not have the hostname other.example.com"
ASLEEP = (
    "Asleep: asleep until 2026-01-12T06:00:00Z (Mon-Fri 07:00-20:00 Europe/Berlin); to wake it now: kubectl "
    "annotate -n shop previewenvironments.platform9.com pr-1 platform9.com/awake-until=4h --overwrite"
)
NOT_READ = "could not be read: 403"
CRASH = a_pod(waiting("CrashLoopBackOff", exitCode=1))


def unread(kind: str, preview: Preview = PR1, **given: Any) -> Facts:
    """A preview of which this kind could not be read."""
    objects = {"Deployment": {"deployment": None}, "Mapping": {"route": None}}.get(kind, {})
    return facts(preview, unread=(Skipped(kind, "403"),), **{**objects, **given})


ROWS: dict[str, tuple[Facts, str]] = {
    "all is well": (facts(), "Available: its pods are available"),
    "invalid": (
        facts(an_unreadable_preview(generation=4)),
        'Invalid!: spec.fqdn: "Foo" has upper-case letters (no link)',
    ),
    "refused": (
        facts(settings=REFUSED),
        "Refused!: spec.image: registry.example.com/shop:1 is not allowed; --allow-image is ghcr.io/acme/* (no link)",
    ),
    "a name that is taken": (
        facts(
            changes=blocked("NameTaken", "Service shop/pr-1: exists and is not managed by preview-reconcile")
        ),
        "NameTaken!: Service shop/pr-1: exists and is not managed by preview-reconcile (no link)",
    ),
    "a hostname that is taken": (
        facts(changes=blocked("HostnameConflict", "x belongs to shop/pr-2"), route=None),
        "HostnameConflict!: x belongs to shop/pr-2 (no link)",
    ),
    "a kind of route that is not installed": (
        facts(changes=blocked("RouteNotAccepted", "HTTPRoute is not installed"), route=None),
        "RouteNotAccepted!: HTTPRoute is not installed (no link)",
    ),
    "a stranger's object between look and write": (
        facts(
            outcomes=(Outcome(CREATE, "blocked", "Deployment shop/pr-1 was made by helm"),), deployment=None
        ),
        "NameTaken!: Deployment shop/pr-1 was made by helm (no link)",
    ),
    "a write that failed": (
        facts(
            outcomes=(
                Outcome(CREATE, "failed", "the API server is in trouble"),
                Outcome(ROUTE, "skipped", "Deployment shop/pr-1 comes first, and was not applied"),
            ),
            deployment=None,
            route=None,
        ),
        "ApplyFailed: the API server is in trouble (no link)",
    ),
    "a child that waits for a kind that could not be read": (
        unread("Service", changes=(Waiting(key("Mapping"), "shop/pr-1", "waits: Service comes first"),)),
        "Unread: Service could not be read, and what comes after waits: 403",
    ),
    "a kind that could not be read, and all else is well": (
        unread("Service"),
        f"Unread: Service {NOT_READ}",
    ),
    "a kind that could not be read, and pods that crash": (
        unread("Service", deployment=deployment(**STARTING), pods=(CRASH,)),
        "RolloutFailed!: CrashLoopBackOff: exit code 1",
    ),
    "a Deployment that could not be read": (unread("Deployment"), f"Unread: Deployment {NOT_READ}"),
    "a setup Job that could not be read": (unread("Job", SET_UP), f"Unread: Job {NOT_READ}"),
    "a route that could not be read": (unread("Mapping"), f"Unread: Mapping {NOT_READ} (no link)"),
    "a child that waits": (
        facts(changes=(Waiting(key("Mapping"), "shop/pr-1", "waits: x still has it"),), route=None),
        "Progressing: waits: x still has it (no link)",
    ),
    "an old route that waits is nothing": (
        facts(changes=(Waiting(key("Ingress"), "shop/pr-1", "waits: deleted when Mapping exists"),)),
        "Available: its pods are available",
    ),
    "a write that was not to be done after all": (
        facts(outcomes=(Outcome(CREATE, "canceled", "namespace shop is being deleted"),), deployment=None),
        "Progressing: namespace shop is being deleted",
    ),
    "a Deployment that is not there": (facts(deployment=None), "Progressing: its Deployment does not exist"),
    "suspended": (
        facts(SUSPENDED, deployment=deployment(observedGeneration=1)),
        "Suspended: suspended (spec.suspend is true)",
    ),
    "asleep": (asleep(deployment=deployment(observedGeneration=1)), ASLEEP),
    "asleep and suspended": (asleep(SUSPENDED), "Suspended: suspended (spec.suspend is true)"),
    "asleep before it was set up": (asleep(a_read_preview(generation=3, setup=SETUP)), ASLEEP),
    "scaled to zero": (
        facts(deployment=Live({**a_live("Deployment").manifest, "spec": {"replicas": 0}})),
        "Suspended: scaled to zero (replicas is 0)",
    ),
    "a setup Job that is not there": (facts(SET_UP), "Progressing: its setup Job does not exist"),
    "a setup Job that runs": (
        facts(SET_UP, setup=a_setup_job()),
        f"Progressing: its setup Job {SETUP_PLACE} runs",
    ),
    "a setup Job that runs while the pods crash": (
        facts(SET_UP, setup=a_setup_job(), deployment=deployment(**STARTING), pods=(CRASH,)),
        f"Progressing: its setup Job {SETUP_PLACE} runs; its pods: CrashLoopBackOff: exit code 1",
    ),
    "a setup Job that failed": (
        facts(SET_UP, setup=a_setup_job("Failed")),
        f"SetupFailed!: Why: said so (setup Job {SETUP_PLACE}); {RUN_AGAIN}",
    ),
    "a setup Job that is complete": (
        facts(SET_UP, setup=a_setup_job("Complete")),
        "Available: its pods are available",
    ),
    "pods come after the setup Job": (
        facts(SET_UP, setup=a_setup_job("Complete"), deployment=deployment(**STARTING)),
        "Progressing: 0 of 1 pods are available",
    ),
    "pods that crash for want of their setup": (
        facts(SET_UP, setup=a_setup_job("Failed"), deployment=deployment(**STARTING), pods=(CRASH,)),
        f"SetupFailed!: Why: said so (setup Job {SETUP_PLACE}); {RUN_AGAIN}",
    ),
    "suspended before it was set up": (
        facts(a_read_preview(suspend=True, generation=3, setup=SETUP)),
        "Suspended: suspended (spec.suspend is true)",
    ),
    "pods that start": (facts(deployment=deployment(**STARTING)), "Progressing: 0 of 1 pods are available"),
    "pods that crash": (
        facts(deployment=deployment(**STARTING), pods=(CRASH,)),
        "RolloutFailed!: CrashLoopBackOff: exit code 1",
    ),
    "pods that a quota refuses": (
        facts(deployment=deployment(observedGeneration=1, conditions=[QUOTA])),
        "RolloutFailed!: FailedCreate: exceeded quota: small",
    ),
    "a gateway that is silent": (
        facts(route=a_live("HTTPRoute", **HTTPROUTE), settings=HTTPROUTE),
        "RouteNotAccepted: Gateway infra/web has not accepted HTTPRoute shop/pr-1 yet",
    ),
    "a gateway that refuses": (
        facts(route=gateway_says(Accepted="False"), settings=HTTPROUTE),
        "RouteNotAccepted!: Gateway infra/web does not accept HTTPRoute shop/pr-1: R: m",
    ),
    "a gateway that takes it": (
        facts(route=gateway_says(Accepted="True", ResolvedRefs="True"), settings=HTTPROUTE),
        "Available: its pods are available",
    ),
    "pods come before the route": (
        facts(deployment=deployment(**STARTING), route=gateway_says(Accepted="False"), settings=HTTPROUTE),
        "Progressing: 0 of 1 pods are available",
    ),
    "no route is wanted": (
        facts(settings={"route": "none"}, route=None),
        "Available: its pods are available (no link)",
    ),
    "a route of another kind was kept": (
        facts(route=a_live("Ingress", route="ingress")),
        "Available: its pods are available",
    ),
    "a route of another kind without its hostname was kept": (
        facts(a_read_preview(fqdn="other.example.com"), route=a_live("Ingress", route="ingress")),
        f"RouteNotAccepted!: Ingress shop/pr-1 {WITHOUT_IT}: --route switches it (no link)",
    ),
    "the API server stores its route with another hostname": (
        facts(a_read_preview(fqdn="other.example.com")),
        f"RouteNotAccepted!: Mapping shop/pr-1 {WITHOUT_IT} (no link)",
    ),
}
"""How it is, and what is told of it: a reason, `!` where it is stalled, and that there is no link."""


@pytest.mark.parametrize("row", ROWS)
def test_a_status_matches_its_row(row: str) -> None:
    given, told = ROWS[row]
    assert said(given) == told


REASONS = {
    *(
        "Available",
        "Progressing",
        "Suspended",
        "Asleep",
        "Invalid",
        "Refused",
        "NameTaken",
        "HostnameConflict",
    ),
    *("RouteNotAccepted", "RolloutFailed", "SetupFailed", "ApplyFailed", "Unread"),
}


def test_the_rows_have_every_reason_but_those_with_a_test_of_their_own() -> None:
    assert {re.split("!?:", told)[0] for _, told in ROWS.values()} == REASONS


def test_what_is_written_in_this_run_counts_before_what_existed() -> None:
    """A blocked preview stays blocked, and what keeps it from being reconciled wins over everything."""
    both = facts(
        changes=blocked("HostnameConflict", "taken"), outcomes=(Outcome(CREATE, "failed", "trouble"),)
    )
    assert said(both).startswith("HostnameConflict")
    assert said(facts(settings=REFUSED, outcomes=both.outcomes, deployment=None)).startswith("Refused")


def test_a_preview_that_is_going_gets_none() -> None:
    assert status_of(facts(a_read_preview(deleted="2026-01-01T00:00:00Z")), NOW) is None


def reported(reason: str, generation: int, **spec: Any) -> Preview:
    """A preview of generation 3, whose status an earlier run wrote about this generation."""
    ready = {
        "type": "Ready",
        "status": "-",
        "reason": reason,
        "message": "m",
        "observedGeneration": generation,
    }
    return a_read_preview(generation=3, status={"conditions": [ready]}, **spec)


@pytest.mark.parametrize("kind", ["Deployment", "Service", "Mapping"])
def test_a_kind_that_could_not_be_read_takes_nothing_from_who_was_well_with_this_spec(kind: str) -> None:
    """A list that fails once changes no status of those of whom nothing waits."""
    assert status_of(unread(kind, reported("Available", 3)), NOW) is None
    assert status_of(unread(kind, reported("Suspended", 3, suspend=True)), NOW) is None
    for otherwise in (reported("Available", 2), reported("Progressing", 3), reported("Suspended", 3)):
        assert said(unread(kind, otherwise)).startswith("Unread: ")
    waits = (Waiting(key("Mapping"), "shop/pr-1", "waits"),)
    assert said(unread(kind, reported("Available", 3), changes=waits)).startswith("Unread: ")


def test_what_a_status_records_stays_while_nobody_knows() -> None:
    held = {"name": "before.example.com", "heldSince": "2026-01-02T00:00:00Z"}
    setup = {"job": a_setup_job().key.name, "result": "Running"}
    before = a_read_preview(generation=3, setup=SETUP, status={"hostname": held, "setup": setup, "url": URL})
    for kind in ("Job", "Mapping"):
        job = None if kind == "Job" else a_setup_job()
        status = status_of(unread(kind, before, setup=job, recorded=record_in(before.status)), NOW)
        assert status is not None
        assert status.hostname == HostnameRecord(held["name"], held["heldSince"])
        assert status.setup == SetupRecord(setup["job"], "Running")
        assert status.url == URL


def test_the_link_has_the_scheme_that_was_set() -> None:
    told = status_of(facts(), NOW, url_scheme="http")
    assert told is not None
    assert told.url == "http://pr-1.preview.example.com"


@pytest.mark.parametrize(
    ("status", "asks"),
    [(UP, False), (STARTING, True), ({"observedGeneration": 1}, False), ({}, False)],
)
def test_pods_are_requested_only_where_they_can_add_more(status: dict[str, Any], asks: bool) -> None:
    given = facts(deployment=a_live("Deployment", status))
    assert asks_for_pods(given) is asks
    assert not asks_for_pods(replace(given, desired=replace(given.desired, reason="Refused")))
    assert not asks_for_pods(replace(given, deployment=None))


def test_pods_are_requested_where_a_setup_job_is_not_complete() -> None:
    assert asks_for_pods(facts(SET_UP, setup=a_setup_job()))
    assert asks_for_pods(facts(SET_UP, setup=a_setup_job("Failed")))
    assert not asks_for_pods(facts(SET_UP, setup=a_setup_job("Complete")))
    suspended = a_read_preview(suspend=True, generation=3, setup=SETUP)
    assert not asks_for_pods(facts(suspended, setup=a_setup_job("Failed")))
    awake = a_read_preview(generation=3, setup=SETUP)
    assert not asks_for_pods(asleep(awake, setup=a_setup_job("Failed")))


# ttl


def a_status(begun: str, ttl: str = "24h") -> dict[str, Any]:
    return {"observedGeneration": 3, "ttl": ttl, "ttlCountsFrom": begun}


def test_the_first_status_begins_the_count() -> None:
    assert status_of(facts(a_read_preview(ttl="24h", generation=3)), NOW) == Status(
        ready=True,
        reason="Available",
        message="its pods are available",
        url=URL,
        ttl="24h",
        ttl_counts_from="2026-01-10T12:00:00Z",
        expires_at="2026-01-11T12:00:00Z",
        observed_generation=3,
        hostname=HostnameRecord("pr-1.preview.example.com", "2026-01-10T12:00:00Z"),
    )


def test_a_count_that_has_begun_goes_on() -> None:
    told = status_of(
        facts(a_read_preview(ttl="24h", generation=3, status=a_status("2026-01-10T00:00:00Z"))), NOW
    )
    assert told is not None
    assert (told.ttl_counts_from, told.expires_at) == ("2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z")


def test_an_expired_preview_shows_when_and_how_to_revive_it_and_keeps_its_count() -> None:
    preview = a_read_preview(ttl="24h", generation=3, status=a_status("2026-01-09T00:00:00Z"))
    assert status_of(facts(preview), NOW) == Status(
        ready=False,
        reason="Expired",
        message=(
            "its ttl of 24h ended at 2026-01-10T00:00:00Z: any change of its spec brings it back, "
            "such as another spec.revision"
        ),
        stalled=True,
        ttl="24h",
        ttl_counts_from="2026-01-09T00:00:00Z",
        expires_at="2026-01-10T00:00:00Z",
        observed_generation=3,
    )


def test_a_refused_preview_counts_on() -> None:
    preview = a_read_preview(ttl="24h", generation=3, status=a_status("2026-01-10T00:00:00Z"))
    assert facts(preview, settings=REFUSED).desired.ttl == Ttl("24h", "2026-01-10T00:00:00Z")


def test_an_update_that_was_done_is_read_from_its_answer() -> None:
    """What the list showed was ready before it."""
    update = Update(key("Deployment"), "shop/pr-1", WANTED["Deployment"], a_live("Deployment", UP), (), "")
    answer = live(WANTED["Deployment"], generation=2)
    after = Live({**answer.manifest, "status": UP})
    assert said(facts(outcomes=(Outcome(update, "done", live=after),), deployment=after)).startswith(
        "Progressing"
    )


# the hostname that it holds


HELD = HostnameRecord("pr-1.preview.example.com", "2026-01-10T00:00:00Z")


def holder(**spec: Any) -> Any:
    return a_read_preview(generation=3, status={"hostname": HELD.written()}, **spec)


def record_of(given: Facts) -> HostnameRecord | None:
    told = status_of(given, NOW)
    assert told is not None
    return told.hostname


def test_what_it_holds_is_recorded_once_and_stays() -> None:
    assert record_of(facts(holder())) == HELD
    assert record_of(facts(a_read_preview())) == replace(HELD, held_since="2026-01-10T12:00:00Z")


def test_who_is_in_conflict_records_nothing_new() -> None:
    conflict = Blocked(key("Preview"), "shop/pr-1", "HostnameConflict", "belongs to shop/pr-2")
    assert record_of(facts(a_read_preview(), changes=(conflict,))) is None
    assert record_of(facts(holder(), changes=(conflict,))) == HELD, "it has it on its route still"
    assert record_of(facts(holder(), changes=(conflict,), route=None)) is None


def test_who_has_expired_holds_nothing_any_more() -> None:
    given = facts(holder())
    expired = replace(given, desired=replace(given.desired, reason="Expired", message="its ttl ended"))
    assert record_of(expired) is None
