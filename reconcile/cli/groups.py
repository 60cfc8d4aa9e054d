"""The groups in which `--help` lists the options."""

from collections.abc import Iterable

import click

GROUPS = {
    "Scope": ("namespace", "selector", "namespace_only", "api_group"),
    "Connection": ("context", "kubeconfig", "as_user", "as_group", "as_uid", "concurrency", "timeout"),
    "Changes": (
        "dry_run",
        "pending_is_3",
        "filenames",
        "explain",
        "yes",
        "adopt",
        "allow_blocked",
        "no_fingerprint",
        "interval",
    ),
    "Waiting": ("wait", "wait_timeout", "logs", "probe"),
    "Limits": (
        "max_deletes",
        "max_previews",
        "default_ttl",
        "max_ttl",
        "allow_protect",
        "awake",
        "awake_by_namespace",
    ),
    "Authors": ("allow_fqdn", "allow_image", "allow_secret", "allow_pull_policy"),
    "Routes": (
        "route",
        "route_kind",
        "gateway",
        "ingress_class",
        "tls_secret",
        "cluster_issuer",
        "url_scheme",
        "route_label",
        "route_annotation",
    ),
    "Pods": (
        "pod_security",
        "default_resources",
        "node_selector",
        "toleration",
        "priority_class",
        "templates",
    ),
    "Manifests": ("sources", "to", "exclude"),
    "Reports": ("output", "report", "pushgateway", "log_format", "verbose", "quiet", "color"),
}
"""The parameters of each group, in the order of `--help`."""

OTHERS = "General"


def in_groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort parameters into GROUPS; those of no group are General, which comes last. No group is empty."""
    offered = list(names)
    grouped = {name for group in GROUPS.values() for name in group}
    groups = {title: [name for name in group if name in offered] for title, group in GROUPS.items()}
    others = [name for name in offered if name not in grouped]
    return {title: group for title, group in {**groups, OTHERS: others}.items() if group}


class GroupedCommand(click.Command):
    """A command whose `--help` has a section for each group of options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            param.name or "": record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx))
        }
        for title, names in in_groups(records).items():
            with formatter.section(title):
                formatter.write_dl([records[name] for name in names])
