"""The Ingress: the hostname to the Service.

https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from typing import Any

from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, route
from reconcile.kube.objects import INGRESS
from reconcile.model.names import SERVICE_PORT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

CLUSTER_ISSUER = "cert-manager.io/cluster-issuer"


def ingress(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The Ingress of a preview: one rule; TLS by a shared Secret, or by one that cert-manager makes."""
    backend = {"service": {"name": preview.name, "port": {"number": SERVICE_PORT}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {"rules": [{"host": preview.spec.fqdn, "http": {"paths": [path]}}]}
    if settings.ingress_class:
        spec["ingressClassName"] = settings.ingress_class
    if secret := settings.tls_secret or (settings.cluster_issuer and f"{preview.name}-tls"):
        spec["tls"] = [{"hosts": [preview.spec.fqdn], "secretName": secret}]
    issuer = {CLUSTER_ISSUER: settings.cluster_issuer} if settings.cluster_issuer else {}
    return route(INGRESS, preview, settings, spec, issuer)


KIND = ChildKind(INGRESS, ingress, is_route=True, needs_spec=True)
