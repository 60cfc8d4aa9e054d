"""What the options of the command take: parsed here, one line of complaint for each mistake."""

import os
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import click

from reconcile.cli.features import offered
from reconcile.model.rules import LABEL_KEY, LABEL_VALUE, OBJECT_NAME, QUANTITY, RESOURCE_NAME

_TOLERATION = re.compile(r"(?P<key>[^=:\s]+)(=(?P<value>[^=:\s]*))?(:(?P<effect>[A-Za-z]+))?")
_RESOURCE = re.compile(r"(?P<side>limits|requests)\.(?P<name>[^=\s]+)=(?P<amount>\S+)")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

Pair = tuple[str, str]


class Lines(click.Option):
    """A repeatable option whose environment variable holds one value a line.

    Click would split it at spaces, which an annotation's value may hold.
    """

    def value_from_envvar(self, ctx: click.Context) -> Any:
        found = self.resolve_envvar_value(ctx)
        return tuple(line.strip() for line in (found or "").splitlines() if line.strip()) or None


class Globs(Lines):
    """Patterns of what is allowed; a variable that is set and blank allows nothing, as an empty pattern does.

    Click takes it for one that is not set: where a pipeline's variable is missing, all would be allowed.
    """

    def value_from_envvar(self, ctx: click.Context) -> Any:
        is_set = f"{ctx.auto_envvar_prefix}_{(self.name or '').upper()}" in os.environ
        return super().value_from_envvar(ctx) or (("",) if is_set else None)


class DurationType(click.ParamType[timedelta]):
    """`90s`, `5m`, `1h30m`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from reconcile.model.duration import parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            found = parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not found:
            self.fail(f"{value!r} must be more than zero, such as 90s, 5m or 1h30m", param, ctx)
        return found


class TtlType(click.ParamType[str]):
    """A duration as previews write it; `0` is never."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from reconcile.model.duration import parse_duration

        try:
            parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return str(value)


class WindowType(click.ParamType[str]):
    """`DAYS HH:MM-HH:MM ZONE`, or whole days: `DAYS ZONE`."""

    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from reconcile.model.awake import parse_window

        text = " ".join(str(value).split())
        try:
            parse_window(text)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return text


class PairType(click.ParamType[Pair]):
    """`KEY=VALUE`, with a key that Kubernetes takes; a label's value is checked as well."""

    name = "key=value"

    def __init__(self, *, label: bool) -> None:
        self.label = label

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pair:
        if isinstance(value, tuple):
            return value[0], value[1]
        key, equals, text = str(value).partition("=")
        if not equals:
            self.fail(f"{value!r}: must be KEY=VALUE", param, ctx)
        if problem := LABEL_KEY.problem(key):
            self.fail(f"{value!r}: {key!r} {problem}", param, ctx)
        if self.label and LABEL_VALUE.problem(text):
            self.fail(f"{value!r}: {text!r} {LABEL_VALUE.says}", param, ctx)
        return key, text


class GatewayType(click.ParamType[tuple[str, ...]]):
    """`NAMESPACE/NAME` or `NAMESPACE/NAME/SECTION`."""

    name = "namespace/name[/section]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        parts = tuple(str(value).split("/"))
        if len(parts) not in (2, 3) or any(map(OBJECT_NAME.problem, parts)):
            self.fail(f"{value!r}: must be NAMESPACE/NAME or NAMESPACE/NAME/SECTION", param, ctx)
        return parts


class PlaceGlobType(click.ParamType[str]):
    """Globs of a namespace and a name in it: `NAMESPACE/NAME`."""

    name = "namespace/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not re.fullmatch(r"[^/\s]+/[^/\s]+", text):
            self.fail(f"{value!r}: must be NAMESPACE/NAME, each a glob, such as 'shop/*'", param, ctx)
        return text


class TolerationType(click.ParamType[dict[str, str]]):
    """`KEY`, `KEY=VALUE`, each with `:EFFECT` behind it or not, as `kubectl taint` writes taints."""

    name = "key[=value][:effect]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        match = _TOLERATION.fullmatch(str(value))
        if match is None or LABEL_KEY.problem(match["key"]):
            self.fail(f"{value!r}: must be KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT", param, ctx)
        if match["effect"] is not None and match["effect"] not in _EFFECTS:
            self.fail(f"{value!r}: {match['effect']!r} is none of {', '.join(_EFFECTS)}", param, ctx)
        if LABEL_VALUE.problem(match["value"] or ""):
            self.fail(f"{value!r}: {match['value']!r} is not a valid taint value", param, ctx)
        exists = match["value"] is None
        found = {"key": match["key"], "operator": "Exists" if exists else "Equal"}
        if not exists:
            found["value"] = match["value"]
        if match["effect"]:
            found["effect"] = match["effect"]
        return found


class ResourceType(click.ParamType[tuple[str, str, str]]):
    """`limits.memory=512Mi`, `requests.cpu=100m`."""

    name = "limits|requests.name=quantity"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str, str]:
        if isinstance(value, tuple):
            return value[0], value[1], value[2]
        match = _RESOURCE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r}: must be such as limits.memory=512Mi or requests.cpu=100m", param, ctx)
        for part, rule in (("name", RESOURCE_NAME), ("amount", QUANTITY)):
            if problem := rule.problem(match[part]):
                self.fail(f"{value!r}: {match[part]!r} {problem}", param, ctx)
        return match["side"], match["name"], match["amount"]


REPORT_FORMATS = ("text", "json", *offered("markdown", "yaml", "html"), "dotenv", *offered("metrics"))


class ReportType(click.ParamType[Pair]):
    """`FORMAT=PATH`: a format of the report, and the file that it is written to."""

    name = "format=path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pair:
        if isinstance(value, tuple):
            return value[0], value[1]
        format_name, _, path = str(value).partition("=")
        if format_name not in REPORT_FORMATS or not path:
            self.fail(
                f"{value!r}: must be FORMAT=PATH, where FORMAT is one of {', '.join(REPORT_FORMATS)}",
                param,
                ctx,
            )
        if path == "-":
            self.fail(f"{value!r}: a report is a file; for stdout, pass -o FORMAT", param, ctx)
        return format_name, path


class GatewayUrlType(click.ParamType[str]):
    """The URL of a Pushgateway; it may hold a password, so no complaint quotes it."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parts = urlsplit(str(value))
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or parts.query or parts.fragment:
            self.fail("must be http://HOST[:PORT] or https://[USER:PASSWORD@]HOST[:PORT][/PATH]", param, ctx)
        return str(value)


class NameType(click.ParamType[str]):
    """The name of a Kubernetes object."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if OBJECT_NAME.problem(str(value)):
            self.fail(f"{value!r} is not a valid name of a Kubernetes object", param, ctx)
        return str(value)


class MaxDeletesType(click.ParamType[str]):
    """`N`, or `P%` of the previews that have children."""

    name = "n|p%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not re.fullmatch(r"\d{1,9}%?", text) or (text.endswith("%") and int(text[:-1]) > 100):
            self.fail(
                f"{value!r}: must be a number of previews, such as 10, or a percentage, such as 30%",
                param,
                ctx,
            )
        return text


def pairs(given: Iterable[Pair], option: str, group: str = "") -> tuple[Pair, ...]:
    """The pairs sorted; UsageError for a key given twice, or one that is ours (where `group` is given)."""
    from reconcile.errors import UsageError

    found: dict[str, str] = {}
    for key, value in given:
        if key in found and found[key] != value:
            raise UsageError(f"{option} {key} is given twice, with two values")
        if group and key.startswith((f"{group}/", "app.kubernetes.io/")):
            raise UsageError(f"{option} {key}: this key is written by reconcile itself")
        found[key] = value
    return tuple(sorted(found.items()))
