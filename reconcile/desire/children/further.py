"""What is known of further children, which the operator's templates make beside the built-in ones.

A further child of a preview NAME is called `NAME-…`, or NAME where no built-in kind has that name.
"""

from collections.abc import Mapping

from reconcile.kube.managedfields import FieldSet

CLAIM = "PersistentVolumeClaim"
STATEFUL_SET = "StatefulSet"

_CUSTOM = "custom"
_FIRST = (
    *("NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount", "Secret", "ConfigMap", CLAIM),
    *(_CUSTOM, "Service", STATEFUL_SET, "DaemonSet", "Deployment"),
)
"""What the app's pods may need, in the order in which it is applied; other native kinds follow the app."""

FURTHER_EXCLUSIVE: Mapping[str, FieldSet] = {
    "ConfigMap": frozenset({("f:data",), ("f:binaryData",)}),
    "NetworkPolicy": frozenset({("f:spec",)}),
}
"""Where, of kinds that are no built-in child's, only we write; see `ChildKind.exclusive`."""


def is_further_name(name: str, preview_name: str) -> bool:
    """Whether a further child of this preview may have this name: `pr-4` has no child `pr-42`."""
    return name == preview_name or name.startswith(f"{preview_name}-")


def is_custom(kind: str) -> bool:
    """Whether a full kind is a custom resource's, of which only its own controller knows what it is."""
    return "." in kind


def place_in_order(kind: str) -> int | None:
    """Where a further child of a full kind is applied, of those before the app; None for those after it."""
    name = _CUSTOM if is_custom(kind) else kind
    return _FIRST.index(name) if name in _FIRST else None


def holds_data(kind: str) -> bool:
    """Whether what is stored in such a child is lost with it: of a StatefulSet its claims may go with it."""
    return kind in (CLAIM, STATEFUL_SET)
