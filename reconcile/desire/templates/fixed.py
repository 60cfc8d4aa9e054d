"""What no template changes: who a child is, how it is found, whose it is, and where its preview answers.

metadata, that of pods too   all but labels and annotations; of these what is ours
spec.selector                of Deployment and Service
the setup Job                all but its pod template
pods                         the container, and its port
a route                      its hostnames
status                       is the server's

Of a further child a template sets all else; what it stores is not to be lost by accident.
"""

from collections.abc import Iterator
from typing import Any

from reconcile.desire.children import KINDS
from reconcile.desire.children.further import POD_TEMPLATES, STATEFUL_SET
from reconcile.desire.children.kind import ChildKind
from reconcile.kube.check import Location
from reconcile.kube.hostnames import asks_for_more, takes_all
from reconcile.kube.live import Live
from reconcile.kube.objects import Manifest, full_kind, map_in, maps_in, value_below
from reconcile.model.names import (
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    Names,
)
from reconcile.model.problems import Problem
from reconcile.model.settings import Settings

_OURS = frozenset({MANAGED_BY_LABEL, NAME_LABEL, INSTANCE_LABEL, COMPONENT_LABEL})
_POD_METADATA = ("spec", "template", "metadata")
_FREE = ("labels", "annotations")
_OF_HOSTNAMES = (
    *("hostname", "host", "host_regex", "headers", "regex_headers", "prefix", "prefix_regex"),
    *("hostnames", "rules", "defaultBackend"),
)
FIXED = "is not a template's to change; leave it out"


def changes_of_fixed(before: Manifest, after: Manifest, settings: Settings) -> Iterator[Problem]:
    """What a merge has changed that no template may change, each as a sentence."""
    kind = KINDS[after["kind"]]
    for path in sorted(_fixed_paths(before, after, kind, settings.names)):
        if value_below(before, path) != value_below(after, path):
            yield Problem(path, FIXED)
    if kind.container:
        yield from _container_problems(after, kind)
    if kind.is_route:
        yield from _hostname_problems(before, after)


def _fixed_paths(before: Manifest, after: Manifest, kind: ChildKind, names: Names) -> Iterator[Location]:
    """Every path that a template may not change, of those that are in either."""

    def beside(path: Location, *free: str) -> Iterator[Location]:
        """What lies at a path but for these names."""
        return (
            (*path, name) for name in _names(value_below(before, path), value_below(after, path)) - set(free)
        )

    yield from kind.fixed
    yield from beside((), "metadata", "spec")
    yield from beside(("metadata",), *_FREE)
    yield from beside(_POD_METADATA, *_FREE)
    for path in ((*above, free) for above in (("metadata",), _POD_METADATA) for free in _FREE):
        only_in_pods = bool(kind.changes_only) and path[0] == "metadata"
        yield from (found for found in beside(path) if only_in_pods or is_ours(str(found[-1]), names))
    for depth in range(1, len(kind.changes_only)):
        yield from beside(kind.changes_only[:depth], kind.changes_only[depth])


def further_problems(before: Manifest, after: Manifest, settings: Settings) -> Iterator[Problem]:
    """What a document may not say of a further child, each as a sentence."""
    if "status" in after:
        yield Problem(("status",), "is the server's; leave it out")
    for path in (("metadata",), _at_pods(after)):
        metadata = map_in(value_below(after, path)) if path else {}
        yield from (Problem((*path, name), FIXED) for name in metadata.keys() - {*_FREE})
        for free in _FREE:
            ours = (key for key in map_in(metadata.get(free)) if is_ours(str(key), settings.names))
            yield from (Problem((*path, free, key), FIXED) for key in sorted(ours))
    yield from _claim_problems(after)


def _at_pods(manifest: Manifest) -> tuple[str, ...]:
    path = POD_TEMPLATES.get(full_kind(manifest["apiVersion"], manifest["kind"]))
    return (*path, "metadata") if path else ()


def _claim_problems(after: Manifest) -> Iterator[Problem]:
    """Claims that a StatefulSet makes have no owner: without this they outlive it and its preview. While a
    preview is suspended it has no pods."""
    spec = map_in(after.get("spec"))
    policy = map_in(spec.get("persistentVolumeClaimRetentionPolicy"))
    if after["kind"] == STATEFUL_SET and spec.get("volumeClaimTemplates") and "whenDeleted" not in policy:
        sentence = "is missing: Delete removes the claims with the preview, Retain leaves them for ever"
        yield Problem(("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"), sentence)
    if after["kind"] == STATEFUL_SET and policy.get("whenScaled") == "Delete":
        sentence = "Delete would remove the claims of a preview that is suspended; write Retain"
        yield Problem(("spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"), sentence)


def is_ours(key: str, names: Names) -> bool:
    """Whether a label or an annotation of this key means something to us."""
    return key in _OURS or key.startswith(f"{names.group}/")


def _container_problems(after: Manifest, kind: ChildKind) -> Iterator[Problem]:
    path: Location = ("spec", "template", "spec", "containers")
    containers = maps_in(value_below(after, path))
    found = next((one for one in containers if one.get("name") == kind.container), None)
    if found is None:
        yield Problem(path, f"the container {kind.container} has to stay")
    elif kind.port:
        yield from _port_problems(path, found, kind)


def _port_problems(path: Location, container: Manifest, kind: ChildKind) -> Iterator[Problem]:
    """A port with another number is another port, and a server takes no two of one name."""
    number = sum(port.get("name") == kind.port for port in maps_in(container.get("ports")))
    if number == 0:
        yield Problem(path, f"the port {kind.port} of the container {kind.container} has to stay")
    elif number > 1:
        sentence = f"the container {kind.container} has two ports {kind.port}"
        yield Problem(path, f"{sentence}; the port of a preview is its spec.port")


def _hostname_problems(before: Manifest, after: Manifest) -> Iterator[Problem]:
    asked, asks = Live(before), Live(after)
    if asks_for_more(asks, before) or asks_for_more(asked, after) or takes_all(asks):
        spec, then = map_in(before.get("spec")), map_in(after.get("spec"))
        changed = [name for name in _OF_HOSTNAMES if spec.get(name) != then.get(name)]
        sentence = "the hostname of a route is ${preview.spec.fqdn}, whole, and no other"
        yield Problem(("spec", *changed[:1]), sentence)


def _names(*maps: Any) -> set[str]:
    """The names in any of these maps."""
    return {name for one in maps for name in map_in(one)}
