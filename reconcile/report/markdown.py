"""The report as a comment on a pull request: a row for each preview, what was not done, the plan in a fold.

What an author or a server wrote stands in two places only, where GitHub and GitLab read neither Markdown nor
mentions, references, emoji or bare links: inside `<code>` in a block of HTML that has no blank line, with
`<`, `>`, `&` and quotes as entities; and in a code block whose fence is longer than any row of backticks
in it.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconcile.report.safe import age, cut, moment, safe_line
from reconcile.report.states import State, gone, states, worst_first
from reconcile.report.text import body_text, sums_line
from reconcile.status.result import Run

# What GitHub takes as one comment.
LIMIT = 65_536
MARK = "<!-- preview-reconcile -->"
"""The first line: by it a pipeline finds the comment again, to write the next one in its place."""

_ROOM_FOR_ROWS = 40_000
_ROOM_FOR_REMARKS = 8_000
_LONGEST_TEXT = 300
_LONGEST_LINE = 500


def run_markdown(done: Run, *, cluster: str, scope: str) -> str:
    """The whole run, in at most `LIMIT` characters; what was cut is counted."""
    head = f"{MARK}\n<p>{_head(done, scope, cluster)}</p>\n\n"
    top = head + _table(done) + _remarks(done)
    return top + _fold(done, LIMIT - len(top))


def _head(done: Run, scope: str, cluster: str) -> str:
    return f"A {'dry run' if done.dry_run else 'run'} for {_code(scope)} in {_code(cluster)}"


# text of others


def _code(text: str) -> str:
    """In one line, cut, and nothing but text."""
    return f"<code>{html.escape(cut(safe_line(text), _LONGEST_TEXT))}</code>"


def _link(url: str) -> str:
    """The text of a link is text like another: what is in `<code>` is never read."""
    return f'<a href="{html.escape(safe_line(url))}">{_code(url.partition("://")[2])}</a>'


# the previews


@dataclass(frozen=True)
class _Row:
    cells: tuple[str, ...]

    def __str__(self) -> str:
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in self.cells) + "</tr>\n"


def _table(done: Run) -> str:
    rows = [str(row) for row in _rows(done)]
    if not rows:
        return "<p>There is no preview.</p>\n\n"
    shown = rows[: _fitting(rows, _ROOM_FOR_ROWS)]
    more = f"<p>{len(rows) - len(shown)} more previews are not shown.</p>\n" if len(shown) < len(rows) else ""
    head = "<table>\n<tr><th>Preview</th><th>State</th><th>Age</th><th>Expires</th></tr>\n"
    return f"{head}{''.join(shown)}</table>\n{more}\n"


def _rows(done: Run) -> Iterable[_Row]:
    """Whoever needs a person stands first: these are not cut."""
    for name in done.unknown:
        yield _Row((_code(name), "No such preview", "", ""))
    for state in worst_first(states(done)):
        yield _Row((_preview(state), _state(state), age(state.created, done.now), moment(state.expires)))
    for place in gone(done):
        # Where a list was incomplete, or suspiciously empty, nobody can say that it is gone.
        yield _Row((_code(place), "No preview was seen" if done.withheld else "Gone", "", ""))


def _preview(state: State) -> str:
    place = _code(state.place)
    return f"{_link(state.url)}<br>{place}" if state.url else place


def _state(state: State) -> str:
    said = f"{state.word}: {_code(state.reason)}" if state.reason else state.word
    return f"{said}<br>{_code(state.message)}" if state.message else said


# what was not done, and what came after the plan


def _remarks(done: Run) -> str:
    """The withheld and the notes of the run's end: in the fold they are the first that is cut."""
    withheld = [f"{_code(w.subject)}: {_code(w.reason)}" for w in done.withheld]
    remarks = [f"<p>{text}</p>\n" for text in dict.fromkeys([*withheld, *map(_code, done.notes)])]
    shown = remarks[: _fitting(remarks, _ROOM_FOR_REMARKS)]
    rest = len(remarks) - len(shown)
    more = f"<p>{rest} more remarks are not shown.</p>\n" if rest else ""
    return f"{''.join(shown)}{more}\n" if remarks else ""


# the plan


def _fold(done: Run, room: int) -> str:
    lines = [cut(line, _LONGEST_LINE) for line in body_text(done).splitlines()]
    fence = _fence(lines)
    head = f"<details>\n<summary>{html.escape(_summary(done))}</summary>\n\n{fence}diff\n"
    tail = f"{fence}\n\n</details>\n"
    more = f"… {len(lines)} more lines are not shown.\n"
    whole = [f"{line}\n" for line in lines]
    count = _fitting(whole, room - len(head) - len(tail) - len(more))
    said = f"… {len(lines) - count} more lines are not shown.\n" if count < len(lines) else ""
    return head + "".join(whole[:count]) + said + tail


def _summary(done: Run) -> str:
    return f"Plan: {sums_line(done.plan)}"


def _fence(lines: Iterable[str]) -> str:
    """Longer than any row of backticks in the lines."""
    longest = max((len(row) for line in lines for row in _backticks(line)), default=0)
    return "`" * max(3, longest + 1)


def _backticks(line: str) -> Sequence[str]:
    return "".join(char if char == "`" else " " for char in line).split()


def _fitting(texts: Sequence[str], room: int) -> int:
    """How many of them, from the first on, have this room."""
    for count, text in enumerate(texts):
        room -= len(text)
        if room < 0:
            return count
    return len(texts)
