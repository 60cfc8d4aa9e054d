"""The pods of a preview: what the Deployment's and the setup Job's have in common."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconcile.desire.children.metadata import common_labels
from reconcile.kube.objects import Manifest
from reconcile.kube.quantity import canonical
from reconcile.model.container_resources import with_defaults
from reconcile.model.names import COMPONENT_LABEL
from reconcile.model.preview import PreviewEnvironment, has_digest
from reconcile.model.rules import PULL_POLICIES, PullPolicy
from reconcile.model.settings import Settings, Toleration

if TYPE_CHECKING:
    from reconcile.model.spec import EnvFromSource, EnvVar, Spec


def pod_labels(preview: PreviewEnvironment, component: str) -> dict[str, str]:
    """The labels of a preview's pods; the component tells those that serve from those that set up."""
    return {**common_labels(preview), COMPONENT_LABEL: component}


def pod_spec(spec: "Spec", settings: Settings, container: Manifest) -> dict[str, Any]:
    """A pod of one container, as safe as the operator wants it, and where the operator wants it."""
    restricted = settings.pod_security == "restricted"
    return without_empty(
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
            "containers": [container],
        }
    )


def container(
    spec: "Spec",
    settings: Settings,
    *,
    name: str,
    image: str,
    command: tuple[str, ...],
    args: tuple[str, ...],
) -> dict[str, Any]:
    """A container with the preview's environment and resources."""
    restricted = settings.pod_security == "restricted"
    return without_empty(
        {
            "name": name,
            "image": image,
            "imagePullPolicy": pull_policy(spec, settings, image),
            "command": list(command),
            "args": list(args),
            "env": [_env(variable) for variable in spec.env],
            "envFrom": [_as_written(source) for source in spec.env_from],
            "resources": _resources(spec, settings),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                **({"capabilities": {"drop": ["ALL"]}} if restricted else {}),
            },
        }
    )


def pull_policy(spec: "Spec", settings: Settings, image: str) -> PullPolicy:
    """Choose the pull policy of an image: the author's, else the usual one, else one that is allowed.

        --allow-pull-policy     a tag         a digest
        not set: all            Always        IfNotPresent
        Always                  Always        Always
        Always, Never           Always        Always
        IfNotPresent            IfNotPresent  IfNotPresent
        IfNotPresent, Never     IfNotPresent  IfNotPresent
        Never                   Never         Never

    The usual one is Always for a tag, since it can be moved, and IfNotPresent for a digest, since it cannot.
    Where that is not allowed, the first that is allowed of Always, IfNotPresent, Never is used. Always is the
    strictest: no preview runs a private image from a node's cache without the credentials for it. Never comes
    last: the image would run only on nodes that it was loaded into. What the author sets is allowed, or
    `allow.refusals` has refused the preview.
    """
    if spec.image_pull_policy is not None:
        return spec.image_pull_policy
    usual: PullPolicy = "IfNotPresent" if has_digest(image) else "Always"
    allowed = settings.allow_pull_policy or PULL_POLICIES
    return next(policy for policy in (usual, *PULL_POLICIES) if policy in allowed)


def _env(variable: "EnvVar") -> dict[str, Any]:
    """An empty value is the name alone: the API server drops `value: ""`."""
    found = _as_written(variable)
    if "fieldRef" in (source := found.get("valueFrom", {})):
        source["fieldRef"]["apiVersion"] = "v1"  # the API server's default
    return found


def _as_written(part: "EnvVar | EnvFromSource") -> dict[str, Any]:
    return without_empty(part.model_dump(by_alias=True, exclude_none=True))


def _resources(spec: "Spec", settings: Settings) -> dict[str, Any]:
    """The author's own; what the author leaves out is the operator's default, unless it contradicts."""
    asked = spec.resources
    limits, requests = with_defaults(
        asked.limits if asked else (),
        asked.requests if asked else (),
        default_limits=settings.default_limits,
        default_requests=settings.default_requests,
    )
    return without_empty({"limits": _quantities(limits), "requests": _quantities(requests)})


def _quantities(amounts: Mapping[str, str]) -> dict[str, str]:
    return {name: canonical(amount) for name, amount in amounts.items()}


def _toleration(toleration: Toleration) -> dict[str, str]:
    return {name: value for name, value in asdict(toleration).items() if value is not None}


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The API server drops what is empty, and would let us own what is not there."""
    return {name: value for name, value in fields.items() if value or value == 0}
