"""What the operator decides, for every preview at once: frozen, and checked where the options are read."""

from dataclasses import dataclass
from typing import Literal

from reconcile.kube.objects import HTTPROUTE, INGRESS, MAPPING, Resource
from reconcile.model.names import DEFAULT_GROUP, Names, names_of
from reconcile.model.rules import PullPolicy
from reconcile.model.template import Template

RouteKind = Literal["mapping", "ingress", "httproute"]
RouteOption = Literal[RouteKind, "none"]
PodSecurity = Literal["baseline", "restricted"]
UrlScheme = Literal["http", "https"]

ROUTE_RESOURCES: dict[str, Resource] = {"mapping": MAPPING, "ingress": INGRESS, "httproute": HTTPROUTE}
ROUTE_KINDS = frozenset(resource.kind for resource in ROUTE_RESOURCES.values())


@dataclass(frozen=True)
class Gateway:
    """The parent of every HTTPRoute; `section` is the listener's name."""

    namespace: str
    name: str
    section: str | None = None


@dataclass(frozen=True)
class Toleration:
    """One toleration of every pod: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

    key: str
    operator: Literal["Equal", "Exists"]
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


@dataclass(frozen=True)
class Choices:
    """What an option says as it is: each field is the option of its name, see `reconcile --help`.

    `route_given` tells whether `--route` was said: only then is a preview switched to another kind of route.
    `default_ttl` and `max_ttl` are durations as previews write them; None and `0` say nothing. `awake` are
    windows as `awake.parse_window` reads them; without any, and `awake_by_namespace`, no preview sleeps.
    """

    route: RouteOption = "mapping"
    route_given: bool = False
    ingress_class: str | None = None
    tls_secret: str | None = None
    cluster_issuer: str | None = None
    pod_security: PodSecurity = "baseline"
    priority_class: str | None = None
    allow_fqdn: tuple[str, ...] = ()
    allow_image: tuple[str, ...] = ()
    allow_secret: tuple[str, ...] = ()
    allow_pull_policy: tuple[PullPolicy, ...] = ()
    allow_protect: tuple[str, ...] = ()
    max_previews: int | None = None
    url_scheme: UrlScheme = "https"
    default_ttl: str | None = None
    max_ttl: str | None = None
    awake: tuple[str, ...] = ()
    awake_by_namespace: bool = False


@dataclass(frozen=True)
class Settings(Choices):
    """What the operator decides.

    Pairs are tuples of (key, value), sorted by key. `route_kinds` are those that the cluster is asked for;
    empty for all. `templates` are in the order in which they are merged; None where nobody named them.
    """

    group: str = DEFAULT_GROUP
    route_kinds: tuple[RouteKind, ...] = ()
    gateway: Gateway | None = None
    route_labels: tuple[tuple[str, str], ...] = ()
    route_annotations: tuple[tuple[str, str], ...] = ()
    default_limits: tuple[tuple[str, str], ...] = ()
    default_requests: tuple[tuple[str, str], ...] = ()
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    templates: tuple[Template, ...] | None = None

    @property
    def names(self) -> Names:
        return names_of(self.group)

    @property
    def lets_sleep(self) -> bool:
        """Whether a preview may have hours in which it sleeps."""
        return bool(self.awake) or self.awake_by_namespace

    @property
    def route_resource(self) -> Resource | None:
        """The kind of route that previews get; None for `--route none`."""
        return ROUTE_RESOURCES.get(self.route)

    @property
    def further_kinds(self) -> tuple[Resource, ...]:
        """The kinds of further children, in order, without the plurals that only a cluster knows."""
        further = {one.resource for one in self.templates or () if one.further}
        return tuple(sorted(further))

    @property
    def left_out(self) -> tuple[Resource, ...]:
        """The kinds of route that the cluster is not asked for."""
        if not self.route_kinds:
            return ()
        return tuple(resource for kind, resource in ROUTE_RESOURCES.items() if kind not in self.route_kinds)
