"""What is known of a kind before any cluster is asked."""

from reconcile.errors import NoChildKind
from reconcile.kube.objects import Resource, resource_of
from reconcile.kube.schema import is_native, native_resource
from reconcile.model import rules


def native_or_none(api_version: str, kind: str) -> Resource | None:
    """The resource of a native kind, or of one of our routes; None for any other kind.

    Raises NoChildKind for a native kind of which no object can be a child.
    """
    found = native_resource(api_version, kind)
    if found is None and is_native(api_version, kind):
        raise NoChildKind(
            f"{kind} of {api_version} is not namespaced, or does not support get, list, create, patch, delete"
        )
    return found


def likely_resource(api_version: str, kind: str) -> Resource:
    """A kind with the plural that it most likely has. Raises NoChildKind for what cannot be a kind."""
    likely = resource_of(api_version, kind, f"{kind.lower()}s")
    parts = (*([likely.group] if "/" in api_version else []), likely.version, kind.lower())
    if any(rules.OBJECT_NAME.problem(part) for part in parts):
        raise NoChildKind(
            f"{kind!r} of {api_version!r} is not a kind of Kubernetes; correct apiVersion and kind"
        )
    return likely
