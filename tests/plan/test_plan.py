"""From what is and what is wanted to a plan, read as people read it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pkgutil import resolve_name
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.desire.children import CHILDREN
from reconcile.desire.children.metadata import without_owner
from reconcile.desire.desire import desire
from reconcile.kube.live import Live
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.preview import parse_preview
from reconcile.model.scope import Scope, make_scope
from reconcile.model.settings import Gateway, Settings
from reconcile.model.snapshot import KindList, Preview, Snapshot
from reconcile.plan.changes import Delete, Plan, Update, Waiting
from reconcile.plan.limits import Limit
from reconcile.plan.plan import make_plan, only
from reconcile.plan.policy import Policy
from reconcile.plan.prune import places_left
from reconcile.report.text import plan_text
from tests.builders import a_preview, without_uid
from tests.given import (
    MANAGER,
    RULES,
    a_read_preview,
    an_unreadable_preview,
    children_of,
    edited,
    entry,
    key,
    live,
    untracked,
)

WHOLE = {kind.resource.kind: KindList(kind.resource) for kind in CHILDREN}
HTTPROUTE = Settings(route="httproute", route_given=True, gateway=Gateway(namespace="infra", name="web"))
INGRESS = Settings(route="ingress", route_given=True)
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def plan_of(
    previews: Iterable[Preview] = (),
    lives: Iterable[Live] = (),
    *,
    settings: Settings | None = None,
    scope: Scope | None = None,
    kinds: dict[str, KindList] | None = None,
    limit: str = "30%",
    adopt: bool = False,
    sent: int | None = None,
    problem: str = "",
    notes: tuple[str, ...] = (),
    now: datetime | None = None,
    from_server: bool = True,
    only_held: bool = False,
) -> Plan:
    """The plan for what these previews want of a cluster that has these objects."""
    settings, scope, previews = settings or Settings(), scope or Scope(), tuple(previews)
    snapshot = Snapshot(
        previews,
        len(previews) if sent is None else sent,
        {there.key: there for there in lives},
        {**WHOLE, **(kinds or {})},
        previews_problem=problem,
        notes=notes,
        from_server=from_server,
    )
    route = settings.route_resource
    rules = replace(RULES, adopt=adopt, from_server=from_server, allow_protect=settings.allow_protect)
    policy = Policy(
        rules,
        scope,
        route.kind if route else "",
        settings.route_given,
        Limit(limit),
        settings.max_ttl,
        now,
        gives_only_what_is_held=only_held,
    )
    left = partial(places_left, snapshot.children.values(), rules)
    return make_plan(snapshot, desire(previews, settings, scope, now=now, left=left), policy)


def lines(plan: Plan) -> list[str]:
    """What a person reads, without the sums and with single spaces."""
    text = plan_text(plan).splitlines()[:-1]
    return [" ".join(line.split()) for line in text if line]


def sums(plan: Plan) -> str:
    return plan_text(plan).splitlines()[-1]


def running(preview: Preview, settings: Settings | None = None) -> list[Live]:
    """The children of a preview, as an earlier run made them."""
    chosen = settings or Settings()
    return [live(manifest) for manifest in children_of(preview, **vars(chosen)).values()]


def a_strangers(kind: str, host: str, name: str = "web") -> Live:
    spec = {"rules": [{"host": host}]} if kind == "Ingress" else {"hostname": host, "prefix": "/"}
    metadata = {"name": name, "namespace": "infra"}
    return untracked({"apiVersion": "x/v1", "kind": kind, "metadata": metadata, "spec": spec})


PR1, PR2, PR3 = (a_read_preview(name) for name in ("pr-1", "pr-2", "pr-3"))


# coming up, staying right, going away


def test_a_new_preview_gets_its_children() -> None:
    plan = plan_of([PR1])
    assert lines(plan) == [
        "+ Deployment shop/pr-1 new preview",
        "+ Service shop/pr-1 new preview",
        "+ Mapping shop/pr-1 new preview",
    ]
    assert sums(plan) == "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."


def test_what_is_as_wanted_is_only_counted() -> None:
    plan = plan_of([PR1], running(PR1))
    assert (lines(plan), sums(plan)) == ([], "Plan: 0 to create, 0 to update, 0 to delete, 3 unchanged.")


def test_what_is_no_longer_owned_goes_and_what_is_there_stays() -> None:
    plan = plan_of([PR2], [*running(PR1), *running(PR2)])
    assert lines(plan) == [
        "- Deployment shop/pr-1 its preview is gone",
        "- Service shop/pr-1 its preview is gone",
        "- Mapping shop/pr-1 its preview is gone",
    ]
    assert all(d.preview_uid is None and d.counts for d in plan.writes if isinstance(d, Delete))


def test_changes_are_sorted_by_what_they_do_then_by_place_then_in_apply_order() -> None:
    service = children_of(PR3)["Service"]
    drifted = live(edited(service, "spec", "selector", to={"x": "y"}), entry("kubectl-edit", service))
    protected = a_read_preview("pr-8", annotations={"platform9.com/prune": "disabled"})
    there = [*running(PR2), *running(PR3), drifted, *running(a_read_preview("pr-9")), *running(protected)[:1]]
    plan = plan_of([a_read_preview("pr-4", "aaa"), PR3, PR2, PR1, an_unreadable_preview("pr-5")], there)
    assert [" ".join(line.split()[:3]) for line in lines(plan) if line[1] == " "] == [
        "+ Deployment aaa/pr-4",
        "+ Service aaa/pr-4",
        "+ Mapping aaa/pr-4",
        "+ Deployment shop/pr-1",
        "+ Service shop/pr-1",
        "+ Mapping shop/pr-1",
        "~ Service shop/pr-3",
        "- Deployment shop/pr-9",
        "- Service shop/pr-9",
        "- Mapping shop/pr-9",
        "= Deployment shop/pr-8",
        "! Preview shop/pr-5",
    ]


def test_a_preview_made_again_keeps_its_children_in_place() -> None:
    again = a_read_preview(uid="another")
    assert [line.split()[0:3] for line in lines(plan_of([again], running(PR1))) if line.startswith("~")] == [
        ["~", "Deployment", "shop/pr-1"],
        ["~", "Service", "shop/pr-1"],
        ["~", "Mapping", "shop/pr-1"],
    ]


# verdicts


def test_children_of_an_unreadable_preview_are_kept() -> None:
    plan = plan_of([an_unreadable_preview()], running(PR1))
    assert lines(plan) == ['! Preview shop/pr-1 spec.fqdn: "Foo" has upper-case letters']
    assert sums(plan) == "Plan: 0 to create, 0 to update, 0 to delete, 1 blocked, 3 unchanged."


def test_a_refused_preview_keeps_what_it_has_and_gets_nothing() -> None:
    settings = Settings(allow_fqdn=("*.other.example.com",))
    plan = plan_of([PR1], running(PR1)[:1], settings=settings)
    assert lines(plan) == [
        "! Preview shop/pr-1 spec.fqdn: pr-1.preview.example.com is not allowed; "
        "--allow-fqdn is *.other.example.com"
    ]
    assert [blocked.verdict for blocked in plan.blocked] == ["Refused"]


def test_a_preview_that_is_going_gets_no_writes() -> None:
    plan = plan_of([a_read_preview(deleted="2026-01-01T00:00:00Z")], running(PR1)[:1])
    assert lines(plan) == [". Preview shop/pr-1 it is being deleted, and waits for its finalizers"]


def test_a_preview_whose_name_is_taken_gets_no_child_at_all_since_its_route_would_lead_to_a_stranger() -> (
    None
):
    stranger = untracked(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pr-1", "namespace": "shop"}}
    )
    plan = plan_of([PR1], [stranger, *running(PR1)[:1]])
    assert lines(plan) == [
        "! Preview shop/pr-1 Service shop/pr-1: exists and is not managed by preview-reconcile (no label "
        "platform9.com/preview and no annotation platform9.com/identity); delete it, or rename the preview"
    ]
    assert [(blocked.key, blocked.verdict) for blocked in plan.blocked] == [(key("Preview"), "NameTaken")]


def test_one_blocked_preview_does_not_hold_up_another() -> None:
    plan = plan_of([an_unreadable_preview(), PR2])
    assert [line[0] for line in lines(plan)] == ["+", "+", "+", "!"]


def test_what_a_dead_previews_child_says_of_itself_protects_it() -> None:
    protected = a_read_preview(annotations={"platform9.com/prune": "disabled"})
    assert lines(plan_of([PR2], [*running(protected), *running(PR2)])) == [
        "= Deployment shop/pr-1 protected: platform9.com/prune is disabled",
        "= Service shop/pr-1 protected: platform9.com/prune is disabled",
        "= Mapping shop/pr-1 protected: platform9.com/prune is disabled",
    ]


def test_what_only_carries_our_label_is_not_deleted() -> None:
    copy = untracked(
        children_of(PR1)["Service"], managedFields=[entry("kubectl", children_of(PR1)["Service"])]
    )
    assert lines(plan_of([PR2], [copy, *running(PR2)])) == [
        "= Service shop/pr-1 kept, its preview is gone, but not managed by preview-reconcile "
        f"(not applied by {MANAGER})"
    ]


def test_what_was_restored_is_adopted_where_its_preview_wants_it_and_only_there() -> None:
    restored = [untracked(m, managedFields=[entry("velero", m)]) for m in children_of(PR1).values()]
    assert [line[0] for line in lines(plan_of([PR1], restored))] == ["!"]
    assert lines(plan_of([PR1], restored, adopt=True)) == [
        "~ Deployment shop/pr-1 adopted",
        "~ Service shop/pr-1 adopted",
        "~ Mapping shop/pr-1 adopted",
    ]
    assert {line[0] for line in lines(plan_of([PR2], [*restored, *running(PR2)], adopt=True))} == {"="}


# the scope


def test_a_preview_outside_the_scope_is_not_gone_and_not_touched() -> None:
    there = [*running(PR1)[:1], *running(a_read_preview("pr-9"))]
    plan = plan_of([PR1, PR2], there, scope=make_scope(None, ("pr-2",), None))
    assert [line.split()[0:3] for line in lines(plan)] == [
        ["+", "Deployment", "shop/pr-2"],
        ["+", "Service", "shop/pr-2"],
        ["+", "Mapping", "shop/pr-2"],
    ]


def test_a_gone_preview_is_cleaned_up_by_its_name_or_its_namespace() -> None:
    there = [*running(PR1), *running(PR2), *running(a_read_preview("pr-2", "blog"))]
    one = plan_of([PR3], there, scope=make_scope(None, ("shop/pr-1",), None))
    assert {change.preview for change in one.writes} == {"shop/pr-1"}
    two = plan_of([PR3], there, scope=make_scope("blog", (), None))
    assert {change.preview for change in two.writes} == {"blog/pr-2"}


def test_with_a_selector_nothing_of_a_gone_preview_is_deleted() -> None:
    assert lines(plan_of([PR2], [*running(PR1), *running(PR2)], scope=make_scope(None, (), "a!=b"))) == []


def test_a_claim_outside_the_scope_still_counts() -> None:
    older = a_read_preview("pr-1", fqdn="x.example.com", created=OLD)
    younger = a_read_preview("pr-2", fqdn="x.example.com", created=NEW)
    plan = plan_of([older, younger], scope=make_scope(None, ("pr-2",), None))
    assert lines(plan)[-1] == "! Preview shop/pr-2 x.example.com: belongs to shop/pr-1; change spec.fqdn"


# hostnames


def test_of_two_that_want_a_hostname_the_younger_gets_deployment_and_service_and_no_route() -> None:
    older = a_read_preview("pr-2", fqdn="x.example.com", created=OLD)
    younger = a_read_preview("pr-1", fqdn="x.example.com", created=NEW)
    assert lines(plan_of([older, younger])) == [
        "+ Deployment shop/pr-1 new preview",
        "+ Service shop/pr-1 new preview",
        "+ Deployment shop/pr-2 new preview",
        "+ Service shop/pr-2 new preview",
        "+ Mapping shop/pr-2 new preview",
        "! Preview shop/pr-1 x.example.com: belongs to shop/pr-2; change spec.fqdn",
    ]


def test_a_preview_that_renames_to_a_taken_hostname_keeps_its_route_as_it_is() -> None:
    renamed = a_read_preview("pr-1", fqdn="pr-2.preview.example.com")
    plan = plan_of([renamed, PR2], [*running(PR1), *running(PR2)])
    assert lines(plan) == [
        "! Preview shop/pr-1 pr-2.preview.example.com: belongs to shop/pr-2; change spec.fqdn"
    ]
    assert [blocked.verdict for blocked in plan.blocked] == ["HostnameConflict"]
    assert sums(plan) == "Plan: 0 to create, 0 to update, 0 to delete, 1 blocked, 6 unchanged."


def test_a_swap_is_begun_by_the_oldest_and_the_other_waits_for_this_run() -> None:
    one = a_read_preview("pr-1", created=OLD, fqdn="pr-2.preview.example.com")
    two = a_read_preview("pr-2", created=NEW, fqdn="pr-1.preview.example.com")
    plan = plan_of([one, two], [*running(PR1), *running(PR2)])
    assert lines(plan) == [
        "~ Mapping shop/pr-1 its preview or an option changed",
        "spec.hostname pr-1.preview.example.com -> pr-2.preview.example.com",
        ". Mapping shop/pr-2 waits: pr-1.preview.example.com: Mapping shop/pr-1 still has it",
    ]
    assert [waiting.key for waiting in plan.waits_for_this_run] == [key("Mapping", "pr-2")]


def test_a_hostname_of_a_preview_that_goes_waits_until_its_route_is_gone() -> None:
    taker = a_read_preview("pr-2", fqdn="pr-1.preview.example.com")
    plan = plan_of([taker], running(PR1))
    assert lines(plan)[-1] == (
        ". Mapping shop/pr-2 waits: pr-1.preview.example.com: Mapping shop/pr-1 still has it"
    )
    assert plan.waits_for_this_run


def test_a_strangers_route_blocks_who_does_not_have_the_hostname_and_warns_who_has() -> None:
    ingress = a_strangers("Ingress", "pr-1.preview.example.com")
    blocked = plan_of([PR1], [ingress])
    assert (
        lines(blocked)[-1]
        == "! Preview shop/pr-1 pr-1.preview.example.com: belongs to Ingress infra/web; change spec.fqdn"
    )
    held = plan_of([PR1], [ingress, *running(PR1)])
    assert lines(held) == ["warning: pr-1.preview.example.com of shop/pr-1: Ingress infra/web has it too"]


def test_a_strangers_route_of_other_paths_neither_blocks_nor_warns() -> None:
    ingress = a_strangers("Ingress", "pr-1.preview.example.com")
    proxy = Live(edited(ingress.manifest, "spec", "rules", 0, "http", to={"paths": [{"path": "/oauth2"}]}))
    assert lines(plan_of([PR1], [proxy])) == lines(plan_of([PR1]))
    assert lines(plan_of([PR1], [proxy, *running(PR1)])) == []


def test_a_previews_route_of_other_paths_holds_its_hostname() -> None:
    """Somebody edited it, and its own preview's run puts it right: both would have it then."""
    taker = a_read_preview("pr-2", fqdn="pr-1.preview.example.com")
    there = [
        Live(edited(child.manifest, "spec", "prefix", to="/api/")) if child.key.kind == "Mapping" else child
        for child in running(PR1)
    ]
    blocked = "! Preview shop/pr-2 pr-1.preview.example.com: belongs to shop/pr-1; change spec.fqdn"
    assert blocked in lines(plan_of([PR1, taker], there))


def holds(name: str, fqdn: str, since: str, **fields: Any) -> Preview:
    """A preview whose status records that hostname."""
    status = {"hostname": {"name": fqdn, "heldSince": since}}
    return a_read_preview(name, **{"fqdn": fqdn, "created": OLD, "status": status, **fields})


HOST = "x.example.com"


def test_a_route_with_a_hostname_that_another_holds_goes() -> None:
    """Its author wrote it there by hand, or a run did that saw no other namespace."""
    thief, holder = a_read_preview("pr-1", fqdn=HOST, created=OLD), holds("pr-2", HOST, NEW)
    plan = plan_of([thief, holder], [*running(thief), *running(holder)])
    assert lines(plan) == [
        "- Mapping shop/pr-1 it has x.example.com, which belongs to shop/pr-2",
        "! Preview shop/pr-1 x.example.com: belongs to shop/pr-2; change spec.fqdn",
    ]
    (delete,) = plan.writes
    assert isinstance(delete, Delete)
    assert (delete.preview_uid, delete.counts) == (thief.uid, False)


def test_a_frozen_previews_route_with_a_hostname_that_another_holds_goes_and_nothing_else_of_it() -> None:
    frozen, holder = an_unreadable_preview("pr-1"), holds("pr-2", HOST, NEW)
    made = a_read_preview("pr-1", fqdn=HOST)
    plan = plan_of([frozen, holder], [*running(made), *running(holder)])
    told = [line for line in lines(plan) if not line.startswith("warning")]
    assert told[0] == "- Mapping shop/pr-1 it has x.example.com, which belongs to shop/pr-2"
    assert len(plan.writes) == 1
    assert [block.verdict for block in plan.blocked] == ["Invalid"]


def test_its_authors_protection_keeps_no_hostname_of_another_but_the_operators_word_does() -> None:
    disabled = {"platform9.com/prune": "disabled"}
    thief = a_read_preview("pr-1", fqdn=HOST, created=OLD, annotations=disabled)
    there = [*running(thief), *running(holds("pr-2", HOST, NEW))]
    plan = plan_of([thief, holds("pr-2", HOST, NEW)], there)
    assert lines(plan)[0] == "- Mapping shop/pr-1 it has x.example.com, which belongs to shop/pr-2"
    allowed = Settings(allow_protect=("shop/pr-1",))
    plan = plan_of([thief, holds("pr-2", HOST, NEW)], there, settings=allowed)
    assert not plan.writes


def test_what_a_gone_preview_left_protected_keeps_no_hostname_of_another() -> None:
    gone = a_read_preview("pr-1", fqdn=HOST, annotations={"platform9.com/prune": "disabled"})
    there = [running(gone)[-1], *running(holds("pr-2", HOST, NEW))]
    plan = plan_of([holds("pr-2", HOST, NEW)], there)
    assert lines(plan)[0] == "- Mapping shop/pr-1 it has x.example.com, which belongs to shop/pr-2"
    (delete,) = plan.writes
    assert isinstance(delete, Delete)
    assert (delete.preview_uid, delete.counts) == (None, False)
    for kept in (
        plan_of([holds("pr-2", HOST, NEW)], there, settings=Settings(allow_protect=("shop/pr-1",))),
        plan_of([holds("pr-2", HOST, NEW)], there, scope=make_scope("shop", ("pr-2",), None)),
        plan_of([holds("pr-2", HOST, NEW)], there, problem="a list failed"),
        plan_of([a_read_preview("pr-2", fqdn=HOST)], there),
    ):
        assert not [write for write in kept.writes if write.key == key("Mapping")]


def test_a_preview_that_a_finalizer_holds_keeps_no_hostname_of_another() -> None:
    going = a_read_preview("pr-1", fqdn=HOST, deleted=NEW, created=OLD)
    plan = plan_of([going, holds("pr-2", HOST, NEW)], [*running(going), *running(holds("pr-2", HOST, NEW))])
    (delete,) = plan.writes
    assert isinstance(delete, Delete)
    assert (delete.key, delete.preview_going) == (key("Mapping"), True)


def test_a_route_of_another_kind_without_its_label_goes_as_one_with_it() -> None:
    """Its owner tells whose it is: else it would serve its hostname for ever."""
    (made,) = (one for one in running(PR1, INGRESS) if one.key.kind == "Ingress")
    label = ("metadata", "labels", "platform9.com/preview")
    stripped = live(edited(made.manifest, *label, to=None), applied=made.manifest)
    plan = plan_of([PR1], [*running(PR1), stripped], settings=Settings(route_given=True))
    assert lines(plan) == ["- Ingress shop/pr-1 its preview has the Mapping now"]
    moved, holder = a_read_preview("pr-1", fqdn="new.example.com"), holds("pr-2", PR1.spec.fqdn, NEW)
    plan = plan_of([moved, holder], [*running(moved), *running(holder), stripped])
    told = f"- Ingress shop/pr-1 it has {PR1.spec.fqdn}, which belongs to shop/pr-2"
    assert lines(plan)[0] == told
    bare = live(edited(stripped.manifest, "metadata", "ownerReferences", to=None), applied=made.manifest)
    assert not plan_of([PR1], [*running(PR1), bare], settings=Settings(route_given=True)).writes


def test_a_route_that_says_nothing_of_a_hostname_of_another_holder_stays() -> None:
    """The holder took it before its own record was there: then nobody can tell a thief from a holder."""
    one, other = (a_read_preview(name, fqdn=HOST, created=OLD) for name in ("pr-1", "pr-2"))
    plan = plan_of([one, other], [*running(one), *running(other)])
    assert lines(plan) == ["! Preview shop/pr-2 x.example.com: belongs to shop/pr-1; change spec.fqdn"]


def test_who_expired_or_is_going_holds_no_hostname_any_more() -> None:
    going = holds("pr-1", HOST, OLD, deleted=NEW)
    plan = plan_of([going, a_read_preview("pr-2", fqdn=HOST)])
    assert "+ Mapping shop/pr-2 new preview" in lines(plan)


def test_a_route_in_conflict_gets_its_marks_back_and_keeps_its_spec() -> None:
    renamed = a_read_preview("pr-1", fqdn="pr-2.preview.example.com")
    *rest, route = running(PR1)
    for stripped in (("labels", "platform9.com/preview"), ("annotations", "platform9.com/identity")):
        there = live(edited(route.manifest, "metadata", *stripped, to=None), applied=route.manifest)
        plan = plan_of([renamed, PR2], [*rest, there, *running(PR2)])
        (update,) = plan.writes
        assert isinstance(update, Update)
        assert (update.key, update.keeps_spec) == (key("Mapping"), True)
        assert update.manifest["spec"] == route.manifest["spec"]
        assert (
            lines(plan)[-1]
            == "! Preview shop/pr-1 pr-2.preview.example.com: belongs to shop/pr-2; change spec.fqdn"
        )


def test_where_only_one_namespace_is_read_a_hostname_is_given_to_who_has_it_on_record() -> None:
    alone = make_scope("shop", (), None, namespace_only=True)
    assert lines(plan_of([PR1], scope=alone, only_held=True)) == [
        "+ Deployment shop/pr-1 new preview",
        "+ Service shop/pr-1 new preview",
        "! Preview shop/pr-1 pr-1.preview.example.com: is not assigned while only this namespace is read, "
        "because others may use it; pass --allow-fqdn with the hostnames of this namespace",
    ]
    held = holds("pr-1", "pr-1.preview.example.com", OLD)
    assert "+ Mapping shop/pr-1 does not exist" in lines(plan_of([held], scope=alone, only_held=True))


# an exception that nobody foresaw


@pytest.mark.parametrize(
    "broken",
    [
        "desire.desire.ttl_of",
        "desire.desire.refusals",
        "desire.desire.render",
        "plan.plan.draft_of",
        "plan.draft.Draft.mapped",
        "plan.hostname_policy._changes",
    ],
)
def test_what_is_thrown_while_one_preview_is_dealt_with_is_that_previews_failure(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = f"reconcile.{broken}"
    whole = resolve_name(path.replace(".Draft", ":Draft"))

    def breaks(first: Any, *rest: Any) -> Any:
        desired = getattr(first, "desired", first)
        if getattr(desired, "preview", desired).name == "pr-2":
            raise RecursionError("secret")
        return whole(first, *rest)

    monkeypatch.setattr(path, breaks)
    taken = a_read_preview("pr-2", fqdn=PR3.spec.fqdn)
    plan = plan_of([PR1, taken, PR3], [*running(PR2), *running(PR3)])
    (blocked,) = [change for change in plan.blocked if change.verdict == "InternalError"]
    assert blocked.preview == "shop/pr-2"
    assert blocked.reason.startswith("RecursionError in test_plan.py:")
    assert {change.preview for change in plan.writes} == {"shop/pr-1"}
    assert len(plan.writes) == 3


def test_what_is_thrown_over_leftovers_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr("reconcile.plan.preview.left_until", breaks)
    plan = plan_of([PR2], [*running(PR1), *running(PR2)])
    assert [line for line in lines(plan) if "kept: KeyError in test_plan.py" in line]
    assert not plan.writes


def test_who_waits_for_a_route_that_is_switched_by_a_preview_in_conflict_is_blocked() -> None:
    """Its new route is not made, so its old one does not go: nobody is told to wait for that."""
    there = [*running(PR2, INGRESS), *running(PR3)]
    in_conflict = a_read_preview("pr-2", fqdn=PR3.spec.fqdn)
    waiting = a_read_preview("pr-1", fqdn=PR2.spec.fqdn)
    plan = plan_of([waiting, in_conflict, PR3], there, settings=Settings(route_given=True))
    assert lines(plan)[-2:] == [
        "! Preview shop/pr-1 pr-2.preview.example.com: is still on Ingress shop/pr-2, "
        "which belongs to shop/pr-2; change spec.fqdn",
        "! Preview shop/pr-2 pr-3.preview.example.com: belongs to shop/pr-3; change spec.fqdn",
    ]
    free = a_read_preview("pr-2", fqdn="new.example.com")
    plan = plan_of([waiting, free, PR3], there, settings=Settings(route_given=True))
    assert [wait.key for wait in plan.waits_for_this_run] == [
        key("Mapping"), key("Ingress", "pr-2"),
    ]  # fmt: skip


def test_an_unreadable_previews_route_holds_its_hostname() -> None:
    taker = a_read_preview("pr-2", fqdn="pr-1.preview.example.com")
    plan = plan_of([an_unreadable_preview(), taker], running(PR1))
    assert lines(plan)[-1] == (
        "! Preview shop/pr-2 pr-1.preview.example.com: is still on Mapping shop/pr-1, "
        "which belongs to shop/pr-1; change spec.fqdn"
    )


# the kind of route


def test_without_a_route_option_another_kind_of_route_is_kept() -> None:
    plan = plan_of([PR1], running(PR1, INGRESS))
    assert lines(plan) == ["= Ingress shop/pr-1 kept; pass --route to switch"]


def test_a_kept_route_says_when_it_has_another_hostname() -> None:
    there = running(PR1, INGRESS)
    renamed = a_read_preview("pr-1", fqdn="new.preview.example.com")
    assert lines(plan_of([renamed], there))[-1] == (
        "= Ingress shop/pr-1 kept without the hostname new.preview.example.com; pass --route to switch"
    )


def test_a_child_whose_label_was_turned_to_a_gone_preview_is_not_deleted() -> None:
    orphans = [Live(edited(there.manifest, "metadata", "ownerReferences", to=[])) for there in running(PR1)]
    turned = [
        Live(edited(o.manifest, "metadata", "labels", RULES.names.preview_label, to="pr-9")) for o in orphans
    ]
    plan = plan_of([PR1], turned)
    assert not [change for change in plan.changes if isinstance(change, Delete)]
    assert (
        "= Deployment shop/pr-1 kept, its preview is gone, but not managed by preview-reconcile (no child of pr-9 has its name)"
        in (lines(plan))
    )


def test_a_switch_makes_the_new_route_and_the_old_one_waits_for_it() -> None:
    there = running(PR1)
    first = plan_of([PR1], there, settings=INGRESS)
    assert lines(first) == [
        "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists",
    ]
    then = plan_of([PR1], [*there, live(children_of(PR1, route="ingress")["Ingress"])], settings=INGRESS)
    assert lines(then) == ["- Mapping shop/pr-1 its preview has the Ingress now"]
    (delete,) = then.writes
    assert isinstance(delete, Delete)
    assert (delete.preview_uid, delete.preview_generation, delete.counts) == ("uid-of-shop-pr-1", 1, False)


PROTECTION = {"platform9.com/prune": "disabled"}
OWNER = "{apiVersion: platform9.com/v1, kind: PreviewEnvironment, name: pr-1, uid: uid-of-shop-pr-1, controller: true}"
PROTECTED = "protected: platform9.com/prune is disabled"


def after(plan: Plan, there: Iterable[Live]) -> list[Live]:
    """The objects once the plan's updates were made."""
    made = {change.key: live(change.manifest) for change in plan.writes if isinstance(change, Update)}
    return [made.get(one.key, one) for one in there]


def test_what_a_protected_preview_no_longer_wants_is_protected_too_and_stays_as_it_is() -> None:
    """What was made before its preview was protected said nothing of that."""
    protected = a_read_preview(annotations=PROTECTION)
    as_wanted = [live(child) for child in children_of(protected, route="ingress").values()]
    mapping = running(PR1)[-1]
    there = [*as_wanted, mapping]
    plan = plan_of([protected], there, settings=INGRESS)
    assert lines(plan) == [
        "~ Mapping shop/pr-1 its preview is protected",
        "metadata.annotations[platform9.com/prune] + disabled",
        f"metadata.ownerReferences[pr-1] - {OWNER}",
    ]
    (update,) = plan.writes
    assert isinstance(update, Update)
    assert update.manifest["spec"] == mapping.manifest["spec"]
    there = after(plan, there)
    assert lines(plan_of([protected], there, settings=INGRESS)) == [f"= Mapping shop/pr-1 {PROTECTED}"]
    assert f"= Mapping shop/pr-1 {PROTECTED}" in lines(plan_of([PR2], there[-1:]))


def test_what_is_not_wanted_stays_protected_when_its_preview_no_longer_is() -> None:
    """A child that says that it must not be deleted is not, whoever wrote it: a person takes that away."""
    protected = a_read_preview(annotations=PROTECTION)
    there = [*running(PR1, INGRESS), running(protected)[-1]]
    plan = plan_of([PR1], there, settings=INGRESS)
    assert (lines(plan), plan.writes) == ([f"= Mapping shop/pr-1 {PROTECTED}"], ())


def test_what_somebody_protected_and_nobody_wants_loses_its_owner_alone() -> None:
    mapping = children_of(PR1)["Mapping"]
    by_hand = live(
        edited(mapping, "metadata", "annotations", "platform9.com/prune", to="disabled"), applied=mapping
    )
    plan = plan_of([PR1], [*running(PR1, INGRESS), by_hand], settings=INGRESS)
    assert lines(plan) == [
        "~ Mapping shop/pr-1 it is protected",
        f"metadata.ownerReferences[pr-1] - {OWNER}",
    ]


def test_a_route_that_is_kept_since_nobody_said_to_switch_is_as_protected_as_its_preview() -> None:
    protected = a_read_preview(annotations=PROTECTION)
    there = [*running(protected)[:-1], running(PR1, INGRESS)[-1]]
    plan = plan_of([protected], there)
    assert lines(plan)[0] == "~ Ingress shop/pr-1 its preview is protected"
    assert lines(plan_of([protected], after(plan, there))) == [
        "= Ingress shop/pr-1 kept; pass --route to switch"
    ]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        pytest.param(
            untracked(children_of(PR1)["Mapping"]),
            f"= Mapping shop/pr-1 {PROTECTED} on its preview",
            id="no record of what we applied",
        ),
        pytest.param(
            live(children_of(PR1)["Mapping"], deletionTimestamp="now"),
            ". Mapping shop/pr-1 is being deleted",
            id="going",
        ),
        pytest.param(
            live(edited(children_of(PR1)["Mapping"], "metadata", "ownerReferences", to=[
                {"apiVersion": "v1", "kind": "X", "name": "y", "uid": "z", "controller": True}
            ])),
            "= Mapping shop/pr-1 kept, its preview does not request it, but not managed by preview-reconcile",
            id="not ours",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_protected_is_not_written(mapping: Live, told: str) -> None:
    protected = a_read_preview(annotations=PROTECTION)
    there = [*running(protected, INGRESS), mapping]
    plan = plan_of([protected], there, settings=INGRESS)
    assert plan.writes == ()
    assert lines(plan)[0].startswith(told)


def test_a_hostname_is_not_given_to_a_route_that_is_only_being_protected() -> None:
    """The update of a route that nobody wants says nothing of who may have the hostname."""
    protected = a_read_preview(annotations=PROTECTION, fqdn="new.example.com")
    other = a_read_preview("pr-2", fqdn=PR1.spec.fqdn)
    there = [*running(protected, INGRESS), running(PR1)[-1], *running(other, INGRESS)[:-1]]
    told = lines(plan_of([protected, other], there, settings=INGRESS))
    assert "~ Mapping shop/pr-1 its preview is protected" in told
    still = f"{PR1.spec.fqdn}: is still on Mapping shop/pr-1, which belongs to shop/pr-1; change spec.fqdn"
    assert f"! Preview shop/pr-2 {still}" in told


def test_a_preview_that_does_not_get_its_hostname_has_its_old_route_protected_all_the_same() -> None:
    other = a_read_preview("pr-2", fqdn="new.example.com")
    protected = a_read_preview(annotations=PROTECTION, fqdn="new.example.com")
    there = [*running(protected, INGRESS)[:-1], running(PR1)[-1], *running(other, INGRESS)]
    told = lines(plan_of([protected, other], there, settings=INGRESS))
    assert "~ Mapping shop/pr-1 its preview is protected" in told
    assert "! Preview shop/pr-1 new.example.com: belongs to shop/pr-2; change spec.fqdn" in told


def parents(observed: int, status: str = "True") -> dict[str, Any]:
    accepted = {"type": "Accepted", "status": status, "observedGeneration": observed}
    return {"parents": [{"parentRef": {"namespace": "infra", "name": "web"}, "conditions": [accepted]}]}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({}, ". Mapping shop/pr-1 waits: deleted when HTTPRoute shop/pr-1 is accepted"),
        (parents(1), ". Mapping shop/pr-1 waits: deleted when HTTPRoute shop/pr-1 is accepted"),
        (parents(2, "False"), ". Mapping shop/pr-1 waits: deleted when HTTPRoute shop/pr-1 is accepted"),
        (parents(2), "- Mapping shop/pr-1 its preview has the HTTPRoute now"),
    ],
    ids=["no status", "of an older generation", "refused", "accepted"],
)
def test_the_old_route_goes_when_the_httproute_is_accepted(status: dict[str, Any], line: str) -> None:
    manifest = children_of(PR1, **vars(HTTPROUTE))["HTTPRoute"]
    route = live({**manifest, "status": status}, applied=manifest, generation=2)
    plan = plan_of([PR1], [*running(PR1), route], settings=HTTPROUTE)
    assert lines(plan) == [line]
    assert not any(c.for_this_run for c in plan.changes if isinstance(c, Waiting))


def test_an_old_route_with_another_hostname_goes_when_the_new_one_is_there() -> None:
    """A link under the old name is better than none."""
    renamed = a_read_preview(fqdn="new.example.com")
    plan = plan_of([renamed], running(PR1), settings=INGRESS)
    assert lines(plan) == [
        "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists",
    ]
    plan = plan_of([renamed], [*running(PR1), *running(renamed, INGRESS)[-1:]], settings=INGRESS)
    assert lines(plan) == [
        "- Mapping shop/pr-1 its preview has another hostname, and another kind of route",
    ]


def test_an_old_route_stays_while_nobody_knows_whether_a_new_one_can_be_made() -> None:
    renamed = a_read_preview(fqdn="new.example.com")
    failed = KindList(WHOLE["Service"].resource, problem="the list is incomplete: 500", known=False)
    there = [one for one in running(PR1) if one.key.kind != "Service"]
    plan = plan_of([renamed], there, settings=INGRESS, kinds={"Service": failed})
    assert lines(plan)[0] == ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists"
    assert plan.writes == ()


def test_with_route_none_the_route_goes() -> None:
    plan = plan_of([PR1], running(PR1), settings=Settings(route="none", route_given=True))
    assert lines(plan) == ["- Mapping shop/pr-1 its preview has no route (--route is none)"]


def test_a_route_of_another_kind_is_kept_also_where_the_default_kind_is_not_installed() -> None:
    """A laptop without the CronJob's --route must not call a healthy preview broken."""
    absent = KindList(WHOLE["Mapping"].resource, installed=False)
    plan = plan_of([PR1], running(PR1, INGRESS), kinds={"Mapping": absent})
    assert lines(plan) == ["= Ingress shop/pr-1 kept; pass --route to switch"]
    assert plan.blocked == ()


def test_a_route_kind_that_is_not_installed_blocks_after_deployment_and_service() -> None:
    absent = KindList(WHOLE["Mapping"].resource, installed=False)
    plan = plan_of([PR1], kinds={"Mapping": absent})
    assert lines(plan) == [
        "+ Deployment shop/pr-1 new preview",
        "+ Service shop/pr-1 new preview",
        "! Preview shop/pr-1 Mapping (getambassador.io/v3alpha1) is not installed in this cluster: "
        "install it, or choose another --route",
    ]
    assert [blocked.verdict for blocked in plan.blocked] == ["RouteNotAccepted"]


# what is skipped


def test_a_kind_that_was_not_listed_is_not_written_nor_what_comes_after_it() -> None:
    failed = KindList(
        WHOLE["Service"].resource, problem="the list of services is incomplete: 500", known=False
    )
    gone = [there for there in running(PR2) if there.key.kind != "Service"]
    plan = plan_of([PR1], gone, kinds={"Service": failed})
    assert lines(plan) == [
        "+ Deployment shop/pr-1 new preview",
        "- Deployment shop/pr-2 its preview is gone",
        "- Mapping shop/pr-2 its preview is gone",
        "! Service: the list of services is incomplete: 500; all changes of this kind are skipped",
    ]


def test_deletes_of_a_kind_whose_list_is_not_whole_are_withheld_one_by_one() -> None:
    partly = KindList(WHOLE["Mapping"].resource, problem="x.yaml:1: broken")
    plan = plan_of([PR1], [*running(PR1), *running(PR2)], kinds={"Mapping": partly})
    assert lines(plan) == [
        "- Deployment shop/pr-2 its preview is gone",
        "- Service shop/pr-2 its preview is gone",
        "= Mapping shop/pr-2 delete skipped (its preview is gone)",
        "! Mapping: x.yaml:1: broken; all changes of this kind are skipped",
    ]


def test_where_the_previews_are_not_known_whole_nothing_is_deleted() -> None:
    plan = plan_of([PR1], running(PR2), problem="shop/a.yaml:3: broken")
    assert {line[0] for line in lines(plan)} == {"+", "=", "!"}
    assert lines(plan)[-1] == "! Refusing to prune: shop/a.yaml:3: broken"
    assert not any(isinstance(change, Delete) for change in plan.changes)


def test_an_empty_list_of_previews_deletes_nothing_unless_that_is_said() -> None:
    withheld = plan_of([], running(PR1))
    assert lines(withheld) == [
        "= Deployment shop/pr-1 delete skipped (its preview is gone)",
        "= Service shop/pr-1 delete skipped (its preview is gone)",
        "= Mapping shop/pr-1 delete skipped (its preview is gone)",
        "! Refusing to delete 3 children: the list of previews is empty; "
        "if this is intended, pass --max-deletes 100%",
    ]
    assert len(plan_of([], running(PR1), limit="100%").writes) == 3
    assert plan_of([], []).withheld == ()


def test_what_the_scope_leaves_out_was_sent_all_the_same() -> None:
    assert len(plan_of([], running(PR1), sent=1).writes) == 3


def test_notes_of_the_snapshot_come_last() -> None:
    assert lines(plan_of([], [], notes=("only namespace shop was read",))) == ["only namespace shop was read"]


# the whole


def test_a_later_pass_may_do_only_what_the_first_one_named() -> None:
    plan = plan_of([PR1, PR2])
    wanted = key("Mapping", "pr-2")
    assert [change.key for change in only(plan, frozenset({wanted})).writes] == [wanted]


def test_a_preview_from_a_file_without_uid_may_lose_its_old_route_too() -> None:
    written = parse_preview(without_uid(a_preview()), group=DEFAULT_GROUP, strict_fields=True)
    there = [*running(written), live(children_of(written, route="ingress")["Ingress"])]
    (delete,) = plan_of([written], there, settings=INGRESS).writes
    assert isinstance(delete, Delete)
    assert (delete.preview_uid, delete.preview_generation) == ("", 0)


HOSTS = st.sampled_from(["a.example.com", "b.example.com"])
PREVIEWS = st.lists(
    st.builds(
        lambda name, host, created, suspend: a_read_preview(
            name, fqdn=host, created=created, suspend=suspend
        ),
        st.sampled_from(["pr-1", "pr-2", "pr-3"]),
        HOSTS,
        st.sampled_from([OLD, NEW]),
        st.booleans(),
    ),
    unique_by=lambda preview: preview.name,
    max_size=3,
)
KINDS = st.sets(st.sampled_from(["Deployment", "Service", "Mapping", "Ingress"]))


@given(PREVIEWS, PREVIEWS, KINDS, st.sampled_from([Settings(), INGRESS]), st.randoms(use_true_random=False))
def test_the_plan_is_the_same_bytes_in_whatever_order_things_were_listed(
    wanted: list[Preview], earlier: list[Preview], kinds: set[str], settings: Settings, random: Any
) -> None:
    lives = [
        there
        for preview in earlier
        for there in [*running(preview), *running(preview, INGRESS)[2:]]
        if there.key.kind in kinds
    ]
    lives += [a_strangers("Ingress", "a.example.com", "x"), a_strangers("Ingress", "a.example.com", "y")]
    first = plan_text(plan_of(wanted, lives, settings=settings))
    random.shuffle(wanted)
    random.shuffle(lives)
    assert plan_text(plan_of(wanted, lives, settings=settings)) == first


# expired


NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def an_expired(name: str = "pr-1", end: str = "2026-01-10T10:00:00Z", **fields: Any) -> Preview:
    """A preview whose hour began an hour before `end`."""
    begun = (datetime.fromisoformat(end) - timedelta(hours=1)).isoformat()
    status = {"observedGeneration": 1, "ttl": "1h", "ttlCountsFrom": begun}
    return a_read_preview(name, ttl="1h", status=status, **fields)


BACK = "any change of its spec brings a preview back"


def test_an_expired_preview_loses_its_children_and_keeps_itself() -> None:
    preview = an_expired()
    plan = plan_of([preview], running(preview), now=NOON)
    reason = "its preview expired at 2026-01-10T10:00:00Z"
    assert lines(plan) == [
        f"- Deployment shop/pr-1 {reason}",
        f"- Service shop/pr-1 {reason}",
        f"- Mapping shop/pr-1 {reason}",
        f"1 expired: shop/pr-1; {BACK}",
    ]
    assert {
        (c.preview_uid, c.preview_generation, c.counts) for c in plan.writes if isinstance(c, Delete)
    } == {("uid-of-shop-pr-1", 1, False)}


def test_one_that_has_lost_them_is_only_named() -> None:
    assert lines(plan_of([an_expired()], now=NOON)) == [f"1 expired: shop/pr-1; {BACK}"]


def test_of_many_expired_previews_a_few_are_named() -> None:
    many = [an_expired(f"pr-{number}") for number in range(6)]
    named = "shop/pr-0, shop/pr-1, shop/pr-2, shop/pr-3, shop/pr-4 and others"
    assert lines(plan_of(many, now=NOON)) == [f"6 expired: {named}; {BACK}"]


def test_before_its_time_nothing_expires_and_without_a_clock_nothing_ever() -> None:
    preview = an_expired(end="2026-01-10T12:00:01Z")
    assert lines(plan_of([preview], running(preview), now=NOON)) == []
    assert lines(plan_of([an_expired()], running(an_expired()), now=None)) == []


def test_an_expired_preview_outside_the_scope_is_left_alone() -> None:
    preview = an_expired()
    plan = plan_of([preview, PR2], [*running(preview), *running(PR2)], now=NOON, scope=scope_of("pr-2"))
    assert (lines(plan), plan.writes) == ([], ())


def test_an_expired_preview_claims_no_hostname() -> None:
    preview = an_expired(fqdn="x.example.com")
    other = a_read_preview("pr-2", fqdn="x.example.com", created=NEW)
    plan = plan_of([preview, other], [*running(preview), *running(other)[:2]], now=NOON)
    assert ". Mapping shop/pr-2 waits: x.example.com: Mapping shop/pr-1 still has it" in lines(plan)
    assert "+ Mapping shop/pr-2 new preview" in lines(plan_of([preview, other], now=NOON))


def test_what_a_protected_preview_has_outlives_its_ttl() -> None:
    preview, there = an_expired(annotations=PROTECTION), running(PR1)[1:2]
    plan = plan_of([preview], there, now=NOON)
    assert lines(plan)[0] == "~ Service shop/pr-1 its preview is protected"
    told = lines(plan_of([preview], after(plan, there), now=NOON))
    assert told[0] == f"= Service shop/pr-1 {PROTECTED}"


def test_what_somebody_protected_outlives_the_ttl_of_its_preview() -> None:
    service = children_of(PR1)["Service"]
    protected = edited(service, "metadata", "annotations", "platform9.com/prune", to="disabled")
    owned = plan_of([an_expired()], [live(protected, applied=service)], now=NOON)
    assert lines(owned)[0] == "~ Service shop/pr-1 it is protected"
    ownerless = without_owner(service, RULES.names)
    there = live(
        edited(ownerless, "metadata", "annotations", "platform9.com/prune", to="disabled"), applied=ownerless
    )
    told = lines(plan_of([an_expired()], [there], now=NOON))
    assert told[0] == f"= Service shop/pr-1 {PROTECTED}"


# the operator's limits, which no author's protection outlives


WEEK = Settings(max_ttl="7d")
ALLOWED = Settings(max_ttl="7d", allow_protect=("shop/pr-*",))
ENDED = "2026-01-10T10:00:00Z"


def past_the_most(name: str = "pr-1", **fields: Any) -> Preview:
    """A preview without a ttl of its own, whose week ended two hours ago."""
    status = {"observedGeneration": 1, "ttl": "7d", "ttlCountsFrom": "2026-01-03T10:00:00Z"}
    return a_read_preview(name, status=status, **fields)


def left_behind(
    name: str = "pr-1", last: str = "2026-01-03T10:00:00Z", *, protected: bool = True
) -> list[Live]:
    """What a preview left that is gone: a Service of last year, and a Deployment that we changed last then."""
    preview = a_read_preview(name, annotations=PROTECTION if protected else {})
    deployment, service = list(children_of(preview).values())[:2]
    return [
        live(deployment, managedFields=[{**entry(MANAGER, deployment, "Apply"), "time": last}]),
        live(service, creationTimestamp="2025-12-01T00:00:00Z"),
    ]


def test_no_protection_outlives_the_operators_most() -> None:
    preview = past_the_most(annotations=PROTECTION)
    there = running(preview)
    told = f"its preview expired at {ENDED}; it was protected until {ENDED} (--max-ttl)"
    plan = plan_of([preview], there, settings=WEEK, now=NOON)
    assert lines(plan)[:3] == [f"- {kind} shop/pr-1 {told}" for kind in ("Deployment", "Service", "Mapping")]
    assert {(c.preview_uid, c.counts, c.preview_going) for c in plan.writes if isinstance(c, Delete)} == {
        ("uid-of-shop-pr-1", False, False)
    }


def test_nor_does_that_of_a_child_or_one_that_no_run_has_seen() -> None:
    service = children_of(PR1)["Service"]
    by_hand = edited(service, "metadata", "annotations", "platform9.com/prune", to="disabled")
    told = f"- Service shop/pr-1 its preview expired at {ENDED}; it was protected until {ENDED} (--max-ttl)"
    there = [live(by_hand, applied=service)]
    assert lines(plan_of([past_the_most()], there, settings=WEEK, now=NOON))[0] == told
    unseen = past_the_most(annotations=PROTECTION)
    assert lines(plan_of([unseen], running(PR1)[1:2], settings=WEEK, now=NOON))[0] == told


def test_protection_outlives_the_authors_own_ttl_until_the_most_ends() -> None:
    preview = an_expired(annotations=PROTECTION)
    (line, *notes) = lines(plan_of([preview], running(preview)[1:2], settings=WEEK, now=NOON))
    until = "2026-01-17T09:00:00Z"
    assert line == f"= Service shop/pr-1 protected until {until} (--max-ttl): platform9.com/prune is disabled"
    assert notes[-1] == "1 protected: shop/pr-1; no longer than --max-ttl 7d"
    later = datetime(2026, 1, 17, 9, tzinfo=UTC)
    assert lines(plan_of([preview], running(preview)[1:2], settings=WEEK, now=later))[0].startswith(
        "- Service"
    )


@pytest.mark.parametrize("there", [past_the_most(annotations=PROTECTION), None], ids=["expired", "gone"])
def test_what_the_operator_allows_to_protect_outlives_it(there: Preview | None) -> None:
    protected = a_read_preview(annotations=PROTECTION)
    service = live(children_of(protected)["Service"], creationTimestamp="2025-12-01T00:00:00Z")
    previews = [PR2, *([there] if there else [])]
    told = lines(plan_of(previews, [service, *running(PR2)], settings=ALLOWED, now=NOON))
    by = "and --allow-protect names shop/pr-1"
    assert told[0] == f"= Service shop/pr-1 protected: platform9.com/prune is disabled, {by}"
    assert told[-1] == "1 protected: shop/pr-1; from --max-ttl too, as --allow-protect names them"
    elsewhere = Settings(max_ttl="7d", allow_protect=("other/*",))
    assert lines(plan_of(previews, [service, *running(PR2)], settings=elsewhere, now=NOON))[0][0] == "-"


def test_what_gone_previews_left_is_protected_until_the_most_after_its_last_change() -> None:
    plan = plan_of([PR2], left_behind(), settings=WEEK, now=NOON)
    told = f"its preview is gone; it was protected until {ENDED} (--max-ttl)"
    assert [line for line in lines(plan) if "pr-1" in line] == [
        f"- Deployment shop/pr-1 {told}",
        f"- Service shop/pr-1 {told}",
    ]
    assert {(c.preview_uid, c.counts) for c in plan.writes if isinstance(c, Delete)} == {(None, False)}
    young = [
        line
        for line in lines(plan_of([PR2], left_behind(last="2026-01-03T12:00:01Z"), settings=WEEK, now=NOON))
        if "pr-1" in line
    ]
    until = "protected until 2026-01-10T12:00:01Z (--max-ttl): platform9.com/prune is disabled"
    assert young[:2] == [f"= Deployment shop/pr-1 {until}", f"= Service shop/pr-1 {until}"]


def test_a_time_to_come_that_somebody_wrote_prolongs_nothing() -> None:
    forged = left_behind(last="2999-01-01T00:00:00Z")
    assert "- Deployment shop/pr-1" in "\n".join(lines(plan_of([PR2], forged, settings=WEEK, now=NOON)))


@pytest.mark.parametrize(
    ("settings", "now"), [(Settings(), NOON), (Settings(max_ttl="0"), NOON), (WEEK, None)], ids=str
)
def test_without_a_most_or_a_clock_protection_has_no_end(settings: Settings, now: datetime | None) -> None:
    told = lines(plan_of([PR2], left_behind(last="2020-01-01T00:00:00Z"), settings=settings, now=now))
    assert f"= Deployment shop/pr-1 {PROTECTED}" in told


def test_what_is_not_protected_is_counted_by_the_brake_however_old_it_is() -> None:
    there = [child for n in range(3) for child in left_behind(f"pr-{n + 3}", protected=False)]
    plan = plan_of([PR2], there, settings=WEEK, now=NOON, limit="2")
    assert [entry.subject for entry in plan.withheld] == ["Deletes"]
    assert not any(isinstance(change, Delete) for change in plan.writes)


GOING = "its preview is being deleted, and --max-ttl ended at"


def test_a_finalizer_keeps_no_child_longer_than_the_most() -> None:
    going = a_read_preview(deleted="2026-01-03T12:00:00Z", annotations=PROTECTION)
    at = "2026-01-10T12:00:00Z"
    plan = plan_of([going], running(PR1), settings=WEEK, now=NOON)
    assert [line for line in lines(plan) if line[0] == "-"] == [
        f"- {kind} shop/pr-1 {GOING} {at}; it was protected until {at} (--max-ttl)"
        for kind in ("Deployment", "Service", "Mapping")
    ]
    assert {(c.preview_uid, c.preview_going) for c in plan.writes if isinstance(c, Delete)} == {
        ("uid-of-shop-pr-1", True)
    }
    early = plan_of([going], running(PR1), settings=WEEK, now=NOON - timedelta(seconds=1))
    assert (early.writes, lines(early)[0][0]) == ((), ".")
    assert plan_of([going], running(PR1), now=NOON).writes == ()
    assert plan_of([going], running(PR1), settings=ALLOWED, now=NOON).writes == ()
    bare = a_read_preview(deleted="2026-01-03T12:00:00Z")
    assert len(plan_of([bare], running(PR1), settings=ALLOWED, now=NOON).writes) == 3


# what counts among the previews of a namespace


def counting(previews: Iterable[Preview], lives: Iterable[Live], most: int, **other: Any) -> list[str]:
    """What is refused for being too many."""
    plan = plan_of(previews, lives, settings=Settings(max_previews=most, max_ttl="7d"), now=NOON, **other)
    return [blocked.reason for blocked in plan.blocked]


def test_what_gone_previews_left_protected_counts_and_is_the_oldest() -> None:
    pr2, pr3 = a_read_preview("pr-2", created=OLD), a_read_preview("pr-3", created=NEW)
    left = left_behind(last="2026-01-09T00:00:00Z")
    assert counting([pr2, pr3], left, 3) == []
    (told,) = counting([pr2, pr3], left, 2)
    assert told.startswith(
        "namespace shop has 2 previews and the children of 1 that are gone, and may have 2 in all: "
    )
    assert len(counting([pr2, pr3], left, 1)) == 2
    assert counting([pr2, pr3], left_behind(protected=False), 2) == []
    stranger = untracked(left[1].manifest, managedFields=[entry("kubectl", left[1].manifest)])
    assert counting([pr2, pr3], [stranger], 2) == []


def test_an_expired_preview_counts_while_what_it_has_is_protected() -> None:
    pr2 = a_read_preview("pr-2", created=NEW)
    expired = an_expired(annotations=PROTECTION, created=OLD)
    assert len(counting([expired, pr2], running(expired), 1)) == 1
    assert counting([an_expired(created=OLD), pr2], running(an_expired()), 1) == []


def test_more_leftovers_than_always_go_count_too() -> None:
    def left(number: int) -> list[Live]:
        return [c for n in range(number) for c in left_behind(f"old-{n}", protected=False)]

    assert counting([PR2], left(9), 1) == []
    assert len(counting([PR2], left(10), 10)) == 1
    assert counting([PR2], left(10), 11) == []


def test_a_strangers_object_with_an_expired_previews_label_stays() -> None:
    stranger = untracked(edited(children_of(PR1)["Service"], "metadata", "annotations", to={}))
    (line, _) = lines(plan_of([an_expired()], [stranger], now=NOON))
    assert line.startswith(
        "= Service shop/pr-1 kept, its preview expired at 2026-01-10T10:00:00Z, but not managed"
    )


def expiring(*hours: int) -> tuple[list[Preview], list[Live]]:
    previews = [an_expired(f"pr-{n}", f"2026-01-10T{hour:02}:00:00Z") for n, hour in enumerate(hours)]
    return previews, [child for preview in previews for child in running(preview)[:1]]


def test_of_expired_previews_the_longest_expired_go_and_the_rest_wait() -> None:
    plan = plan_of(*expiring(10, 8, 9), limit="2", now=NOON)
    assert lines(plan)[:3] == [
        "- Deployment shop/pr-1 its preview expired at 2026-01-10T08:00:00Z",
        "- Deployment shop/pr-2 its preview expired at 2026-01-10T09:00:00Z",
        ". Deployment shop/pr-0 expired; waits: the limit is 2 per run (--max-deletes)",
    ]
    assert plan.withheld == ()


def test_expired_previews_go_though_the_others_are_too_many() -> None:
    previews, lives = expiring(10)
    gone = [child for name in ("pr-7", "pr-8") for child in running(a_read_preview(name))]
    plan = plan_of(previews, [*lives, *gone], limit="1", now=NOON)
    assert [str(change.key) for change in plan.writes] == ["Deployment shop/pr-0"]
    assert [entry.subject for entry in plan.withheld] == ["Deletes"]


def test_where_nothing_is_to_be_deleted_expired_previews_keep_their_children_too() -> None:
    plan = plan_of(*expiring(10), limit="0", now=NOON)
    assert plan.writes == ()
    assert [entry.reason for entry in plan.withheld] == ["Refusing to prune: --max-deletes is 0"]


def test_an_expired_preview_takes_no_place_from_another() -> None:
    old = an_expired("pr-1", created=OLD)
    new = a_read_preview("pr-2", created=NEW)
    plan = plan_of([old, new], settings=Settings(max_previews=1), now=NOON)
    assert [change.verdict for change in plan.blocked] == []


def test_going_and_invalid_come_before_expired_and_expired_before_refused() -> None:
    unreadable = an_unreadable_preview("pr-2", ttl="1h", status=dict(an_expired().status))
    previews = [an_expired(), unreadable, an_expired("pr-3", deleted=NEW)]
    all_desired = desire(previews, Settings(allow_image=("x",)), Scope(), now=NOON)
    assert [desired.verdict for desired in all_desired] == ["Expired", "Invalid", "Going"]


def test_among_files_the_plan_says_once_that_no_ttl_is_acted_on() -> None:
    note = "a ttl counts from what an earlier run wrote into a status: among files nothing expires"
    two = [a_read_preview("pr-1", ttl="1h"), a_read_preview("pr-2", ttl="1h")]
    assert plan_of(two, from_server=False).notes == (note,)
    assert plan_of([PR1], from_server=False).notes == ()
    assert plan_of([PR1], from_server=False, settings=Settings(max_ttl="1h")).notes == (note,)
    assert plan_of(two).notes == ()


def scope_of(name: str) -> Scope:
    return make_scope(None, (name,), None)
