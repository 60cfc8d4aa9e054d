"""The hostnames of Gateways' listeners: an HTTPRoute that names none takes those that it hangs on; pure.

https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec
"""

from collections.abc import Iterator, Mapping

from reconcile.kube.live import Live
from reconcile.kube.objects import GATEWAY, HTTPROUTE, Key, Manifest, maps_in

Listeners = Mapping[Key, Manifest]
"""The Gateways that were read, by `Gateway NAMESPACE/NAME`."""


def hangs_on(live: Live) -> frozenset[Key]:
    """The Gateways whose listeners tell the hostnames of a route; none of one that names its own."""
    return frozenset(key for key, _ in _parents(live))


def of_listeners(live: Live, gateways: Listeners) -> frozenset[str]:
    """The hostnames, as they are written, of the listeners that a route without any hangs on."""
    return frozenset(
        hostname
        for key, section in _parents(live)
        for listener in maps_in(_spec(gateways.get(key)).get("listeners"))
        if section in (None, listener.get("name")) and isinstance(hostname := listener.get("hostname"), str)
    )


def _spec(gateway: Manifest | None) -> Mapping[str, object]:
    spec = (gateway or {}).get("spec")
    return spec if isinstance(spec, Mapping) else {}


def gateways_of(live: Live) -> frozenset[Key]:
    """The Gateways that are the parents of an HTTPRoute."""
    return frozenset(key for key, _ in _gateways(live))


def _parents(live: Live) -> Iterator[tuple[Key, object]]:
    """The Gateway and the section of each parent, where they tell the hostnames."""
    return iter(()) if live.spec.get("hostnames") else _gateways(live)


def _gateways(live: Live) -> Iterator[tuple[Key, object]]:
    if live.key.kind != HTTPROUTE.kind:
        return
    for parent in maps_in(live.spec.get("parentRefs")):
        kind = (parent.get("group", GATEWAY.group), parent.get("kind", GATEWAY.kind))
        namespace, name = parent.get("namespace") or live.key.namespace, parent.get("name")
        if kind == (GATEWAY.group, GATEWAY.kind) and isinstance(name, str) and isinstance(namespace, str):
            yield Key(GATEWAY.kind, namespace, name), parent.get("sectionName")
