"""The Deployment: the preview's image, running."""

from collections.abc import Mapping
from typing import Any

from reconcile.children.metadata import child, common_labels
from reconcile.names import APP_COMPONENT, COMPONENT_LABEL, CONTAINER, PORT_NAME, Names
from reconcile.objects import DEPLOYMENT, Manifest
from reconcile.preview import EnvFromSource, EnvVar, PreviewEnvironment, Spec, has_digest
from reconcile.quantities import canonical
from reconcile.settings import Settings, Toleration


def deployment(preview: PreviewEnvironment, settings: Settings) -> Manifest:
    """The Deployment of a preview. `replicas` is left out when absent, so that an autoscaler may own it."""
    names = settings.names
    replicas = 0 if preview.spec.suspend else preview.spec.replicas
    spec = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector(preview, names)},
        "template": {
            "metadata": _pod_metadata(preview, names),
            "spec": _pod_spec(preview.spec, settings),
        },
    }
    return child(DEPLOYMENT, preview, names, spec)


def selector(preview: PreviewEnvironment, names: Names) -> dict[str, str]:
    """What finds the preview's pods; it can never change, since a Deployment's selector is immutable."""
    return {names.preview_label: preview.name, COMPONENT_LABEL: APP_COMPONENT}


def _pod_metadata(preview: PreviewEnvironment, names: Names) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": {**common_labels(preview, names), **selector(preview, names)}}
    if preview.spec.revision:
        metadata["annotations"] = {names.revision_annotation: preview.spec.revision}
    return metadata


def _pod_spec(spec: Spec, settings: Settings) -> dict[str, Any]:
    restricted = settings.pod_security == "restricted"
    return _without_empty(
        {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                **({"runAsNonRoot": True} if restricted else {}),
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "imagePullSecrets": [{"name": secret.name} for secret in spec.image_pull_secrets],
            "nodeSelector": dict(settings.node_selector),
            "tolerations": [_toleration(toleration) for toleration in settings.tolerations],
            "priorityClassName": settings.priority_class,
            "containers": [_container(spec, settings)],
        }
    )


def _container(spec: Spec, settings: Settings) -> dict[str, Any]:
    restricted = settings.pod_security == "restricted"
    return _without_empty(
        {
            "name": CONTAINER,
            "image": spec.image,
            "imagePullPolicy": "IfNotPresent" if has_digest(spec.image) else "Always",
            "command": list(spec.command),
            "args": list(spec.args),
            "ports": [{"name": PORT_NAME, "containerPort": spec.port, "protocol": "TCP"}],
            "env": [_env(variable) for variable in spec.env],
            "envFrom": [_env_from(source) for source in spec.env_from],
            "resources": _resources(spec, settings),
            "readinessProbe": _probe(spec),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                **({"capabilities": {"drop": ["ALL"]}} if restricted else {}),
            },
        }
    )


def _env(variable: EnvVar) -> dict[str, Any]:
    """An empty value is the name alone: the API server drops `value: ""`."""
    return _without_empty(
        {"name": variable.name, "value": variable.value, "valueFrom": _value_from(variable)}
    )


def _value_from(variable: EnvVar) -> dict[str, Any]:
    source = variable.value_from
    if source is None:
        return {}
    if source.field_ref is not None:
        return {"fieldRef": {"apiVersion": "v1", "fieldPath": source.field_ref.field_path}}
    if source.secret_key_ref is not None:
        return {"secretKeyRef": _key_ref(source.secret_key_ref)}
    return {"configMapKeyRef": _key_ref(source.config_map_key_ref)}


def _key_ref(reference: Any) -> dict[str, Any]:
    optional = {} if reference.optional is None else {"optional": reference.optional}
    return {"name": reference.name, "key": reference.key, **optional}


def _env_from(source: EnvFromSource) -> dict[str, Any]:
    prefix = {"prefix": source.prefix} if source.prefix else {}
    if source.secret_ref is not None:
        return {**prefix, "secretRef": _object_ref(source.secret_ref)}
    return {**prefix, "configMapRef": _object_ref(source.config_map_ref)}


def _object_ref(reference: Any) -> dict[str, Any]:
    optional = {} if reference.optional is None else {"optional": reference.optional}
    return {"name": reference.name, **optional}


def _resources(spec: Spec, settings: Settings) -> dict[str, Any]:
    """The author's own; what the author leaves out is the operator's default."""
    asked = spec.resources
    limits = {**dict(settings.default_limits), **dict(asked.limits if asked else {})}
    requests = {**dict(settings.default_requests), **dict(asked.requests if asked else {})}
    return _without_empty({"limits": _quantities(limits), "requests": _quantities(requests)})


def _quantities(amounts: Mapping[str, str]) -> dict[str, str]:
    return {name: canonical(amount) for name, amount in amounts.items()}


def _probe(spec: Spec) -> dict[str, Any]:
    if spec.health_path:
        return {"httpGet": {"path": spec.health_path, "port": PORT_NAME}}
    return {"tcpSocket": {"port": PORT_NAME}}


def _toleration(toleration: Toleration) -> dict[str, str]:
    return {name: value for name, value in toleration.model_dump().items() if value is not None}


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The API server drops what is empty, and would let us own what is not there."""
    return {name: value for name, value in fields.items() if value not in ({}, [], "", None)}
