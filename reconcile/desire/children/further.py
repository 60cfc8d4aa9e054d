"""What is known of further children, which the operator's templates make beside the built-in ones.

A further child of a preview NAME is called `NAME-…`, or NAME where no built-in kind has that name.
"""

from collections.abc import Mapping
from typing import Any

from reconcile.kube.managedfields import FieldSet
from reconcile.kube.objects import is_custom_kind

CLAIM = "PersistentVolumeClaim"
STATEFUL_SET = "StatefulSet"

_CUSTOM = "custom"
_FIRST = (
    *("NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount", "Secret", "ConfigMap", CLAIM),
    *(_CUSTOM, "Service", STATEFUL_SET, "DaemonSet", "Deployment"),
)
"""What the app's pods may need, in the order in which it is applied; other native kinds follow the app."""

POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    STATEFUL_SET: ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each kind has the template of its pods."""

SELECTORS: Mapping[str, tuple[str, ...]] = {
    "Service": ("spec", "selector"),
    "Deployment": ("spec", "selector", "matchLabels"),
    STATEFUL_SET: ("spec", "selector", "matchLabels"),
    "DaemonSet": ("spec", "selector", "matchLabels"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
    "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
}
"""Where each kind says which pods it is about: those of its preview, whatever else it says."""

SUSPENDED: Mapping[str, Mapping[str, Any]] = {
    "Deployment": {"replicas": 0},
    STATEFUL_SET: {"replicas": 0},
    "CronJob": {"suspend": True},
}
"""What each kind that runs something is while its preview is suspended."""

FURTHER_EXCLUSIVE: Mapping[str, FieldSet] = {
    "ConfigMap": frozenset({("f:data",), ("f:binaryData",)}),
    "NetworkPolicy": frozenset({("f:spec",)}),
}
"""Where, of kinds that are no built-in child's, only we write; see `ChildKind.exclusive`."""


def is_further_name(name: str, preview_name: str) -> bool:
    """Whether a further child of this preview may have this name: `pr-4` has no child `pr-42`."""
    return name == preview_name or name.startswith(f"{preview_name}-")


def place_in_order(kind: str) -> int | None:
    """Where a further child of a full kind is applied, of those before the app; None for those after it."""
    name = _CUSTOM if is_custom_kind(kind) else kind
    return _FIRST.index(name) if name in _FIRST else None
