"""The Deployment: the preview's image, running."""

from typing import TYPE_CHECKING, Any

from reconcile.desire.children.kind import ChildKind
from reconcile.desire.children.metadata import Rendered, child, digest
from reconcile.desire.children.pod import container, pod_labels, pod_spec
from reconcile.kube.managedfields import Path
from reconcile.kube.objects import DEPLOYMENT
from reconcile.kube.schema import item_element
from reconcile.model.names import APP_COMPONENT, COMPONENT_LABEL, CONTAINER, PORT_NAME
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

if TYPE_CHECKING:
    from reconcile.model.spec import Spec

PROBE_TIMEOUT = 5
"""Seconds until an answer counts as none. The kubelet asks again when it has one, or this is over: an
application that is slow to answer is asked once in so long, and one that takes longer than Kubernetes'
default of one second is ready too."""

STARTUP_TRIES = 86_400
"""Tries of the startup probe, one a second, so that an application is ready within two seconds of its first
answer. After the last one the kubelet would restart the container, which helps no preview with a wrong
port: a day. From its first success on the readiness probe asks every five seconds: little to read in an
application's log."""

DRAIN_SECONDS = 5
"""Seconds that a pod goes on serving after it was told to end, since routers and kube-proxy hear of it later.
The kubelet sleeps (Kubernetes 1.34), so that the image needs no shell:
https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/"""

STOP_SECONDS = 25
"""Seconds after that for the application to end by itself: with the above, Kubernetes' default of 30."""


def deployment(preview: PreviewEnvironment, settings: Settings) -> Rendered:
    """The Deployment of a preview. `replicas` is left out when absent, so that an autoscaler may own it."""
    replicas = 0 if preview.spec.suspend else preview.spec.replicas
    template = {
        "metadata": _pod_metadata(preview),
        "spec": {
            **pod_spec(preview.spec, settings, _container(preview.spec, settings)),
            "terminationGracePeriodSeconds": DRAIN_SECONDS + STOP_SECONDS,
        },
    }
    spec = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector(preview)},
        "template": _marked(template, preview),
    }
    return child(DEPLOYMENT, preview, spec)


def selector(preview: PreviewEnvironment) -> dict[str, str]:
    """What finds the preview's pods; it can never change, since a Deployment's selector is immutable."""
    return {preview.names.preview_label: preview.name, COMPONENT_LABEL: APP_COMPONENT}


def finish(manifest: dict[str, Any], preview: PreviewEnvironment) -> dict[str, Any]:
    """The Deployment after templates: suspended all the same, and its pods marked anew."""
    suspended = {"replicas": 0} if preview.spec.suspend else {}
    spec = manifest["spec"]
    return {**manifest, "spec": {**spec, **suspended, "template": _marked(spec["template"], preview)}}


def _marked(template: dict[str, Any], preview: PreviewEnvironment) -> dict[str, Any]:
    """The pod template with a hash of the rest of it: it tells its pods from those of an older one."""
    metadata, mark = template["metadata"], preview.names.template_annotation
    others = {k: v for k, v in metadata.get("annotations", {}).items() if k != mark}
    unmarked = {k: v for k, v in metadata.items() if k != "annotations"} | (
        {"annotations": others} if others else {}
    )
    hash_ = digest({**template, "metadata": unmarked})
    return {**template, "metadata": {**unmarked, "annotations": {**others, mark: hash_}}}


def _pod_metadata(preview: PreviewEnvironment) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": pod_labels(preview, APP_COMPONENT)}
    if preview.spec.revision:
        metadata["annotations"] = {preview.names.revision_annotation: preview.spec.revision}
    return metadata


def _container(spec: "Spec", settings: Settings) -> dict[str, Any]:
    return {
        **container(spec, settings, name=CONTAINER, image=spec.image, command=spec.command, args=spec.args),
        "ports": [{"name": PORT_NAME, "containerPort": spec.port, "protocol": "TCP"}],
        "startupProbe": {
            **_handler(spec),
            "periodSeconds": 1,
            "timeoutSeconds": PROBE_TIMEOUT,
            "failureThreshold": STARTUP_TRIES,
        },
        "readinessProbe": {**_handler(spec), "periodSeconds": 5, "timeoutSeconds": PROBE_TIMEOUT},
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    }


def _handler(spec: "Spec") -> dict[str, Any]:
    """What both probes ask for."""
    if spec.health_path:
        return {"httpGet": {"path": spec.health_path, "port": PORT_NAME}}
    return {"tcpSocket": {"port": PORT_NAME}}


_POD: Path = ("f:spec", "f:template", "f:spec")
_CONTAINER: Path = (*_POD, "f:containers", item_element(name=CONTAINER))
_IN_CONTAINER: Path = (
    "f:env",
    "f:envFrom",
    "f:command",
    "f:args",
    "f:resources",
    "f:startupProbe",
    "f:readinessProbe",
    "f:lifecycle",
    "f:ports",
)
# A Deployment is shared with autoscalers and injectors.
_EXCLUSIVE = (*((*_CONTAINER, name) for name in _IN_CONTAINER), (*_POD, "f:imagePullSecrets"))
KIND = ChildKind(
    DEPLOYMENT,
    deployment,
    exclusive=_EXCLUSIVE,
    needs_spec=True,
    fixed=(("spec", "selector"),),
    container=CONTAINER,
    port=PORT_NAME,
    finish=finish,
)
