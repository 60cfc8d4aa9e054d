"""The children of a preview: one file per kind, listed here in the order in which they are applied.

To add a kind: a file beside these that makes its manifest, and a line in `CHILDREN`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconcile.children.deployment import deployment
from reconcile.children.httproute import httproute
from reconcile.children.ingress import ingress
from reconcile.children.mapping import mapping
from reconcile.children.service import service
from reconcile.fields import Path, item_element
from reconcile.names import CONTAINER
from reconcile.objects import DEPLOYMENT, HTTPROUTE, INGRESS, MAPPING, SERVICE, Manifest, Resource
from reconcile.preview import PreviewEnvironment
from reconcile.settings import Settings

Render = Callable[[PreviewEnvironment, Settings], Manifest]


@dataclass(frozen=True)
class ChildKind:
    """A kind of child, how to make one, and whether it is a route (of which a preview has one kind)."""

    resource: Resource
    render: Render
    is_route: bool = False


CHILDREN: tuple[ChildKind, ...] = (
    ChildKind(DEPLOYMENT, deployment),
    ChildKind(SERVICE, service),
    ChildKind(MAPPING, mapping, is_route=True),
    ChildKind(INGRESS, ingress, is_route=True),
    ChildKind(HTTPROUTE, httproute, is_route=True),
)

KINDS: Mapping[str, ChildKind] = {kind.resource.kind: kind for kind in CHILDREN}
RESOURCES: Mapping[str, Resource] = {kind.resource.kind: kind.resource for kind in CHILDREN}
APPLY_ORDER: Mapping[str, int] = {kind.resource.kind: place for place, kind in enumerate(CHILDREN)}


def is_route(kind: str) -> bool:
    """Whether this kind leads a hostname to a Service."""
    return kind in KINDS and KINDS[kind].is_route


def render(preview: PreviewEnvironment, settings: Settings) -> tuple[Manifest, ...]:
    """Every child that a preview wants, in apply order."""
    wanted = settings.route_resource
    return tuple(
        kind.render(preview, settings)
        for kind in CHILDREN
        if not kind.is_route or (wanted is not None and kind.resource.kind == wanted.kind)
    )


_CONTAINER: Path = (
    "f:spec",
    "f:template",
    "f:spec",
    "f:containers",
    item_element({"name": CONTAINER}, ("name",)),
)
_IN_CONTAINER = ("f:env", "f:envFrom", "f:command", "f:args", "f:resources", "f:readinessProbe", "f:ports")

ROOM_OF_OURS: Mapping[str, tuple[Path, ...]] = {
    DEPLOYMENT.kind: (
        *((*_CONTAINER, name) for name in _IN_CONTAINER),
        ("f:spec", "f:template", "f:spec", "f:imagePullSecrets"),
    ),
    SERVICE.kind: (("f:spec", "f:ports"), ("f:spec", "f:selector")),
    MAPPING.kind: (("f:spec",),),
    INGRESS.kind: (("f:spec",),),
    HTTPROUTE.kind: (("f:spec",),),
}
"""Where, in an object that is taken over whole, everything was ours: what is no longer wanted there goes."""
