"""The Service: port 80 to the preview's pods."""

from reconcile.desire.children.deployment import selector
from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, child
from reconcile.kube.objects import SERVICE
from reconcile.model.names import PORT_NAME, SERVICE_PORT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings


def service(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The Service of a preview; it always listens on 80, whatever the container does."""
    spec = {
        "ports": [{"name": PORT_NAME, "port": SERVICE_PORT, "protocol": "TCP", "targetPort": PORT_NAME}],
        "selector": selector(preview),
    }
    return child(SERVICE, preview, spec)


# A Service is shared with whoever gives it an address.
_EXCLUSIVE = (("f:spec", "f:ports"), ("f:spec", "f:selector"))
KIND = ChildKind(SERVICE, service, exclusive=_EXCLUSIVE, needs_spec=True, fixed=(("spec", "selector"),))
