"""What is known of a preview at the end of a run: the last word of each pass, the newest of each object."""

from typing import Any

import pytest

from reconcile.desire.desire import desire
from reconcile.desire.desired import Desired
from reconcile.model.scope import Scope, make_scope
from reconcile.model.settings import Settings
from reconcile.plan.changes import (
    PREVIEW,
    Blocked,
    Change,
    Create,
    Delete,
    Keep,
    Outcome,
    Plan,
    Skipped,
    Update,
    Waiting,
)
from reconcile.status.facts import Facts, gather
from reconcile.status.result import Pass
from tests.given import a_read_preview, children_of, key, live

PR1, PR2 = a_read_preview("pr-1"), a_read_preview("pr-2")
WANTED = children_of(PR1)
DEPLOYMENT, MAPPING = live(WANTED["Deployment"]), live(WANTED["Mapping"])
INGRESS = live(children_of(PR1, route="ingress")["Ingress"])
KEEP, ROUTE = Keep(key("Deployment"), "shop/pr-1"), Keep(key("Mapping"), "shop/pr-1")
WAIT = Waiting(key("Mapping"), "shop/pr-1", "waits: x still has it", for_this_run=True)
CREATE = Create(key("Mapping"), "shop/pr-1", WANTED["Mapping"], "new preview")
UPDATE = Update(key("Deployment"), "shop/pr-1", WANTED["Deployment"], DEPLOYMENT, (), "drifted")
THERE = {DEPLOYMENT.key: DEPLOYMENT, MAPPING.key: MAPPING}


def all_desired(*names: str) -> tuple[Desired, ...]:
    return desire([PR1, PR2], Settings(), make_scope(None, names, None) if names else Scope())


def of_pr1(*passes: Pass, children: dict[Any, Any] | None = None) -> Facts:
    (found,) = gather(all_desired("pr-1"), passes, THERE if children is None else children)
    return found


def test_only_previews_in_scope_are_gathered() -> None:
    assert [one.desired.place for one in gather(all_desired(), [Pass(Plan(()))], {})] == [
        "shop/pr-1",
        "shop/pr-2",
    ]
    assert [one.desired.place for one in gather(all_desired("pr-2"), [Pass(Plan(()))], {})] == ["shop/pr-2"]


def test_its_own_objects_are_found_by_its_name() -> None:
    found = of_pr1(Pass(Plan((KEEP, ROUTE))))
    assert (found.deployment, found.route) == (DEPLOYMENT, MAPPING)
    assert found.changes == (KEEP, ROUTE)
    missing = of_pr1(Pass(Plan((KEEP, ROUTE))), children={})
    assert (missing.deployment, missing.route) == (None, None)


def test_the_answer_to_a_write_is_newer_than_a_list() -> None:
    newer = live(WANTED["Deployment"], generation=2)
    found = of_pr1(Pass(Plan((UPDATE, ROUTE)), (Outcome(UPDATE, "done", live=newer),)))
    assert found.deployment is newer


def test_the_list_of_a_later_pass_is_newer_than_an_earlier_answer() -> None:
    older = live(WANTED["Deployment"], generation=2)
    first = Pass(Plan((UPDATE, WAIT)), (Outcome(UPDATE, "done", live=older),))
    second = Pass(Plan((CREATE,)), (Outcome(CREATE, "done", live=MAPPING),))
    found = of_pr1(first, second, children={DEPLOYMENT.key: DEPLOYMENT})
    assert (found.deployment, found.route) == (DEPLOYMENT, MAPPING)


def test_a_child_in_a_later_pass_replaces_that_of_an_earlier_one() -> None:
    found = of_pr1(Pass(Plan((KEEP, WAIT))), Pass(Plan((CREATE,)), (Outcome(CREATE, "done", live=MAPPING),)))
    assert found.changes == (KEEP, CREATE)
    assert found.waits == ()


def test_what_it_waits_for_is_about_desired_children() -> None:
    old = Waiting(key("Ingress"), "shop/pr-1", "waits: deleted when Mapping shop/pr-1 exists")
    assert of_pr1(Pass(Plan((KEEP, WAIT, old)))).waits == ("waits: x still has it",)
    assert of_pr1(Pass(Plan((CREATE,)), (Outcome(CREATE, "canceled", "later"),))).waits == ("later",)


def test_every_block_of_a_preview_is_kept() -> None:
    blocks = tuple(Blocked(key(PREVIEW), "shop/pr-1", reason, "x") for reason in ("NameTaken", "Refused"))
    assert of_pr1(Pass(Plan(blocks))).blocks == blocks


def test_a_delete_that_failed_takes_nothing_from_a_preview() -> None:
    delete = Delete(key("Ingress"), "shop/pr-1", INGRESS, "its preview has the Mapping now")
    assert of_pr1(Pass(Plan((KEEP, delete)), (Outcome(delete, "failed", "no"),))).outcomes == ()


def test_an_undesired_child_that_could_not_be_protected_affects_no_preview() -> None:
    ingress = INGRESS.manifest
    update = Update(key("Ingress"), "shop/pr-1", ingress, INGRESS, (), "its preview is protected")
    assert of_pr1(Pass(Plan((KEEP, update)), (Outcome(update, "failed", "no"),))).outcomes == ()


def test_the_route_is_that_of_the_desired_kind_else_the_one_it_kept() -> None:
    both = {**THERE, INGRESS.key: INGRESS}
    kept = Keep(key("Ingress"), "shop/pr-1", "kept; pass --route to switch")
    assert of_pr1(Pass(Plan((kept, ROUTE))), children=both).route is MAPPING
    assert of_pr1(Pass(Plan((kept,))), children=both).route is INGRESS
    assert of_pr1(Pass(Plan((WAIT,))), children=both).route is None


def test_an_unread_kind_leaves_the_previews_that_need_it_unread() -> None:
    service = Skipped("Service", "403")
    found = of_pr1(Pass(Plan((), (service,))), Pass(Plan((), (service,))))
    assert (found.unread, found.is_unread("Service"), found.is_unread("Mapping")) == ((service,), True, False)
    assert not of_pr1(Pass(Plan((), (Skipped("HTTPRoute", "403"), Skipped("Deletes", "0"))))).unread


@pytest.mark.parametrize(
    ("has_held", "routes", "skipped", "unread"),
    [
        (True, (WAIT,), "Ingress", True),
        (True, (ROUTE,), "Ingress", False),
        (False, (WAIT,), "Ingress", False),
        (True, (WAIT,), "ConfigMap", False),
    ],
)
def test_who_held_a_hostname_may_have_a_route_of_a_kind_that_was_not_listed(
    has_held: bool, routes: tuple[Change, ...], skipped: str, unread: bool
) -> None:
    status = {"hostname": {"name": "x.example.com", "heldSince": "2026-01-01T00:00:00Z"}} if has_held else {}
    desired = desire([a_read_preview("pr-1", status=status)], Settings(), Scope())
    (found,) = gather(desired, [Pass(Plan((KEEP, *routes), (Skipped(skipped, "403"),)))], THERE)
    assert bool(found.unread) is unread
