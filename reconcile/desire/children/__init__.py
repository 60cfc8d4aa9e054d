"""The children of a preview: one file per kind, listed here in the order in which they are applied.

To add a kind: a file beside these that makes its manifest and has its row, and a line in `CHILDREN`. The
contract test `tests/contracts/test_child_kinds.py` says what else it needs; docs/cookbook/child-kind.md goes
through it.
"""

from collections.abc import Mapping

from reconcile.desire.children import (
    deployment,
    further,
    httproute,
    ingress,
    mapping,
    service,
    setup_job,
)
from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, identity
from reconcile.errors import Forbidden, NamespaceTerminating
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

KINDS: Mapping[str, ChildKind] = {kind.resource.full_kind: kind for kind in CHILDREN}
RESOURCES: Mapping[str, Resource] = {kind.resource.full_kind: kind.resource for kind in CHILDREN}
EXCLUSIVE: Mapping[str, FieldSet] = {
    **further.FURTHER_EXCLUSIVE,
    **{kind.resource.full_kind: frozenset(kind.exclusive) for kind in CHILDREN},
}
_PLACES: Mapping[str, int] = {kind.resource.full_kind: place for place, kind in enumerate(CHILDREN)}
_BEFORE, _APP, _BESIDE, _BEHIND = range(4)


def apply_order(key: Key, preview_name: str) -> tuple[int, int]:
    """What to sort the children of a preview by, to apply them; deletes go the other way.

    What pods need comes before them, what counts them after, and what leads to them last.
    """
    if is_further(key, preview_name):
        place = further.place_in_order(key.kind)
        return (_BESIDE, 0) if place is None else (_BEFORE, place)
    place = _PLACES.get(key.kind, -1)
    return (_APP if place <= _PLACES[deployment.KIND.resource.full_kind] else _BEHIND, place)


def is_route(kind: str) -> bool:
    """Whether this kind leads a hostname to a Service."""
    return kind in KINDS and KINDS[kind].is_route


def is_route_of(key: Key, preview_name: str) -> bool:
    """Whether this is the route of a preview; templates may make further ones, for other paths."""
    return is_route(key.kind) and key.name == preview_name


def runs_once(kind: str) -> bool:
    """Whether a child of this kind runs to an end, once."""
    return kind in KINDS and KINDS[kind].runs_once


def is_built_in(key: Key, preview_name: str) -> bool:
    """Whether a preview of this name has such a child without any template."""
    return key.kind in KINDS and KINDS[key.kind].is_named(key.name, preview_name)


def is_further(key: Key, preview_name: str) -> bool:
    """Whether only a template can have made this child of a preview of this name; templates make no Jobs."""
    named = further.is_further_name(key.name, preview_name) and not runs_once(key.kind)
    return named and not is_built_in(key, preview_name)


def short_name(key: Key, preview_name: str) -> str:
    """A child by its kind; a further one by its name too, since a preview may have several of a kind."""
    return f"{key.kind} {key.name}" if is_further(key, preview_name) else key.kind


def is_name_of_child(key: Key, preview_name: str) -> bool:
    """Whether this is a name that a preview of this name gives to a child of this kind."""
    return is_built_in(key, preview_name) or is_further(key, preview_name)


def identity_of(key: Key, preview_name: str) -> str:
    """What the identity annotation of a child of this preview says."""
    return identity(key, "" if is_built_in(key, preview_name) else preview_name)


RIGHTS = "get, list, create, patch, delete"
"""What a run does with children of any kind, as verbs of a rule."""


def missing_right(error: Exception, resource: Resource | None) -> str:
    """What an error says; where a right to a further kind is missing, with the rule, which is not shipped."""
    if not isinstance(error, Forbidden) or isinstance(error, NamespaceTerminating):
        return str(error)
    if resource is None or resource.full_kind in RESOURCES or not resource.plural:
        return str(error)
    group = resource.group or '""'
    rule = f"{{apiGroups: [{group}], resources: [{resource.plural}], verbs: [{RIGHTS}]}}"
    return f"{error}; further children need the rule {rule}: reconcile --print-rights prints it"


def needs_spec(kind: str) -> bool:
    """Whether the API server takes none of this kind without a spec, as far as is known."""
    return kind in KINDS and KINDS[kind].needs_spec


def render(preview: PreviewEnvironment, settings: Settings) -> tuple[Rendered, ...]:
    """Every child that a preview wants, in apply order."""
    wanted = settings.route_resource
    made = (
        kind.render(preview, settings)
        for kind in CHILDREN
        if not kind.is_route or (wanted is not None and kind.resource.kind == wanted.kind)
    )
    return tuple(manifest for manifest in made if manifest is not None)
