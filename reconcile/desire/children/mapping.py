"""The Emissary Mapping: the hostname to the Service.

https://emissary-ingress.dev/docs/latest/topics/using/mappings/
"""

from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, route
from reconcile.kube.objects import MAPPING
from reconcile.model.names import SERVICE_PORT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings


def mapping(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The Mapping of a preview. TLS and the certificate sit on the Host, which is the operator's."""
    spec = {
        "hostname": preview.spec.fqdn,
        "prefix": "/",
        "service": f"http://{preview.name}.{preview.namespace}:{SERVICE_PORT}",
    }
    return route(MAPPING, preview, settings, spec)


KIND = ChildKind(MAPPING, mapping, is_route=True)
