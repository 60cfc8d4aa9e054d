"""The command: its options and its exit codes."""

import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from reconcile import __version__
from reconcile.cli import features
from reconcile.cli.environment import check_environment
from reconcile.cli.groups import GroupedCommand
from reconcile.cli.logging import complain, log_format_in, start_logging
from reconcile.cli.streams import guard, trouble
from reconcile.cli.types import (
    REPORT_FORMATS,
    DurationType,
    GatewayType,
    GatewayUrlType,
    Globs,
    Lines,
    MaxDeletesType,
    NameType,
    PairType,
    PlaceGlobType,
    ReportType,
    ResourceType,
    TolerationType,
    TtlType,
    WindowType,
)
from reconcile.cli.variables import Variables, variable_of, variables_of
from reconcile.errors import EXIT_USAGE, ReconcileError, UsageError, code_of, with_failure
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.rules import PULL_POLICIES

if TYPE_CHECKING:
    from reconcile.cli.options import Options

EPILOG = """\b
Every option can be set as an environment variable: RECONCILE_ROUTE=ingress, RECONCILE_DRY_RUN=1.
A repeatable option takes one value per line. An empty variable is an error,
except for a flag (off) and --allow-fqdn, --allow-image and --allow-secret (nothing is allowed).

\b
Exit codes:
  0  all planned changes were made, and no preview needs action
  1  a write failed; a preview is blocked, refused, unreadable or rejected by the API server;
     a NAME does not exist; with --wait, a preview is not ready; a file of -f cannot be read;
     a file of --report or stdout cannot be written
  2  usage error
  3  changes are pending (--dry-run --exit-code), or the confirmation was declined
  4  some changes were skipped: a list was incomplete, or the limit of deletes was exceeded
  5  the previews cannot be read: no connection, no permission, no CRD
  130, 143  SIGINT, SIGTERM
"""

Command = Callable[..., Any]
Offer = Callable[[click.Context, click.Parameter, str], Any]

PROGRAM = "reconcile"
PREFIX = "RECONCILE"
COMPLETE = "_RECONCILE_COMPLETE"
"""The variable by which a shell asks for its completion, and for what a word may become."""


def _offer(what: str) -> Offer | None:
    """What a shell offers for a parameter."""
    if not features.offered("completion"):
        return None

    def offer(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
        from reconcile.cli.complete import offered  # only a shell that completes needs it

        return offered(what, ctx.params, incomplete)

    return offer


def _repeatable(*names: str, cls: type[Lines] = Lines, **kwargs: Any) -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, cls=cls, **kwargs)


ABSENT: dict[str, click.Option] = {}
"""The options of wings that were taken out, by the names of their parameters."""


def _wing(*names: str, cls: type[click.Option] = click.Option, **kwargs: Any) -> Callable[[Command], Command]:
    """An option that a wing gives: the command has it where the wing is there."""
    if features.offered(*names):
        return click.option(*names, cls=cls, **kwargs)
    option = cls(names, **kwargs)
    ABSENT[option.name or ""] = option
    return lambda command: command


def _refuse_absent() -> None:
    """UsageError for a variable that sets an option of a wing that was taken out: it was meant."""
    for name, option in ABSENT.items():
        variable = str(option.envvar or f"{PREFIX}_{name.upper()}")
        if variable in os.environ:
            raise UsageError(f"{variable}: the wing with {max(option.opts, key=len)} was taken out; unset it")


@click.command(
    cls=GroupedCommand,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_offer("names"))
@click.option(
    "-n",
    "--namespace",
    metavar="NS",
    type=NameType(),
    shell_complete=_offer("namespaces"),
    help="Reconcile only previews in this namespace.",
)
@click.option(
    "-l", "--selector", metavar="SEL", help="Reconcile only previews that match this label selector."
)
@click.option(
    "--namespace-only", is_flag=True, help="Send no request outside the namespace. Requires --namespace."
)
@click.option(
    "--context", metavar="NAME", shell_complete=_offer("contexts"), help="Context of the kubeconfig to use."
)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    shell_complete=_offer("files"),
    help="Path to the kubeconfig. Default: KUBECONFIG, ~/.kube/config, the pod's account.",
)
@click.option(
    "--as",
    "as_user",
    metavar="USER",
    envvar="RECONCILE_AS",
    help="User to impersonate, such as a service account.",
)
@_repeatable("--as-group", metavar="GROUP", help="Group to impersonate. Requires --as.")
@click.option("--as-uid", metavar="UID", help="UID to impersonate. Requires --as.")
@_wing("--wait", is_flag=True, help="Wait until the previews are ready, and report why if they are not.")
@_wing(
    "--wait-timeout",
    metavar="DURATION",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="Maximum time to wait, counted from the end of the writes.",
)
@_wing("--logs", is_flag=True, help="Print the last log lines of pods that are not ready. Requires --wait.")
@_wing(
    "--probe",
    is_flag=True,
    help="Wait until each link answers, too. Requires --wait and --allow-fqdn.",
)
@_wing(
    "--from",
    "sources",
    multiple=True,
    cls=Lines,
    metavar="PATH",
    envvar="RECONCILE_FROM",
    shell_complete=_offer("files"),
    help="Read the cluster from these manifests (folder, file or -).",
)
@_wing(
    "--to",
    metavar="DIR",
    shell_complete=_offer("folders"),
    help="Folder to read the children from and write them to. Requires --from.",
)
@_wing(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    cls=Lines,
    metavar="PATH",
    envvar="RECONCILE_FILENAME",
    shell_complete=_offer("files"),
    help="Plan as if these previews had been applied. Requires --dry-run or --explain.",
)
@_wing(
    "--exclude",
    multiple=True,
    cls=Lines,
    metavar="GLOB",
    help="Files to ignore, by name or path below PATH. Requires --from or --filename.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan without changing anything.")
@click.option(
    "--exit-code",
    "pending_is_3",
    is_flag=True,
    envvar="RECONCILE_EXIT_CODE",
    help="Exit with 3 if changes are pending. Requires --dry-run.",
)
@click.option("--yes", is_flag=True, help="Apply the changes without asking for confirmation.")
@click.option(
    "--allow-blocked",
    is_flag=True,
    help="Do not exit with 1 because previews are blocked, refused or rejected.",
)
@click.option(
    "--adopt", is_flag=True, help="Adopt children that were restored from a backup or applied by hand."
)
@click.option(
    "--max-deletes",
    metavar="N|P%",
    type=MaxDeletesType(),
    default="30%",
    show_default=True,
    help="Maximum number or percentage of previews to prune in one run.",
)
@click.option(
    "--default-ttl", metavar="DURATION", type=TtlType(), help="Default ttl of previews that do not set one."
)
@click.option("--max-ttl", metavar="DURATION", type=TtlType(), help="Maximum ttl of a preview.")
@_repeatable(
    "--awake",
    metavar="WINDOW",
    type=WindowType(),
    help="Hours in which previews have pods, such as 'Mon-Fri 07:00-20:00 UTC'.",
)
@click.option(
    "--awake-by-namespace",
    is_flag=True,
    help="Let the annotation platform9.com/awake of a Namespace replace --awake.",
)
@_repeatable("--allow-fqdn", cls=Globs, metavar="GLOB", help="Hostnames that previews may use. Default: all.")
@_repeatable("--allow-image", cls=Globs, metavar="GLOB", help="Images that previews may run. Default: all.")
@_repeatable(
    "--allow-secret",
    cls=Globs,
    metavar="GLOB",
    help="Secrets that previews may reference in env. Default: none.",
)
@_repeatable(
    "--allow-pull-policy",
    type=click.Choice(PULL_POLICIES),
    help="Image pull policies that previews may use. Default: all.",
)
@_repeatable(
    "--allow-protect",
    metavar="NS/NAME",
    type=PlaceGlobType(),
    help="Previews that stay protected beyond --max-ttl. Default: none.",
)
@click.option(
    "--max-previews",
    metavar="N",
    type=click.IntRange(1),
    help="Maximum number of previews in a namespace. The newest ones are refused.",
)
@click.option(
    "--route",
    type=click.Choice(["mapping", "ingress", "httproute", "none"]),
    default="mapping",
    show_default=True,
    help="Kind of route to create. If set, routes of another kind are replaced.",
)
@_repeatable(
    "--route-kind",
    type=click.Choice(["mapping", "ingress", "httproute"]),
    help="Kinds of route that the cluster serves. Others are not read. Default: all.",
)
@click.option(
    "--gateway",
    metavar="NAMESPACE/NAME[/SECTION]",
    type=GatewayType(),
    help="Parent Gateway of HTTPRoutes. Requires --route httproute.",
)
@click.option(
    "--ingress-class",
    metavar="NAME",
    type=NameType(),
    help="ingressClassName of Ingresses. Requires --route ingress.",
)
@click.option(
    "--tls-secret",
    metavar="NAME",
    type=NameType(),
    help="Secret with the certificate of Ingresses. Requires --route ingress.",
)
@click.option(
    "--cluster-issuer",
    metavar="NAME",
    type=NameType(),
    help="ClusterIssuer of cert-manager for Ingresses. Requires --route ingress.",
)
@click.option(
    "--url-scheme",
    type=click.Choice(["http", "https"]),
    default="https",
    show_default=True,
    help="Scheme of the link in a preview's status.",
)
@_repeatable("--route-label", metavar="K=V", type=PairType(label=True), help="Label to set on every route.")
@_repeatable(
    "--route-annotation", metavar="K=V", type=PairType(label=False), help="Annotation to set on every route."
)
@click.option(
    "--pod-security",
    type=click.Choice(["baseline", "restricted"]),
    default="baseline",
    show_default=True,
    help="Pod Security Standard to comply with.",
)
@_repeatable(
    "--default-resources",
    metavar="limits.N=Q|requests.N=Q",
    type=ResourceType(),
    help="Resources of pods whose preview sets none.",
)
@_repeatable(
    "--node-selector",
    metavar="K=V",
    type=PairType(label=True),
    help="Label that the nodes of pods must have.",
)
@_repeatable(
    "--toleration", metavar="K[=V][:EFFECT]", type=TolerationType(), help="Taint that pods tolerate."
)
@click.option("--priority-class", metavar="NAME", type=NameType(), help="priorityClassName of pods.")
@_wing(
    "--templates",
    metavar="DIR",
    shell_complete=_offer("folders"),
    help="Folder of manifests to merge into the children of each preview, or none.",
)
@click.option(
    "--api-group",
    metavar="GROUP",
    default=DEFAULT_GROUP,
    show_default=True,
    help="API group of the previews.",
)
@click.option(
    "--interval",
    metavar="DURATION",
    type=DurationType(),
    help="Repeat the run with this pause in between, until SIGTERM or SIGINT.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="Maximum duration of a run, not counting --wait.",
)
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Maximum number of parallel requests.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", *features.offered("markdown", "yaml"), "none"]),
    default="text",
    show_default=True,
    help="Format of the report on stdout. yaml shows secret values, too.",
)
@_repeatable(
    "--report",
    metavar="FORMAT=PATH",
    type=ReportType(),
    help=f"Report file to write: {', '.join(REPORT_FORMATS[:-1])} or {REPORT_FORMATS[-1]}.",
)
@_wing(
    "--pushgateway",
    metavar="URL",
    type=GatewayUrlType(),
    help="Prometheus Pushgateway to push the metrics of each run to.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the log on stderr. json has a record of each write and run.",
)
@_wing(
    "--explain",
    metavar="NAME",
    shell_complete=_offer("names"),
    help="Explain why one preview is as it is, without changing anything.",
)
@click.option(
    "--no-fingerprint",
    is_flag=True,
    help="Compare every preview, even if its recorded fingerprint is unchanged.",
)
@click.option(
    "--print-crd", is_flag=True, allow_from_autoenv=False, help="Print the CRD for the API group and exit."
)
@click.option(
    "--print-name",
    metavar="BRANCH",
    allow_from_autoenv=False,
    help="Print a name for the preview of a branch and exit.",
)
@click.option(
    "--print-fqdn",
    metavar="BRANCH DOMAIN",
    nargs=2,
    default=None,
    allow_from_autoenv=False,
    help="Print the hostname of such a preview below a domain and exit.",
)
@_wing(
    "--print-rights",
    is_flag=True,
    allow_from_autoenv=False,
    help="Print the rights that the kinds of --templates need and exit.",
)
@click.option(
    "--strict-env", is_flag=True, help="Refuse to run if a RECONCILE_ variable does not match an option."
)
@click.option("-v", "--verbose", count=True, help="Print more on stderr. If set twice, print every request.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs attention.")
@click.option("--color/--no-color", default=None, help="Use color. Default: if stdout is a terminal.")
@click.version_option(__version__, prog_name="reconcile", allow_from_autoenv=False)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Create and update the children of every PreviewEnvironment, and prune orphaned children.

    NAME is a preview, or NAMESPACE/NAME. Default: every preview.
    """
    _refuse_absent()
    start_logging(given["verbose"], given["quiet"], given["log_format"], timestamps=bool(given["interval"]))
    check_environment(ctx, os.environ, strict=given["strict_env"])
    if given["print_crd"]:
        return _print_crd(given["api_group"])
    if given["print_name"] is not None or given["print_fqdn"] is not None:
        return _print_of_branch(given["print_name"], given["print_fqdn"])
    from reconcile.cli.options import Options

    route_given = ctx.get_parameter_source("route") != click.core.ParameterSource.DEFAULT
    options, variables = Options(**given, route_given=route_given), variables_of(ctx)
    if options.print_rights:
        return _print_rights(options, variables)
    from reconcile.cli.runs import reconcile

    return reconcile(options, variables)


def main(args: list[str] | None = None, program: str = PROGRAM) -> None:
    """The entry point: runs the command and exits with its code, at once. `program` is what a user has typed.

    Python would wait for requests that are under way in threads, also where the run was stopped, and
    take apart all that was read, object by object.
    """
    guard()
    if features.offered("completion") and os.environ.get(COMPLETE, "").endswith("_complete"):
        from reconcile.cli.complete import quietly

        quietly()
    code = exit_code_of(args, program)
    if why := trouble():
        code = complain(f"stdout: cannot be written: {why}", with_failure(code))
    sys.stderr.flush()
    os._exit(code)


def exit_code_of(args: list[str] | None, program: str = PROGRAM) -> int:
    # Before there are options: what is wrong with them is told as the log is written, too.
    start_logging(0, False, log_format_in(sys.argv[1:] if args is None else args, os.environ))
    try:
        result = command.main(args, program, COMPLETE, standalone_mode=False, auto_envvar_prefix=PREFIX)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        _name_variable(error)
        return complain(error.format_message(), error.exit_code, _shown(error))
    except UsageError as error:
        return complain(str(error), EXIT_USAGE, f"Error: {error}\nTry '{program} --help'.")
    except ReconcileError as error:
        return complain(str(error), code_of(error))


def _shown(error: click.ClickException) -> str:
    """What click would print: usage and complaint, with what was said on the command line in it."""
    shown = io.StringIO()
    error.show(shown)
    return shown.getvalue().rstrip("\n")


def _name_variable(error: click.ClickException) -> None:
    """Let click's complaint of a value name the variable that the value is from."""
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return
    if variable := variable_of(error.ctx, error.param):
        error.param_hint = f"{variable} ({max(error.param.opts, key=len)})"


def _print_rights(options: "Options", variables: Variables) -> int:
    from reconcile.cli.rights import rights_of

    print(rights_of(options, variables), end="")
    return 0


def _print_of_branch(branch: str | None, fqdn: tuple[str, str] | None) -> int:
    from reconcile.model.branch import fqdn_of_branch, name_of_branch

    if branch is not None:
        print(name_of_branch(branch))
    if fqdn is not None:
        print(fqdn_of_branch(*fqdn))
    return 0


def _print_crd(group: str) -> int:
    from reconcile.model.crd import render

    print(render(group), end="")
    return 0
