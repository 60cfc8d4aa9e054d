"""The HTTPRoute of the Gateway API: the hostname to the Service.

https://gateway-api.sigs.k8s.io/api-types/httproute/
"""

from typing import Any

from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, route
from reconcile.kube.objects import HTTPROUTE
from reconcile.model.names import SERVICE_PORT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Gateway, Settings


def httproute(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The HTTPRoute of a preview. Its lists are atomic, so the server's defaults in them are written out."""
    backend = {"group": "", "kind": "Service", "name": preview.name, "port": SERVICE_PORT, "weight": 1}
    match = {"path": {"type": "PathPrefix", "value": "/"}}
    spec = {
        "parentRefs": [_parent(settings.gateway)] if settings.gateway else [],
        "hostnames": [preview.spec.fqdn],
        "rules": [{"matches": [match], "backendRefs": [backend]}],
    }
    return route(HTTPROUTE, preview, settings, spec)


def _parent(gateway: Gateway) -> dict[str, Any]:
    section = {"sectionName": gateway.section} if gateway.section else {}
    return {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": gateway.namespace,
        "name": gateway.name,
        **section,
    }


KIND = ChildKind(HTTPROUTE, httproute, is_route=True, needs_spec=True)
