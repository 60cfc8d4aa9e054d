"""The manifests that a dry run would apply, as YAML: for review, and for what applies manifests itself.

Values are shown as they are; each stands so that it is neither a line of its own to a terminal nor a command
to a CI system.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from reconcile.desire.children import apply_order
from reconcile.kube.objects import Manifest, is_map, map_in, split_place
from reconcile.plan.changes import Create, Plan, Update
from reconcile.report.counts import action_of
from reconcile.report.safe import safe, safe_json, safe_line, short_line
from reconcile.report.text import sums_line
from reconcile.status.result import Run

_FIRST = ("apiVersion", "kind", "metadata")
_FIRST_OF_METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences")

# Beginning with a letter it is no number; of words these are no text to some reader of YAML.
_TEXT = re.compile(r"[A-Za-z]([A-Za-z0-9_./:-]*[A-Za-z0-9_/-])?")
_NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def run_yaml(done: Run, *, cluster: str, scope: str) -> str:
    """Render what the plan creates and updates, a document each, in apply order; in comments above them what
    else it does, and what it does not do."""
    comments = [
        f"{scope[0].upper()}{scope[1:]}, in {cluster}",
        *_remarks(done.plan),
        f"Plan: {sums_line(done.plan)}",
    ]
    head = "".join(f"# {short_line(comment)}\n" for comment in comments)
    return head + "".join(f"---\n{manifest_text(manifest)}" for manifest in _applied(done.plan))


def manifest_text(manifest: Manifest) -> str:
    """Render one object, with a newline at its end."""
    ordered = _ordered(manifest, _FIRST)
    ordered["metadata"] = _ordered(map_in(ordered.get("metadata")), _FIRST_OF_METADATA)
    return "".join(f"{line}\n" for line in _lines(ordered))


def _remarks(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        if not isinstance(change, Create | Update) and (action := action_of(change)) != "unchanged":
            yield f"{action} {change.key}: {change.message}"
    yield from (f"skipped: {entry.sentence}" for entry in plan.skipped)
    yield from plan.notes


def _applied(plan: Plan) -> list[Manifest]:
    changes = [change for change in plan.changes if isinstance(change, Create | Update)]
    changes.sort(key=lambda one: (one.preview, apply_order(one.key, split_place(one.preview).name), one.key))
    return [change.manifest for change in changes]


def _ordered(manifest: Manifest, first: tuple[str, ...]) -> dict[str, Any]:
    return {**{name: manifest[name] for name in first if name in manifest}, **manifest}


def _lines(value: Any) -> Iterator[str]:
    """Yield the lines of any value, which stand below each other."""
    if is_map(value) and value:
        for name, below in value.items():
            yield from _field(f"{_scalar(name)}:", below)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _indented("- ", _lines(item))
    elif isinstance(value, str) and _is_block(value):
        yield "|" if value.endswith("\n") else "|-"
        yield from _indented("  ", iter(value.removesuffix("\n").split("\n")), "  ")
    else:
        yield "{}" if is_map(value) else "[]" if isinstance(value, list | tuple) else _scalar(value)


def _field(head: str, below: Any) -> Iterator[str]:
    lines = _lines(below)
    if below and (is_map(below) or isinstance(below, list | tuple)):
        yield head
        yield from _indented("  ", lines)
    else:
        yield f"{head} {next(lines)}"
        yield from lines


def _indented(first: str, lines: Iterator[str], rest: str = "  ") -> Iterator[str]:
    for at, line in enumerate(lines):
        yield f"{rest if at else first}{line}" if line else ""


def _is_block(text: str) -> bool:
    """Whether the lines of a text may stand as they are, and are read back as that text."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line == safe_line(line) and line == line.rstrip() for line in lines)
    return len(lines) > 1 and plain and bool(lines[-1]) and lines[0][:1] not in ("", " ")


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _is_plain(value):
        return value
    return safe_json(safe(json.dumps(value, ensure_ascii=False)))  # YAML has no pairs of surrogates


def _is_plain(text: str) -> bool:
    """Whether every reader takes it for that text, also where it is a name and a colon follows."""
    as_name = f"{text}:"
    return bool(_TEXT.fullmatch(text)) and text.lower() not in _NO_TEXT and as_name == safe_line(as_name)
