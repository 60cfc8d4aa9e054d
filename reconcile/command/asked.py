"""From the options of the command to what a run is asked, and of which cluster."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

from reconcile import __version__
from reconcile.brake import Limit
from reconcile.cluster.port import Cluster
from reconcile.command.options import pairs
from reconcile.crd import check_group
from reconcile.errors import UsageError
from reconcile.names import Names
from reconcile.request import Request, WaitRequest
from reconcile.scope import Name, Scope, make_scope
from reconcile.settings import Gateway, Settings, Toleration

Options = dict[str, Any]


def request_of(options: Options, *, route_given: bool) -> Request:
    """What the options ask of one run. UsageError for what makes no sense."""
    return Request(
        scope=_scope(options),
        settings=_settings(options, route_given=route_given),
        adopt=options["adopt"],
        dry_run=options["dry_run"],
        max_deletes=Limit(options["max_deletes"]),
        concurrency=options["concurrency"],
        wait=_wait(options) if options["wait"] else None,
    )


def _scope(options: Options) -> Scope:
    """To explain one preview, a run of everything is planned: -n only says where the preview is."""
    narrow = not options["explain"] or options["namespace_only"]
    return make_scope(
        options["namespace"] if narrow else None,
        options["names"],
        options["selector"],
        namespace_only=options["namespace_only"],
    )


def wanted_of(options: Options) -> Name:
    """The preview to explain. UsageError for what is no name."""
    return make_scope(options["namespace"], (options["explain"],), None).names[0]


def _wait(options: Options) -> WaitRequest:
    length: timedelta = options["wait_timeout"]
    return WaitRequest(length.total_seconds(), logs=options["logs"], probe=options["probe"])


def check(options: Options) -> None:
    """UsageError for options that do not go together."""
    check_group(options["api_group"])
    files, route = options["sources"], options["route"]
    rules = (
        (options["to"] and not files, "--to needs --from: say where the previews are"),
        (
            files and not (options["to"] or options["dry_run"] or options["explain"]),
            "--from needs --dry-run or --to: files are never changed",
        ),
        (files and options["context"], "--from and --context do not go together: the files are the cluster"),
        (
            files and options["kubeconfig"],
            "--from and --kubeconfig do not go together: the files are the cluster",
        ),
        (
            options["filenames"] and not (options["dry_run"] or options["explain"]),
            "-f needs --dry-run: kubectl apply is what applies",
        ),
        ("-" in files and "-" in options["filenames"], "--from - and -f - do not go together: one reads all"),
        *_unattended(options),
        (options["pending_is_3"] and not options["dry_run"], "--exit-code needs --dry-run"),
        *_explain_rules(options),
        *_of_the_wait(options),
        (options["verbose"] and options["quiet"], "-v and -q do not go together"),
        (route == "httproute" and not options["gateway"], "--route httproute needs --gateway NAMESPACE/NAME"),
        (route != "httproute" and options["gateway"], "--gateway needs --route httproute"),
        *(
            (route != "ingress" and options[name], f"--{name.replace('_', '-')} needs --route ingress")
            for name in ("ingress_class", "tls_secret", "cluster_issuer")
        ),
        (
            options["tls_secret"] and options["cluster_issuer"],
            "--tls-secret and --cluster-issuer do not go together: cert-manager would write into the Secret",
        ),
    )
    for wrong, message in rules:
        if wrong:
            raise UsageError(message)


def _unattended(options: Options) -> Iterator[tuple[object, str]]:
    """What makes no sense without a person, or again and again."""
    interval, metrics = options["interval"], any(name == "metrics" for name, _ in options["report"])
    with_interval = (
        ("exit_code", options["pending_is_3"]),
        *((n, options.get(n)) for n in ("wait", "explain")),
    )
    for name, given in with_interval:
        option = f"--{name.replace('_', '-')}"
        yield interval and given, f"--interval and {option} do not go together: a run follows the other"
    for option, read_once in (("--from -", "-" in options["sources"]), ("-f", options["filenames"])):
        yield interval and read_once, f"--interval and {option} do not go together: it is read once"
    yield (
        interval and options["output"] in ("json", "markdown"),
        f"--interval and -o {options['output']} do not go together: say --report FORMAT=PATH",
    )
    yield (
        interval and not (options["yes"] or options["dry_run"]) and sys.stdin.isatty(),
        "--interval at a terminal needs --yes: nobody is asked before each run",
    )
    yield (
        (metrics or options["pushgateway"]) and find_spec("prometheus_client") is None,
        "metrics need prometheus_client: pip install 'preview-reconcile[metrics]'",
    )


def _explain_rules(options: Options) -> Iterator[tuple[object, str]]:
    explain = options["explain"] is not None
    yield options["explain"] == "", "--explain needs NAME, or NAMESPACE/NAME"
    yield explain and options["output"] != "text", "--explain is text alone: -o text"
    for name, called in (
        ("names", "NAME"),
        ("selector", "-l"),
        ("to", "--to"),
        ("report", "--report"),
        ("pending_is_3", "--exit-code"),
        ("wait", "--wait"),
    ):
        yield explain and options[name], f"--explain and {called} do not go together: it explains one preview"


def _of_the_wait(options: Options) -> tuple[tuple[object, str], ...]:
    wait, probe = options["wait"], options["probe"]
    return (
        (wait and options["dry_run"], "--wait and --dry-run do not go together: nothing is done to wait for"),
        (wait and options["sources"], "--wait and --from do not go together: in files nothing becomes ready"),
        (options["logs"] and not wait, "--logs needs --wait"),
        (probe and not wait, "--probe needs --wait"),
        (
            probe and not options["allow_fqdn"],
            "--probe needs --allow-fqdn: whoever may write a preview would choose what is asked from here",
        ),
        (
            probe and options["route"] == "none",
            "--probe and --route none do not go together: there is no link",
        ),
    )


def _settings(options: dict[str, Any], *, route_given: bool) -> Settings:
    ours = Names(options["api_group"])
    gateway = options["gateway"] and Gateway(
        **dict(zip(("namespace", "name", "section"), options["gateway"], strict=False))
    )
    return Settings(
        group=options["api_group"],
        route=options["route"],
        route_given=route_given,
        gateway=gateway,
        ingress_class=options["ingress_class"],
        tls_secret=options["tls_secret"],
        cluster_issuer=options["cluster_issuer"],
        route_labels=pairs(options["route_label"], "--route-label", ours),
        route_annotations=pairs(options["route_annotation"], "--route-annotation", ours),
        pod_security=options["pod_security"],
        default_limits=_side(options, "limits"),
        default_requests=_side(options, "requests"),
        node_selector=pairs(options["node_selector"], "--node-selector"),
        tolerations=tuple(Toleration(**toleration) for toleration in options["toleration"]),
        priority_class=options["priority_class"],
        allow_fqdn=options["allow_fqdn"],
        allow_image=options["allow_image"],
        allow_secret=options["allow_secret"],
        max_previews=options["max_previews"],
        url_scheme=options["url_scheme"],
        default_ttl=options["default_ttl"],
        max_ttl=options["max_ttl"],
    )


def _side(options: dict[str, Any], side: str) -> tuple[tuple[str, str], ...]:
    return pairs(
        [(name, amount) for which, name, amount in options["default_resources"] if which == side],
        f"--default-resources {side}.",
    )


def cluster_of(options: Options) -> Cluster:
    """The cluster that the options name; with `-f`, the one that it would be. Raises what
    `connect` does."""
    if not options["filenames"]:
        return _real_cluster(options)
    from reconcile.cluster.overlay import OverlayCluster, read_previews

    paths, group = options["filenames"], options["api_group"]
    stdin = _stdin() if "-" in paths else None
    previews = read_previews(paths, group=group, namespace=options["namespace"] or "", stdin=stdin)
    return OverlayCluster(_real_cluster(options), previews, group=group)


def _real_cluster(options: Options) -> Cluster:
    # Of what a cluster is made of, each imports much that the other does not need.
    if options["sources"]:
        from reconcile.cluster.directory import DirectoryCluster

        stdin = _stdin() if "-" in options["sources"] else None
        return DirectoryCluster(options["sources"], options["to"], group=options["api_group"], stdin=stdin)
    # HTTP/2 is not spoken here, and httpcore2 imports h2 wherever it is installed: a tenth of all imports.
    sys.modules.setdefault("h2", cast(ModuleType, None))
    from reconcile.cluster.kubernetes import connect

    timeout: timedelta = options["timeout"]
    return connect(
        options["kubeconfig"],
        options["context"],
        deadline_seconds=timeout.total_seconds(),
        concurrency=options["concurrency"],
        user_agent=f"preview-reconcile/{__version__}",
    )


def _stdin() -> str:
    """What is not UTF-8 comes through as what the reader of YAML names as a mistake."""
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
