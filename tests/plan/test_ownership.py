"""Whose an object is: the table of the module, row by row, and what proves nothing."""

from typing import Any

import pytest

from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest
from reconcile.plan.ownership import Ownership, is_protected, other_makers, ownership, protected_by_others
from tests.given import MANAGER, NAMES, a_read_preview, children_of, edited, entry, live, untracked

PREVIEW = a_read_preview(uid="u-1")
SERVICE = children_of(PREVIEW)["Service"]
LABEL, IDENTITY, PRUNE = "platform9.com/preview", "platform9.com/identity", "platform9.com/prune"
OURS = Ownership("ours")


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
    return ownership(there, "pr-1", uid, NAMES, from_server=from_server)


def restored(manifest: Manifest) -> Live:
    """As a backup puts it back: the same object, applied by somebody else."""
    return untracked(manifest, managedFields=[entry("velero", dict(manifest))])


NO_LABEL = "no label platform9.com/preview"
NO_IDENTITY = "no annotation platform9.com/identity"
NOT_APPLIED = f"not applied by {MANAGER}"


@pytest.mark.parametrize(
    ("there", "uid", "owned"),
    [
        pytest.param(live(SERVICE), "u-1", OURS, id="all three agree"),
        pytest.param(live(stripped(owner=False)), "u-1", OURS, id="the owner reference is not asked for"),
        pytest.param(live(SERVICE), "", OURS, id="its preview is gone"),
        pytest.param(live(SERVICE), "u-2", OURS, id="its preview was made again"),
        pytest.param(live(stripped("label")), "u-1", OURS, id="no label, but our uid"),
        pytest.param(live(stripped("identity")), "u-1", OURS, id="no identity, but our uid"),
        pytest.param(live(stripped("label")), "u-2", Ownership("foreign", NO_LABEL), id="another uid"),
        pytest.param(live(stripped("label")), "", Ownership("foreign", NO_LABEL), id="no uid to stand in"),
        pytest.param(
            live(stripped("identity", owner=False)),
            "u-1",
            Ownership("foreign", NO_IDENTITY),
            id="no reference",
        ),
        pytest.param(
            live(stripped("label", "identity")),
            "u-1",
            Ownership("foreign", f"{NO_LABEL} and no annotation {IDENTITY}"),
            id="both are missing",
        ),
        pytest.param(untracked(SERVICE, managedFields=[{}]), "u-1", OURS, id="history wiped, our uid"),
        pytest.param(
            untracked(SERVICE, managedFields=[{}]),
            "u-2",
            Ownership("adoptable", NOT_APPLIED),
            id="history wiped, another uid",
        ),
        pytest.param(restored(SERVICE), "u-1", Ownership("adoptable", NOT_APPLIED), id="a restored backup"),
        pytest.param(
            restored(stripped("label")), "u-1", Ownership("foreign", NO_LABEL), id="restored and stripped"
        ),
        pytest.param(
            live(edited(SERVICE, "metadata", "labels", LABEL, to="pr-2")),
            "u-1",
            Ownership("foreign", "label platform9.com/preview is pr-2"),
            id="the label names another preview",
        ),
        pytest.param(
            live(edited(SERVICE, "metadata", "annotations", IDENTITY, to="Service/shop/pr-2")),
            "u-1",
            Ownership("foreign", "annotation platform9.com/identity is that of Service/shop/pr-2"),
            id="a copy of another child",
        ),
        pytest.param(
            live(owned_by()),
            "u-1",
            Ownership("foreign", "controlled by ReplicaSet x"),
            id="another controller",
        ),
        pytest.param(live(owned_by(controller=False)), "u-1", OURS, id="an owner that does not control"),
        pytest.param(
            live(owned_by(apiVersion="other.example.com/v1", kind="PreviewEnvironment", name="pr-1")),
            "u-1",
            Ownership("foreign", "controlled by PreviewEnvironment pr-1"),
            id="a preview of another group",
        ),
        pytest.param(
            live(owned_by(apiVersion="platform9.com/v1", kind="PreviewEnvironment", name="pr-2")),
            "u-1",
            Ownership("foreign", "controlled by PreviewEnvironment pr-2"),
            id="another preview",
        ),
        pytest.param(
            live(owned_by(apiVersion="platform9.com/v1", kind="PreviewEnvironment", name="pr-1")),
            "u-1",
            OURS,
            id="an older uid of the preview",
        ),
    ],
)
def test_whose_an_object_of_a_server_is(there: Live, uid: str, owned: Ownership) -> None:
    assert of(there, uid) == owned


@pytest.mark.parametrize(
    ("there", "owned"),
    [
        pytest.param(untracked(SERVICE), OURS, id="label and identity alone decide"),
        pytest.param(untracked(stripped("label")), OURS, id="no label, but our uid"),
        pytest.param(
            untracked(stripped("label", owner=False)), Ownership("foreign", NO_LABEL), id="no reference"
        ),
        pytest.param(restored(SERVICE), Ownership("adoptable", NOT_APPLIED), id="a dump with managedFields"),
        pytest.param(
            untracked(SERVICE, managedFields=[entry("hpa", {("f:spec", "f:x")}, subresource="scale")]),
            OURS,
            id="a subresource's entry tells nothing of the object",
        ),
    ],
)
def test_whose_an_object_in_a_folder_is(there: Live, owned: Ownership) -> None:
    assert of(there, from_server=False) == owned


def test_a_reference_without_uid_stands_in_for_nothing() -> None:
    """A preview in a file has no uid either."""
    reference = {**SERVICE["metadata"]["ownerReferences"][0], "uid": ""}
    there = untracked(edited(stripped("label"), "metadata", "ownerReferences", to=[reference]))
    assert of(there, "", from_server=False) == Ownership("foreign", NO_LABEL)


@pytest.mark.parametrize(
    "theirs",
    [
        entry(MANAGER, SERVICE, "Update"),
        entry(MANAGER, SERVICE, "Apply", "status"),
        entry("preview-reconcile", SERVICE, "Apply"),
    ],
)
def test_only_our_own_apply_of_the_object_itself_counts(theirs: dict[str, Any]) -> None:
    assert of(untracked(SERVICE, managedFields=[theirs, entry("x", SERVICE)])).standing == "adoptable"


# protection


def protected(*others: dict[str, Any], ours: bool) -> Live:
    manifest = edited(SERVICE, "metadata", "annotations", PRUNE, to="disabled")
    return live(manifest, *others, applied=manifest if ours else SERVICE)


AT_PRUNE = ("f:metadata", "f:annotations", f"f:{PRUNE}")


def test_a_child_says_itself_that_it_is_protected() -> None:
    assert is_protected(protected(ours=True), NAMES)
    assert not is_protected(live(SERVICE), NAMES)
    assert not is_protected(live(edited(SERVICE, "metadata", "annotations", PRUNE, to="x")), NAMES)


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
def test_protection_by_somebody_else_outlives_what_the_preview_says(there: Live, by_others: bool) -> None:
    assert protected_by_others(there, NAMES, from_server=True) is by_others


# who made it


@pytest.mark.parametrize(
    ("others", "makers"),
    [
        pytest.param([], [], id="nobody else"),
        pytest.param([entry("helm", SERVICE)], ["helm"], id="somebody who made it too"),
        pytest.param([entry("helm", [("f:spec",)])], ["helm"], id="somebody with an empty spec"),
        pytest.param([entry("helm", [("f:data", "f:key")])], ["helm"], id="a kind without a spec"),
        pytest.param(
            [
                entry("dns", [("f:metadata", "f:annotations", "f:a")]),
                entry("lb", [("f:metadata", "f:labels")]),
            ],
            [],
            id="controllers that annotate",
        ),
        pytest.param(
            [entry("emissary", [("f:status", "f:state")])], [], id="a status that is no subresource"
        ),
        pytest.param([entry("hpa", [("f:spec", "f:replicas")], "Update", "scale")], [], id="another scale"),
        pytest.param([entry("a", []), entry("b", SERVICE), entry("a", SERVICE)], ["a", "b"], id="several"),
        pytest.param([entry(MANAGER, SERVICE)], [MANAGER], id="our name, but no apply"),
    ],
)
def test_who_else_may_have_made_it(others: list[dict[str, Any]], makers: list[str]) -> None:
    assert other_makers(live(SERVICE, *others), NAMES) == makers


@pytest.mark.parametrize(
    ("kind", "generation", "makers"),
    [("Mapping", 1, []), ("Mapping", 2, ["dns"]), ("Ingress", 2, []), ("Service", None, [])],
)
def test_a_bare_object_may_be_anybodys_of_a_kind_that_needs_no_spec(
    kind: str, generation: int | None, makers: list[str]
) -> None:
    """Our apply is what gave it a spec, and so its second generation."""
    child = children_of(PREVIEW, route="ingress" if kind == "Ingress" else "mapping")[kind]
    annotated = entry("dns", [("f:metadata", "f:annotations", "f:a")])
    assert other_makers(live(child, annotated, generation=generation), NAMES) == makers
