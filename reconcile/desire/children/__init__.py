"""The children of a preview: one file per kind, listed here in the order in which they are applied.

To add a kind: a file beside these that makes its manifest, and a line in `CHILDREN`. The contract test
`tests/contracts/test_child_kinds.py` says what else it needs; docs/cookbook/child-kind.md goes through it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconcile.desire.children.deployment import deployment
from reconcile.desire.children.httproute import httproute
from reconcile.desire.children.ingress import ingress
from reconcile.desire.children.mapping import mapping
from reconcile.desire.children.metadata import Rendered
from reconcile.desire.children.service import service
from reconcile.desire.children.setup_job import is_job_name, setup_job
from reconcile.kube.managedfields import Path, item_element
from reconcile.kube.objects import DEPLOYMENT, HTTPROUTE, INGRESS, JOB, MAPPING, SERVICE, Key, Resource
from reconcile.model.names import CONTAINER
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

Render = Callable[[PreviewEnvironment, Settings], Rendered | None]
Named = Callable[[str, str], bool]
"""Whether a child's name (first) is one that a preview of this name (second) gives."""


def _as_its_preview(name: str, preview_name: str) -> bool:
    return name == preview_name


@dataclass(frozen=True)
class ChildKind:
    """A kind of child, and how to make one; None where a preview asks for none.

    `is_route`: of these a preview has one kind. `runs_once`: it runs to an end; one that is there is never
    changed below metadata, and an old one goes when it has ended.
    `room`: where, in an object that is taken over whole, everything was ours: what is no longer wanted there
    goes. It is of no use to one that runs once, which is never changed.
    `needs_spec`: the API server takes none without a spec, so whoever made one has set fields of it.
    `content`: the fields beside metadata in which it says something, such as `data`; what else a live object
    has is looked at by nobody.
    """

    resource: Resource
    render: Render
    is_route: bool = False
    runs_once: bool = False
    is_named: Named = _as_its_preview
    room: tuple[Path, ...] = (("f:spec",),)
    needs_spec: bool = False
    content: tuple[str, ...] = ("spec",)


_CONTAINER: Path = (
    "f:spec",
    "f:template",
    "f:spec",
    "f:containers",
    item_element({"name": CONTAINER}, ("name",)),
)
_IN_CONTAINER: Path = (
    "f:env",
    "f:envFrom",
    "f:command",
    "f:args",
    "f:resources",
    "f:startupProbe",
    "f:readinessProbe",
    "f:lifecycle",
    "f:ports",
)
# A Deployment is shared with autoscalers and injectors, a Service with whoever gives it an address.
_IN_DEPLOYMENT: tuple[Path, ...] = (
    *((*_CONTAINER, name) for name in _IN_CONTAINER),
    ("f:spec", "f:template", "f:spec", "f:imagePullSecrets"),
)
_IN_SERVICE: tuple[Path, ...] = (("f:spec", "f:ports"), ("f:spec", "f:selector"))


# The setup Job comes first: where it cannot be made, the new pods would meet what is not set up.
CHILDREN: tuple[ChildKind, ...] = (
    ChildKind(JOB, setup_job, runs_once=True, is_named=is_job_name, room=(), needs_spec=True),
    ChildKind(DEPLOYMENT, deployment, room=_IN_DEPLOYMENT, needs_spec=True),
    ChildKind(SERVICE, service, room=_IN_SERVICE, needs_spec=True),
    ChildKind(MAPPING, mapping, is_route=True),
    ChildKind(INGRESS, ingress, is_route=True, needs_spec=True),
    ChildKind(HTTPROUTE, httproute, is_route=True, needs_spec=True),
)

KINDS: Mapping[str, ChildKind] = {kind.resource.kind: kind for kind in CHILDREN}
RESOURCES: Mapping[str, Resource] = {kind.resource.kind: kind.resource for kind in CHILDREN}
ROOM_OF_OURS: Mapping[str, tuple[Path, ...]] = {kind.resource.kind: kind.room for kind in CHILDREN}
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
