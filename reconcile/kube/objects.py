"""What the whole program speaks of: manifests, resources, keys."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
"""A Kubernetes object as a plain JSON tree; never changed after it was made."""


@dataclass(frozen=True, order=True)
class Resource:
    """A namespaced kind, with what its URL is made of."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_kind(self) -> str:
        return full_kind(self.api_version, self.kind)

    @property
    def full_plural(self) -> str:
        """As kubectl writes a kind in full: `deployments.apps`, `services`."""
        return f"{self.plural}.{self.group}".rstrip(".")


JOB = Resource("batch", "v1", "Job", "jobs")
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
SERVICE = Resource("", "v1", "Service", "services")
MAPPING = Resource("getambassador.io", "v3alpha1", "Mapping", "mappings")
INGRESS = Resource("networking.k8s.io", "v1", "Ingress", "ingresses")
NAMESPACE = Resource("", "v1", "Namespace", "namespaces")
POD = Resource("", "v1", "Pod", "pods")
EVENT = Resource("", "v1", "Event", "events")
EVENTS_V1 = Resource("events.k8s.io", "v1", "Event", "events")
"""As it is written: the group that `EVENT`, which is read, is kept for the sake of old programs."""
GATEWAY = Resource("gateway.networking.k8s.io", "v1", "Gateway", "gateways")
HTTPROUTE = Resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")


KEPT_BY_SERVERS = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""The fields of metadata that a server writes, and nobody else:
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/"""


class NamespacedName(NamedTuple):
    """An object whose kind is known; the namespace is "" where somebody gave none."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def resource_of(api_version: str, kind: str, plural: str = "") -> Resource:
    """A kind of this version; its plural is "" where only a cluster knows it."""
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, kind, plural)


@lru_cache(maxsize=1024)
def full_kind(api_version: str, kind: str) -> str:
    """A kind of Kubernetes by its name, any other with its group, as kubectl writes it: `Deployment`,
    `Service.serving.knative.dev`. Among Kubernetes' own groups no two have a kind of one name that we handle.
    """
    group, _, _ = api_version.rpartition("/")
    return f"{kind}.{group}" if _is_of_others(group) else kind


def is_custom_kind(full_kind: str) -> bool:
    """Whether a full kind is a custom resource's, of which only its own controller knows what it is."""
    return "." in full_kind


def is_custom(manifest: Manifest) -> bool:
    """Whether an object is such a custom resource."""
    return _is_of_others(str(manifest.get("apiVersion")).rpartition("/")[0])


def _is_of_others(group: str) -> bool:
    """Whether an API group is neither Kubernetes' own nor that of our default route."""
    return "." in group and not group.endswith(".k8s.io") and group != MAPPING.group


@lru_cache(maxsize=1024)
def type_meta(api_version: str, kind: str) -> Mapping[str, str]:
    """What every object of a kind begins with; lists of built-in kinds leave it out."""
    return MappingProxyType({"apiVersion": api_version, "kind": kind})


class Key(NamedTuple):
    """Where an object is: its kind, as `full_kind` writes it, its namespace, its name."""

    kind: str
    namespace: str
    name: str

    @property
    def place(self) -> str:
        """`NAMESPACE/NAME`."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def key_of(manifest: Manifest) -> Key:
    """The key of a manifest that has a kind, a namespace and a name."""
    metadata = manifest["metadata"]
    kind = full_kind(str(manifest["apiVersion"]), manifest["kind"])
    return Key(kind, metadata["namespace"], metadata["name"])


def without_servers_own(manifest: Manifest, *more: str) -> dict[str, Any]:
    """The object without its status, what a server keeps about it, and `more` fields of its metadata."""
    left_out = KEPT_BY_SERVERS | set(more)
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in left_out}
    return {**{name: value for name, value in manifest.items() if name != "status"}, "metadata": metadata}


def is_map(value: Any) -> bool:
    """Whether it is a mapping; asked of thousands of values, nearly all of which are dicts or text."""
    return type(value) is dict or (type(value) is not str and isinstance(value, Mapping))


def map_in(value: Any) -> Mapping[str, Any]:
    """The mapping that stands there; what a person wrote in its place is passed over."""
    return value if is_map(value) else {}


def value_below(manifest: Any, path: Iterable[object]) -> Any:
    """What stands below these names; None where there is nothing."""
    for name in path:
        manifest = map_in(manifest).get(str(name))
    return manifest


def maps_in(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The mappings in a list; what a person wrote beside them, or in place of the list, is passed over."""
    items = value if isinstance(value, list | tuple) else ()
    return tuple(item for item in items if is_map(item))


def conditions_in(status: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The conditions of a status, by their type; what a person wrote beside them is passed over."""
    found = ((condition.get("type"), condition) for condition in maps_in(status.get("conditions")))
    return {type_: condition for type_, condition in found if isinstance(type_, str)}


def split_place(place: str) -> NamespacedName:
    """The namespace and the name of a `NAMESPACE/NAME`."""
    namespace, _, name = place.partition("/")
    return NamespacedName(namespace, name)


def by_namespace(places: Iterable[str]) -> Counter[str]:
    """How many of these `NAMESPACE/NAME`, which are all different, each namespace has."""
    return Counter(split_place(place).namespace for place in places)
