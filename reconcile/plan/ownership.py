"""Is a child ours, and why: the one place where that is decided.

A child is ours when three things agree: its label, its identity annotation, and an Apply entry of our field
manager. What is missing of them is one thing, what contradicts is another:

    label    identity   our entry    owner reference     state
    agrees   agrees     there        any                 ours
    one of them absent  there        our preview's uid   ours (and corrected)
    agrees   agrees     history wiped  our preview's uid ours (and corrected)
    agrees   agrees     missing      any                 adoptable
    anything else                                        foreign
    whatever, with another controller                    foreign

In a folder, or a dump without managedFields, label and identity alone decide.
"""

from dataclasses import dataclass
from typing import Literal

from reconcile.desire.children import identity_of, is_name_of_child, needs_spec
from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path
from reconcile.plan.rules import Rules

OwnershipState = Literal["ours", "adoptable", "foreign"]


@dataclass(frozen=True)
class Ownership:
    """Whose an object is; `message` says it in words when it is not ours."""

    state: OwnershipState
    message: str = ""

    @property
    def ours(self) -> bool:
        return self.state == "ours"


OURS = Ownership("ours")


def ownership(live: Live, preview_name: str, preview_uid: str, rules: Rules) -> Ownership:
    """Whose this object is, seen from a preview of its namespace (`preview_uid` is "" when it is gone)."""
    names = rules.names
    for other in live.owner_references:
        if other.get("controller") and not names.refers_to(other, preview_name):
            return Ownership("foreign", f"controlled by {other.get('kind')} {other.get('name')}")
    if not is_name_of_child(live.key, preview_name):
        # A label that somebody changed must not make a living preview's child look like a gone one's.
        return Ownership("foreign", f"{preview_name} has no child of this name")
    label = live.labels.get(names.preview_label)
    mark = live.annotations.get(names.identity_annotation)
    if label not in (None, preview_name):
        return Ownership("foreign", f"label {names.preview_label} is {label}")
    if mark not in (None, identity_of(live.key, preview_name)):
        return Ownership("foreign", f"annotation {names.identity_annotation} names {mark}")
    return _by_what_is_there(live, label, mark, preview_uid, rules)


def _by_what_is_there(
    live: Live, label: str | None, mark: str | None, preview_uid: str, rules: Rules
) -> Ownership:
    names = rules.names
    missing = [
        what
        for what, there in (
            (f"label {names.preview_label}", label),
            (f"annotation {names.identity_annotation}", mark),
        )
        if there is None
    ]
    applied = live.applied_by(names.field_manager) is not None
    trusted = applied or not (rules.from_server or live.tracked)
    stands_in = bool(preview_uid) and any(
        reference.get("uid") == preview_uid and names.refers_to(reference, str(reference.get("name")))
        for reference in live.owner_references
    )
    if trusted and (not missing or (len(missing) == 1 and stands_in)):
        return OURS
    if missing:
        return Ownership("foreign", f"no {' and no '.join(missing)}")
    if stands_in and not live.tracked:
        return OURS  # somebody reset managedFields; label, identity and uid still agree
    return Ownership("adoptable", f"not applied by {names.field_manager}")


def other_makers(live: Live, manager: str) -> list[str]:
    """Who beside this manager may have made the object; nobody, where its apply did.

    Whoever made it has fields in it beside metadata and status, which a controller that adds an annotation or
    a finalizer has not. Of a kind that needs no spec somebody may have made a bare one; but not where the
    generation is the first: the spec that is there now was there from the beginning.
    """
    bare = not needs_spec(live.key.kind) and live.metadata.get("generation") != 1
    others = (entry for entry in live.others(manager) if not entry.subresource)
    return sorted(
        {entry.manager for entry in others if bare or not all(map(_is_beside_the_spec, entry.fields))}
    )


def _is_beside_the_spec(path: Path) -> bool:
    return path[0] in ("f:metadata", "f:status")
