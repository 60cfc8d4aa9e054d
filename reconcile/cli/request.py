"""From the options of the command to what a run is asked, and of which cluster."""

import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from reconcile import __version__
from reconcile.cli.options import Options
from reconcile.cli.streams import read_stdin
from reconcile.cli.types import pairs
from reconcile.cluster.as_if import Proposed
from reconcile.cluster.port import Cluster
from reconcile.desire.children import RESOURCES
from reconcile.errors import UsageError
from reconcile.kube.objects import NamespacedName
from reconcile.model.container_resources import Amounts, problem_of
from reconcile.model.scope import Scope, make_scope
from reconcile.model.settings import Choices, Gateway, Settings, Toleration
from reconcile.plan.limits import Limit
from reconcile.run.request import Request, WaitRequest

if TYPE_CHECKING:
    from reconcile.cluster.kubernetes import KubernetesCluster

NO_TEMPLATES = "none"
"""As a value of --templates: there are none, so what earlier ones set goes."""


def request_of(options: Options) -> Request:
    """What the options ask of one run. UsageError for what makes no sense."""
    return Request(
        scope=_scope(options),
        settings=_settings(options),
        adopt=options.adopt,
        dry_run=options.dry_run,
        max_deletes=Limit(options.max_deletes),
        concurrency=options.concurrency,
        wait=_wait(options) if options.wait else None,
        fingerprint=not options.no_fingerprint,
    )


def _scope(options: Options) -> Scope:
    """To explain one preview, a run of everything is planned: -n only says where the preview is."""
    narrow = not options.explain or options.namespace_only
    return make_scope(
        options.namespace if narrow else None,
        options.names,
        options.selector,
        namespace_only=options.namespace_only,
    )


def wanted_of(options: Options) -> NamespacedName | None:
    """The preview to explain, if any. UsageError for what is no name."""
    if not options.explain:
        return None
    return make_scope(options.namespace, (options.explain,), None).names[0]


def _wait(options: Options) -> WaitRequest:
    length: timedelta = options.wait_timeout
    return WaitRequest(length.total_seconds(), logs=options.logs, probe=options.probe)


def _settings(options: Options) -> Settings:
    group = options.api_group
    limits, requests = _default_resources(options)
    same: dict[str, Any] = {field.name: getattr(options, field.name) for field in fields(Choices)}
    settings = Settings(
        **same,
        group=group,
        route_kinds=options.route_kind,
        gateway=Gateway(*options.gateway) if options.gateway else None,
        route_labels=pairs(options.route_label, "--route-label", group),
        route_annotations=pairs(options.route_annotation, "--route-annotation", group),
        default_limits=limits,
        default_requests=requests,
        node_selector=pairs(options.node_selector, "--node-selector"),
        tolerations=tuple(Toleration(**toleration) for toleration in options.toleration),
    )
    return _with_templates(settings, options)


def _with_templates(settings: Settings, options: Options) -> Settings:
    """The settings with the templates as they are in the folder now. UsageError for what is wrong in any."""
    if options.templates is None:
        return settings
    if options.templates == NO_TEMPLATES:
        return replace(settings, templates=())
    from reconcile.cli.templates import with_templates  # what only templates need

    return with_templates(settings, options.templates)


def read_again(request: Request, options: Options) -> Request:
    """The request of a later run: the folder of templates may have changed, as a mounted ConfigMap does."""
    return replace(request, settings=_with_templates(request.settings, options))


def _default_resources(options: Options) -> tuple[Amounts, Amounts]:
    """Limits and requests of --default-resources. UsageError for what no container could have."""
    limits, requests = _side(options, "limits"), _side(options, "requests")
    if problem := problem_of(limits, requests):
        raise UsageError(f"--default-resources: {problem}")
    return limits, requests


def _side(options: Options, side: str) -> tuple[tuple[str, str], ...]:
    return pairs(
        [(name, amount) for which, name, amount in options.default_resources if which == side],
        f"--default-resources {side}.",
    )


def cluster_of(options: Options, wanted: Sequence[NamespacedName] = ()) -> tuple[Cluster, Proposed | None]:
    """The cluster that the options name, and the previews of `-f`. Raises what `connect` does, and
    UsageError for one of the previews wanted that the files of `-f` have elsewhere."""
    if options.filenames:
        from reconcile.cluster.files.proposed import refuse_missing

        refuse_missing(options.filenames)
    if options.sources:
        return _folder(options), _proposed(options, wanted, "")
    server = _server(options)
    return server, _proposed(options, wanted, server.namespace)


def _proposed(options: Options, wanted: Sequence[NamespacedName], namespace: str) -> Proposed | None:
    """The previews of `-f`; `namespace` is the context's."""
    if not options.filenames:
        return None
    from reconcile.cluster.files.proposed import read_previews, refuse_elsewhere

    paths, group = options.filenames, options.api_group
    stdin = read_stdin() if "-" in paths else None
    proposed = read_previews(
        paths,
        group=group,
        namespace=options.namespace or namespace,
        stdin=stdin,
        exclude=options.exclude,
    )
    refuse_elsewhere(proposed, wanted)
    return proposed


def _folder(options: Options) -> Cluster:
    from reconcile.cluster.files.cluster import DirectoryCluster

    stdin = read_stdin() if "-" in options.sources else None
    cluster: Cluster = DirectoryCluster(
        options.sources,
        options.to,
        group=options.api_group,
        children=tuple(RESOURCES.values()),
        stdin=stdin,
        exclude=options.exclude,
    )
    return cluster


# Of what a cluster is made of, each imports much that the other does not need.
def _server(options: Options) -> "KubernetesCluster":
    # HTTP/2 is not spoken here, and httpcore2 imports h2 wherever it is installed: a tenth of all imports.
    sys.modules.setdefault("h2", cast(ModuleType, None))
    from reconcile.cluster.kubernetes import Impersonation, connect

    timeout: timedelta = options.timeout
    return connect(
        options.kubeconfig,
        options.context,
        impersonate=Impersonation(options.as_user, options.as_uid, options.as_group),
        deadline_seconds=timeout.total_seconds(),
        concurrency=options.concurrency,
        user_agent=f"preview-reconcile/{__version__}",
    )
