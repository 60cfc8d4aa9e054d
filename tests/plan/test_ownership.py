"""Whose an object is: the table of the module, row by row, and what proves nothing."""

from typing import Any

import pytest

from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest
from reconcile.plan.child import Child
from reconcile.plan.ownership import Ownership, other_makers, ownership
from reconcile.plan.rules import Rules
from tests.given import MANAGER, NAMES, a_read_preview, as_child, children_of, edited, entry, live, untracked

PREVIEW = a_read_preview(uid="u-1")
SERVICE = children_of(PREVIEW)["Service"]
LABEL, IDENTITY, PRUNE = "platform9.com/preview", "platform9.com/identity", "platform9.com/prune"


def stripped(*what: str, owner: bool = True) -> dict[str, Any]:
    """The Service without its label, identity or owner reference."""
    found = SERVICE
    if "label" in what:
        found = edited(found, "metadata", "labels", LABEL, to=None)
    if "identity" in what:
        found = edited(found, "metadata", "annotations", IDENTITY, to=None)
    return found if owner else edited(found, "metadata", "ownerReferences", to=None)


def owned_by(**reference: Any) -> dict[str, Any]:
    theirs = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "u-9", "controller": True}
    return edited(SERVICE, "metadata", "ownerReferences", to=[{**theirs, **reference}])


def of(there: Live, uid: str = "u-1", *, from_server: bool = True) -> Ownership:
    return ownership(there, "pr-1", uid, Rules(NAMES, from_server=from_server))


def restored(manifest: Manifest) -> Live:
    """As a backup puts it back: the same object, applied by somebody else."""
    return untracked(manifest, managedFields=[entry("velero", dict(manifest))])


NO_LABEL = "no label platform9.com/preview"
NO_IDENTITY = "no annotation platform9.com/identity"
NOT_APPLIED = f"adoptable: not applied by {MANAGER}"
OWN_GROUP = {"apiVersion": "platform9.com/v1", "kind": "PreviewEnvironment"}
COPY = edited(SERVICE, "metadata", "annotations", IDENTITY, to="Service/shop/pr-2")
WIPED = untracked(SERVICE, managedFields=[{}])


def row(
    there: Live, owned: str, uid: str = "u-1", *, from_server: bool = True
) -> tuple[Live, str, str, bool]:
    return there, owned, uid, from_server


ROWS = {
    "all three agree": row(live(SERVICE), "ours"),
    "the owner reference is not asked for": row(live(stripped(owner=False)), "ours"),
    "its preview is gone": row(live(SERVICE), "ours", ""),
    "its preview was made again": row(live(SERVICE), "ours", "u-2"),
    "no label, but our uid": row(live(stripped("label")), "ours"),
    "no identity, but our uid": row(live(stripped("identity")), "ours"),
    "no label, and another uid": row(live(stripped("label")), f"foreign: {NO_LABEL}", "u-2"),
    "no uid to stand in": row(live(stripped("label")), f"foreign: {NO_LABEL}", ""),
    "no reference": row(live(stripped("identity", owner=False)), f"foreign: {NO_IDENTITY}"),
    "both are missing": row(live(stripped("label", "identity")), f"foreign: {NO_LABEL} and {NO_IDENTITY}"),
    "history wiped, our uid": row(WIPED, "ours"),
    "history wiped, another uid": row(WIPED, NOT_APPLIED, "u-2"),
    "a restored backup": row(restored(SERVICE), NOT_APPLIED),
    "restored and stripped": row(restored(stripped("label")), f"foreign: {NO_LABEL}"),
    "the label names another preview": row(
        live(edited(SERVICE, "metadata", "labels", LABEL, to="pr-2")), f"foreign: label {LABEL} is pr-2"
    ),
    "a copy of another child": row(live(COPY), f"foreign: annotation {IDENTITY} names Service/shop/pr-2"),
    "a copy from another namespace": row(
        live(edited(SERVICE, "metadata", "namespace", to="other")),
        f"foreign: annotation {IDENTITY} names Service/shop/pr-1",
    ),
    "another controller": row(live(owned_by()), "foreign: controlled by ReplicaSet x"),
    "an owner that does not control": row(live(owned_by(controller=False)), "ours"),
    "a preview of another group": row(
        live(owned_by(**{**OWN_GROUP, "apiVersion": "other.example.com/v1", "name": "pr-1"})),
        "foreign: controlled by PreviewEnvironment pr-1",
    ),
    "another preview": row(
        live(owned_by(**OWN_GROUP, name="pr-2")), "foreign: controlled by PreviewEnvironment pr-2"
    ),
    "an older uid of the preview": row(live(owned_by(**OWN_GROUP, name="pr-1")), "ours"),
    "in a folder label and identity alone decide": row(untracked(SERVICE), "ours", from_server=False),
    "in a folder no label, but our uid": row(untracked(stripped("label")), "ours", from_server=False),
    "in a folder no reference": row(
        untracked(stripped("label", owner=False)), f"foreign: {NO_LABEL}", from_server=False
    ),
    "a dump with managedFields": row(restored(SERVICE), NOT_APPLIED, from_server=False),
    # A preview in a file has no uid either.
    "a reference without uid stands in for nothing": row(
        untracked(edited(stripped("label"), "metadata", "ownerReferences", 0, "uid", to="")), f"foreign: {NO_LABEL}", "",
        from_server=False,
    ),
    **{
        f"only our own apply of the object itself counts: {name}": row(
            untracked(SERVICE, managedFields=[theirs, entry("x", SERVICE)]), NOT_APPLIED
        )
        for name, theirs in (
            ("an update", entry(MANAGER, SERVICE, "Update")),
            ("an apply of the status", entry(MANAGER, SERVICE, "Apply", "status")),
            ("of another name", entry("preview-reconcile", SERVICE, "Apply")),
        )
    },
    "a subresource's entry tells nothing of the object": row(
        untracked(SERVICE, managedFields=[entry("hpa", {("f:spec", "f:x")}, subresource="scale")]), "ours",
        from_server=False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_an_objects_owner_matches_its_row(name: str) -> None:
    there, owned, uid, from_server = ROWS[name]
    found = of(there, uid, from_server=from_server)
    assert f"{found.state}: {found.message}".removesuffix(": ") == owned


# protection


def protected(*others: dict[str, Any], ours: bool) -> Live:
    manifest = edited(SERVICE, "metadata", "annotations", PRUNE, to="disabled")
    return live(manifest, *others, applied=manifest if ours else SERVICE)


AT_PRUNE = ("f:metadata", "f:annotations", f"f:{PRUNE}")


def test_a_child_itself_records_its_protection() -> None:
    others = (live(SERVICE), live(edited(SERVICE, "metadata", "annotations", PRUNE, to="x")))
    found = [Child(there, "pr-1", Rules(NAMES)).protected for there in (protected(ours=True), *others)]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("there", "by_others"),
    [
        (live(SERVICE), False),
        (protected(ours=True), False),
        (protected(ours=False), True),
        (protected(entry("kubectl-annotate", {AT_PRUNE}), ours=True), True),
        (untracked(edited(SERVICE, "metadata", "annotations", PRUNE, to="disabled")), True),
    ],
    ids=["not at all", "by its preview", "by somebody", "by both", "nobody knows by whom"],
)
def test_protection_by_somebody_else_outlives_the_previews_own(there: Live, by_others: bool) -> None:
    assert as_child(there).protected_by_others is by_others


# who made it


AN_ANNOTATION = [("f:metadata", "f:annotations", "f:a")]
MAKERS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "nobody else": ([], []),
    "somebody who made it too": ([entry("helm", SERVICE)], ["helm"]),
    "somebody with an empty spec": ([entry("helm", [("f:spec",)])], ["helm"]),
    "a kind without a spec": ([entry("helm", [("f:data", "f:key")])], ["helm"]),
    "controllers that annotate": (
        [entry("dns", AN_ANNOTATION), entry("lb", [("f:metadata", "f:labels")])],
        [],
    ),
    "a status that is no subresource": ([entry("emissary", [("f:status", "f:state")])], []),
    "another scale": ([entry("hpa", [("f:spec", "f:replicas")], "Update", "scale")], []),
    "several": ([entry("a", []), entry("b", SERVICE), entry("a", SERVICE)], ["a", "b"]),
    "our name, but no apply": ([entry(MANAGER, SERVICE)], [MANAGER]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_who_else_may_have_made_it(name: str) -> None:
    others, makers = MAKERS[name]
    assert other_makers(live(SERVICE, *others), NAMES.field_manager) == makers


@pytest.mark.parametrize(
    ("kind", "generation", "makers"),
    [("Mapping", 1, []), ("Mapping", 2, ["dns"]), ("Ingress", 2, []), ("Service", None, [])],
)
def test_a_bare_object_may_be_anybodys_of_a_kind_that_needs_no_spec(
    kind: str, generation: int | None, makers: list[str]
) -> None:
    """Our apply is what gave it a spec, and so its second generation."""
    child = children_of(PREVIEW, route="ingress" if kind == "Ingress" else "mapping")[kind]
    annotated = entry("dns", AN_ANNOTATION)
    assert other_makers(live(child, annotated, generation=generation), NAMES.field_manager) == makers
