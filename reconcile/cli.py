"""The command: options, what is printed where, exit codes; the only place that prints and exits."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from reconcile import __version__
from reconcile.errors import NoAnswer, ReconcileError, UsageError
from reconcile.names import DEFAULT_GROUP
from reconcile.options import (
    DurationType,
    GatewayType,
    Lines,
    MaxDeletesType,
    NameType,
    PairType,
    ResourceType,
    TolerationType,
    pairs,
)
from reconcile.result import EXIT_NO_ANSWER, EXIT_USAGE, exit_code

if TYPE_CHECKING:  # what a command does not need is not imported: --help has to answer quickly
    from reconcile.changes import Plan
    from reconcile.cluster.port import Cluster
    from reconcile.result import Run
    from reconcile.run import Request
    from reconcile.settings import Settings

log = logging.getLogger("reconcile")

EPILOG = """\b
Every option is also a variable, RECONCILE_ and its name: RECONCILE_ROUTE=ingress,
RECONCILE_DRY_RUN=1. A repeatable one takes one value a line.

\b
Exit codes:
  0  every planned change was made, and nothing waits for a person
  1  a write failed; a preview is blocked or unreadable; a NAME is unknown
  2  usage
  3  changes are pending (--dry-run --exit-code), or the question was answered no
  4  some or all deletes withheld: a list was not whole, or there was no preview
  5  no answer to work from: no connection, no rights, no CRD
  130, 143  SIGINT, SIGTERM
"""

Command = Callable[..., Any]


def _repeatable(*names: str, **kwargs: Any) -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, cls=Lines, **kwargs)


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["--help"], "max_content_width": 100})
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-n", "--namespace", metavar="NS", type=NameType(), help="Only previews of this namespace.")
@click.option("-l", "--selector", metavar="SEL", help="Only previews with these labels.")
@click.option("--namespace-only", is_flag=True, help="With -n: ask nothing outside that namespace.")
@click.option("--context", metavar="NAME", help="The context of the kubeconfig.")
@click.option(
    "--kubeconfig", metavar="FILE", help="The kubeconfig; else KUBECONFIG, ~/.kube/config, the pod's."
)
@_repeatable(
    "--from",
    "sources",
    metavar="PATH",
    envvar="RECONCILE_FROM",
    help="The cluster is these manifests (folder, file or -).",
)
@click.option("--to", metavar="DIR", help="With --from: the folder that the children live in.")
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
    help="100% allows deletes with an empty list of previews.",
)
@click.option(
    "--route",
    type=click.Choice(["mapping", "ingress", "httproute", "none"]),
    default="mapping",
    show_default=True,
    help="The kind of route. Said, it also switches previews that have another kind.",
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
    "--timeout",
    metavar="DURATION",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="Bounds the whole run.",
)
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Requests at once.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--print-crd", is_flag=True, allow_from_autoenv=False, help="Print the CRD for the API group.")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for every request.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs attention.")
@click.option("--color/--no-color", default=None, help="Default: where stdout is a terminal.")
@click.version_option(__version__, prog_name="reconcile", allow_from_autoenv=False)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Make what every PreviewEnvironment asks for, and take away what none asks for any more.

    NAME is a preview, or NAMESPACE/NAME; without one, every preview is meant.
    """
    if options["print_crd"]:
        return _print_crd(options["api_group"])
    _start_logging(options["verbose"], options["quiet"])
    route_given = ctx.get_parameter_source("route") != click.core.ParameterSource.DEFAULT
    return _reconcile(options, route_given=route_given)


def main(args: list[str] | None = None) -> None:
    """The entry point: runs the command and exits with its code."""
    sys.exit(exit_code_of(args))


def exit_code_of(args: list[str] | None) -> int:
    try:
        result = command.main(
            args, prog_name="reconcile", auto_envvar_prefix="RECONCILE", standalone_mode=False
        )
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UsageError as error:
        return _complain(f"{error}\nTry 'reconcile --help'.", EXIT_USAGE)
    except NoAnswer as error:
        return _complain(str(error), EXIT_NO_ANSWER)
    except ReconcileError as error:
        return _complain(str(error), 1)
    except BrokenPipeError:
        # Whoever read us has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _complain(message: str, code: int) -> int:
    from reconcile.report.safe import safe_line

    print(
        *(
            f"Error: {safe_line(line)}" if not n else safe_line(line)
            for n, line in enumerate(message.split("\n"))
        ),
        sep="\n",
        file=sys.stderr,
    )
    return code


def _print_crd(group: str) -> int:
    from reconcile.crd import render

    print(render(group), end="")
    return 0


def _start_logging(verbose: int, quiet: bool) -> None:
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(level)


class SafeFormatter(logging.Formatter):
    """A record is one line of plain characters, whatever a server put into it."""

    def format(self, record: logging.LogRecord) -> str:
        from reconcile.report.safe import safe_line

        return safe_line(super().format(record))


def _reconcile(options: dict[str, Any], *, route_given: bool) -> int:
    _check(options)
    from reconcile.run import Request, run
    from reconcile.scope import make_scope

    request = Request(
        scope=make_scope(
            options["namespace"],
            options["names"],
            options["selector"],
            namespace_only=options["namespace_only"],
        ),
        settings=_settings(options, route_given=route_given),
        adopt=options["adopt"],
        dry_run=options["dry_run"],
        all_deletes=options["max_deletes"] == "100%",
        concurrency=options["concurrency"],
    )
    cluster = _cluster(options)
    signals = Signals()
    try:
        console = Console(options, request, cluster)
        done = run(cluster, request, tell=console.tell, agree=console.agree, stopping=signals.stopping)
        code = signals.exit_code or exit_code(
            done, pending_is_3=options["pending_is_3"], allow_blocked=options["allow_blocked"]
        )
        console.finish(done, code)
        return code
    except Interrupted as interrupted:
        return interrupted.exit_code
    finally:
        cluster.close()


# what does not go together


def _check(options: dict[str, Any]) -> None:
    """UsageError for options that do not go together."""
    from reconcile.crd import check_group

    check_group(options["api_group"])
    files, route = options["sources"], options["route"]
    rules = (
        (options["to"] and not files, "--to needs --from: say where the previews are"),
        (
            files and not (options["to"] or options["dry_run"]),
            "--from needs --dry-run or --to: files are never changed",
        ),
        (files and options["context"], "--from and --context do not go together: the files are the cluster"),
        (
            files and options["kubeconfig"],
            "--from and --kubeconfig do not go together: the files are the cluster",
        ),
        (options["pending_is_3"] and not options["dry_run"], "--exit-code needs --dry-run"),
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


def _settings(options: dict[str, Any], *, route_given: bool) -> "Settings":
    from reconcile.names import Names
    from reconcile.settings import Gateway, Settings, Toleration

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
    )


def _side(options: dict[str, Any], side: str) -> tuple[tuple[str, str], ...]:
    return pairs(
        [(name, amount) for which, name, amount in options["default_resources"] if which == side],
        f"--default-resources {side}.",
    )


def _cluster(options: dict[str, Any]) -> "Cluster":
    if options["sources"]:
        from reconcile.cluster.directory import DirectoryCluster

        stdin = _stdin() if "-" in options["sources"] else None
        return DirectoryCluster(options["sources"], options["to"], group=options["api_group"], stdin=stdin)
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


# signals


class Interrupted(Exception):
    """A signal came while nothing was being written: there is nothing to wait for."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class Signals:
    """The first SIGINT or SIGTERM ends the run between writes."""

    def __init__(self) -> None:
        self.exit_code = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._received)

    def _received(self, number: int, frame: FrameType | None) -> None:
        self.exit_code = 128 + number

    def stopping(self) -> bool:
        return self.exit_code != 0


# what is printed


class Console:
    """What the run says, on stdout as its report, on stderr as its log."""

    def __init__(self, options: dict[str, Any], request: "Request", cluster: "Cluster") -> None:
        self.options = options
        self.scope = str(request.scope)
        self.cluster = cluster.description
        self.color = _wants_color(options["color"])
        self.dry_run = request.dry_run
        self.told = 0

    @property
    def text(self) -> bool:
        return bool(self.options["output"] == "text")

    def tell(self, plan: "Plan") -> None:
        """Print a plan before it is carried out."""
        if not self.text:
            return
        from reconcile.report.safe import safe_line
        from reconcile.report.text import plan_text

        if not self.told and not self.options["quiet"]:
            print(safe_line(f"{self.scope[0].upper()}{self.scope[1:]}, in {self.cluster}"), end="\n\n")
        self.told += 1
        title = "Plan" if self.told == 1 else f"Then (pass {self.told})"
        print(plan_text(plan, color=self.color, title=title, quiet=self.options["quiet"]), end="", flush=True)

    def agree(self, plan: "Plan") -> bool:
        """Ask, where somebody sits there to answer."""
        if self.options["yes"] or not sys.stdin.isatty() or not self.text:
            return True
        return click.confirm("Carry this out?", default=False, err=True)

    def finish(self, done: "Run", code: int) -> None:
        """Print what became of it."""
        for name in done.unknown:
            log.error("%s: there is no preview of this name, and nothing left of one", name)
        for name in done.absent:
            print(f"{name}: nothing there", file=sys.stdout if self.text else sys.stderr)
        if self.text:
            self._finish_text(done)
        else:
            from reconcile.report.json import run_json

            print(run_json(done, cluster=self.cluster, scope=self.scope, exit_code=code), end="")

    def _finish_text(self, done: "Run") -> None:
        from reconcile.report.text import outcomes_text

        if done.outcomes:
            print(outcomes_text(done.outcomes, color=self.color), end="")
        elif done.declined:
            print("Nothing was changed.")


def _wants_color(said: bool | None) -> bool:
    """https://no-color.org and https://force-color.org; what was said on the command line wins."""
    if said is not None:
        return said
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
