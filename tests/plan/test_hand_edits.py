"""What somebody added by hand to a child of ours, and an annotation that keeps it."""

from typing import Any

from reconcile.plan.changes import Keep, Update
from reconcile.plan.child import child_of
from reconcile.plan.decide import decide
from tests.given import NAMES, RULES, a_read_preview, children_of, edited, entry, key, live

PREVIEW = a_read_preview(uid="u-1")
MAPPING = children_of(PREVIEW)["Mapping"]
PLACE = "shop/pr-1"


def decided(added: dict[str, Any], annotation: str) -> Any:
    """Of a Mapping to which somebody added this with `kubectl patch`, and the annotation with this value."""
    there = edited(MAPPING, "metadata", "annotations", NAMES.edits_annotation, to=annotation)
    for name, value in added.items():
        there = edited(there, "spec", name, to=value)
    paths = [("f:spec", f"f:{name}") for name in added]
    edits = live(there, entry("kubectl-patch", paths), applied=MAPPING)
    return decide(MAPPING, PREVIEW, child_of(PREVIEW, edits, RULES))


def test_a_hand_edit_is_reverted_and_with_the_annotation_kept_and_shown() -> None:
    assert isinstance(decided({"timeout_ms": 9000}, "no"), Update)
    assert decided({"timeout_ms": 9000}, "keep") == Keep(
        key("Mapping"), PLACE, "kept with spec.timeout_ms, added by hand (platform9.com/hand-edits is keep)"
    )


def test_no_hostname_is_kept_that_was_added_by_hand() -> None:
    """It may be another preview's; a Mapping takes a second one beside ours."""
    found = decided({"timeout_ms": 9000, "host": "other.example.com"}, "keep")
    assert isinstance(found, Update)
    assert {field.path for field in found.fields} == {"spec.timeout_ms", "spec.host"}
