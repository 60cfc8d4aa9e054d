"""The report as one page for a browser: every preview in a table, and in short what the run did.

`page.html.j2` is the page; here are the values in it. No markup is made of text in Python, so that none can
become a tag or leave an attribute, whoever wrote it. Style and script stand in the page, and a
Content-Security-Policy names both by hash: nothing else is run, and nothing is fetched. The script only sorts
and filters what is there without it.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from reconcile import __version__
from reconcile.kube.time import parse_time
from reconcile.report.safe import age, cut, moment, safe_line, until
from reconcile.report.states import State, gone, states, worst_first
from reconcile.report.text import body_text, done_line, sums_line
from reconcile.status.result import Run

_LONGEST_TEXT = 1_000
# A list above the table stays one that is read; all of it is in the table and the plan.
_LONGEST_LIST = 20
_ATTENTION = ("Failed", "Blocked")
_MARKS = {"+": "create", "~": "update", "-": "delete", "!": "blocked", "x": "delete"}


def run_html(done: Run, *, cluster: str, scope: str) -> str:
    """The whole run as a page that stands alone."""
    found = worst_first(states(done))
    rows = [_row(one, done.now) for one in found]
    return _template().render(
        run=done,
        cluster=cluster,
        scope=f"{scope[:1].upper()}{scope[1:]}",
        at=done.now.isoformat(timespec="seconds") if done.now else "",
        planned=sums_line(done.plan),
        done=done_line(done.outcomes) if done.outcomes else "",
        attention=list(_attention(done, found)),
        counts=Counter((one.state, one.word) for one in found),
        untold=all(one.state == "Unknown" and not one.reason for one in found),
        columns=_columns(found, rows),
        rows=rows,
        notes=_notes(done),
        gone=gone(done),
        lines=list(_lines(done)),
    )


# the template


@cache
def _template() -> Template:
    """The page, through which no value goes but by `_harmless` and the escaping of HTML."""
    environment = Environment(
        autoescape=True, finalize=_harmless, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"moment": moment, "split_before": _split_before}
    style, script = _asset("page.css"), _asset("page.js")
    environment.globals |= {"version": __version__, "longest_list": _LONGEST_LIST}
    environment.globals |= {"style": style, "script": script, "policy": _policy(style, script)}
    return environment.from_string(_asset("page.html.j2"))


def _asset(name: str) -> str:
    return (files("reconcile.report") / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _harmless(value: object) -> object:
    """In one line, cut; but for what the template itself made."""
    return value if hasattr(value, "__html__") else _text(str(value))


def _text(text: str) -> str:
    return cut(safe_line(text), _LONGEST_TEXT)


def _split_before(text: str, characters: str) -> list[str]:
    """A long word, in which a line may end before each of these characters."""
    return re.split(f"(?=[{characters}])", _text(text))


# the values


def _attention(done: Run, found: Sequence[State]) -> Iterator[tuple[str, str]]:
    """What the exit code is about: each as whom, and why."""
    for name in done.unknown:
        yield name, "no such preview, and no children of one"
    for entry in done.withheld:
        yield f"{entry.subject} skipped", entry.reason
    for one in found:
        if one.state in _ATTENTION:
            yield one.place, one.message or one.reason or one.word


def _row(one: State, now: datetime | None) -> dict[str, object]:
    """What the cells of a preview hold; "" where there is nothing to say."""
    created, expires = parse_time(one.created), parse_time(one.expires)
    scheme, _, hostname = one.url.partition("://")
    return {
        "one": one,
        "hostname": hostname if scheme in ("http", "https") else "",
        "age": age(one.created, now),
        "seconds": max(0, int((now - created).total_seconds())) if now and created else "",
        "since": moment(one.created),
        "until": until(one.expires, now),
        "expires": moment(one.expires),
        "timestamp": int(expires.timestamp()) if expires else "",
    }


def _columns(found: Sequence[State], rows: Sequence[dict[str, object]]) -> list[str]:
    """Those in which there would be nothing are left out, as those of times in a folder."""
    filled = {
        "Image": any(one.image for one in found),
        "Age": any(row["age"] for row in rows),
        "Expires": any(row["expires"] for row in rows),
    }
    return ["Preview", "State", *(name for name, is_filled in filled.items() if is_filled)]


def _notes(done: Run) -> list[str]:
    """The sentences of every pass and of what came after, each once."""
    return list(dict.fromkeys([*(note for one in done.passes for note in one.plan.notes), *done.notes]))


def _lines(done: Run) -> Iterator[tuple[str, str]]:
    """The plan, and what became of it: each line behind what its mark tells."""
    for line in body_text(done).splitlines():
        yield _MARKS.get(line[:1], "") if line[1:2] == " " else "", line
