"""What goes into a URL: checked first, since an empty name is a whole collection and `../` another one."""

import functools

from lightkube.core.resource import ApiInfo, NamespacedResourceG, ResourceDef

from reconcile.errors import Rejected
from reconcile.kube.objects import Resource
from reconcile.model import rules

VERBS = ["delete", "get", "global_list", "list", "patch"]


def check_name(resource: Resource, name: object) -> str:
    """Raises Rejected for what is no DNS subdomain."""
    if isinstance(name, str) and name and not rules.OBJECT_NAME.problem(name):
        return name
    raise Rejected(f"{resource.kind} {name!r}: a name is lower-case letters, digits, dashes and dots")


def check_namespace(resource: Resource, namespace: object) -> str:
    """Raises Rejected for what is no DNS label."""
    if isinstance(namespace, str) and namespace and not rules.NAMESPACE.problem(namespace):
        return namespace
    raise Rejected(f"{resource.kind} in {namespace!r}: a namespace is lower-case letters, digits and dashes")


@functools.cache
def resource_class(resource: Resource, subresource: str = "") -> type[NamespacedResourceG]:
    """What lightkube makes a URL from. Not of its registry, which takes each kind once, in one shape.

    Raises Rejected where the group, the version or the plural is no part of a URL.
    """
    parts = (resource.group or "core", resource.version, resource.plural)
    if any(rules.OBJECT_NAME.problem(part) for part in parts):
        raise Rejected(
            f"{resource.kind}: {resource.api_version}/{resource.plural} is no API group of Kubernetes"
        )
    definition = ResourceDef(resource.group, resource.version, resource.kind)
    info = ApiInfo(definition, resource.plural, VERBS, action=subresource or None)
    return type(resource.kind, (NamespacedResourceG,), {"_api_info": info})
