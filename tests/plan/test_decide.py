"""What one child needs, and whether it may go: every answer, with its message."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children.metadata import without_owner
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of
from reconcile.plan.changes import (
    Blocked,
    Create,
    Delete,
    FieldChange,
    Keep,
    NoDelete,
    Update,
    UpdateMessage,
    Waiting,
)
from reconcile.plan.child import Child, child_of
from reconcile.plan.decide import decide, prune
from reconcile.plan.rules import Rules
from tests.given import (
    CONTAINER,
    FOLDER,
    MANAGER,
    NAMES,
    RULES,
    a_read_preview,
    children_of,
    edited,
    entry,
    key,
    live,
    untracked,
)

PREVIEW = a_read_preview(uid="u-1")
CHILDREN = children_of(PREVIEW)
SERVICE, DEPLOYMENT = CHILDREN["Service"], CHILDREN["Deployment"]
KEY, PLACE = key("Service"), "shop/pr-1"
ADOPT = Rules(NAMES, adopt=True)
RESTORED = untracked(SERVICE, managedFields=[entry("velero", SERVICE)])
STRANGER = untracked(
    {**SERVICE, "metadata": {"name": "pr-1", "namespace": "shop"}},
    managedFields=[
        entry("kubectl", {("f:spec", "f:selector")}),
        entry("lb", {("f:status",)}, subresource="status"),
    ],
)
PRUNE = ("metadata", "annotations", "platform9.com/prune")


def decided(there: Live | None, rules: Rules = RULES, wanted: dict[str, Any] = SERVICE) -> Any:
    return decide(wanted, PREVIEW, child_of(PREVIEW, there, rules))


NGINX = children_of(a_read_preview(uid="u-1", image="nginx:2"))["Deployment"]
DRIFTED = live(edited(SERVICE, "spec", "ports", 0, "targetPort", to=8080), entry("kubectl-edit", SERVICE))
MIRRORED = live(edited(DEPLOYMENT, "spec", "template", "spec", "containers", 0, "image", to="mirror/x"))
IMAGE = "spec.template.spec.containers[app].image"
FOREIGN = Blocked(
    KEY,
    PLACE,
    "NameTaken",
    "Service shop/pr-1: exists and is not managed by preview-reconcile (no label platform9.com/preview and "
    "no annotation platform9.com/identity; field managers: kubectl); delete it, or rename the preview",
)
ROWS: dict[str, tuple[Live | None, Rules, dict[str, Any], Any]] = {
    "what is not there is created": (None, RULES, SERVICE, Create(KEY, PLACE, SERVICE, "new preview")),
    "what is as wanted is kept without a word": (live(SERVICE), RULES, SERVICE, Keep(KEY, PLACE)),
    "what somebody changed has drifted": (
        DRIFTED, RULES, SERVICE,
        Update(
            KEY, PLACE, SERVICE, DRIFTED, (FieldChange("spec.ports[http].targetPort", "8080", "http"),), UpdateMessage.DRIFTED
        ),
    ),
    "what its preview changed says so": (
        live(DEPLOYMENT), RULES, NGINX,
        Update(
            key("Deployment"), PLACE, NGINX, live(DEPLOYMENT),
            (FieldChange(IMAGE, "registry.example.com/shop:1", "nginx:2"),), UpdateMessage.CHANGED,
        ),
    ),
    "what the server keeps another way is kept, with what to do": (
        MIRRORED, RULES, DEPLOYMENT,
        Keep(
            key("Deployment"), PLACE,
            f"the API server stores {IMAGE} with another value; to apply it again, "
            "remove platform9.com/applied from it",
        ),
    ),
    "a stranger's object blocks, and is named with its manager": (STRANGER, RULES, SERVICE, FOREIGN),
    "it is not adopted either": (STRANGER, ADOPT, SERVICE, FOREIGN),
    "also while it is going": (
        Live({**STRANGER.manifest, "metadata": {**STRANGER.metadata, "deletionTimestamp": "now"}}), RULES, SERVICE, FOREIGN,
    ),
    "what was restored blocks, and the message names --adopt": (
        RESTORED, RULES, SERVICE,
        Blocked(
            KEY, PLACE, "NameTaken",
            f"Service shop/pr-1: exists and is not managed by preview-reconcile (not applied by {MANAGER}); "
            "pass --adopt to adopt it",
        ),
    ),
    "in a folder an object without history needs no takeover": (untracked(SERVICE), FOLDER, SERVICE, Keep(KEY, PLACE)),
    "what is going is waited for": (
        live(SERVICE, deletionTimestamp="now"), RULES, SERVICE, Waiting(KEY, PLACE, "waits: the old one is being deleted"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_decision_matches_its_row(name: str) -> None:
    there, rules, wanted, expected = ROWS[name]
    assert decided(there, rules, wanted) == expected


@pytest.mark.parametrize("kind", ["Deployment", "Mapping"])
def test_a_protection_that_begins_or_ends_is_the_message_and_beside_another_change_it_is_not(
    kind: str,
) -> None:
    plain = a_read_preview(uid="u-1")
    protected = a_read_preview(uid="u-1", annotations={"platform9.com/prune": "disabled"})
    other = a_read_preview(
        uid="u-1", annotations={"platform9.com/prune": "disabled"}, image="nginx:2", fqdn="other.example.com"
    )
    before, after, changed = (children_of(one)[kind] for one in (plain, protected, other))

    def message(there: dict[str, Any], wanted: dict[str, Any]) -> str:
        found = decided(live(there), wanted=wanted)
        assert isinstance(found, Update)
        return found.message

    assert message(before, after) == "its preview is protected"
    assert message(after, before) == "its preview is no longer protected"
    assert message(before, changed) == "its preview or an option changed"


def test_a_restored_child_is_fully_adopted_when_requested() -> None:
    """Ours are the fields that we want, and all where only we would write."""
    more = ("f:spec", "f:ports", 'k:{"port":90,"protocol":"TCP"}')
    ports = [*SERVICE["spec"]["ports"], {"port": 90, "protocol": "TCP"}]
    there = untracked(
        edited(SERVICE, "spec", "ports", to=ports),
        managedFields=[entry("velero", {*field_set_of(SERVICE), more, ("f:spec", "f:sessionAffinity")})],
    )
    taken = {more, (*more, "f:port"), (*more, "f:protocol")}
    assert decided(there, ADOPT) == Update(
        KEY, PLACE, SERVICE, there, (), UpdateMessage.ADOPTED, field_set_of(SERVICE) | taken
    )


def test_an_object_whose_history_was_wiped_is_fully_taken_over() -> None:
    """Otherwise a variable that nobody owns would stay when the spec drops it."""
    there = untracked(
        edited(DEPLOYMENT, "spec", "template", "spec", "containers", 0, "env", to=[{"name": "X"}])
    )
    item = (*CONTAINER, "f:env", 'k:{"name":"X"}')
    found = decided(untracked(there.manifest, managedFields=[{}]), wanted=DEPLOYMENT)
    assert isinstance(found, Update)
    assert found.takeover == field_set_of(DEPLOYMENT) | {item, (*item, "f:name")}


def test_a_child_that_somebody_protected_loses_its_owner_so_that_the_garbage_collector_spares_it() -> None:
    there = live(edited(SERVICE, *PRUNE, to="disabled"), applied=SERVICE)
    found = decided(there)
    assert isinstance(found, Update)
    assert found.manifest == without_owner(SERVICE, NAMES)
    assert [(c.path, c.after) for c in found.fields] == [("metadata.ownerReferences[pr-1]", None)]
    ownerless = without_owner(SERVICE, NAMES)
    protected = live(edited(ownerless, *PRUNE, to="disabled"), applied=ownerless)
    assert decided(protected) == Keep(KEY, PLACE)


def test_a_child_of_an_older_preview_of_the_name_is_given_to_the_new_one_in_place() -> None:
    older = children_of(a_read_preview(uid="u-0"))["Service"]
    found = decided(live(older))
    assert isinstance(found, Update)
    assert found.manifest == SERVICE
    reference = (
        "{{apiVersion: platform9.com/v1, kind: PreviewEnvironment, name: pr-1, uid: {}, controller: true}}"
    )
    path = "metadata.ownerReferences[pr-1]"
    assert found.fields == (
        FieldChange(path, reference.format("u-0"), None),
        FieldChange(path, None, reference.format("u-1")),
    )


# what somebody added by hand


MAPPING = CHILDREN["Mapping"]


def by_hand(annotation: str, **added: Any) -> Any:
    """Of a Mapping to whose spec somebody added this with kubectl, and the annotation with this value."""
    there = edited(MAPPING, "metadata", "annotations", NAMES.edits_annotation, to=annotation)
    paths = [("f:spec", f"f:{name}") for name in added]
    edits = live(
        {**there, "spec": {**there["spec"], **added}}, entry("kubectl-patch", paths), applied=MAPPING
    )
    return decided(edits, wanted=MAPPING)


def test_a_hand_edit_is_reverted_and_with_the_annotation_kept_and_shown() -> None:
    assert isinstance(by_hand("no", timeout_ms=9000), Update)
    assert by_hand("keep", timeout_ms=9000) == Keep(
        key("Mapping"), PLACE, "kept with spec.timeout_ms, added by hand (platform9.com/hand-edits is keep)"
    )


def test_no_hostname_is_kept_that_was_added_by_hand() -> None:
    """It may be another preview's; a Mapping takes a second one beside ours."""
    found = by_hand("keep", timeout_ms=9000, host="other.example.com")
    assert isinstance(found, Update)
    assert {field.path for field in found.fields} == {"spec.timeout_ms", "spec.host"}


# may it go


def going(there: Live, uid: str = "", rules: Rules = RULES) -> Any:
    return prune(Child(there, "pr-1", rules, uid=uid), "its preview is gone")


GUARDED = edited(SERVICE, *PRUNE, to="disabled")
NO_IDENTITY = edited(SERVICE, "metadata", "annotations", "platform9.com/identity", to=None)
ANOTHERS = edited(SERVICE, "metadata", "ownerReferences", to=[{"kind": "X", "name": "y", "controller": True}])
UNMANAGED = "kept: its preview is gone, but it is not managed by preview-reconcile"
PROTECTED = Keep(KEY, PLACE, "protected: platform9.com/prune is disabled", NoDelete.PROTECTED)
MAY_GO: dict[str, tuple[Live, Any]] = {
    "ours and wanted by nobody": (live(SERVICE), Delete(KEY, PLACE, live(SERVICE), "its preview is gone")),
    "restored": (RESTORED, Keep(KEY, PLACE, f"{UNMANAGED} (not applied by {MANAGER})")),
    "stripped": (live(NO_IDENTITY), Keep(KEY, PLACE, f"{UNMANAGED} (no annotation platform9.com/identity)")),
    "another controller": (live(ANOTHERS), Keep(KEY, PLACE, f"{UNMANAGED} (controlled by X y)")),
    "protected": (live(GUARDED), PROTECTED),
    "protected and going": (live(GUARDED, deletionTimestamp="now"), PROTECTED),
    "going already": (
        live(SERVICE, deletionTimestamp="now"),
        Waiting(KEY, PLACE, "is being deleted, and waits for its finalizers"),
    ),
}


@pytest.mark.parametrize("rules", [RULES, ADOPT], ids=["", "adopt"])
@pytest.mark.parametrize("name", MAY_GO)
def test_the_decision_on_an_undesired_child_matches_its_row(name: str, rules: Rules) -> None:
    there, expected = MAY_GO[name]
    assert going(there, rules=rules) == expected


def test_a_stripped_child_of_a_living_preview_may_go_since_the_uid_stands_in() -> None:
    there = live(edited(SERVICE, "metadata", "labels", "platform9.com/preview", to=None))
    assert isinstance(going(there, uid="u-1"), Delete)


def test_a_child_in_a_dump_keeps_its_owner_reference_where_the_preview_has_no_uid() -> None:
    from_git = replace(PREVIEW, uid="")
    wanted = children_of(from_git)["Service"]
    assert "ownerReferences" not in wanted["metadata"]
    assert decide(wanted, from_git, child_of(from_git, untracked(SERVICE), FOLDER)) == Keep(KEY, PLACE)
