"""The children of a preview: one file per kind, listed here in the order in which they are applied.

To add a kind: a file beside these that makes its manifest and has its row, and a line in `CHILDREN`. The
contract test `tests/contracts/test_child_kinds.py` says what else it needs; docs/cookbook/child-kind.md goes
through it.
"""

from collections.abc import Mapping

from reconcile.desire.children import (
    deployment,
    httproute,
    ingress,
    mapping,
    service,
    setup_job,
)
from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered
from reconcile.kube.managedfields import FieldSet
from reconcile.kube.objects import Key, Resource
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

# The setup Job comes first: where it cannot be made, the new pods would meet what is not set up.
CHILDREN: tuple[ChildKind, ...] = (
    setup_job.KIND,
    deployment.KIND,
    service.KIND,
    mapping.KIND,
    ingress.KIND,
    httproute.KIND,
)

KINDS: Mapping[str, ChildKind] = {kind.resource.kind: kind for kind in CHILDREN}
RESOURCES: Mapping[str, Resource] = {kind.resource.kind: kind.resource for kind in CHILDREN}
EXCLUSIVE: Mapping[str, FieldSet] = {kind.resource.kind: frozenset(kind.exclusive) for kind in CHILDREN}
APPLY_ORDER: Mapping[str, int] = {kind.resource.kind: place for place, kind in enumerate(CHILDREN)}


def is_route(kind: str) -> bool:
    """Whether this kind leads a hostname to a Service."""
    return kind in KINDS and KINDS[kind].is_route


def runs_once(kind: str) -> bool:
    """Whether a child of this kind runs to an end, once."""
    return kind in KINDS and KINDS[kind].runs_once


def is_name_of_child(key: Key, preview_name: str) -> bool:
    """Whether this is a name that a preview of this name gives to a child of this kind."""
    return KINDS[key.kind].is_named(key.name, preview_name)


def render(preview: PreviewEnvironment, settings: Settings) -> tuple[Rendered, ...]:
    """Every child that a preview wants, in apply order."""
    wanted = settings.route_resource
    made = (
        kind.render(preview, settings)
        for kind in CHILDREN
        if not kind.is_route or (wanted is not None and kind.resource.kind == wanted.kind)
    )
    return tuple(manifest for manifest in made if manifest is not None)
