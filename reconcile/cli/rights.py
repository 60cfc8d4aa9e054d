"""The rights that the kinds of further children need beside the shipped ones, as manifests to apply."""

import json
from collections.abc import Iterator, Sequence

from reconcile.cli.options import Options
from reconcile.cli.request import cluster_of, request_of
from reconcile.cli.validate import check
from reconcile.cli.variables import Variables, naming
from reconcile.cluster.files.yaml.scalars import reads_as_text
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES, RIGHTS
from reconcile.errors import NoAnswer, NotInstalled, UsageError
from reconcile.kube.objects import Resource
from reconcile.kube.schema import native_resource
from reconcile.model.names import TOOL

NAME = f"{TOOL}-templates"
API = "rbac.authorization.k8s.io"
NOTHING = "# The documents have no kind that cronjob/rights.yaml does not name: no other right is needed.\n"


def rights_of(options: Options, variables: Variables) -> str:
    """Render the role of a run's account and its binding; a comment alone where it needs none.

    UsageError as a run has it, and whatever it raises to ask a cluster, which only custom kinds need.
    """
    with naming(variables):
        check(options)
        request = request_of(options)
        further = [one for one in request.settings.further_kinds if one.full_kind not in RESOURCES]
        scope, resources = request.scope, _named(further, options)
    return rights_text(resources, scope.namespace if scope.namespace_only else "")


def _named(further: Sequence[Resource], options: Options) -> list[Resource]:
    """The kinds with their plurals."""
    native = {one: native_resource(one.api_version, one.kind) for one in further}
    custom = [one for one, found in native.items() if found is None]
    found = [one for one in native.values() if one is not None]
    return sorted([*found, *(_asked(custom, options) if custom else ())])


def _asked(custom: Sequence[Resource], options: Options) -> list[Resource]:
    """Custom kinds with the plurals that the cluster tells."""
    if options.sources:
        raise UsageError(f"--from: files do not tell the plural of {custom[0].full_kind}; leave it out")
    try:
        cluster, _ = cluster_of(options)
        try:
            return [_served(cluster, one) for one in custom]
        finally:
            cluster.close()
    except NoAnswer as error:
        raise NoAnswer(f"only a cluster tells the plural of {custom[0].full_kind}: {error}") from error


def _served(cluster: Cluster, wanted: Resource) -> Resource:
    found = cluster.resource(wanted.api_version, wanted.kind)
    if found is None:
        what = f"{wanted.kind} ({wanted.api_version})"
        raise NotInstalled(f"{what} is not served in {cluster.description}; install its CRD first")
    return found


def rights_text(resources: Sequence[Resource], namespace: str = "") -> str:
    """Render the role with a rule for each resource, and its binding; in one namespace where it is given."""
    if not resources:
        return NOTHING
    role = "Role" if namespace else "ClusterRole"
    rules = [
        line
        for one in resources
        for line in _rule(one, f"of namespace {namespace}" if namespace else "of the cluster")
    ]
    binding = [
        *("roleRef:", f"  apiGroup: {API}", f"  kind: {role}", f"  name: {NAME}"),
        *(
            "subjects:",
            "  - kind: ServiceAccount",
            f"    name: {TOOL}",
            f"    namespace: {_text(namespace or TOOL)}",
        ),
    ]
    documents = ([*_head(role, namespace), "rules:", *rules], [*_head(f"{role}Binding", namespace), *binding])
    return "---\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


def _head(kind: str, namespace: str) -> Iterator[str]:
    yield from (f"apiVersion: {API}/v1", f"kind: {kind}", "metadata:", f"  name: {NAME}")
    if namespace:
        yield f"  namespace: {_text(namespace)}"
    yield from ("  labels:", *(f"    app.kubernetes.io/{label}: {TOOL}" for label in ("name", "instance")))


def _rule(resource: Resource, where: str) -> Iterator[str]:
    if resource.full_kind == "Secret":
        yield f"  # Whoever has this right reads every Secret {where}, and writes it."
    yield f"  - apiGroups: [{_text(resource.group)}]"
    yield f"    resources: [{_text(resource.plural)}]"
    yield f"    verbs: [{RIGHTS}]"


def _text(text: str) -> str:
    return text if reads_as_text(text) else json.dumps(text)
