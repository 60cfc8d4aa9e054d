"""Which options an environment variable has set, so that a message names what a person has written."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from reconcile.errors import ReconcileError

# What a message complains of ends where its remedy or its reason begins.
_COMPLAINT = re.compile(r".*?(?=: | needs |$)")
# An option in brackets has its variable before it: an error may pass through `naming` twice.
_OPTION = re.compile(r"(?<![\w(-])(?P<option>--?[a-z][a-z-]*)(?: (?P<value>\S+))?")


@dataclass(frozen=True)
class Variable:
    """A variable that has set an option, and the texts that it has set it to."""

    name: str
    values: tuple[str, ...] = ()


Variables = Mapping[str, Variable]
"""By every spelling of its option, such as `-n` and `--namespace`."""


def variables_of(ctx: click.Context) -> Variables:
    """Return the variables that have set an option."""
    return {
        spelling: Variable(variable, _texts(ctx.params.get(option.name or "")))
        for option in ctx.command.params
        if (variable := variable_of(ctx, option))
        for spelling in (*option.opts, *option.secondary_opts)
    }


def variable_of(ctx: click.Context, option: click.Parameter) -> str:
    """Return the name of the variable that has set this option; "" if none has."""
    by_variable = ctx.get_parameter_source(option.name or "") is click.core.ParameterSource.ENVIRONMENT
    return _name_for(ctx, option) if by_variable else ""


def options_by_variable(ctx: click.Context) -> dict[str, click.Option]:
    """Return every option that a variable may set, by the name of that variable."""
    options = (option for option in ctx.command.params if isinstance(option, click.Option))
    return {_name_for(ctx, option): option for option in options if option.allow_from_autoenv}


def _name_for(ctx: click.Context, option: click.Parameter) -> str:
    return str(option.envvar or f"{ctx.auto_envvar_prefix}_{(option.name or '').upper()}")


@contextmanager
def naming(variables: Variables) -> Iterator[None]:
    """Let the errors that are raised inside name variables."""
    try:
        yield
    except ReconcileError as error:
        error.args = (name_variables(str(error), variables),)
        raise


def name_variables(message: str, variables: Variables) -> str:
    """Return the message with the variables that have set the options of its complaint.

    `--wait needs …` becomes `RECONCILE_WAIT (--wait) needs …`, and `-o json and …` becomes
    `RECONCILE_OUTPUT=json (-o json) and …`. A remedy keeps its options: the command line overrides variables.
    """

    def named(match: re.Match[str]) -> str:
        variable = variables.get(match["option"])
        if variable is None:
            return match[0]
        if match["value"] in variable.values:
            return f"{variable.name}={match['value']} ({match[0]})"
        return f"{variable.name} ({match['option']}){match[0].removeprefix(match['option'])}"

    def line_named(line: str) -> str:
        return _COMPLAINT.sub(lambda complaint: _OPTION.sub(named, complaint[0]), line, count=1)

    return "\n".join(map(line_named, message.split("\n")))


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, str))
