"""What is on the command line, or in its variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconcile.cli.types import Pair
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.settings import Choices, RouteKind


@dataclass(frozen=True)
class Options(Choices):
    """The options of the command, by the names of its parameters; the others are `Choices`. Whoever needs a
    cluster alone gives what leads to it."""

    names: tuple[str, ...] = ()
    namespace: str | None = None
    selector: str | None = None
    namespace_only: bool = False
    api_group: str = DEFAULT_GROUP
    context: str | None = None
    kubeconfig: str | None = None
    as_user: str | None = None
    as_group: tuple[str, ...] = ()
    as_uid: str | None = None
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
    route_kind: tuple[RouteKind, ...] = ()
    gateway: tuple[str, ...] | None = None
    route_label: tuple[Pair, ...] = ()
    route_annotation: tuple[Pair, ...] = ()
    default_resources: tuple[tuple[str, str, str], ...] = ()
    node_selector: tuple[Pair, ...] = ()
    toleration: tuple[Mapping[str, Any], ...] = ()
    templates: str | None = None
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
    print_name: str | None = None
    print_fqdn: tuple[str, str] | None = None
    print_rights: bool = False
    strict_env: bool = False
