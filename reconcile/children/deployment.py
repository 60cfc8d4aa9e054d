"""The Deployment: the preview's image, running."""

from typing import Any

from reconcile.children.metadata import Rendered, child
from reconcile.children.pod import container, pod_labels, pod_spec
from reconcile.names import APP_COMPONENT, COMPONENT_LABEL, CONTAINER, PORT_NAME, Names
from reconcile.objects import DEPLOYMENT
from reconcile.preview import PreviewEnvironment, Spec
from reconcile.settings import Settings


def deployment(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The Deployment of a preview. `replicas` is left out when absent, so that an autoscaler may own it."""
    names = settings.names
    replicas = 0 if preview.spec.suspend else preview.spec.replicas
    spec = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector(preview, names)},
        "template": {
            "metadata": _pod_metadata(preview, names),
            "spec": pod_spec(preview.spec, settings, _container(preview.spec, settings)),
        },
    }
    return child(DEPLOYMENT, preview, names, spec)


def selector(preview: PreviewEnvironment, names: Names) -> dict[str, str]:
    """What finds the preview's pods; it can never change, since a Deployment's selector is immutable."""
    return {names.preview_label: preview.name, COMPONENT_LABEL: APP_COMPONENT}


def _pod_metadata(preview: PreviewEnvironment, names: Names) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": pod_labels(preview, names, APP_COMPONENT)}
    if preview.spec.revision:
        metadata["annotations"] = {names.revision_annotation: preview.spec.revision}
    return metadata


def _container(spec: Spec, settings: Settings) -> dict[str, Any]:
    return {
        **container(spec, settings, name=CONTAINER, image=spec.image, command=spec.command, args=spec.args),
        "ports": [{"name": PORT_NAME, "containerPort": spec.port, "protocol": "TCP"}],
        "readinessProbe": _probe(spec),
    }


def _probe(spec: Spec) -> dict[str, Any]:
    if spec.health_path:
        return {"httpGet": {"path": spec.health_path, "port": PORT_NAME}}
    return {"tcpSocket": {"port": PORT_NAME}}
