"""The report as one page for a browser: every preview in a table, and in short what the run did.

`page.html.j2` is the page; here are the values in it. No markup is made of text in Python, so that none can
become a tag or leave an attribute, whoever wrote it. Style and script stand in the page, and a
Content-Security-Policy names both by hash: nothing else is run, and nothing is fetched. Without the script,
which only sorts and filters, the page has all its content.
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
from reconcile.report.safe import age, moment, short_line, until
from reconcile.report.states import State, gone, gone_word, states, worst_first
from reconcile.report.text import body_text, done_line, sums_line
from reconcile.status.result import Run

_LONGEST_TEXT = 1_000
# A list above the table is short enough to be read; all of it is in the table and the plan.
_LONGEST_LIST = 20
_ATTENTION = ("Failed", "Blocked")
_MARKS = {"+": "create", "~": "update", "-": "delete", "!": "blocked", "x": "delete"}


def run_html(done: Run, *, cluster: str, scope: str) -> str:
    """Render the whole run as a page that needs nothing else."""
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
        counts=Counter((one.group, one.group_word) for one in found),
        unreported=all(one.state == "Unknown" and not one.reason for one in found),
        columns=_columns(found, rows),
        rows=rows,
        notes=_notes(done),
        gone=gone(done),
        gone_word=gone_word(done),
        lines=list(_lines(done)),
    )


# the template


@cache
def _template() -> Template:
    """Compile the page; every value in it goes through `_harmless` and is escaped."""
    environment = Environment(
        autoescape=True, finalize=_harmless, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"moment": moment, "split_before": _split_before, "hash": _hash}
    environment.globals |= {"version": __version__, "longest_list": _LONGEST_LIST}
    style, script, page = (
        (files("reconcile.report") / name).read_text("utf-8")
        for name in ("page.css", "page.js", "page.html.j2")
    )
    environment.globals |= {"style": style, "script": script}
    return environment.from_string(page)


def _hash(text: str) -> str:
    """https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _harmless(value: object) -> object:
    """Return a value in one line, cut; what the template itself made stays."""
    return value if hasattr(value, "__html__") else short_line(str(value), _LONGEST_TEXT)


def _split_before(text: str, characters: str) -> list[str]:
    """Split a long word before each of these characters, where a line may end."""
    return re.split(f"(?=[{characters}])", short_line(text, _LONGEST_TEXT))


# the values


def _attention(done: Run, found: Sequence[State]) -> Iterator[tuple[str, str]]:
    """Yield what the exit code is about: whom, and why."""
    for name in done.unknown:
        yield name, "no such preview, and no children of one"
    for entry in done.skipped:
        yield f"{entry.subject} skipped", entry.message
    for one in found:
        if one.state in _ATTENTION:
            yield one.place, one.message or one.reason or one.word


def _row(one: State, now: datetime | None) -> dict[str, object]:
    """Return the cells of a preview; "" for an empty one."""
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
    """Leave out columns that would be empty, such as those of times in a folder."""
    image = ["Image"] if any(one.image for one in found) else []
    times = [name for name in ("Age", "Expires") if any(row[name.lower()] for row in rows)]
    return ["Preview", "State", *image, *times]


def _notes(done: Run) -> list[str]:
    """Return the notes of every pass and of the end, each once."""
    return list(dict.fromkeys([*(note for one in done.passes for note in one.plan.notes), *done.notes]))


def _lines(done: Run) -> Iterator[tuple[str, str]]:
    """Yield the plan and its outcomes: each line with what its symbol stands for."""
    for line in body_text(done).splitlines():
        yield _MARKS.get(line[:1], "") if line[1:2] == " " else "", line
