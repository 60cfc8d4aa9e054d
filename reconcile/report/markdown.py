"""The report as a comment on a pull request: a row for each preview, what was skipped, the plan in a fold.

What an author or a server wrote stands in two places only, where GitHub and GitLab read neither Markdown nor
mentions, references, emoji or bare links: inside `<code>` in a block of HTML that has no blank line, with
`<`, `>`, `&` and quotes as entities; and in a code block whose fence is longer than any row of backticks
in it.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from reconcile.report.safe import age, cut, moment, safe_line, short_line
from reconcile.report.states import State, gone, gone_word, states, worst_first
from reconcile.report.text import body_text, sums_line
from reconcile.status.result import Run

# The longest comment that GitHub takes, without the NAMESPACE/NAME that a pipeline puts into the first line.
LIMIT = 65_536 - 128
MARK = "<!-- preview-reconcile -->"
"""The first line: by it a pipeline finds the comment again, and replaces it."""

_ROOM_FOR_ROWS = 40_000
_ROOM_FOR_REMARKS = 8_000
_LONGEST_TEXT = 300
_LONGEST_LINE = 500


def run_markdown(done: Run, *, cluster: str, scope: str) -> str:
    """Render the whole run, in at most `LIMIT` characters; what is cut is counted."""
    head = f"A {'dry run' if done.dry_run else 'run'} for {_code(scope)} in {_code(cluster)}"
    top = f"{MARK}\n<p>{head}</p>\n\n" + _table(done) + _remarks(done)
    return top + _fold(done, LIMIT - len(top))


# text of others


def _code(text: str) -> str:
    """Return the text in one line, cut, and as nothing but text."""
    return f"<code>{html.escape(short_line(text, _LONGEST_TEXT))}</code>"


def _link(url: str) -> str:
    """Link a hostname; inside `<code>` its text is nothing but text."""
    return f'<a href="{html.escape(safe_line(url))}">{_code(url.partition("://")[2])}</a>'


# the previews


def _table(done: Run) -> str:
    rows = list(_rows(done))
    if not rows:
        return "<p>There is no preview.</p>\n\n"
    head = "<table>\n<tr><th>Preview</th><th>State</th><th>Age</th><th>Expires</th></tr>\n"
    shown, more = _fitting(rows, _ROOM_FOR_ROWS, "<p>{} more previews are not shown.</p>\n")
    return f"{head}{shown}</table>\n{more}\n"


def _rows(done: Run) -> Iterator[str]:
    """Yield first those that need action: these are not cut."""
    for name in done.unknown:
        yield _row(_code(name), "No such preview")
    for state in worst_first(states(done)):
        yield _row(_preview(state), _state(state), age(state.created, done.now), moment(state.expires))
    for place in gone(done):
        yield _row(_code(place), gone_word(done))


def _row(preview: str, state: str, age: str = "", expires: str = "") -> str:
    return f"<tr><td>{preview}</td><td>{state}</td><td>{age}</td><td>{expires}</td></tr>\n"


def _preview(state: State) -> str:
    place = _code(state.place)
    return f"{_link(state.url)}<br>{place}" if state.url else place


def _state(state: State) -> str:
    word = f"{state.word}: {_code(state.reason)}" if state.reason else state.word
    return f"{word}<br>{_code(state.message)}" if state.message else word


# what was skipped, and what came after the plan


def _remarks(done: Run) -> str:
    """Return what was skipped and the notes of the run's end, which the fold would cut first."""
    skipped = [f"{_code(w.subject)}: {_code(w.message)}" for w in done.skipped]
    remarks = [f"<p>{text}</p>\n" for text in dict.fromkeys([*skipped, *map(_code, done.notes)])]
    shown, more = _fitting(remarks, _ROOM_FOR_REMARKS, "<p>{} more remarks are not shown.</p>\n")
    return f"{shown}{more}\n" if remarks else ""


# the plan


def _fold(done: Run, room: int) -> str:
    lines = [f"{cut(line, _LONGEST_LINE)}\n" for line in body_text(done).splitlines()]
    fence = _fence(lines)
    head = f"<details>\n<summary>Plan: {sums_line(done.plan)}</summary>\n\n{fence}diff\n"
    tail = f"{fence}\n\n</details>\n"
    more = "… {} more lines are not shown.\n"
    room -= len(head) + len(tail) + len(more.format(len(lines)))
    return head + "".join(_fitting(lines, room, more)) + tail


def _fence(lines: Iterable[str]) -> str:
    """Return a fence that is longer than any row of backticks in the lines."""
    return "`" * max([3, *(len(row) + 1 for line in lines for row in re.findall("`+", line))])


def _fitting(texts: Sequence[str], room: int, more: str) -> tuple[str, str]:
    """Return as many of the texts as fit into so many characters, and how many more there are."""
    for count, text in enumerate(texts):
        room -= len(text)
        if room < 0:
            return "".join(texts[:count]), more.format(len(texts) - count)
    return "".join(texts), ""
