"""The groups in which `--help` lists the options."""

import click

GROUPS = {
    "Scope": ("namespace", "selector", "namespace_only", "api_group"),
    "Connection": ("context", "kubeconfig", "concurrency", "timeout"),
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


class GroupedCommand(click.Command):
    """A command whose `--help` has a section for each group; what is in none comes last, as General."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            param.name or "": record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx))
        }
        grouped = {name for names in GROUPS.values() for name in names}
        others = tuple(name for name in records if name not in grouped)
        for title, names in {**GROUPS, OTHERS: others}.items():
            if rows := [records[name] for name in names if name in records]:
                with formatter.section(title):
                    formatter.write_dl(rows)
