"""What the documents list of the code: fields, options, exit codes, reasons, reports, metrics, wings, inputs.

`make reference` writes each between its two markers; `make check` fails where one is not as the code has it.
What an option, an exit code or a metric means stands in the code, once. What only the documents add, with a
link or an example, stands here.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import yaml

from kit.manifests import ROOT
from kit.reasons import REASONS
from reconcile.cli.features import WINGS
from reconcile.cli.groups import in_groups
from reconcile.cli.main import ABSENT, EPILOG, command
from reconcile.model import names as model_names
from reconcile.model.crd import crd
from reconcile.report.summary import ACTIONS, RESULTS, Summary

REPORT = Path("docs/report.schema.json")
OPTIONS = {
    "names": "A bare name is looked up in all namespaces, or in that of `--namespace`; `NAMESPACE/NAME` names one.",
    "selector": "With a selector, children of deleted previews are not pruned.",
    "api_group": "Use a domain that you own. Labels and annotations follow it. See [API groups](../upgrade.md#several-installations).",
    "concurrency": "Fewer are sent while the API server answers 429.",
    "filenames": "PATH is a folder, a file or `-`. See [planning a file](../usage.md#planning-a-file).",
    "explain": "With `--from`, explains a preview of these files; with `-f`, the preview as the file would make it. See [explain](../usage.md#explain).",
    "yes": "Without it, a run at a terminal asks.",
    "adopt": "See [adoption](../ownership.md#adoption).",
    "allow_blocked": "The same holds for unreadable previews.",
    "no_fingerprint": "See [fingerprint](../decisions/fingerprint.md).",
    "interval": "See [unattended](../unattended.md).",
    "wait": "Ends early when no preview can become ready any more. See [wait](../usage.md#wait).",
    "logs": "They are printed on stderr.",
    "probe": "The certificate of the link must be valid.",
    "max_deletes": "A percentage is of the previews that have children, and at least 9. `0` prunes nothing. `100%` also allows deletes if the list of previews is empty. See [limits on deletes](../ownership.md#limits-on-deletes).",
    "max_previews": "Deleted previews with children left [count too](status.md#limit-of-previews). No preview is deleted because of this limit.",
    "default_ttl": "Without it, or with `0`, such previews do not expire.",
    "max_ttl": "Also applies to previews that set `0`, and to [protected children](status.md#the-ttl).",
    "awake": "`DAYS HH:MM-HH:MM ZONE`, or `DAYS ZONE` for whole days. Without it, previews are always awake. See [asleep out of hours](../unattended.md#asleep-out-of-hours).",
    "awake_by_namespace": "Requires the right to list Namespaces.",
    "allow_protect": "Globs. Protected means annotated with `platform9.com/prune: disabled`.",
    "allow_fqdn": "[Globs](../ownership.md#what-authors-may-request), matched by label.",
    "allow_image": "[Globs](../ownership.md#what-authors-may-request), matched by path component.",
    "allow_secret": "Globs. Applies to `env` and `envFrom`, not to `imagePullSecrets`.",
    "allow_pull_policy": "Previews that set none get one of these. See [loaded images](../install.md#images-that-were-loaded-into-a-node).",
    "route_kind": "See [kinds of route](../install.md#kinds-of-route).",
    "tls_secret": "Usually of a wildcard certificate.",
    "default_resources": "Such as `limits.memory=512Mi` or `requests.cpu=100m`. See [default resources](../install.md#default-resources).",
    "templates": "See [templates](../templates.md).",
    "to": "Each child is one file.",
    "exclude": "Globs of a name (`test`) or a path (`chart/**`), for files and folders. Children of previews in excluded files are kept.",
    "output": "See [reports](../usage.md#reports).",
    "print_name": "The name is a DNS label of at most 50 characters. See [names from branches](../usage.md#names-from-branches).",
    "print_rights": "See [rights of templates](../templates.md#rights).",
    "report": "The file is replaced as a whole, or left as it was. See [reports](../usage.md#reports).",
    "color": "`NO_COLOR` and `FORCE_COLOR` are honoured.",
    "strict_env": "See [options and environment](../cookbook/options.md).",
}
FIELDS = {
    "image": "Same syntax as `docker pull`.",
    "env": "`value`, or `valueFrom` with secretKeyRef, configMapKeyRef or fieldRef.",
    "resources": "`limits` and `requests`, with the [rules of a Pod](../install.md#default-resources).",
    "imagePullPolicy": "See [loaded images](../install.md#images-that-were-loaded-into-a-node).",
    "setup": "Its fields are `command`, `args` and `image`. See [setup](../previews.md#setup).",
    "healthPath": "A response of 200 to 399 is ready. See [why pods are not ready](status.md#why-pods-are-not-ready).",
    "ttl": "See [expiry](../previews.md#expiry).",
}
CODES = {
    "0": "With `--wait`, every preview is ready, suspended or asleep.",
    "1": "With `--allow-blocked`, previews that are blocked, refused, unreadable or [rejected](status.md#rejected-by-the-api-server) do not count. A `NAMESPACE/NAME` that does not exist counts only with `--wait`.",
    "2": "Options that cannot be combined are a usage error.",
    "4": "If the list of previews is empty, deletes are skipped too.",
}
METRICS = {
    "preview_reconcile_last_success_timestamp_seconds": "A run succeeds if [`success`](json.md#summary-of-a-run) is true. The time is the API server's.",
    "preview_reconcile_last_run_timestamp_seconds": "Absent if the API server did not answer.",
    "preview_reconcile_writes": f"Actions: {', '.join(ACTIONS)}. Outcomes: {', '.join(RESULTS)}.",
    "preview_reconcile_deletes_skipped": "A list was incomplete, or the limit of deletes was exceeded.",
}
SUMMARY = Summary(
    0,
    0.176,
    success=True,
    planned={"create": 3},
    writes={("create", "done"): 3},
    previews={"Progressing": 1},
)


def documents(root: Path = ROOT) -> dict[Path, str]:
    """Each document below the repository that lists something, with the text that it should have."""
    found: dict[Path, str] = {}
    for (path, name), lines in LISTS.items():
        text = found.get(path) or (root / path).read_text()
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
        head, _, rest = text.partition(begin)
        found[path] = "".join([head, begin, *(f"{line}\n" for line in lines()), end, rest.partition(end)[2]])
    return found


def fields() -> Iterator[str]:
    (version,) = crd()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    _all_known(FIELDS, spec["properties"])
    yield from _head("field", "default", "meaning")
    for name, field in spec["properties"].items():
        default = f"`{json.dumps(field['default'])}`" if "default" in field else "none"
        meaning = f"{field['description']} {FIELDS.get(name, '')}"
        yield _row(f"`{name}`", "required" if name in spec["required"] else default, meaning)


def options() -> Iterator[str]:
    """A table for each group, under the headings and in the order of `--help`."""
    with click.Context(command, info_name="reconcile", **command.context_settings) as context:
        listed = {str(param.name): param for param in command.get_params(context)}
        _all_known(OPTIONS, [*listed, *ABSENT])
        options = {name: param for name, param in listed.items() if isinstance(param, click.Option)}
        for title, names in in_groups(options).items():
            yield from (f"## {title}", "", *_head("option", "meaning"))
            if title == "Scope":
                yield _row("`NAME`…", f"Reconcile only these previews. {OPTIONS['names']}")
            for option in (options[name] for name in names):
                yield _row(_spelled(option), _coded(" ".join(_meaning(option, context))))
            yield ""


def _spelled(option: click.Option) -> str:
    *others, last = (*option.opts, *option.secondary_opts)
    value = f" {option.metavar}" if option.metavar else ""
    return ", ".join(f"`{name}`" for name in (*others, f"{last}{value}"))


def _meaning(option: click.Option, context: click.Context) -> Iterator[str]:
    yield option.help or ""
    yield from filter(None, [OPTIONS.get(option.name or "")])
    if isinstance(option.type, click.Choice):
        yield f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}."
    if option.show_default:
        yield f"Default: `{option.get_default(context, call=False)}`."
    if option.multiple:
        yield "Repeatable."


def exit_codes() -> Iterator[str]:
    text = re.sub(r"\n {5}", " ", EPILOG.partition("Exit codes:\n")[2])
    rows = dict(re.findall(r"^  (\d[\d, ]*)  (.+)$", text, re.MULTILINE))
    _all_known(CODES, rows)
    yield from _head("code", "when")
    for code, when in rows.items():
        note = CODES.get(code, "")
        yield _row(code, _coded(f"{when}. {note}" if note else when))


def reasons() -> Iterator[str]:
    if missing := model_names.REASONS ^ {row.reason for row in REASONS}:
        sys.exit(f"kit/reasons.py: {', '.join(sorted(missing))}: make it agree with reconcile/model/names.py")
    yield from _head("reason", "Ready", "Stalled", "when", "remedy")
    for row in REASONS:
        yield _row(f"`{row.reason}`", row.ready, row.stalled, row.when, row.remedy)


def report_fields() -> Iterator[str]:
    """Every field of the JSON report, by its path."""
    schema = json.loads((ROOT / REPORT).read_text())
    yield from _head("field", "type", "meaning")
    for path, field in _fields(schema, schema):
        meaning = field.get("description", "")
        if not meaning:
            sys.exit(f"{REPORT}: {path} has no description; add one")
        yield _row(f"`{path}`", _type(field), _coded(meaning))


def _fields(part: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each property below a part of a schema, depth first; a list's items are `path[]`."""
    for name, found in part.get("properties", {}).items():
        field = _resolved(found, schema)
        below, at = field, f"{path}.{name}".lstrip(".")
        while "items" in below:
            below, at = _resolved(below["items"], schema), f"{at}[]"
        yield at.removesuffix("[]") if below is not field else at, field
        yield from _fields(below, schema, at)


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part with the definition that it refers to; its own fields win."""
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return {**schema["$defs"][name], **part} if name else dict(part)


def _type(field: Mapping[str, Any]) -> str:
    if values := field.get("enum") or ("const" in field and [field["const"]]):
        return ", ".join(f"`{value}`" for value in values)
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join(kinds)


def metrics() -> Iterator[str]:
    if not find_spec("reconcile.cli.metrics"):
        return  # the wing was taken out
    from datetime import UTC, datetime

    from reconcile.cli.metrics import registry_of

    at = Summary(0, 1.0, success=True, now=datetime(2026, 1, 10, tzinfo=UTC), previews={"Available": 1})
    found = {metric.name: metric for metric in registry_of(at).collect()}
    _all_known(METRICS, found)
    yield from _head("metric", "meaning")
    for name, metric in found.items():
        labels = ",".join(metric.samples[0].labels)
        meaning = " ".join(filter(None, [metric.documentation, METRICS.get(name, "")]))
        yield _row(f"`{name}{{{labels}}}`" if labels else f"`{name}`", meaning)


def summary() -> Iterator[str]:
    yield from ("```json", json.dumps(SUMMARY.fields), "```")


def wings() -> Iterator[str]:
    yield from _head("wing", "files below `reconcile/`", "what a user has by it", "without it none of")
    for name, wing in WINGS.items():
        others = [other for other, each in WINGS.items() if each.needs == name]
        yield _row(
            f"`{name}`",
            *(", ".join(f"`{one}`" for one in those) for those in (wing.files, wing.gives, others)),
        )


def action_inputs() -> Iterator[str]:
    yield from _inputs(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])


def action_outputs() -> Iterator[str]:
    outputs = yaml.safe_load((ROOT / "action.yml").read_text())["outputs"]
    yield from _head("output", "meaning")
    yield from (_row(f"`{name}`", output["description"]) for name, output in outputs.items())


def component_inputs() -> Iterator[str]:
    spec = next(yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text()))["spec"]
    inputs = {name: {"required": "default" not in one, **one} for name, one in spec["inputs"].items()}
    yield from _inputs(inputs)


def _inputs(inputs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from _head("input", "default", "meaning")
    for name, one in inputs.items():
        default = one.get("default", "")
        text = str(default).lower() if isinstance(default, bool) else default
        shown = f"`{text}`" if text else "none"
        yield _row(f"`{name}`", "required" if one.get("required") else shown, one["description"])


LISTS: Mapping[tuple[Path, str], Callable[[], Iterable[str]]] = {
    (Path("docs/reference/spec.md"), "fields"): fields,
    (Path("docs/reference/options.md"), "options"): options,
    (Path("docs/reference/exit-codes.md"), "exit-codes"): exit_codes,
    (Path("docs/reference/status.md"), "reasons"): reasons,
    (Path("docs/reference/json.md"), "report"): report_fields,
    (Path("docs/reference/json.md"), "summary"): summary,
    (Path("docs/reference/metrics.md"), "metrics"): metrics,
    (Path("docs/cookbook/wings.md"), "wings"): wings,
    (Path("docs/ci/github-actions.md"), "inputs"): action_inputs,
    (Path("docs/ci/github-actions.md"), "outputs"): action_outputs,
    (Path("docs/ci/gitlab.md"), "inputs"): component_inputs,
}
"""By the document and the name of the markers in it."""


def _head(*columns: str) -> tuple[str, str]:
    return _row(*columns), _row(*["---"] * len(columns))


def _row(*cells: str) -> str:
    inner = " | ".join(cell.strip().replace("|", "\\|") for cell in cells)
    return f"| {inner} |"


def _coded(text: str) -> str:
    """The text with the options in it as code."""
    return re.sub(r"(?<![`\w/-])--?[a-z][a-z-]*(?![\w`])", r"`\g<0>`", text)


def _all_known(notes: Iterable[str], names: Iterable[str]) -> None:
    if unknown := sorted(set(notes) - set(names)):
        sys.exit(f"kit/reference.py: {', '.join(unknown)}: the code has none; take the sentence out")


def main(*, check: bool) -> None:
    """Write the documents; to check, say which are not as they would be written."""
    stale = {path: text for path, text in documents().items() if (ROOT / path).read_text() != text}
    if check and stale:
        sys.exit(f"{', '.join(map(str, stale))}: not as the code has it; run make reference")
    for path, text in stale.items():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main(check="--check" in sys.argv)
