"""What a run knows of a preview, brought up to the cluster of now."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.kube.live import Live
from reconcile.model.scope import Scope
from reconcile.model.settings import Gateway, Settings
from reconcile.plan.changes import Change, Keep, Outcome, Waiting
from reconcile.run.refresh import Look, kinds_to_look_at, over, refreshed
from reconcile.status.facts import Facts
from tests.given import RULES, SETUP, a_read_preview, a_setup_job, children_of, key, live
from tests.status.test_facts import CREATE, DEPLOYMENT, KEEP, MAPPING, PR1, ROUTE, WAIT, WANTED

(DESIRED,) = desire([PR1], Settings(), Scope())


def facts(*changes: Change, route: Live | None = None, outcomes: tuple[Outcome, ...] = ()) -> Facts:
    return Facts(DESIRED, changes, outcomes, DEPLOYMENT, route)


def look(*children: Live, kinds: tuple[str, ...] = ("Deployment",), **preview: Any) -> Look:
    return Look(a_read_preview(**preview), {child.key: child for child in children}, frozenset(kinds))


def now(before: Facts, seen: Look) -> Facts:
    return refreshed(before, seen, RULES, Settings())


# which kinds


def test_deployments_are_read_and_routes_only_where_they_have_conditions() -> None:
    assert kinds_to_look_at(facts(KEEP, ROUTE, route=MAPPING)) == {"Deployment"}
    settings = {"route": "httproute", "gateway": Gateway(namespace="infra", name="web")}
    httproute = live(children_of(PR1, **settings)["HTTPRoute"])
    assert kinds_to_look_at(facts(KEEP, route=httproute)) == {"Deployment", "HTTPRoute"}


def with_setup(condition: str = "") -> Facts:
    (desired,) = desire([a_read_preview(setup=SETUP)], Settings(), Scope())
    return Facts(desired, (KEEP,), (), DEPLOYMENT, None, setup=a_setup_job(condition))


def test_a_setup_job_is_read_until_it_has_ended() -> None:
    assert kinds_to_look_at(with_setup()) == {"Deployment", "Job"}
    assert kinds_to_look_at(with_setup("Complete")) == {"Deployment"}
    assert kinds_to_look_at(with_setup("Failed")) == {"Deployment"}


def test_a_setup_job_is_as_it_was_seen_last() -> None:
    ended = a_setup_job("Complete")
    seen = look(DEPLOYMENT, ended, kinds=("Deployment", "Job"), setup=SETUP)
    assert now(with_setup(), seen).setup == ended
    assert now(with_setup("Complete"), look(DEPLOYMENT, setup=SETUP)).setup == ended
    gone = look(DEPLOYMENT, kinds=("Deployment", "Job"), setup=SETUP)
    assert now(with_setup(), gone).setup is None


def test_what_it_waits_for_is_read() -> None:
    assert kinds_to_look_at(facts(KEEP, WAIT)) == {"Deployment", "Mapping"}
    kept = Outcome(CREATE, "canceled", "later")
    assert kinds_to_look_at(facts(KEEP, CREATE, outcomes=(kept,))) == {"Deployment", "Mapping"}
    old = Waiting(key("Ingress"), "shop/pr-1", "waits: deleted when Mapping shop/pr-1 exists")
    assert kinds_to_look_at(facts(KEEP, ROUTE, old)) == {"Deployment"}


# is it the same preview


@pytest.mark.parametrize(
    ("preview", "why"),
    [
        (None, "it was deleted while this run waited"),
        ({"uid": "another"}, "it was deleted and recreated while this run waited: run again"),
        ({"generation": 2}, "its spec was changed while this run waited: run again"),
        ({"deletion_timestamp": "2026-01-01T00:00:00Z"}, "it is being deleted"),
        ({"resource_version": "99"}, ""),
    ],
)
def test_a_preview_that_is_another_by_now_is_over(preview: dict[str, Any] | None, why: str) -> None:
    there = None if preview is None else replace(PR1, **preview)
    assert over(facts(KEEP), there) == why


# the same, newer


def test_the_newest_objects_take_the_place_of_the_older() -> None:
    newer = live(WANTED["Deployment"], resourceVersion="99")
    preview = replace(PR1, resource_version="99")
    before = facts(KEEP, ROUTE, route=MAPPING)
    found = now(before, Look(preview, {newer.key: newer}, frozenset(["Deployment"])))
    assert found == replace(before, desired=replace(DESIRED, preview=preview), deployment=newer)


def test_a_child_that_was_waited_for_and_is_as_desired_is_like_any_other() -> None:
    found = now(facts(KEEP, WAIT), look(DEPLOYMENT, MAPPING, kinds=("Deployment", "Mapping")))
    assert (found.changes, found.route, found.waits) == ((KEEP, ROUTE), MAPPING, ())
    kept = facts(KEEP, CREATE, outcomes=(Outcome(CREATE, "canceled", "later"),))
    found = now(kept, look(DEPLOYMENT, MAPPING, kinds=("Deployment", "Mapping")))
    assert (found.changes, found.outcomes, found.route) == ((KEEP, CREATE), (), MAPPING)


@pytest.mark.parametrize(
    "there",
    [
        [],
        [live({**WANTED["Mapping"], "spec": {"hostname": "another"}})],
        [live(WANTED["Mapping"], managedFields=[])],
        [live(WANTED["Mapping"], deletionTimestamp="2026-01-01T00:00:00Z")],
    ],
    ids=["not there", "another", "a stranger's", "going"],
)
def test_one_that_is_not_as_desired_is_still_waited_for(there: list[Live]) -> None:
    found = now(facts(KEEP, WAIT), look(DEPLOYMENT, *there, kinds=("Deployment", "Mapping")))
    assert (found.changes, found.route, found.waits) == ((KEEP, WAIT), None, ("waits: x still has it",))


def test_one_that_no_longer_exists_is_waited_for() -> None:
    gone = now(facts(KEEP, ROUTE, route=MAPPING), look())
    assert gone.waits == ("Deployment shop/pr-1 no longer exists; run again",)
    assert (gone.deployment, gone.route) == (None, MAPPING)
    back = now(gone, look(DEPLOYMENT))
    assert (back.waits, back.deployment) == ((), DEPLOYMENT)


def test_what_was_never_planned_is_not_missed() -> None:
    kept = Keep(key("Ingress"), "shop/pr-1", "kept; pass --route to switch")
    found = now(facts(KEEP, kept), look(DEPLOYMENT, kinds=("Deployment", "Mapping")))
    assert (found.changes, found.waits) == ((KEEP, kept), ())
