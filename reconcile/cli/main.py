"""The command: its options and its exit codes."""

import io
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from reconcile import __version__
from reconcile.cli.environment import check_environment
from reconcile.cli.logging import complain, log_format_in, start_logging
from reconcile.cli.streams import guard, trouble
from reconcile.cli.types import (
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
)
from reconcile.cli.variables import variable_of, variables_of
from reconcile.errors import EXIT_USAGE, ReconcileError, UsageError, code_of, with_failure
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.rules import PULL_POLICIES

EPILOG = """\b
Every option is also a variable, RECONCILE_ and its name: RECONCILE_ROUTE=ingress,
RECONCILE_DRY_RUN=1. A repeatable one takes one value a line. An empty one is an error,
but for a flag (off) and for --allow-fqdn, --allow-image and --allow-secret (nothing is allowed).

\b
Exit codes:
  0  every planned change was made, and nothing waits for a person
  1  a write failed; a preview is blocked, refused, rejected by the API server or unreadable;
     a NAME is unknown; a preview that --wait waited for is not ready;
     a file of -f cannot be read, or one of --report or stdout not be written
  2  usage
  3  changes are pending (--dry-run --exit-code), or the question was answered no
  4  some or all deletes withheld: a list was not whole, or they were too many
  5  no answer to work from: no connection, no rights, no CRD
  130, 143  SIGINT, SIGTERM
"""

Command = Callable[..., Any]
Offer = Callable[[click.Context, click.Parameter, str], Any]

PROGRAM = "reconcile"
PREFIX = "RECONCILE"
COMPLETE = "_RECONCILE_COMPLETE"
"""The variable by which a shell asks for its completion, and for what a word may become."""


def _offer(what: str) -> Offer:
    """What a shell offers for a parameter."""

    def offer(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
        from reconcile.cli.complete import offered  # only a shell that completes needs it

        return offered(what, ctx.params, incomplete)

    return offer


def _repeatable(*names: str, cls: type[Lines] = Lines, **kwargs: Any) -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, cls=cls, **kwargs)


@click.command(
    epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_offer("names"))
@click.option(
    "-n",
    "--namespace",
    metavar="NS",
    type=NameType(),
    shell_complete=_offer("namespaces"),
    help="Only previews of this namespace.",
)
@click.option("-l", "--selector", metavar="SEL", help="Only previews with these labels.")
@click.option("--namespace-only", is_flag=True, help="With -n: ask nothing outside that namespace.")
@click.option(
    "--context", metavar="NAME", shell_complete=_offer("contexts"), help="The context of the kubeconfig."
)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    shell_complete=_offer("files"),
    help="The kubeconfig; else KUBECONFIG, ~/.kube/config, the pod's.",
)
@click.option("--wait", is_flag=True, help="Wait until the previews are ready, or say why they are not.")
@click.option(
    "--wait-timeout",
    metavar="DURATION",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="How long to wait, counted from the end of the plan.",
)
@click.option("--logs", is_flag=True, help="With --wait: the last lines of what is not ready, on stderr.")
@click.option(
    "--probe",
    is_flag=True,
    help="With --wait and --allow-fqdn: each link answers, too, with a good certificate.",
)
@_repeatable(
    "--from",
    "sources",
    metavar="PATH",
    envvar="RECONCILE_FROM",
    shell_complete=_offer("files"),
    help="The cluster is these manifests (folder, file or -).",
)
@click.option(
    "--to",
    metavar="DIR",
    shell_complete=_offer("folders"),
    help="With --from: the folder that the children live in.",
)
@_repeatable(
    "-f",
    "--filename",
    "filenames",
    metavar="PATH",
    envvar="RECONCILE_FILENAME",
    shell_complete=_offer("files"),
    help="With --dry-run: plan as if these previews (folder, file or -) had been applied.",
)
@_repeatable(
    "--exclude", metavar="GLOB", help="With --from or -f: leave files out, by name or by path below PATH."
)
@click.option("--dry-run", is_flag=True, help="Print the plan, change nothing.")
@click.option(
    "--exit-code",
    "pending_is_3",
    is_flag=True,
    envvar="RECONCILE_EXIT_CODE",
    help="With --dry-run: 3 when changes are pending.",
)
@click.option("--yes", is_flag=True, help="Ask no question at a terminal.")
@click.option(
    "--allow-blocked", is_flag=True, help="Previews that wait for a person do not make the exit code 1."
)
@click.option("--adopt", is_flag=True, help="Take over children that were restored or applied by hand.")
@click.option(
    "--max-deletes",
    metavar="N|P%",
    type=MaxDeletesType(),
    default="30%",
    show_default=True,
    help="How many previews may lose their children in one run; 0 for none.",
)
@click.option("--default-ttl", metavar="DURATION", type=TtlType(), help="The ttl of previews that say none.")
@click.option("--max-ttl", metavar="DURATION", type=TtlType(), help="The longest ttl that a preview gets.")
@_repeatable(
    "--allow-fqdn", cls=Globs, metavar="GLOB", help="Hostnames that previews may have; default: all."
)
@_repeatable("--allow-image", cls=Globs, metavar="GLOB", help="Images that previews may run; default: all.")
@_repeatable("--allow-secret", cls=Globs, metavar="GLOB", help="Secrets that env may name; default: none.")
@_repeatable(
    "--allow-pull-policy",
    type=click.Choice(PULL_POLICIES),
    help="Image pull policies that previews may use; default: all.",
)
@_repeatable(
    "--allow-protect",
    metavar="NS/NAME",
    type=PlaceGlobType(),
    help="Previews (globs) whose protection outlives --max-ttl; default: none.",
)
@click.option(
    "--max-previews",
    metavar="N",
    type=click.IntRange(1),
    help="Refuse the newest beyond so many in a namespace.",
)
@click.option(
    "--route",
    type=click.Choice(["mapping", "ingress", "httproute", "none"]),
    default="mapping",
    show_default=True,
    help="The kind of route. Said, it also switches previews that have another kind.",
)
@_repeatable(
    "--route-kind",
    type=click.Choice(["mapping", "ingress", "httproute"]),
    help="Kinds of route that the cluster has; others are not read. Default: all.",
)
@click.option(
    "--gateway", metavar="NAMESPACE/NAME[/SECTION]", type=GatewayType(), help="The parent of HTTPRoutes."
)
@click.option("--ingress-class", metavar="NAME", type=NameType(), help="The ingressClassName of Ingresses.")
@click.option(
    "--tls-secret", metavar="NAME", type=NameType(), help="Ingresses: the Secret with the certificate."
)
@click.option(
    "--cluster-issuer", metavar="NAME", type=NameType(), help="Ingresses: cert-manager's ClusterIssuer."
)
@click.option(
    "--url-scheme",
    type=click.Choice(["http", "https"]),
    default="https",
    show_default=True,
    help="How the link in a preview's status begins.",
)
@_repeatable("--route-label", metavar="K=V", type=PairType(label=True), help="A label on every route.")
@_repeatable(
    "--route-annotation", metavar="K=V", type=PairType(label=False), help="An annotation on every route."
)
@click.option(
    "--pod-security",
    type=click.Choice(["baseline", "restricted"]),
    default="baseline",
    show_default=True,
    help="The Pod Security Standard that pods keep to.",
)
@_repeatable(
    "--default-resources",
    metavar="limits.N=Q|requests.N=Q",
    type=ResourceType(),
    help="Where a preview asks for none.",
)
@_repeatable("--node-selector", metavar="K=V", type=PairType(label=True), help="A node label that pods need.")
@_repeatable(
    "--toleration", metavar="K[=V][:EFFECT]", type=TolerationType(), help="A taint that pods tolerate."
)
@click.option("--priority-class", metavar="NAME", type=NameType(), help="The priorityClassName of pods.")
@click.option(
    "--api-group",
    metavar="GROUP",
    default=DEFAULT_GROUP,
    show_default=True,
    help="The API group of the previews.",
)
@click.option(
    "--interval",
    metavar="DURATION",
    type=DurationType(),
    help="Run again and again, with this pause between two runs, until SIGTERM or SIGINT.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="Bounds a whole run, but for --wait.",
)
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Requests at once.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown", "none"]),
    default="text",
    show_default=True,
)
@_repeatable(
    "--report",
    metavar="FORMAT=PATH",
    type=ReportType(),
    help="Write the report to a file too: text, json, markdown, html, dotenv or metrics.",
)
@click.option(
    "--pushgateway",
    metavar="URL",
    type=GatewayUrlType(),
    help="Push metrics of each run to this Pushgateway of Prometheus.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What stderr is written as; json tells of each write and run.",
)
@click.option(
    "--explain",
    metavar="NAME",
    shell_complete=_offer("names"),
    help="Say why one preview is as it is, and who set what; change nothing.",
)
@click.option(
    "--no-fingerprint",
    is_flag=True,
    help="Compare every preview, also those that a status tells to be unchanged.",
)
@click.option("--print-crd", is_flag=True, allow_from_autoenv=False, help="Print the CRD for the API group.")
@click.option("--strict-env", is_flag=True, help="Refuse to run where a RECONCILE_ variable is no option's.")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for every request.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs attention.")
@click.option("--color/--no-color", default=None, help="Default: where stdout is a terminal.")
@click.version_option(__version__, prog_name="reconcile", allow_from_autoenv=False)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Make what every PreviewEnvironment asks for, and take away what none asks for any more.

    NAME is a preview, or NAMESPACE/NAME; without one, every preview is meant.
    """
    many = bool(options["interval"])
    start_logging(options["verbose"], options["quiet"], options["log_format"], timestamps=many)
    check_environment(ctx, os.environ, strict=options["strict_env"])
    if options["print_crd"]:
        return _print_crd(options["api_group"])
    from reconcile.cli.runs import reconcile

    route_given = ctx.get_parameter_source("route") != click.core.ParameterSource.DEFAULT
    return reconcile(options, variables_of(ctx), route_given=route_given)


def main(args: list[str] | None = None, program: str = PROGRAM) -> None:
    """The entry point: runs the command and exits with its code, at once. `program` is what a user has typed.

    Python would wait for requests that are under way in threads, also where the run was told to end, and
    take apart all that was read, object by object.
    """
    guard()
    if os.environ.get(COMPLETE, "").endswith("_complete"):
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


def _print_crd(group: str) -> int:
    from reconcile.model.crd import render

    print(render(group), end="")
    return 0
