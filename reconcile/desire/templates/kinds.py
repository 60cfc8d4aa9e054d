"""Of which kinds a document may be: a built-in child's, or another namespaced kind."""

from collections.abc import Mapping

from reconcile.desire.children import KINDS, RESOURCES, is_route
from reconcile.desire.templates.expressions import has_expression
from reconcile.kube.hostnames import GRPCROUTE_KIND
from reconcile.kube.objects import JOB, Manifest, full_kind, is_custom_kind
from reconcile.kube.schema import is_native, native_resource
from reconcile.model.names import KIND
from reconcile.model.problems import Problem, shown
from reconcile.model.settings import Settings

NAME = "${preview.metadata.name}"

_LEFT_OUT: Mapping[str, str] = {
    "Pod": "a pod by itself is not started again; use a Deployment",
    "ReplicaSet": "its Deployment makes it; use a Deployment",
    "ReplicationController": "use a Deployment",
    "Role": "a template gives no rights; name a service account that exists",
    "RoleBinding": "a template gives no rights; name a service account that exists",
    "Event": "it tells what happened, and is not kept",
    "ControllerRevision": "its controller makes it",
    "Endpoints": "its controller makes it; use a Service",
    "EndpointSlice": "its controller makes it; use a Service",
    "Lease": "its holder writes it",
}


def kind_problem(manifest: Manifest, name: str, settings: Settings) -> Problem | None:
    """Why no document of this name may be of this kind, or not in this version; None where it may."""
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    for field in ("apiVersion", "kind"):
        if has_expression(manifest[field]):
            return Problem((field,), "has an expression, which only the value of another field may have")
    resource = RESOURCES.get(full_kind(api_version, kind))
    if resource is not None:
        return _of_built_in(manifest, name, settings)
    if reason := _reason(api_version, kind, settings):
        return Problem(("kind",), f"{api_version} {shown(kind)} is not for templates: {reason}")
    return None


def _of_built_in(manifest: Manifest, name: str, settings: Settings) -> Problem | None:
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    resource = RESOURCES[full_kind(api_version, kind)]
    if api_version != resource.api_version:
        return Problem(("apiVersion",), f"{shown(api_version)} is not {resource.api_version}")
    if name == NAME:
        return None
    if kind == JOB.kind:
        sentence = "is not the setup Job, which spec.setup makes; for what runs again and again use a CronJob"
        return Problem(("metadata", "name"), sentence)
    if resource in settings.left_out:
        return Problem(("kind",), f"{kind} is not read (--route-kind), and so no template makes one")
    return None


def _reason(api_version: str, kind: str, settings: Settings) -> str:
    if kind == KIND and api_version.partition("/")[0] == settings.group:
        return "a preview makes no previews"
    if reason := _LEFT_OUT.get(full_kind(api_version, kind)):  # in any version
        return reason
    if native_resource(api_version, kind) or not is_native(api_version, kind):
        return ""
    return "it is in no namespace, or cannot be deleted"


def is_built_in(manifest: Manifest) -> bool:
    """Whether a document is merged into a child that each preview has without it."""
    name = manifest["metadata"]["name"]
    return full_kind(manifest["apiVersion"], manifest["kind"]) in KINDS and name == NAME


def may_route(kind: str) -> bool:
    """Whether a further child of a full kind may be a route: of a custom kind nobody knows."""
    return says_hostnames(kind) or is_custom_kind(kind)


def says_hostnames(kind: str) -> bool:
    """Whether it is a route whose hostnames can be read."""
    return is_route(kind) or kind == GRPCROUTE_KIND
