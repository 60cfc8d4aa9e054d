"""What one child needs, and whether it may go: every answer, with its reason."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children.metadata import without_owner
from reconcile.kube.live import Live
from reconcile.kube.managedfields import field_set_of
from reconcile.plan.changes import Blocked, Create, Delete, FieldChange, Hold, Keep, Reason, Update, Waiting
from reconcile.plan.child import Child, Rules, child_of
from reconcile.plan.decide import decide, prune
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


def test_what_is_not_there_is_created() -> None:
    assert decided(None) == Create(KEY, PLACE, SERVICE, "new preview")


def test_what_is_as_wanted_is_kept_without_a_word() -> None:
    assert decided(live(SERVICE)) == Keep(KEY, PLACE)


def test_what_somebody_changed_has_drifted() -> None:
    there = live(edited(SERVICE, "spec", "ports", 0, "targetPort", to=8080), entry("kubectl-edit", SERVICE))
    fields = (FieldChange("spec.ports[http].targetPort", "8080", "http"),)
    assert decided(there) == Update(KEY, PLACE, SERVICE, there, fields, Reason.DRIFTED)


def test_what_its_preview_changed_says_so() -> None:
    there = live(DEPLOYMENT)
    wanted = children_of(a_read_preview(uid="u-1", image="nginx:2"))["Deployment"]
    path = "spec.template.spec.containers[app].image"
    fields = (FieldChange(path, "registry.example.com/shop:1", "nginx:2"),)
    expected = Update(key("Deployment"), PLACE, wanted, there, fields, Reason.CHANGED)
    assert decided(there, wanted=wanted) == expected


@pytest.mark.parametrize("kind", ["Deployment", "Mapping"])
def test_a_protection_that_begins_or_ends_is_the_reason_and_beside_another_change_it_is_not(
    kind: str,
) -> None:
    plain = a_read_preview(uid="u-1")
    protected = a_read_preview(uid="u-1", annotations={"platform9.com/prune": "disabled"})
    other = a_read_preview(
        uid="u-1",
        annotations={"platform9.com/prune": "disabled"},
        image="nginx:2",
        fqdn="other.example.com",
    )
    before, after, changed = (children_of(one)[kind] for one in (plain, protected, other))

    def reason(there: dict[str, Any], wanted: dict[str, Any]) -> str:
        found = decided(live(there), wanted=wanted)
        assert isinstance(found, Update)
        return found.reason

    assert reason(before, after) == "its preview is protected"
    assert reason(after, before) == "its preview is no longer protected"
    assert reason(before, changed) == "its preview or an option changed"


def test_what_the_server_keeps_another_way_is_kept_with_what_to_do() -> None:
    there = live(edited(DEPLOYMENT, "spec", "template", "spec", "containers", 0, "image", to="mirror/x"))
    assert decided(there, wanted=DEPLOYMENT) == Keep(
        key("Deployment"),
        PLACE,
        "the API server keeps spec.template.spec.containers[app].image another way; "
        "to have it applied again, change spec.revision",
    )


def test_a_strangers_object_blocks_and_is_named_with_its_manager() -> None:
    assert decided(STRANGER) == Blocked(
        KEY,
        PLACE,
        "NameTaken",
        "Service shop/pr-1: exists and is not managed by preview-reconcile (no label platform9.com/preview and "
        "no annotation platform9.com/identity; field managers: kubectl); delete it, or rename the preview",
    )


def test_a_strangers_object_is_not_adopted_either() -> None:
    assert isinstance(decided(STRANGER, ADOPT), Blocked)


def test_what_was_restored_blocks_and_the_message_names_adopt() -> None:
    assert decided(RESTORED) == Blocked(
        KEY,
        PLACE,
        "NameTaken",
        f"Service shop/pr-1: exists and is not managed by preview-reconcile (not applied by {MANAGER}); "
        "pass --adopt to adopt it",
    )


def test_what_was_restored_is_adopted_whole_when_told_to() -> None:
    """Ours are the fields that we want, and all where only we would write."""
    more = ("f:spec", "f:ports", 'k:{"port":90,"protocol":"TCP"}')
    ports = [*SERVICE["spec"]["ports"], {"port": 90, "protocol": "TCP"}]
    there = untracked(
        edited(SERVICE, "spec", "ports", to=ports),
        managedFields=[entry("velero", {*field_set_of(SERVICE), more, ("f:spec", "f:sessionAffinity")})],
    )
    taken = {more, (*more, "f:port"), (*more, "f:protocol")}
    assert decided(there, ADOPT) == Update(
        KEY, PLACE, SERVICE, there, (), Reason.ADOPTED, field_set_of(SERVICE) | taken
    )


def test_an_object_whose_history_was_wiped_is_taken_over_whole() -> None:
    """Otherwise a variable that nobody owns would stay when the spec drops it."""
    there = untracked(
        edited(DEPLOYMENT, "spec", "template", "spec", "containers", 0, "env", to=[{"name": "X"}])
    )
    item = (*CONTAINER, "f:env", 'k:{"name":"X"}')
    found = decided(untracked(there.manifest, managedFields=[{}]), wanted=DEPLOYMENT)
    assert isinstance(found, Update)
    assert found.takeover == field_set_of(DEPLOYMENT) | {item, (*item, "f:name")}


def test_in_a_folder_an_object_without_history_needs_no_takeover() -> None:
    assert decided(untracked(SERVICE), FOLDER) == Keep(KEY, PLACE)


def test_what_is_going_is_waited_for() -> None:
    there = live(SERVICE, deletionTimestamp="2026-01-01T00:00:00Z")
    assert decided(there) == Waiting(KEY, PLACE, "waits: the old one is being deleted")


def test_a_stranger_that_is_going_still_blocks() -> None:
    going = Live({**STRANGER.manifest, "metadata": {**STRANGER.metadata, "deletionTimestamp": "now"}})
    assert isinstance(decided(going), Blocked)


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


# may it go


def going(there: Live, uid: str = "", rules: Rules = RULES) -> Any:
    return prune(Child(there, "pr-1", rules, uid=uid), "its preview is gone")


def test_what_is_ours_and_wanted_by_nobody_may_go() -> None:
    there = live(SERVICE)
    assert going(there) == Delete(KEY, PLACE, there, "its preview is gone")


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (
            RESTORED,
            f"kept, its preview is gone, but not managed by preview-reconcile (not applied by {MANAGER})",
        ),
        (
            live(edited(SERVICE, "metadata", "annotations", "platform9.com/identity", to=None)),
            "kept, its preview is gone, but not managed by preview-reconcile (no annotation platform9.com/identity)",
        ),
        (
            live(
                edited(
                    SERVICE,
                    "metadata",
                    "ownerReferences",
                    to=[{"kind": "X", "name": "y", "controller": True}],
                )
            ),
            "kept, its preview is gone, but not managed by preview-reconcile (controlled by X y)",
        ),
        (
            live(edited(SERVICE, *PRUNE, to="disabled")),
            "protected: platform9.com/prune is disabled",
        ),
        (
            live(edited(SERVICE, *PRUNE, to="disabled"), deletionTimestamp="now"),
            "protected: platform9.com/prune is disabled",
        ),
    ],
    ids=["restored", "stripped", "another controller", "protected", "protected and going"],
)
def test_what_is_not_ours_or_is_protected_stays(there: Live, reason: str) -> None:
    assert going(there) == Keep(
        KEY, PLACE, reason, Hold.PROTECTION if reason.startswith("protected") else None
    )
    assert going(there, rules=ADOPT) == Keep(
        KEY, PLACE, reason, Hold.PROTECTION if reason.startswith("protected") else None
    )


def test_what_is_going_already_is_waited_for() -> None:
    there = live(SERVICE, deletionTimestamp="now")
    assert going(there) == Waiting(KEY, PLACE, "is being deleted, and waits for its finalizers")


def test_a_stripped_child_of_a_living_preview_may_go_since_the_uid_stands_in() -> None:
    there = live(edited(SERVICE, "metadata", "labels", "platform9.com/preview", to=None))
    assert isinstance(going(there, uid="u-1"), Delete)


def test_a_child_in_a_dump_keeps_its_owner_reference_where_the_preview_has_no_uid() -> None:
    from_git = replace(PREVIEW, uid="")
    wanted = children_of(from_git)["Service"]
    assert "ownerReferences" not in wanted["metadata"]
    assert decide(wanted, from_git, child_of(from_git, untracked(SERVICE), FOLDER)) == Keep(KEY, PLACE)
