"""Options that cannot be combined, and what to say instead."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

from reconcile.cli.options import Options
from reconcile.cli.streams import attended
from reconcile.errors import UsageError
from reconcile.model.crd import check_group


def check(options: Options) -> None:
    """UsageError for options that cannot be combined.

    What is wrong stands before ` needs ` or a colon: there `naming` names the variable that set an option.
    """
    check_group(options.api_group)
    files, route = options.sources, options.route
    rules = (
        (options.to == "-", "--to -: children are files in a folder, and not a stream; name a folder"),
        (options.to and not files, "--to needs --from: pass the folder of the previews"),
        (
            files and not (options.to or options.dry_run or options.explain),
            "--from needs --dry-run or --to: files are never changed",
        ),
        (files and options.context, "--from and --context cannot be combined: the files are the cluster"),
        (
            files and options.kubeconfig,
            "--from and --kubeconfig cannot be combined: the files are the cluster",
        ),
        (files and options.as_user, "--from and --as cannot be combined: files have no users"),
        (options.as_group and not options.as_user, "--as-group needs --as: pass the user too"),
        (options.as_uid and not options.as_user, "--as-uid needs --as: pass the user too"),
        (
            options.filenames and not (options.dry_run or options.explain),
            "-f needs --dry-run: kubectl apply is what applies",
        ),
        (
            options.exclude and not (files or options.filenames),
            "--exclude needs --from or -f: it leaves files out",
        ),
        ("-" in files and "-" in options.filenames, "--from - and -f - cannot be combined: one reads all"),
        *_unattended(options),
        (options.pending_is_3 and not options.dry_run, "--exit-code needs --dry-run"),
        *_of_manifests(options),
        *_explain_rules(options),
        *_of_the_wait(options),
        (options.verbose and options.quiet, "-v and -q cannot be combined"),
        (
            options.route_kind and route not in (*options.route_kind, "none"),
            f"--route-kind needs --route {', '.join(options.route_kind)} or none: --route is {route}, "
            "which it does not name",
        ),
        (route == "httproute" and not options.gateway, "--route httproute needs --gateway NAMESPACE/NAME"),
        (route != "httproute" and options.gateway, "--gateway needs --route httproute"),
        *(
            (route != "ingress" and given, f"{option} needs --route ingress")
            for option, given in (
                ("--ingress-class", options.ingress_class),
                ("--tls-secret", options.tls_secret),
                ("--cluster-issuer", options.cluster_issuer),
            )
        ),
        (
            options.tls_secret and options.cluster_issuer,
            "--tls-secret and --cluster-issuer cannot be combined: cert-manager would write into the Secret",
        ),
    )
    for wrong, message in rules:
        if wrong:
            raise UsageError(message)


def _unattended(options: Options) -> Iterator[tuple[object, str]]:
    """What makes no sense without a person, or again and again."""
    interval, metrics = options.interval, any(name == "metrics" for name, _ in options.report)
    with_interval = (
        ("exit_code", options.pending_is_3),
        ("wait", options.wait),
        ("explain", options.explain),
    )
    for name, given in with_interval:
        option = f"--{name.replace('_', '-')}"
        yield interval and given, f"--interval and {option} cannot be combined: a run follows the other"
    for option, read_once in (("--from -", "-" in options.sources), ("-f", options.filenames)):
        yield interval and read_once, f"--interval and {option} cannot be combined: it is read once"
    yield (
        interval and options.output in ("json", "markdown", "yaml"),
        f"--interval and -o {options.output} cannot be combined: use --report FORMAT=PATH",
    )
    yield (
        interval and not (options.yes or options.dry_run) and attended(),
        "--interval at a terminal needs --yes: nobody is asked before each run",
    )
    yield (
        (metrics or options.pushgateway) and find_spec("prometheus_client") is None,
        "metrics need prometheus_client: pip install 'preview-reconcile[metrics]'",
    )


def _of_manifests(options: Options) -> Iterator[tuple[object, str]]:
    """What prints manifests alone."""
    why = "needs --dry-run: it has what a run would apply"
    yield options.output == "yaml" and not options.dry_run, f"-o yaml {why}"
    yield (
        not options.dry_run and any(name == "yaml" for name, _ in options.report),
        f"--report yaml=FILE {why}",
    )
    yield (
        options.print_rights and options.templates is None,
        "--print-rights needs --templates DIR: without templates the shipped rights are all",
    )


def _explain_rules(options: Options) -> Iterator[tuple[object, str]]:
    explain = options.explain is not None
    yield options.explain == "", "--explain needs NAME, or NAMESPACE/NAME"
    path = next((p for p in (options.explain, *options.names) if p and explain and _is_path(p)), None)
    yield path, f"--explain needs NAME, and {path} is a path; pass --from {path} --explain NAME"
    yield (
        explain and options.output != "text",
        f"--explain and -o {options.output} cannot be combined: it is text alone",
    )
    for name, called in (
        ("names", "NAME"),
        ("selector", "-l"),
        ("to", "--to"),
        ("report", "--report"),
        ("pending_is_3", "--exit-code"),
        ("wait", "--wait"),
    ):
        given = explain and getattr(options, name)
        yield given, f"--explain and {called} cannot be combined: it explains one preview"


def _is_path(name: str) -> bool:
    """Whether this is a file or a folder, and no NAME: one without a slash may be both."""
    return ("/" in name or name.endswith((".", ".yaml", ".yml", ".json"))) and os.path.exists(name)


def _of_the_wait(options: Options) -> tuple[tuple[object, str], ...]:
    wait, probe = options.wait, options.probe
    return (
        (wait and options.dry_run, "--wait and --dry-run cannot be combined: nothing is done to wait for"),
        (wait and options.sources, "--wait and --from cannot be combined: in files nothing becomes ready"),
        (options.logs and not wait, "--logs needs --wait"),
        (probe and not wait, "--probe needs --wait"),
        (
            probe and not options.allow_fqdn,
            "--probe needs --allow-fqdn: whoever may write a preview would choose what is asked from here",
        ),
        (
            probe and options.route == "none",
            "--probe and --route none cannot be combined: there is no link",
        ),
    )
