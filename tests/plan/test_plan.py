"""From what is and what is wanted to a plan, read as people read it."""

from collections.abc import Iterable, Sequence
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
from reconcile.plan.child_policy import places_left
from reconcile.plan.limits import Limit
from reconcile.plan.options import PlanOptions
from reconcile.plan.plan import make_plan, only
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
from tests.whole import drawn

WHOLE = {kind.resource.kind: KindList(kind.resource) for kind in CHILDREN}
HTTPROUTE = Settings(route="httproute", route_given=True, gateway=Gateway(namespace="infra", name="web"))
INGRESS = Settings(route="ingress", route_given=True)
SWITCH = Settings(route_given=True)
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOST, HOST_1, HOST_2 = "x.example.com", "pr-1.preview.example.com", "pr-2.preview.example.com"
PRUNE = ("metadata", "annotations", "platform9.com/prune")
PROTECTION = {"platform9.com/prune": "disabled"}
PROTECTED = "protected: platform9.com/prune is disabled"
UNMANAGED = "but it is not managed by preview-reconcile"


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
    rules = replace(rules, templates=settings.templates is not None)
    options = PlanOptions(
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
    return make_plan(snapshot, desire(previews, settings, scope, now=now, left=left), options)


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


def holds(name: str, fqdn: str = HOST, since: str = NEW, **fields: Any) -> Preview:
    """A preview whose status records that hostname."""
    status = {"hostname": {"name": fqdn, "heldSince": since}}
    return a_read_preview(name, **{"fqdn": fqdn, "created": OLD, "status": status, **fields})


def an_expired(name: str = "pr-1", end: str = "2026-01-10T10:00:00Z", **fields: Any) -> Preview:
    """A preview whose hour began an hour before `end`."""
    begun = (datetime.fromisoformat(end) - timedelta(hours=1)).isoformat()
    status = {"observedGeneration": 1, "ttl": "1h", "ttlCountsFrom": begun}
    return a_read_preview(name, ttl="1h", status=status, **fields)


def scope_of(name: str) -> Scope:
    return make_scope(None, (name,), None)


def three(symbol: str, reason: str, place: str = "shop/pr-1") -> list[str]:
    return [f"{symbol} {kind} {place} {reason}".strip() for kind in ("Deployment", "Service", "Mapping")]


PROXY = Live(
    edited(
        a_strangers("Ingress", HOST_1).manifest,
        "spec",
        "rules",
        0,
        "http",
        to={"paths": [{"path": "/oauth2"}]},
    )
)
PR1, PR2, PR3 = (a_read_preview(name) for name in ("pr-1", "pr-2", "pr-3"))
PR9 = a_read_preview("pr-9")
SERVICE, MAPPING = (children_of(PR1)[kind] for kind in ("Service", "Mapping"))
GOING = a_read_preview(deleted=OLD)
GUARDED = a_read_preview(annotations=PROTECTION)
RENAMED = a_read_preview(fqdn="new.example.com")
TAKER = a_read_preview("pr-2", fqdn=HOST_1)
"""It asks for the hostname that pr-1 has."""
OLDER, YOUNGER = (a_read_preview(n, fqdn=HOST, created=c) for n, c in (("pr-2", OLD), ("pr-1", NEW)))
THIEF = a_read_preview("pr-1", fqdn=HOST, created=OLD)
"""Its author wrote the hostname of another into its route by hand, or a run did that saw no other namespace."""
STRANGER = untracked({"apiVersion": "v1", "kind": "Service", "metadata": SERVICE["metadata"] | {"labels": {}, "annotations": {}}})  # fmt: skip
RESTORED = [untracked(m, managedFields=[entry("velero", m)]) for m in children_of(PR1).values()]
BY_HAND = live(edited(MAPPING, *PRUNE, to="disabled"), applied=MAPPING)
NO_LIST = KindList(WHOLE["Service"].resource, problem="the list is incomplete: 500", known=False)
AFTER_SERVICE = "waits: Service comes first, and could not be read"
PARTLY = KindList(WHOLE["Mapping"].resource, problem="x.yaml:1: broken")
ABSENT = KindList(WHOLE["Mapping"].resource, installed=False)
NEW_1, NEW_2 = (three("+", "new preview", f"shop/{name}") for name in ("pr-1", "pr-2"))
BACK = "any change of its spec brings a preview back"
GONE_1 = three("-", "its preview is gone")
FREE_2 = "shop/pr-2; change spec.fqdn"
GIVEN_UP = f"- Mapping shop/pr-1 it has {HOST}, which belongs to shop/pr-2"
OWNER = "{apiVersion: platform9.com/v1, kind: PreviewEnvironment, name: pr-1, uid: uid-of-shop-pr-1, controller: true}"
LOSES_OWNER = f"metadata.ownerReferences[pr-1] - {OWNER}"

Row = tuple[Sequence[Preview], Sequence[Live], Sequence[str], dict[str, Any]]


def row(previews: Sequence[Preview], there: Sequence[Live], *told: str, **options: Any) -> Row:
    return previews, there, told, options


ROWS: dict[str, Row] = {
    # coming up, staying right, going away
    "a new preview gets its children": row(
        [PR1], [], *NEW_1, "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."
    ),
    "what is as wanted is only counted": row(
        [PR1], running(PR1), "Plan: 0 to create, 0 to update, 0 to delete, 3 unchanged."
    ),
    "what is no longer owned goes, and what is there stays": row(
        [PR2], [*running(PR1), *running(PR2)], *GONE_1, deletes={(None, None, True)}
    ),
    # why a preview is not reconciled
    "children of an unreadable preview are kept": row(
        [an_unreadable_preview()], running(PR1),
        '! Preview shop/pr-1 spec.fqdn: "Foo" has upper-case letters',
        "Plan: 0 to create, 0 to update, 0 to delete, 1 blocked, 3 unchanged.", blocked=["Invalid"],
    ),
    "a refused preview keeps what it has and gets nothing": row(
        [PR1], running(PR1)[:1],
        f"! Preview shop/pr-1 spec.fqdn: {HOST_1} is not allowed; --allow-fqdn is *.other.example.com",
        settings=Settings(allow_fqdn=("*.other.example.com",)), blocked=["Refused"],
    ),
    "a preview that is going gets no writes": row(
        [GOING], running(PR1)[:1], ". Preview shop/pr-1 it is being deleted, and waits for its finalizers"
    ),
    "one whose name is taken gets no child at all, since its route would lead to a stranger": row(
        [PR1], [STRANGER, *running(PR1)[:1]],
        "! Preview shop/pr-1 Service shop/pr-1: exists and is not managed by preview-reconcile (no label "
        "platform9.com/preview and no annotation platform9.com/identity); delete it, or rename the preview",
        blocked=["NameTaken"],
    ),
    "one blocked preview does not hold up another": row(
        [an_unreadable_preview(), PR2], [], *NEW_2, '! Preview shop/pr-1 spec.fqdn: "Foo" has upper-case letters'
    ),
    "what only carries our label is not deleted": row(
        [PR2], [untracked(SERVICE, managedFields=[entry("kubectl", SERVICE)]), *running(PR2)],
        f"= Service shop/pr-1 kept: its preview is gone, {UNMANAGED} (not applied by {MANAGER})",
    ),
    "nor a stranger's object with an expired preview's label": row(
        [an_expired()], [untracked(edited(SERVICE, "metadata", "annotations", to={}))],
        f"= Service shop/pr-1 kept: its preview expired at 2026-01-10T10:00:00Z, {UNMANAGED} "
        "(no annotation platform9.com/identity)", f"1 expired: shop/pr-1; {BACK}", now=NOON,
    ),
    "what was restored is adopted": row([PR1], RESTORED, *three("~", "adopted"), adopt=True),
    # the scope
    "a preview outside the scope is not gone and not touched": row(
        [PR1, PR2], [*running(PR1)[:1], *running(PR9)], *NEW_2, scope=scope_of("pr-2")
    ),
    "with a selector nothing of a gone preview is deleted": row(
        [PR2], [*running(PR1), *running(PR2)], scope=make_scope(None, (), "a!=b")
    ),
    "a gone preview is cleaned up by its name": row(
        [PR3], [*running(PR1), *running(PR2)], *GONE_1, scope=scope_of("shop/pr-1")
    ),
    "or by its namespace": row(
        [PR3], [*running(PR2), *running(a_read_preview("pr-2", "blog"))],
        *three("-", "its preview is gone", "blog/pr-2"), scope=make_scope("blog", (), None),
    ),
    "a claim outside the scope still counts": row(
        [OLDER, YOUNGER], [], *NEW_1[:2], f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}", scope=scope_of("pr-1")
    ),
    "an expired preview outside the scope is left alone": row(
        [an_expired(), PR2], [*running(an_expired()), *running(PR2)], now=NOON, scope=scope_of("pr-2")
    ),
    # hostnames
    "of two that want a hostname the younger gets no route": row(
        [OLDER, YOUNGER], [], *NEW_1[:2], *NEW_2, f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}"
    ),
    "one that renames to a taken hostname keeps its route as it is": row(
        [a_read_preview("pr-1", fqdn=HOST_2), PR2], [*running(PR1), *running(PR2)],
        f"! Preview shop/pr-1 {HOST_2}: belongs to {FREE_2}",
        "Plan: 0 to create, 0 to update, 0 to delete, 1 blocked, 6 unchanged.", blocked=["HostnameConflict"],
    ),
    "a swap is begun by the oldest, and the other waits for this run": row(
        [a_read_preview("pr-1", created=OLD, fqdn=HOST_2), a_read_preview("pr-2", created=NEW, fqdn=HOST_1)],
        [*running(PR1), *running(PR2)],
        "~ Mapping shop/pr-1 its preview or an option changed",
        f"spec.hostname {HOST_1} -> {HOST_2}",
        f". Mapping shop/pr-2 waits: {HOST_1}: Mapping shop/pr-1 still has it",
        waits=["Mapping shop/pr-2"],
    ),
    "a hostname of a preview that goes is waited for": row(
        [TAKER], running(PR1), *NEW_2[:2], *GONE_1,
        f". Mapping shop/pr-2 waits: {HOST_1}: Mapping shop/pr-1 still has it", waits=["Mapping shop/pr-2"],
    ),
    "a stranger's route blocks who does not have the hostname": row(
        [PR1], [a_strangers("Ingress", HOST_1)], *NEW_1[:2],
        f"! Preview shop/pr-1 {HOST_1}: belongs to Ingress infra/web; change spec.fqdn",
    ),
    "and warns who has it": row(
        [PR1], [a_strangers("Ingress", HOST_1), *running(PR1)],
        f"warning: {HOST_1} of shop/pr-1: Ingress infra/web has it too",
    ),
    "a stranger's route of another path does neither": row([PR1], [PROXY], *NEW_1),
    "nor beside the preview's own": row([PR1], [PROXY, *running(PR1)]),
    # Somebody edited it, and its own preview's run puts it right: both would have it then.
    "a preview's route of other paths holds its hostname": row(
        [PR1, TAKER], [*running(PR1)[:2], live(edited(MAPPING, "spec", "prefix", to="/api/"), applied=MAPPING)],
        f"! Preview shop/pr-2 {HOST_1}: belongs to shop/pr-1; change spec.fqdn", among=1,
    ),
    "an unreadable preview's route holds its hostname": row(
        [an_unreadable_preview(), TAKER], running(PR1),
        f"! Preview shop/pr-2 {HOST_1}: is still on Mapping shop/pr-1, which belongs to shop/pr-1; change spec.fqdn",
        among=1,
    ),
    "a route with a hostname that another holds goes": row(
        [THIEF, holds("pr-2")], [*running(THIEF), *running(holds("pr-2"))], GIVEN_UP,
        f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}", deletes={("uid-of-shop-pr-1", 1, False)},
    ),
    "of a frozen preview too, and nothing else of it": row(
        [an_unreadable_preview(), holds("pr-2")], [*running(THIEF), *running(holds("pr-2"))], GIVEN_UP,
        '! Preview shop/pr-1 spec.fqdn: "Foo" has upper-case letters',
        f"warning: {HOST} of shop/pr-2: Mapping shop/pr-1 has it too",
    ),
    "its author's protection keeps no hostname of another": row(
        [replace(THIEF, annotations=PROTECTION), holds("pr-2")],
        [*running(replace(THIEF, annotations=PROTECTION)), *running(holds("pr-2"))],
        GIVEN_UP, f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}",
    ),
    "but the operator's word does": row(
        [replace(THIEF, annotations=PROTECTION), holds("pr-2")],
        [*running(replace(THIEF, annotations=PROTECTION)), *running(holds("pr-2"))],
        f"= Mapping shop/pr-1 {PROTECTED}, and --allow-protect names shop/pr-1",
        f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}", among=1, settings=Settings(allow_protect=("shop/pr-1",)),
    ),
    "a preview that a finalizer holds keeps no hostname of another": row(
        [replace(THIEF, deletion_timestamp=NEW), holds("pr-2")], [*running(THIEF), *running(holds("pr-2"))],
        GIVEN_UP, among=1, deletes={("uid-of-shop-pr-1", 1, False)}, going={True},
    ),
    # The holder took it before its own record was there: then nobody can tell a thief from a holder.
    "a route with a hostname that nobody has on record stays": row(
        [a_read_preview(name, fqdn=HOST, created=OLD) for name in ("pr-1", "pr-2")],
        [child for name in ("pr-1", "pr-2") for child in running(a_read_preview(name, fqdn=HOST, created=OLD))],
        f"! Preview shop/pr-2 {HOST}: belongs to shop/pr-1; change spec.fqdn",
    ),
    "who is going holds no hostname any more": row(
        [holds("pr-1", deleted=NEW), a_read_preview("pr-2", fqdn=HOST)], [], "+ Mapping shop/pr-2 new preview", among=1
    ),
    "an expired preview claims no hostname": row(
        [an_expired(fqdn=HOST), OLDER], running(OLDER)[:2], "+ Mapping shop/pr-2 new preview",
        f"1 expired: shop/pr-1; {BACK}", now=NOON,
    ),
    "and its route is waited for": row(
        [an_expired(fqdn=HOST), OLDER], [*running(an_expired(fqdn=HOST)), *running(OLDER)[:2]],
        f". Mapping shop/pr-2 waits: {HOST}: Mapping shop/pr-1 still has it", among=1, now=NOON,
    ),
    "where one namespace alone is read, nobody gets what his status does not record": row(
        [PR1], [], *NEW_1[:2],
        f"! Preview shop/pr-1 {HOST_1}: is not assigned while only this namespace is read, "
        "because others may use it; pass --allow-fqdn with the hostnames of this namespace", only_held=True,
    ),
    "and who has it on record does": row(
        [holds("pr-1", HOST_1)], [], *three("+", "does not exist"), only_held=True
    ),
    # Its new route is not made, so its old one does not go: nobody is told to wait for that.
    "who waits for a route that is switched by a preview in conflict is blocked": row(
        [a_read_preview("pr-1", fqdn=HOST_2), a_read_preview("pr-2", fqdn=PR3.spec.fqdn), PR3],
        [*running(PR2, INGRESS), *running(PR3)],
        f"! Preview shop/pr-1 {HOST_2}: is still on Ingress shop/pr-2, which belongs to {FREE_2}",
        f"! Preview shop/pr-2 {PR3.spec.fqdn}: belongs to shop/pr-3; change spec.fqdn", among=1, settings=SWITCH,
    ),
    "and by another preview is waited for": row(
        [a_read_preview("pr-1", fqdn=HOST_2), a_read_preview("pr-2", fqdn="new.example.com"), PR3],
        [*running(PR2, INGRESS), *running(PR3)],
        among=1, waits=["Mapping shop/pr-1", "Ingress shop/pr-2"], settings=SWITCH,
    ),
    # The update of a route that nobody wants says nothing of who may have the hostname.
    "a hostname is not given to a route that is only being protected": row(
        [replace(GUARDED, spec=RENAMED.spec), TAKER],
        [*running(replace(GUARDED, spec=RENAMED.spec), INGRESS), live(MAPPING), *running(TAKER, INGRESS)[:-1]],
        "~ Mapping shop/pr-1 its preview is protected",
        f"! Preview shop/pr-2 {HOST_1}: is still on Mapping shop/pr-1, which belongs to shop/pr-1; change spec.fqdn",
        among=1, settings=INGRESS,
    ),
    "one that does not get its hostname has its old route protected all the same": row(
        [replace(GUARDED, spec=OLDER.spec), OLDER],
        [*running(replace(GUARDED, spec=OLDER.spec), INGRESS)[:-1], live(MAPPING), *running(OLDER, INGRESS)],
        "~ Mapping shop/pr-1 its preview is protected", f"! Preview shop/pr-1 {HOST}: belongs to {FREE_2}",
        among=1, settings=INGRESS,
    ),
    # the kind of route
    "without --route another kind of route is kept": row(
        [PR1], running(PR1, INGRESS), "= Ingress shop/pr-1 kept; pass --route to switch"
    ),
    # A laptop without the CronJob's --route must not call a healthy preview broken.
    "also where the default kind is not installed": row(
        [PR1], running(PR1, INGRESS), "= Ingress shop/pr-1 kept; pass --route to switch", kinds={"Mapping": ABSENT}
    ),
    "one that is kept says when it has another hostname": row(
        [RENAMED], running(PR1, INGRESS),
        "= Ingress shop/pr-1 kept without the hostname new.example.com; pass --route to switch",
    ),
    "a kind of route that is not installed blocks after Deployment and Service": row(
        [PR1], [], *NEW_1[:2],
        "! Preview shop/pr-1 Mapping (getambassador.io/v3alpha1) is not installed in this cluster: "
        "install it, or choose another --route", kinds={"Mapping": ABSENT}, blocked=["RouteNotAccepted"],
    ),
    "a switch makes the new route, and the old one waits for it": row(
        [PR1], running(PR1), "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists",
        waits=["Mapping shop/pr-1"], settings=INGRESS,
    ),
    "and goes then": row(
        [PR1], [*running(PR1), running(PR1, INGRESS)[-1]], "- Mapping shop/pr-1 its preview has the Ingress now",
        settings=INGRESS, deletes={("uid-of-shop-pr-1", 1, False)},
    ),
    # A link under the old name is better than none.
    "an old route with another hostname waits for the new one": row(
        [RENAMED], running(PR1), "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists", settings=INGRESS,
    ),
    "and goes when that is there": row(
        [RENAMED], [*running(PR1), running(RENAMED, INGRESS)[-1]],
        "- Mapping shop/pr-1 its preview has another hostname, and another kind of route", settings=INGRESS,
    ),
    "an old route stays while nobody knows whether a new one can be made": row(
        [RENAMED], [one for one in running(PR1) if one.key.kind != "Service"],
        *(f". {kind} shop/pr-1 {AFTER_SERVICE}" for kind in ("Mapping", "Ingress")),
        "! Service: the list is incomplete: 500; all changes of this kind are skipped",
        settings=INGRESS, kinds={"Service": NO_LIST}, waits=[],
    ),
    "with --route none the route goes": row(
        [PR1], running(PR1), "- Mapping shop/pr-1 its preview has no route (--route is none)",
        settings=Settings(route="none", route_given=True),
    ),
    # what is protected; what was made before its preview was protected said nothing of that
    "what a protected preview no longer wants is protected too": row(
        [GUARDED], [*running(GUARDED, INGRESS), live(MAPPING)],
        "~ Mapping shop/pr-1 its preview is protected",
        "metadata.annotations[platform9.com/prune] + disabled", LOSES_OWNER, settings=INGRESS,
    ),
    # A child that says that it must not be deleted is not, whoever wrote it: a person takes that away.
    "and stays so when its preview no longer is": row(
        [PR1], [*running(PR1, INGRESS), running(GUARDED)[-1]], f"= Mapping shop/pr-1 {PROTECTED}", settings=INGRESS
    ),
    "what somebody protected and nobody wants loses its owner alone": row(
        [PR1], [*running(PR1, INGRESS), BY_HAND],
        "~ Mapping shop/pr-1 it is protected", LOSES_OWNER, settings=INGRESS,
    ),
    "a kept route is as protected as its preview": row(
        [GUARDED], [*running(GUARDED)[:-1], running(PR1, INGRESS)[-1]],
        "~ Ingress shop/pr-1 its preview is protected",
        "metadata.annotations[platform9.com/prune] + disabled", LOSES_OWNER,
    ),
    "what has no record of what we applied is not written": row(
        [GUARDED], [*running(GUARDED, INGRESS), untracked(MAPPING)],
        f"= Mapping shop/pr-1 {PROTECTED} on its preview", settings=INGRESS,
    ),
    "nor what is going": row(
        [GUARDED], [*running(GUARDED, INGRESS), live(MAPPING, deletionTimestamp="now")],
        ". Mapping shop/pr-1 is being deleted, and waits for its finalizers", settings=INGRESS,
    ),
    "nor what is not ours": row(
        [GUARDED],
        [*running(GUARDED, INGRESS), live(MAPPING, ownerReferences=[{"kind": "X", "name": "y", "controller": True}])],
        f"= Mapping shop/pr-1 kept: its preview does not request it, {UNMANAGED} (controlled by X y)",
        f"warning: {HOST_1} of shop/pr-1: Mapping shop/pr-1 has it too", settings=INGRESS,
    ),
    # what is skipped
    "a kind that was not listed is not written, and what comes after it waits": row(
        [PR1], [one for one in running(PR2) if one.key.kind != "Service"],
        "+ Deployment shop/pr-1 new preview",
        "- Deployment shop/pr-2 its preview is gone", "- Mapping shop/pr-2 its preview is gone",
        f". Mapping shop/pr-1 {AFTER_SERVICE}",
        "! Service: the list is incomplete: 500; all changes of this kind are skipped", kinds={"Service": NO_LIST},
    ),
    "deletes of a kind whose list is incomplete are skipped one by one": row(
        [PR1], [*running(PR1), *running(PR2)],
        "- Deployment shop/pr-2 its preview is gone", "- Service shop/pr-2 its preview is gone",
        "= Mapping shop/pr-2 delete skipped (its preview is gone)",
        "! Mapping: x.yaml:1: broken; deletes of this kind are skipped", kinds={"Mapping": PARTLY},
    ),
    "where the list of previews is incomplete, nothing is deleted": row(
        [PR1], running(PR2), *NEW_1, *three("=", "delete skipped (its preview is gone)", "shop/pr-2"),
        "! Refusing to prune: shop/a.yaml:3: broken", problem="shop/a.yaml:3: broken",
    ),
    "an empty list of previews deletes nothing": row(
        [], running(PR1), *three("=", "delete skipped (its preview is gone)"),
        "! Refusing to delete 3 children: the list of previews is empty; if this is intended, pass --max-deletes 100%",
    ),
    "and counts what an incomplete list would keep too": row(
        [], running(PR1), *three("=", "delete skipped (its preview is gone)"),
        "! Mapping: x.yaml:1: broken; deletes of this kind are skipped",
        "! Refusing to delete 3 children: the list of previews is empty; if this is intended, pass --max-deletes 100%",
        kinds={"Mapping": PARTLY},
    ),
    "and no number lets them go": row(
        [], running(PR1), *three("=", "delete skipped (its preview is gone)"),
        "! Refusing to delete 3 children: the list of previews is empty; if this is intended, pass --max-deletes 100%",
        limit="12",
    ),
    "unless that is said": row([], running(PR1), *GONE_1, limit="100%"),
    "zero deletes no old route of a switch either": row(
        [PR1], [*running(PR1), *running(PR1, INGRESS)[-1:]],
        "= Mapping shop/pr-1 delete skipped (its preview has the Ingress now)",
        "! Refusing to prune: --max-deletes is 0", settings=INGRESS, limit="0",
    ),
    "nothing is skipped where nothing is": row([], []),
    "what the scope leaves out was sent all the same": row([], running(PR1), *GONE_1, sent=1),
    "notes of the snapshot come last": row([], [], "only namespace shop was read", notes=("only namespace shop was read",)),
    # expired
    "an expired preview loses its children and keeps itself": row(
        [an_expired()], running(an_expired()), *three("-", "its preview expired at 2026-01-10T10:00:00Z"),
        f"1 expired: shop/pr-1; {BACK}", now=NOON, deletes={("uid-of-shop-pr-1", 1, False)},
    ),
    "one that has lost them is only named": row([an_expired()], [], f"1 expired: shop/pr-1; {BACK}", now=NOON),
    "of many a few are named": row(
        [an_expired(f"pr-{number}") for number in range(6)], [],
        f"6 expired: shop/pr-0, shop/pr-1, shop/pr-2, shop/pr-3, shop/pr-4 and others; {BACK}", now=NOON,
    ),
    "before its time nothing expires": row(
        [an_expired(end="2026-01-10T12:00:01Z")], running(an_expired()), now=NOON
    ),
    "and without a clock nothing ever": row([an_expired()], running(an_expired())),
    "an expired preview takes no place from another": row(
        [an_expired("pr-1", created=OLD), a_read_preview("pr-2", created=NEW)], [],
        *NEW_2, f"1 expired: shop/pr-1; {BACK}", settings=Settings(max_previews=1), now=NOON,
    ),
    "what a protected preview has outlives its ttl": row(
        [an_expired(annotations=PROTECTION)], [live(SERVICE)], "~ Service shop/pr-1 its preview is protected",
        among=1, now=NOON,
    ),
    "what somebody protected does too": row(
        [an_expired()], [live(edited(SERVICE, *PRUNE, to="disabled"), applied=SERVICE)],
        "~ Service shop/pr-1 it is protected", among=1, now=NOON,
    ),
    "and is left as it is where it has no owner": row(
        [an_expired()],
        [live(edited(without_owner(SERVICE, RULES.names), *PRUNE, to="disabled"), applied=without_owner(SERVICE, RULES.names))],
        f"= Service shop/pr-1 {PROTECTED}", among=1, now=NOON,
    ),
}  # fmt: skip


def deletes_of(plan: Plan) -> list[Delete]:
    return [change for change in plan.writes if isinstance(change, Delete)]


@pytest.mark.parametrize("name", ROWS)
def test_a_plan_matches_its_row(name: str) -> None:
    """`among` tells that there are other lines; the other words are of what the lines do not show."""
    previews, there, told, options = ROWS[name]
    aside = {what: options[what] for what in ("blocked", "deletes", "going", "waits") if what in options}
    given = {what: value for what, value in options.items() if what not in {*aside, "among"}}
    plan = plan_of(previews, there, **given)
    found = [*lines(plan), sums(plan)] if told and told[-1].startswith("Plan:") else lines(plan)
    assert [line for line in found if line in told or "among" not in options] == list(told)
    facts = {
        "blocked": [blocked.reason for blocked in plan.blocked],
        "deletes": {(d.preview_uid, d.preview_generation, d.counts) for d in deletes_of(plan)},
        "going": {d.preview_terminating for d in deletes_of(plan)},
        "waits": [str(wait.key) for wait in plan.waits_for_this_run],
    }
    assert {what: facts[what] for what in aside} == aside


def test_changes_are_sorted_by_what_they_do_then_by_place_then_in_apply_order() -> None:
    service = children_of(PR3)["Service"]
    drifted = live(edited(service, "spec", "selector", to={"x": "y"}), entry("kubectl-edit", service))
    guarded = a_read_preview("pr-8", annotations=PROTECTION)
    there = [*running(PR2), *running(PR3), drifted, *running(PR9), *running(guarded)[:1]]
    plan = plan_of([a_read_preview("pr-4", "aaa"), PR3, PR2, PR1, an_unreadable_preview("pr-5")], there)
    assert [" ".join(line.split()[:3]) for line in lines(plan) if line[1] == " "] == [
        *three("+", "", "aaa/pr-4"),
        *three("+", ""),
        "~ Service shop/pr-3",
        *three("-", "", "shop/pr-9"),
        "= Deployment shop/pr-8",
        "! Preview shop/pr-5",
    ]


def test_what_a_gone_preview_left_protected_keeps_no_hostname_of_another() -> None:
    there = [running(replace(THIEF, annotations=PROTECTION))[-1], *running(holds("pr-2"))]
    plan = plan_of([holds("pr-2")], there)
    assert lines(plan)[0] == GIVEN_UP
    assert [(d.preview_uid, d.counts) for d in deletes_of(plan)] == [(None, False)]
    for previews, kept in (
        ([holds("pr-2")], {"settings": Settings(allow_protect=("shop/pr-1",))}),
        ([holds("pr-2")], {"scope": make_scope("shop", ("pr-2",), None)}),
        ([holds("pr-2")], {"problem": "a list failed"}),
        ([a_read_preview("pr-2", fqdn=HOST)], {}),
    ):
        assert key("Mapping") not in [write.key for write in plan_of(previews, there, **kept).writes]


def test_a_route_of_another_kind_without_its_label_goes_as_one_with_it() -> None:
    """Its owner tells whose it is: else it would serve its hostname for ever."""
    made = running(PR1, INGRESS)[-1].manifest
    stripped = live(edited(made, "metadata", "labels", RULES.names.preview_label, to=None), applied=made)
    plan = plan_of([PR1], [*running(PR1), stripped], settings=SWITCH)
    assert lines(plan) == ["- Ingress shop/pr-1 its preview has the Mapping now"]
    moved, holder = RENAMED, holds("pr-2", HOST_1)
    plan = plan_of([moved, holder], [*running(moved), *running(holder), stripped])
    assert lines(plan)[0] == f"- Ingress shop/pr-1 it has {HOST_1}, which belongs to shop/pr-2"
    bare = live(edited(stripped.manifest, "metadata", "ownerReferences", to=None), applied=made)
    assert not plan_of([PR1], [*running(PR1), bare], settings=SWITCH).writes


@pytest.mark.parametrize(
    "mark", [("labels", "platform9.com/preview"), ("annotations", "platform9.com/identity")]
)
def test_a_route_in_conflict_gets_its_marks_back_and_keeps_its_spec(mark: tuple[str, str]) -> None:
    there = live(edited(MAPPING, "metadata", *mark, to=None))
    plan = plan_of([a_read_preview("pr-1", fqdn=HOST_2), PR2], [*running(PR1)[:2], there, *running(PR2)])
    (update,) = plan.writes
    assert isinstance(update, Update)
    assert (update.key, update.keeps_spec, update.manifest["spec"]) == (key("Mapping"), True, MAPPING["spec"])
    assert lines(plan)[-1] == f"! Preview shop/pr-1 {HOST_2}: belongs to {FREE_2}"


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
    whole = resolve_name(f"reconcile.{broken}".replace(".Draft", ":Draft"))

    def breaks(first: Any, *rest: Any) -> Any:
        desired = getattr(first, "desired", first)
        if getattr(desired, "preview", desired).name == "pr-2":
            raise RecursionError("secret")
        return whole(first, *rest)

    monkeypatch.setattr(f"reconcile.{broken}", breaks)
    taken = a_read_preview("pr-2", fqdn=PR3.spec.fqdn)
    plan = plan_of([PR1, taken, PR3], [*running(PR2), *running(PR3)])
    (blocked,) = [change for change in plan.blocked if change.reason == "InternalError"]
    assert (blocked.preview, blocked.message[:31]) == ("shop/pr-2", "RecursionError in test_plan.py:")
    assert [str(change.key) for change in plan.writes] == [line[2:-12] for line in NEW_1]


def test_what_is_raised_over_orphans_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr("reconcile.plan.preview.left_until", breaks)
    plan = plan_of([PR2], [*running(PR1), *running(PR2)])
    assert [line for line in lines(plan) if "kept: KeyError in test_plan.py" in line]
    assert not plan.writes


# a second pass


@pytest.mark.parametrize(
    ("preview", "there", "options", "told"),
    [
        (GUARDED, [*running(GUARDED, INGRESS), live(MAPPING)], {"settings": INGRESS}, f"= Mapping shop/pr-1 {PROTECTED}"),
        (
            GUARDED, [*running(GUARDED)[:-1], running(PR1, INGRESS)[-1]], {},
            "= Ingress shop/pr-1 kept; pass --route to switch",
        ),
        (an_expired(annotations=PROTECTION), [live(SERVICE)], {"now": NOON}, f"= Service shop/pr-1 {PROTECTED}"),
    ],
    ids=["not wanted", "kept", "expired"],
)  # fmt: skip
def test_what_was_protected_stays_as_it_is(
    preview: Preview, there: list[Live], options: Any, told: str
) -> None:
    (update,) = plan_of([preview], there, **options).writes
    assert isinstance(update, Update)
    assert update.manifest.get("spec") == update.live.manifest.get("spec")
    after = [live(update.manifest) if one.key == update.key else one for one in there]
    assert lines(plan_of([preview], after, **options))[0] == told
    assert "-" not in {line[0] for line in lines(plan_of([PR2], after))}, "its preview is gone"


def parents(observed: int, status: str = "True", resolved: str = "True") -> dict[str, Any]:
    conditions = [
        {"type": type_, "status": value, "observedGeneration": observed, "lastTransitionTime": OLD}
        for type_, value in (("Accepted", status), ("ResolvedRefs", resolved))
    ]
    return {"parents": [{"parentRef": {"namespace": "infra", "name": "web"}, "conditions": conditions}]}


NOT_ACCEPTED = ". Mapping shop/pr-1 waits: deleted 10 seconds after HTTPRoute shop/pr-1 is accepted"
TOO_NEW = ". Mapping shop/pr-1 waits: deleted 10 seconds after HTTPRoute shop/pr-1 is in place"
GOES = "- Mapping shop/pr-1 its preview has the HTTPRoute now"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({}, NOT_ACCEPTED),
        (parents(1), NOT_ACCEPTED),
        (parents(2, "False"), NOT_ACCEPTED),
        (parents(2, resolved="False"), NOT_ACCEPTED),
        (parents(2), GOES),
    ],
    ids=["no status", "of an older generation", "refused", "without its Service", "accepted"],
)
def test_the_old_route_goes_when_the_httproute_is_accepted(status: dict[str, Any], line: str) -> None:
    manifest = children_of(PR1, **vars(HTTPROUTE))["HTTPRoute"]
    route = live({**manifest, "status": status}, applied=manifest, generation=2)
    plan = plan_of([PR1], [*running(PR1), route], settings=HTTPROUTE, now=NOON)
    assert lines(plan) == [line]
    assert not any(c.for_this_run for c in plan.changes if isinstance(c, Waiting))


def test_the_old_route_stays_where_the_api_server_stores_the_new_one_with_another_hostname() -> None:
    manifest = children_of(PR1, **vars(HTTPROUTE))["HTTPRoute"]
    there = edited(manifest, "spec", "hostnames", to=["rewritten.example.com"])
    route = live({**there, "status": parents(2)}, applied=manifest, generation=2)
    plan = plan_of([PR1], [*running(PR1), route], settings=HTTPROUTE, now=NOON)
    waits = f". Mapping shop/pr-1 waits: deleted when HTTPRoute shop/pr-1 has the hostname {HOST_1}"
    assert waits in lines(plan)


@pytest.mark.parametrize("status", [{}, parents(2)], ids=["not accepted", "accepted a moment ago"])
def test_an_old_route_that_waits_for_the_new_one_gives_up_what_another_has_on_record(status: Any) -> None:
    """Its author could keep it waiting for as long as he likes."""
    thief, holder = a_read_preview("pr-1", created=OLD), holds("pr-2")
    manifest = children_of(thief, **vars(HTTPROUTE))["HTTPRoute"]
    accepted_at = [entry(MANAGER, dict(manifest), "Apply") | {"time": NOON.isoformat()}]
    new = untracked({**manifest, "status": status}, managedFields=accepted_at, generation=2)
    old = running(thief, INGRESS)[-1].manifest
    rules = [*old["spec"]["rules"], {**old["spec"]["rules"][0], "host": HOST}]
    there = [*running(thief)[:-1], live(edited(old, "spec", "rules", to=rules), applied=old), new]
    plan = plan_of([thief, holder], [*there, *running(holder, HTTPROUTE)], settings=HTTPROUTE, now=NOON)
    assert f"- Ingress shop/pr-1 it has {HOST}, which belongs to shop/pr-2" in lines(plan)


def test_a_list_that_is_incomplete_takes_no_hostname_from_who_has_it_on_record() -> None:
    """Its old route is an Ingress, which this run may not list."""
    unlisted = {"Ingress": replace(NO_LIST, resource=WHOLE["Ingress"].resource)}
    there = [*running(PR2)[:-1], a_strangers("Mapping", HOST)]
    plan = plan_of([holds("pr-2")], there, settings=HTTPROUTE, now=NOON, kinds=unlisted)
    assert lines(plan)[0] == (
        f". HTTPRoute shop/pr-2 waits: {HOST}: belongs to Mapping infra/web, but not all routes could be listed"
    )


def test_without_routes_the_old_ones_count_for_the_limit() -> None:
    """A mistake in one variable would otherwise take the routes of all previews at once."""
    previews = [a_read_preview(f"pr-{number}") for number in range(12)]
    there = [one for preview in previews for one in running(preview)]
    settings = Settings(route="none", route_given=True)
    plan = plan_of(previews, there, settings=settings)
    assert not any(isinstance(change, Delete) for change in plan.changes)
    assert plan.skipped[0].message.startswith("Refusing to prune 12 previews: the limit is 9")
    plan = plan_of(previews, there, settings=settings, limit="12")
    assert sum(isinstance(change, Delete) for change in plan.changes) == 12


@pytest.mark.parametrize(
    ("applied", "taken", "host", "told"),
    [
        ("11:59:51", "11:00:00", HOST_1, TOO_NEW),
        ("11:00:00", "11:59:51", HOST_1, TOO_NEW),
        ("11:59:50", "11:59:50", HOST_1, GOES),
        ("12:00:09", "11:00:00", HOST_1, TOO_NEW),
        ("12:00:10", "11:00:00", HOST_1, GOES),
        ("11:59:51", "11:59:51", HOST, "- Mapping shop/pr-1 its preview has another hostname, and another kind of route"),
    ],
    ids=[
        "just applied", "just accepted", "a while ago", "of a server whose clock is fast", "of nobody's clock",
        "the old one has another hostname",
    ],
)  # fmt: skip
def test_the_old_route_of_the_hostname_goes_some_seconds_after_the_last_change_of_the_new(
    applied: str, taken: str, host: str, told: str
) -> None:
    route = children_of(PR1, **vars(HTTPROUTE))["HTTPRoute"]
    status = entry("gateway", [("f:status", "f:parents")], "Update", "status")
    entries = [(entry(MANAGER, dict(route), "Apply"), applied), (status, taken)]
    fields = [{**one, "time": f"2026-01-10T{time}Z"} for one, time in entries]
    there = untracked({**route, "status": parents(2)}, managedFields=fields, generation=2)
    *others, old = running(PR1)
    old = live(edited(old.manifest, "spec", "hostname", to=host))
    assert lines(plan_of([PR1], [*others, old, there], settings=HTTPROUTE, now=NOON)) == [told]


# the whole


def test_a_later_pass_may_do_only_what_the_first_one_named() -> None:
    wanted = key("Mapping", "pr-2")
    plan = only(plan_of([PR1, PR2]), frozenset({wanted}))
    assert [change.key for change in plan.writes] == [wanted]


def test_a_preview_from_a_file_without_uid_may_lose_its_old_route_too() -> None:
    written = parse_preview(without_uid(a_preview()), group=DEFAULT_GROUP, strict_fields=True)
    there = [*running(written), live(children_of(written, route="ingress")["Ingress"])]
    (delete,) = deletes_of(plan_of([written], there, settings=INGRESS))
    assert (delete.preview_uid, delete.preview_generation) == ("", 0)


HOSTS = st.sampled_from(["a.example.com", "b.example.com"])
PREVIEWS = st.lists(
    st.builds(
        lambda name, host, created, suspend: a_read_preview(name, fqdn=host, created=created, suspend=suspend),
        st.sampled_from(["pr-1", "pr-2", "pr-3"]),
        HOSTS,
        st.sampled_from([OLD, NEW]),
        st.booleans(),
    ),
    unique_by=lambda preview: preview.name,
    max_size=3,
)  # fmt: skip
KINDS = st.sets(st.sampled_from(["Deployment", "Service", "Mapping", "Ingress"]))


@drawn()
@given(PREVIEWS, PREVIEWS, KINDS, st.sampled_from([Settings(), INGRESS]), st.randoms(use_true_random=False))
def test_the_plan_is_the_same_bytes_in_whatever_order_things_were_listed(
    wanted: list[Preview], earlier: list[Preview], kinds: set[str], settings: Settings, random: Any
) -> None:
    made = [there for one in earlier for there in [*running(one), *running(one, INGRESS)[2:]]]
    lives = [there for there in made if there.key.kind in kinds]
    lives += [a_strangers("Ingress", "a.example.com", name) for name in "xy"]
    first = plan_text(plan_of(wanted, lives, settings=settings))
    random.shuffle(wanted)
    random.shuffle(lives)
    assert plan_text(plan_of(wanted, lives, settings=settings)) == first


# the operator's limits, which no author's protection outlives


WEEK = Settings(max_ttl="7d")
ALLOWED = Settings(max_ttl="7d", allow_protect=("shop/pr-*",))
ENDED = "2026-01-10T10:00:00Z"
UNTIL = f"it was protected until {ENDED} (--max-ttl)"
GONE_UNTIL = f"its preview is gone; {UNTIL}"


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


PAST_GUARDED = past_the_most(annotations=PROTECTION)
PAST = f"its preview expired at {ENDED}; {UNTIL}"
BEFORE_ITS_END = "protected until 2026-01-17T09:00:00Z (--max-ttl): platform9.com/prune is disabled"
YOUNG = "protected until 2026-01-10T12:00:01Z (--max-ttl): platform9.com/prune is disabled"
OLDEST = left_behind(last="2020-01-01T00:00:00Z")
GONE_GUARDED = [live(children_of(GUARDED)["Service"], creationTimestamp="2025-12-01T00:00:00Z")]
RIGHT = f"{PROTECTED}, and --allow-protect names shop/pr-1"


@pytest.mark.parametrize(
    ("previews", "there", "settings", "now", "told"),
    [
        pytest.param([PAST_GUARDED], running(PAST_GUARDED), WEEK, NOON, three("-", PAST), id="its own preview's"),
        pytest.param(
            [past_the_most()], [live(edited(SERVICE, *PRUNE, to="disabled"), applied=SERVICE)], WEEK, NOON,
            [f"- Service shop/pr-1 {PAST}"], id="a child's",
        ),
        pytest.param([PAST_GUARDED], [live(SERVICE)], WEEK, NOON, [f"- Service shop/pr-1 {PAST}"], id="one that no run has seen"),
        pytest.param(
            [an_expired(annotations=PROTECTION)], running(GUARDED)[1:2], WEEK, NOON,
            [f"= Service shop/pr-1 {BEFORE_ITS_END}"], id="it outlives the author's own ttl",
        ),
        pytest.param(
            [an_expired(annotations=PROTECTION)], running(GUARDED)[1:2], WEEK, datetime(2026, 1, 17, 9, tzinfo=UTC),
            ["- Service shop/pr-1 its preview expired at 2026-01-10T10:00:00Z; "
             "it was protected until 2026-01-17T09:00:00Z (--max-ttl)"], id="until the most ends",
        ),
        pytest.param(
            [PR2], left_behind(), WEEK, NOON,
            [f"- {kind} shop/pr-1 {GONE_UNTIL}" for kind in ("Deployment", "Service")], id="a gone preview's",
        ),
        pytest.param(
            [PR2], left_behind(last="2026-01-03T12:00:01Z"), WEEK, NOON,
            [f"= {kind} shop/pr-1 {YOUNG}" for kind in ("Deployment", "Service")], id="counted from our last change",
        ),
        # A time to come that somebody wrote prolongs nothing.
        pytest.param(
            [PR2], left_behind(last="2999-01-01T00:00:00Z"), WEEK, NOON,
            [f"- {kind} shop/pr-1 its preview is gone; it was protected until 2025-12-08T00:00:00Z (--max-ttl)"
             for kind in ("Deployment", "Service")], id="a forged time",
        ),
        *[
            pytest.param([PR2], OLDEST, settings, now, [f"= {kind} shop/pr-1 {PROTECTED}" for kind in ("Deployment", "Service")], id=name)
            for name, settings, now in (
                ("without a most", Settings(), NOON), ("no most", Settings(max_ttl="0"), NOON), ("no clock", WEEK, None),
            )
        ],
    ],
)  # fmt: skip
def test_no_protection_outlives_the_operators_most(
    previews: list[Preview], there: list[Live], settings: Settings, now: datetime | None, told: list[str]
) -> None:
    plan = plan_of(previews, there, settings=settings, now=now)
    assert [line for line in lines(plan) if line[0] in "-=" and "/pr-1" in line] == told
    uid = None if previews == [PR2] else "uid-of-shop-pr-1"
    assert {(d.preview_uid, d.counts, d.preview_terminating) for d in deletes_of(plan)} <= {
        (uid, False, False)
    }


@pytest.mark.parametrize("there", [PAST_GUARDED, None], ids=["expired", "gone"])
def test_what_the_operator_allows_to_protect_outlives_it(there: Preview | None) -> None:
    previews, lives = [PR2, *([there] if there else [])], [*GONE_GUARDED, *running(PR2)]
    told = lines(plan_of(previews, lives, settings=ALLOWED, now=NOON))
    assert told[0] == f"= Service shop/pr-1 {RIGHT}"
    assert told[-1] == "1 protected: shop/pr-1; from --max-ttl too, as --allow-protect names them"
    elsewhere = Settings(max_ttl="7d", allow_protect=("other/*",))
    assert lines(plan_of(previews, lives, settings=elsewhere, now=NOON))[0][0] == "-"
    young = plan_of([an_expired(annotations=PROTECTION)], lives[:1], settings=WEEK, now=NOON)
    assert lines(young)[-1] == "1 protected: shop/pr-1; no longer than --max-ttl 7d"


def test_an_unprotected_child_counts_for_the_limit_however_old_it_is() -> None:
    there = [child for n in range(3) for child in left_behind(f"pr-{n + 3}", protected=False)]
    plan = plan_of([PR2], there, settings=WEEK, now=NOON, limit="2")
    assert ([entry.subject for entry in plan.skipped], plan.writes) == (
        ["Deletes"],
        (*plan_of([PR2]).writes,),
    )


def test_a_finalizer_keeps_no_child_longer_than_the_most() -> None:
    going = a_read_preview(deleted="2026-01-03T12:00:00Z", annotations=PROTECTION)
    at = "2026-01-10T12:00:00Z"
    plan = plan_of([going], running(PR1), settings=WEEK, now=NOON)
    ended = (
        f"its preview is being deleted, and --max-ttl ended at {at}; it was protected until {at} (--max-ttl)"
    )
    assert [line for line in lines(plan) if line[0] == "-"] == three("-", ended)
    assert {(d.preview_uid, d.preview_terminating) for d in deletes_of(plan)} == {("uid-of-shop-pr-1", True)}
    early = plan_of([going], running(PR1), settings=WEEK, now=NOON - timedelta(seconds=1))
    assert (early.writes, lines(early)[0][0]) == ((), ".")
    assert plan_of([going], running(PR1), now=NOON).writes == ()
    assert plan_of([going], running(PR1), settings=ALLOWED, now=NOON).writes == ()
    bare = replace(going, annotations={})
    assert len(plan_of([bare], running(PR1), settings=ALLOWED, now=NOON).writes) == 3


# what counts among the previews of a namespace


TWO = [a_read_preview("pr-2", created=OLD), a_read_preview("pr-3", created=NEW)]
RECENT = left_behind(last="2026-01-09T00:00:00Z")
UNPROTECTED = {n: [c for i in range(n) for c in left_behind(f"old-{i}", protected=False)] for n in (1, 9, 10)}


@pytest.mark.parametrize(
    ("previews", "lives", "most", "refused"),
    [
        pytest.param(TWO, RECENT, 3, 0, id="what a gone one left protected counts"),
        pytest.param(TWO, RECENT, 2, 1, id="and is the oldest"),
        pytest.param(TWO, RECENT, 1, 2, id="and leaves no place"),
        pytest.param(TWO, UNPROTECTED[1], 2, 0, id="what is about to go does not"),
        pytest.param(TWO, [untracked(RECENT[1].manifest, managedFields=[entry("kubectl", RECENT[1].manifest)])], 2, 0, id="nor a stranger's"),
        pytest.param([an_expired(annotations=PROTECTION, created=OLD), TWO[1]], running(GUARDED), 1, 1, id="an expired one's, protected"),
        pytest.param([an_expired(created=OLD), TWO[1]], running(PR1), 1, 0, id="an expired one's that goes"),
        pytest.param([PR2], UNPROTECTED[9], 1, 0, id="as many as always go"),
        pytest.param([PR2], UNPROTECTED[10], 10, 1, id="more than always go"),
        pytest.param([PR2], UNPROTECTED[10], 11, 0, id="more than always go, and a place"),
    ],
)  # fmt: skip
def test_what_is_refused_for_being_too_many(
    previews: list[Preview], lives: list[Live], most: int, refused: int
) -> None:
    plan = plan_of(previews, lives, settings=Settings(max_previews=most, max_ttl="7d"), now=NOON)
    assert [blocked.reason for blocked in plan.blocked] == ["Refused"] * refused
    told = "namespace shop has 2 previews and the children of 1 that are gone, and may have"
    assert all(blocked.message.startswith(told) for blocked in plan.blocked if lives is RECENT)


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
    assert plan.skipped == ()


@pytest.mark.parametrize(
    ("gone", "limit", "writes", "why"),
    [
        (("pr-7", "pr-8"), "1", ["Deployment shop/pr-0"], "Refusing to prune 2 previews: the limit is 1;"),
        ((), "0", [], "Refusing to prune: --max-deletes is 0"),
    ],
    ids=["they go though the others are too many", "nothing is to be deleted"],
)
def test_expired_previews_beside_a_limit(
    gone: tuple[str, ...], limit: str, writes: list[str], why: str
) -> None:
    previews, lives = expiring(10)
    lives += [child for name in gone for child in running(a_read_preview(name))]
    plan = plan_of(previews, lives, limit=limit, now=NOON)
    assert [str(change.key) for change in plan.writes] == writes
    assert [(entry.subject, entry.message[: len(why)]) for entry in plan.skipped] == [("Deletes", why)]


def test_going_and_invalid_come_before_expired_and_expired_before_refused() -> None:
    unreadable = an_unreadable_preview("pr-2", ttl="1h", status=dict(an_expired().status))
    previews = [an_expired(), unreadable, an_expired("pr-3", deleted=NEW)]
    all_desired = desire(previews, Settings(allow_image=("x",)), Scope(), now=NOON)
    assert [desired.reason for desired in all_desired] == ["Expired", "Invalid", "Terminating"]


def test_among_files_the_plan_notes_once_that_nothing_expires() -> None:
    note = "a ttl counts from what an earlier run wrote into a status: among files nothing expires"
    two = [a_read_preview("pr-1", ttl="1h"), a_read_preview("pr-2", ttl="1h")]
    assert plan_of(two, from_server=False).notes == (note,)
    assert plan_of([PR1], from_server=False).notes == ()
    assert plan_of([PR1], from_server=False, settings=Settings(max_ttl="1h")).notes == (note,)
    assert plan_of(two).notes == ()
