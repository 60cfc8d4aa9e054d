"""Further children in a plan: whose they are, what goes where a document left, and what never does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import is_built_in, is_further
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Resource
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.snapshot import KindList, Preview
from reconcile.plan.changes import Delete, Keep, NoDelete, Plan
from reconcile.plan.ownership import ownership
from tests.given import MANAGER, NAMES, RULES, a_read_preview, edited, entry, live, untracked
from tests.plan.test_plan import NEW, NOON, OLD, an_expired, lines, plan_of, sums
from tests.templates import all_children, document, further, with_templates

APPS = "apps/v1"
PODS = "template: {spec: {containers: [{name: db, image: 'registry.example.com/db:1'}]}}"
CLAIMS = "volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]"
CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b, c: d}")
CLAIM = further("v1", "PersistentVolumeClaim", "-db", "spec: {accessModes: [ReadWriteOnce]}")
REDIS = further(APPS, "Deployment", "-redis", f"spec: {{{PODS}}}")
SERVICE = further(
    "v1", "Service", "-redis", "spec: {selector: {app.kubernetes.io/component: redis}, ports: [{port: 6379}]}"
)
VIRTUAL = further("networking.istio.io/v1", "VirtualService", "-v", "spec: {hosts: ['${preview.spec.fqdn}']}")
INGRESS = further(
    "networking.k8s.io/v1",
    "Ingress",
    "-api",
    "spec: {rules: [{host: '${preview.spec.fqdn}', http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}",
)
MAPPING_API = further("getambassador.io/v3alpha1", "Mapping", "-api", "spec: {hostname: '${preview.spec.fqdn}', prefix: /api/}")  # fmt: skip
VIRTUAL_SERVICE = Resource("networking.istio.io", "v1", "VirtualService", "virtualservices")


def stateful(policy: str = "", *, claims: bool = True) -> str:
    """A StatefulSet whose claims are as the policy says; without one it is refused where it has claims."""
    fields = [PODS, *([CLAIMS] if claims else []), *([policy] if policy else [])]
    return further(APPS, "StatefulSet", "-db", f"spec: {{{', '.join(fields)}}}")


DELETES = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}"
RETAINS = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}"

PR1, PR2 = a_read_preview("pr-1"), a_read_preview("pr-2")
PROTECTION = {"platform9.com/prune": "disabled"}
GUARDED = a_read_preview(annotations=PROTECTION)
NONE = Settings(templates=())
KINDS = {
    resource.full_kind: KindList(resource)
    for resource in (
        VIRTUAL_SERVICE,
        Resource("", "v1", "ConfigMap", "configmaps"),
        Resource("", "v1", "Secret", "secrets"),
        Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
        Resource("apps", "v1", "StatefulSet", "statefulsets"),
    )
}


def running(preview: PreviewEnvironment, text: str, **settings: Any) -> list[Live]:
    """The children as an earlier run made them."""
    return [live(one) for one in all_children(preview, text, **settings).values()]


def planned(previews: Sequence[Preview], there: Sequence[Live], text: str | Settings, **options: Any) -> Plan:
    settings = with_templates(text) if isinstance(text, str) else text
    return plan_of(previews, there, settings=settings, kinds={**KINDS, **options.pop("kinds", {})}, **options)


# a document comes, changes and goes


def test_a_further_child_is_made_in_its_place_and_then_left_alone() -> None:
    text = SERVICE + REDIS + CONFIG
    assert lines(planned([PR1], [], text))[:3] == [
        "+ ConfigMap shop/pr-1-config new preview",
        "+ Service shop/pr-1-redis new preview",
        "+ Deployment shop/pr-1-redis new preview",
    ]
    assert lines(planned([PR1], running(PR1, text), text)) == []


def test_a_child_added_to_a_known_preview_is_no_new_preview() -> None:
    """The memory of kinds alone, which is written before the first child, tells nothing."""
    memory, more = {"kinds": ["v1/ConfigMap"]}, {"observedGeneration": 1}
    assert lines(planned([a_read_preview(status=memory)], [], CONFIG))[0].endswith("new preview")
    assert lines(planned([a_read_preview(status={**memory, **more})], [], CONFIG))[0].endswith(
        "does not exist"
    )


def test_edits_of_a_document_and_by_hand_are_distinguished() -> None:
    (config, *others) = there = running(PR1, CONFIG)
    changed = CONFIG.replace("a: b", "a: c")
    assert lines(planned([PR1], there, changed)) == [
        "~ ConfigMap shop/pr-1-config its templates changed",
        "data.a changed (not shown)",
    ]
    applied = edited(config.manifest, "data", "a", to=None)
    drifted = live(
        edited(config.manifest, "data", "a", to="c"), entry("kubectl", [("f:data", "f:a")]), applied=applied
    )
    assert lines(planned([PR1], [drifted, *others], CONFIG))[0] == "~ ConfigMap shop/pr-1-config drifted"


GONE = "no template makes it any more"


@pytest.mark.parametrize("templates", [NONE, document("Deployment", "spec: {replicas: 1}")])
def test_what_no_document_makes_any_more_goes_in_reverse_order_and_counts(templates: str | Settings) -> None:
    labels = {"team": "shop"}
    preview = a_read_preview(labels=labels)
    plan = planned([preview], running(preview, CONFIG + SERVICE + REDIS), templates)
    deletes = [change for change in plan.changes if isinstance(change, Delete)]
    assert [line for line in lines(plan) if line[0] == "-"] == [
        f"- {what} {GONE}"
        for what in ("ConfigMap shop/pr-1-config", "Service shop/pr-1-redis", "Deployment shop/pr-1-redis")
    ]
    assert {(one.counts, one.preview_uid, str(one.preview_labels)) for one in deletes} == {
        (True, preview.uid, str(labels))
    }


def test_a_document_that_is_for_others_now_deletes_its_child() -> None:
    text = further("v1", "ConfigMap", "-config", "data: {a: b}", when="team=shop")
    shop = a_read_preview(labels={"team": "shop"})
    there = running(shop, text)
    assert lines(planned([shop], there, text)) == []
    assert lines(planned([a_read_preview()], there, text)) == [f"- ConfigMap shop/pr-1-config {GONE}"]


def test_a_run_without_the_templates_option_deletes_none_and_changes_nothing_of_the_preview() -> None:
    there = running(PR1, CONFIG)
    found = planned([a_read_preview(image="registry.example.com/shop:2"), PR2], there, Settings())
    assert [line for line in lines(found) if "pr-1" in line] == [
        "! Preview shop/pr-1 ConfigMap shop/pr-1-config: a template made it, and this run has none; "
        "pass --templates DIR, or --templates none to delete it unless it holds data"
    ]
    assert sums(found).startswith("Plan: 3 to create, 0 to update, 0 to delete")


def test_what_a_gone_preview_left_goes_whatever_the_templates_are() -> None:
    there = [one for one in running(PR1, CONFIG + CLAIM) if one.key.name != "pr-1"]
    for templates in (Settings(), NONE, CONFIG):
        assert lines(planned([PR2], there, templates))[-2:] == [
            "- ConfigMap shop/pr-1-config its preview is gone",
            "- PersistentVolumeClaim shop/pr-1-db its preview is gone",
        ]


KEPT = "= {} shop/pr-1-db kept: no template makes it any more, and {}; kubectl delete it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CLAIM, KEPT.format("PersistentVolumeClaim", "it holds data")),
        (stateful(DELETES), KEPT.format("StatefulSet", "its claims, which hold data, would go with it")),
        (stateful(RETAINS), f"- StatefulSet shop/pr-1-db {GONE}"),
        (stateful(claims=False), f"- StatefulSet shop/pr-1-db {GONE}"),
        (stateful(DELETES, claims=False), f"- StatefulSet shop/pr-1-db {GONE}"),
    ],
)
def test_no_data_goes_because_a_document_left(text: str, told: str) -> None:
    plan = planned([PR1], running(PR1, text), NONE)
    assert lines(plan) == [told]
    keeps = [change for change in plan.changes if isinstance(change, Keep) and change.message]
    assert {change.no_delete for change in keeps} <= {NoDelete.HOLDS_DATA}


@pytest.mark.parametrize(("text", "kept"), [(CLAIM, True), (stateful(RETAINS), True), (CONFIG, False)])
def test_what_was_too_large_to_be_fully_kept_may_hold_data(text: str, kept: bool) -> None:
    first, *others = running(PR1, text)
    large = Live(first.manifest, partial=True)
    assert [line[0] for line in lines(planned([PR1], [large, *others], NONE))] == ["=" if kept else "-"]


def test_data_is_deleted_with_its_preview() -> None:
    there = running(PR1, CLAIM + stateful(DELETES))
    found = planned([an_expired()], there, CLAIM, now=NOON)
    assert [line.split()[1] for line in lines(found) if line[0] == "-"] == [
        "PersistentVolumeClaim",
        "StatefulSet",
        "Deployment",
        "Service",
        "Mapping",
    ]


@pytest.mark.parametrize(
    ("number", "limit", "refused"), [(9, "30%", False), (10, "30%", True), (10, "100%", False)]
)
def test_a_renamed_document_is_limited_as_every_mass_delete(
    number: int, limit: str, *, refused: bool
) -> None:
    previews = [a_read_preview(f"pr-{one}") for one in range(number)]
    there = [one for preview in previews for one in running(preview, CONFIG)]
    plan = planned(previews, there, CONFIG.replace("-config", "-settings"), limit=limit)
    assert (f"{number} to create" in sums(plan), len([w for w in plan.writes if isinstance(w, Delete)])) == (
        True,
        0 if refused else number,
    )
    assert any(f"Refusing to prune {number} previews" in one.message for one in plan.skipped) is refused


# protection


ON_PREVIEW = "protected: platform9.com/prune is disabled"


@pytest.mark.parametrize("templates", [NONE, CLAIM])
def test_what_a_protected_preview_has_no_more_stays(templates: str | Settings) -> None:
    plan = planned([GUARDED], running(GUARDED, CONFIG), templates)
    assert "= ConfigMap shop/pr-1-config " + ON_PREVIEW in lines(plan)
    assert not [change for change in plan.writes if isinstance(change, Delete)]


def test_what_is_protected_itself_stays_and_loses_its_owner() -> None:
    """Or Kubernetes' collector takes it with the preview."""
    config, *others = running(PR1, CONFIG)
    marked = live(
        edited(config.manifest, "metadata", "annotations", "platform9.com/prune", to="disabled"),
        applied=config.manifest,
    )
    for templates in (CONFIG, NONE):
        found = lines(planned([PR1], [marked, *others], templates))
        assert [line for line in found if line[0] == "-"] == []
        assert found[0].startswith("~ ConfigMap shop/pr-1-config")
        assert any("ownerReferences" in line for line in found)


# whose it is: `pr-42-redis` is a further child of pr-42, and the built-in one of a preview pr-42-redis


PR42 = a_read_preview("pr-42", uid="u-42")
SHORT, LONG = a_read_preview("pr-4", uid="u-4"), a_read_preview("pr-42-redis", uid="u-42-redis")
OF_SHORT = all_children(PR42, REDIS)["Deployment pr-42-redis"]
OF_LONG = all_children(LONG, CONFIG)["Deployment pr-42-redis"]
LABEL, IDENTITY = "platform9.com/preview", "platform9.com/identity"


def turned(manifest: dict[str, Any], to: str | None = "") -> Live:
    """The object, protected so that no owner tells whose it is, after somebody has changed its label."""
    found = edited(manifest, "metadata", "ownerReferences", to=None)
    if to == "":
        return live(found)
    changed = edited(found, "metadata", "labels", LABEL, to=to)
    return live(changed, applied=edited(found, "metadata", "labels", LABEL, to=None))


WHOSE = [
    (turned(OF_SHORT), PR42, "ours"),
    (turned(OF_SHORT), LONG, "label platform9.com/preview is pr-42"),
    (live(OF_SHORT), LONG, "controlled by PreviewEnvironment pr-42"),
    (turned(OF_LONG), LONG, "ours"),
    (turned(OF_LONG), PR42, "label platform9.com/preview is pr-42-redis"),
    (live(OF_LONG), PR42, "controlled by PreviewEnvironment pr-42-redis"),
    (turned(OF_SHORT, "pr-42-redis"), LONG, "annotation platform9.com/identity names Deployment/shop/pr-42-redis of pr-42"),
    (turned(OF_SHORT, "pr-42-redis"), PR42, "label platform9.com/preview is pr-42-redis"),
    (turned(OF_LONG, "pr-42"), PR42, "annotation platform9.com/identity names Deployment/shop/pr-42-redis"),
    (turned(OF_LONG, "pr-42"), LONG, "label platform9.com/preview is pr-42"),
    (live(edited(OF_SHORT, "metadata", "labels", LABEL, to=None)), PR42, "ours"),
    (turned(OF_SHORT, None), LONG, "annotation platform9.com/identity names Deployment/shop/pr-42-redis of pr-42"),
    (turned(OF_SHORT, "pr-4"), SHORT, "pr-4 has no child of this name"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "preview", "whose"), WHOSE)
def test_a_name_and_a_label_prove_nothing_without_the_identity(
    there: Live, preview: PreviewEnvironment, whose: str
) -> None:
    owned = ownership(there, preview.name, preview.uid, RULES)
    assert (owned.message or owned.state) == whose


@pytest.mark.parametrize("there", [turned(OF_SHORT, "pr-42-redis"), turned(OF_LONG, "pr-42")])
def test_a_turned_label_orphans_no_child(there: Live) -> None:
    """With and without the preview that the label names now."""
    for previews in ([], [PR2], [PR42], [LONG], [PR42, LONG]):
        plan = planned(previews, [there], NONE)
        assert not [change for change in plan.writes if isinstance(change, Delete)]


def test_one_that_would_have_the_name_of_another_previews_child_waits_for_a_person() -> None:
    there = running(LONG, CONFIG)
    found = lines(planned([PR42, LONG], there, REDIS + CONFIG))
    blocked = next(line for line in found if line.startswith("! Preview shop/pr-42 "))
    assert "Deployment shop/pr-42-redis: exists and is not managed by preview-reconcile" in blocked
    assert not [line for line in found if line.startswith("+") and " shop/pr-42 " in line]


@pytest.mark.parametrize("first", ["pr-42", "pr-42-redis"])
def test_of_two_that_would_make_one_child_in_a_run_the_older_one_makes_it(first: str) -> None:
    """The other would take it over: its pods would be sent what is for the first one's, or have its claim."""
    other = "pr-42" if first == "pr-42-redis" else "pr-42-redis"
    previews = [a_read_preview(first, created=OLD), a_read_preview(other, created=NEW)]
    found = lines(planned(previews, [], REDIS + CONFIG))
    assert found.count("+ Deployment shop/pr-42-redis new preview") == 1
    assert f"+ ConfigMap shop/{first}-config new preview" in found
    assert f"+ ConfigMap shop/{other}-config new preview" not in found
    assert found[-1] == (
        f"! Preview shop/{other} Deployment shop/pr-42-redis: {first} makes it too, and is older; "
        "rename the preview, or the document"
    )


@pytest.mark.parametrize(
    ("kind", "name", "preview", "what"),
    [
        ("Deployment", "pr-42", "pr-42", "built-in"),
        ("Deployment", "pr-42-redis", "pr-42", "further"),
        ("Deployment", "pr-42", "pr-4", ""),
        ("Deployment", "pr-4", "pr-42", ""),
        ("ConfigMap", "pr-42", "pr-42", "further"),
        ("ConfigMap", "pr-42-x", "pr-4", ""),
        ("Service.serving.knative.dev", "pr-42", "pr-42", "further"),
        ("Job", "pr-42-0123456789", "pr-42", "built-in"),
        ("Job", "pr-42-redis", "pr-42", ""),
        ("Mapping", "pr-42-api", "pr-42", "further"),
    ],
)
def test_which_children_a_preview_of_a_name_may_have(kind: str, name: str, preview: str, what: str) -> None:
    key = Key(kind, "shop", name)
    assert (is_built_in(key, preview), is_further(key, preview)) == (what == "built-in", what == "further")


def test_a_restored_backup_is_adopted_as_every_other_child_is() -> None:
    config, *others = (one.manifest for one in running(PR1, CONFIG))
    restored = untracked(config, managedFields=[entry("velero", config)])
    rest = [live(dict(one)) for one in others]
    asked = replace(PR1, uid="u-2")
    assert "pass --adopt to adopt it" in lines(planned([asked], [restored, *rest], CONFIG))[0]
    found = planned([PR1], [untracked(config, managedFields=[entry("x", config)]), *rest], CONFIG, adopt=True)
    assert lines(found)[0].startswith("~ ConfigMap shop/pr-1-config adopted")
    assert NAMES.field_manager == MANAGER


# lists that are not whole, kinds that are not there


def test_nothing_changes_of_a_kind_whose_list_is_incomplete() -> None:
    problem = "the list of configmaps is incomplete: 403"
    kinds = {"ConfigMap": KindList(KINDS["ConfigMap"].resource, problem=problem, known=False)}
    there = running(PR1, CONFIG)
    plan = planned([PR1], there, NONE, kinds=kinds)
    assert not plan.writes
    assert [entry.message for entry in plan.skipped] == [f"{problem}; all changes of this kind are skipped"]


UNREAD_CONFIG = {"ConfigMap": KindList(KINDS["ConfigMap"].resource, problem="403", known=False)}
SKIPPED_CONFIG = "! ConfigMap: 403; all changes of this kind are skipped"


def waits_for(kind: str, *names: str) -> list[str]:
    return [f". {name} waits: {kind} comes first, and could not be read" for name in names]


def test_what_comes_after_a_kind_that_could_not_be_read_waits() -> None:
    """The pods may need it, and would roll for it before it is changed; what comes before it is made."""
    text = further("v1", "Secret", "-s") + CONFIG + REDIS
    held = ("Deployment shop/pr-1-redis", "Deployment shop/pr-1", "Service shop/pr-1", "Mapping shop/pr-1")
    found = planned([PR1, a_read_preview("pr-2")], running(PR2, text), text, kinds=UNREAD_CONFIG)
    assert lines(found) == [
        "+ Secret shop/pr-1-s new preview",
        *waits_for("ConfigMap", *held),
        SKIPPED_CONFIG,
    ]
    assert not found.waits_for_this_run
    another = a_read_preview("pr-2", image="registry.example.com/shop:2")
    found = planned([another], running(PR2, text), text, kinds=UNREAD_CONFIG)
    assert lines(found) == [*waits_for("ConfigMap", "Deployment shop/pr-2"), SKIPPED_CONFIG]


def test_previews_that_do_not_have_the_kind_do_not_wait() -> None:
    chosen = further("v1", "ConfigMap", "-config", "data: {a: b}", when="config")
    found = planned([PR1, a_read_preview("pr-2", labels={"config": ""})], [], chosen, kinds=UNREAD_CONFIG)
    assert {change.preview for change in found.writes} == {"shop/pr-1"}


@pytest.mark.parametrize("kind", ["StatefulSet", "VirtualService.networking.istio.io"])
def test_nothing_is_deleted_of_a_preview_whose_documents_make_a_kind_that_could_not_be_read(
    kind: str,
) -> None:
    """It may be the successor of what no document makes any more, and pods that are not updated need that."""
    text = {"StatefulSet": stateful(claims=False), "VirtualService.networking.istio.io": VIRTUAL}[kind]
    unread = {kind: KindList(KINDS[kind].resource, problem="403", known=False)}
    found = planned([PR1], running(PR1, CONFIG + REDIS), text, kinds=unread)
    gone = [line for line in lines(found) if "-redis" in line or "-config" in line]
    assert gone == waits_for(kind, "ConfigMap shop/pr-1-config", "Deployment shop/pr-1-redis")
    assert not found.writes


def test_a_kind_that_is_not_served_is_named_with_its_document() -> None:
    kinds = {VIRTUAL_SERVICE.full_kind: KindList(VIRTUAL_SERVICE, installed=False)}
    assert lines(planned([PR1], [], VIRTUAL, kinds=kinds)) == [
        "! Preview shop/pr-1 VirtualService (networking.istio.io/v1) is not installed in this cluster: "
        "install it, or remove the template of pr-1-v"
    ]


# hostnames


TAKEN = "pr-1.preview.example.com"
FIRST, SECOND = a_read_preview("pr-1", created=OLD), a_read_preview("pr-2", created=NEW, fqdn=TAKEN)
CONFLICT = f"! Preview shop/pr-2 {TAKEN}: belongs to shop/pr-1; change spec.fqdn"


@pytest.mark.parametrize("text", [VIRTUAL, INGRESS, MAPPING_API])
def test_a_hostname_is_for_one_preview_without_a_built_in_route_too(text: str) -> None:
    settings = with_templates(text, route="none", route_given=True)
    found = lines(planned([SECOND, FIRST], [], settings))
    assert CONFLICT in found
    made = [line.split()[2] for line in found if line[0] == "+"]
    assert sorted(made) == sorted(
        [
            "shop/pr-1",
            "shop/pr-1",
            "shop/pr-2",
            "shop/pr-2",
            f"shop/pr-1{'-v' if text is VIRTUAL else '-api'}",
        ]
    )


def test_without_a_route_nobody_requests_a_hostname() -> None:
    settings = with_templates(CONFIG, route="none", route_given=True)
    assert not [line for line in lines(planned([SECOND, FIRST], [], settings)) if line[0] == "!"]


def test_a_further_route_of_a_known_kind_belongs_to_its_preview() -> None:
    text = INGRESS + MAPPING_API
    there = running(FIRST, text)
    assert lines(planned([FIRST], there, text)) == []
    found = lines(planned([SECOND, FIRST], there, text))
    assert CONFLICT in found
    assert not [line for line in found if line[0] in "+~" and ("-api" in line or "Mapping" in line)]


def test_a_further_route_is_neither_switched_nor_kept_for_the_route() -> None:
    """It has another name than the route of its preview."""
    text = INGRESS
    there = running(FIRST, text)
    switched = Settings(route="ingress", route_given=True, templates=with_templates(text).templates)
    changes = {str(change.key): type(change).__name__ for change in planned([FIRST], there, switched).changes}
    assert changes["Ingress shop/pr-1-api"] == "Keep"
    assert changes["Ingress shop/pr-1"] == "Create"
    gone = lines(planned([FIRST], there, NONE))
    assert gone == [f"- Ingress shop/pr-1-api {GONE}"]


@pytest.mark.parametrize("path", ["/api/", "/"])
def test_a_further_route_whose_label_is_gone_gets_it_back_and_takes_no_hostname_from_its_preview(
    path: str,
) -> None:
    text = MAPPING_API.replace("/api/", path)
    there = {str(one.key): one for one in running(FIRST, text)}
    route = there.pop("Mapping shop/pr-1-api")
    stripped = live(edited(route.manifest, "metadata", "labels", LABEL, to=None))
    found = lines(planned([FIRST], [stripped, *there.values()], text))
    assert found[0] == "~ Mapping shop/pr-1-api drifted"
    assert not [line for line in found if line[0] == "!"]


# what somebody adds by hand


POLICY = further("networking.k8s.io/v1", "NetworkPolicy", "-p", "spec: {policyTypes: [Ingress]}")
POLICIES = {
    "NetworkPolicy": KindList(Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"))
}


@pytest.mark.parametrize(
    ("text", "path", "to", "told"),
    [
        (CONFIG, ("data", "z"), "x", "data.z (not shown) -> (unset)"),
        (POLICY, ("spec", "egress"), [{}], "spec.egress"),
        (SERVICE, ("spec", "selector", "z"), "x", "spec.selector"),
        (SERVICE, ("spec", "sessionAffinity"), "ClientIP", ""),
    ],
)
def test_what_somebody_adds_goes_where_only_we_write(
    text: str, path: tuple[str, ...], to: Any, told: str
) -> None:
    """More variables for the app, or a way out of what a policy shuts."""
    first, *others = running(PR1, text)
    by_hand = entry("kubectl", [tuple(f"f:{step}" for step in path)])
    changed = live(edited(first.manifest, *path, to=to), by_hand, applied=first.manifest)
    found = lines(planned([PR1], [changed, *others], text, kinds=POLICIES))
    assert found[1].startswith(told) if told else found == [], found
