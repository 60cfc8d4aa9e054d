"""Check the variables of the environment: what looks like a setting, and would be ignored, is named."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import click

from reconcile.cli.types import Globs
from reconcile.cli.variables import options_by_variable
from reconcile.errors import UsageError

RESTRICTING = frozenset(
    {
        *("allow_fqdn", "allow_image", "allow_secret", "allow_pull_policy", "allow_protect"),
        *("max_previews", "max_ttl", "max_deletes", "pod_security", "templates"),
        *("namespace", "namespace_only", "selector", "context", "kubeconfig", "as_user"),
        *("sources", "dry_run"),
    }
)
"""The options without which a run may do or delete more, or elsewhere: ignoring them would open a door."""

# What is no option, and has its meaning: an image's own version, `command.termination`, and what this
# repository's tests are told.
_NO_OPTION = re.compile(r"VERSION|TERMINATION_LOG|(TEST|REQUIRE|FAULTS|FUZZ)(_.+)?")
# What Kubernetes sets for a Service called reconcile, or reconcile-NAME:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE = re.compile(
    r"(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_SIMILAR = 0.75
"""How much of two names must be similar, from 0 to 1, for one to be a misspelling of the other."""

log = logging.getLogger("reconcile")


class _Unknown(NamedTuple):
    variable: str
    meant: str
    """The variable of the option that is nearest; "" if none is near."""
    opens: bool
    """Whether a run without what was meant may do more."""

    def __str__(self) -> str:
        hint = f"; did you mean {self.meant}?" if self.meant else "; unset it"
        return f"{self.variable}: is not the variable of any option{hint}"


def check_environment(ctx: click.Context, environment: Mapping[str, str], *, strict: bool) -> None:
    """Warn of each variable that no option takes; UsageError where ignoring it is not safe.

    | variable                                             | what becomes of it                     |
    | ---------------------------------------------------- | -------------------------------------- |
    | set and empty, of an allow-list                      | nothing is allowed (`options.Globs`)   |
    | set and empty, of a flag                             | off, as with click                     |
    | set and empty, of another option                     | UsageError, as an empty value would be |
    | no option's, near a restricting one that is not set  | UsageError: the door would stay open   |
    | no option's                                          | a warning; UsageError if `strict`      |
    """
    options = options_by_variable(ctx)
    if blank := next(_blank(ctx, options, environment), ""):
        raise UsageError(blank)
    unknown = list(_unknown(ctx, options, environment))
    if refused := [str(one) for one in unknown if strict or one.opens]:
        raise UsageError("\n".join(refused))
    for one in unknown:
        log.warning("%s", one)


def _blank(
    ctx: click.Context, options: Mapping[str, click.Option], environment: Mapping[str, str]
) -> Iterator[str]:
    for name, option in options.items():
        takes_value = not (option.is_flag or option.count or isinstance(option, Globs))
        typed = ctx.get_parameter_source(option.name or "") is click.core.ParameterSource.COMMANDLINE
        if takes_value and not typed and name in environment and not environment[name].strip():
            yield f"{name} ({max(option.opts, key=len)}) is set and empty: unset it, or set it to a value"


def _unknown(
    ctx: click.Context, options: Mapping[str, click.Option], environment: Mapping[str, str]
) -> Iterator[_Unknown]:
    prefix = f"{ctx.auto_envvar_prefix}_"
    for variable in sorted(environment):
        name = variable.removeprefix(prefix)
        known = name == variable or variable in options
        if known or _NO_OPTION.fullmatch(name) or _SERVICE.fullmatch(name):
            continue
        from difflib import get_close_matches  # what only a mistake needs

        names = [option.removeprefix(prefix) for option in options]
        meant = "".join(f"{prefix}{near}" for near in get_close_matches(name.upper(), names, 1, _SIMILAR))
        option = options.get(meant)
        unset = option and ctx.get_parameter_source(option.name or "") is click.core.ParameterSource.DEFAULT
        yield _Unknown(variable, meant, bool(option and unset and option.name in RESTRICTING))
