"""What is on the command line, or in its variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconcile.cli.types import Pair
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.rules import PullPolicy
from reconcile.model.settings import PodSecurity, RouteKind, RouteOption, UrlScheme


@dataclass(frozen=True)
class Options:
    """The options of the command, by the names of its parameters; `route_given` tells whether `--route` was
    said. Whoever needs a cluster alone gives what leads to it."""

    names: tuple[str, ...] = ()
    namespace: str | None = None
    selector: str | None = None
    namespace_only: bool = False
    api_group: str = DEFAULT_GROUP
    context: str | None = None
    kubeconfig: str | None = None
    concurrency: int = 8
    timeout: timedelta = timedelta(minutes=5)
    dry_run: bool = False
    pending_is_3: bool = False
    filenames: tuple[str, ...] = ()
    explain: str | None = None
    yes: bool = False
    adopt: bool = False
    allow_blocked: bool = False
    no_fingerprint: bool = False
    interval: timedelta | None = None
    wait: bool = False
    wait_timeout: timedelta = timedelta(minutes=5)
    logs: bool = False
    probe: bool = False
    max_deletes: str = "30%"
    max_previews: int | None = None
    default_ttl: str | None = None
    max_ttl: str | None = None
    allow_protect: tuple[str, ...] = ()
    allow_fqdn: tuple[str, ...] = ()
    allow_image: tuple[str, ...] = ()
    allow_secret: tuple[str, ...] = ()
    allow_pull_policy: tuple[PullPolicy, ...] = ()
    route: RouteOption = "mapping"
    route_given: bool = False
    route_kind: tuple[RouteKind, ...] = ()
    gateway: tuple[str, ...] | None = None
    ingress_class: str | None = None
    tls_secret: str | None = None
    cluster_issuer: str | None = None
    url_scheme: UrlScheme = "https"
    route_label: tuple[Pair, ...] = ()
    route_annotation: tuple[Pair, ...] = ()
    pod_security: PodSecurity = "baseline"
    default_resources: tuple[tuple[str, str, str], ...] = ()
    node_selector: tuple[Pair, ...] = ()
    toleration: tuple[Mapping[str, Any], ...] = ()
    priority_class: str | None = None
    sources: tuple[str, ...] = ()
    to: str | None = None
    exclude: tuple[str, ...] = ()
    output: str = "text"
    report: tuple[Pair, ...] = ()
    pushgateway: str | None = None
    log_format: str = "text"
    verbose: int = 0
    quiet: bool = False
    color: bool | None = None
    print_crd: bool = False
    strict_env: bool = False
