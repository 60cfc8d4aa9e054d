"""The report as one page for a browser: every preview in a table, and in short what the run did.

It is built as a tree, so that no text can become a tag or leave an attribute, whoever wrote it. Style and
script stand in the page, and a Content-Security-Policy names both by hash: nothing else is run, and nothing
is fetched. The script only sorts and filters what is there without it.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

from reconcile import __version__
from reconcile.kube.time import parse_time
from reconcile.report.safe import age, cut, moment, safe_line, until
from reconcile.report.states import State, gone, states, worst_first
from reconcile.report.text import body_text, done_line, sums_line
from reconcile.status.result import Run

Element = ElementTree.Element

_LONGEST_TEXT = 1_000
# A list above the table stays one that is read; all of it is in the table and the plan.
_LONGEST_LIST = 20
_ATTENTION = ("Failed", "Blocked")
_MARKS = {"+": "create", "~": "update", "-": "delete", "!": "blocked", "x": "delete"}
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='6' fill='%232f8f5b'/%3E%3C/svg%3E"
)


def run_html(done: Run, *, cluster: str, scope: str) -> str:
    """The whole run as a page that stands alone."""
    page = _element("html", _head(cluster), _body(done, cluster, scope), lang="en")
    return "<!DOCTYPE html>\n" + ElementTree.tostring(page, encoding="unicode", method="html") + "\n"


# the tree


def _element(tag: str, *parts: Element | str, **attributes: str) -> Element:
    """An element; a trailing `_` of an attribute's name is dropped, another is a hyphen."""
    element = Element(tag, {name.rstrip("_").replace("_", "-"): _text(v) for name, v in attributes.items()})
    for part in parts:
        if isinstance(part, Element):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + _text(part)
        else:
            element.text = (element.text or "") + _text(part)
    return element


def _line(tag: str, *parts: Element | str, **attributes: str) -> Element:
    """An element that ends a line of the file."""
    element = _element(tag, *parts, **attributes)
    element.tail = "\n"
    return element


def _text(text: str) -> str:
    """In one line, cut."""
    return cut(safe_line(text), _LONGEST_TEXT)


# the head


@cache
def _asset(name: str) -> str:
    return (files("reconcile.report") / name).read_text("utf-8")


def _own(tag: str, name: str) -> Element:
    """Style or script of our own, as it stands in its file."""
    element = _line(tag)
    element.text = _asset(name)
    return element


def _hash(name: str) -> str:
    """https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode()}'"


def _policy() -> str:
    return (
        f"default-src 'none'; style-src {_hash('page.css')}; script-src {_hash('page.js')}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _head(cluster: str) -> Element:
    policy = _line("meta", http_equiv="Content-Security-Policy", content="")
    policy.set("content", _policy())
    named = {"viewport": "width=device-width, initial-scale=1", "color-scheme": "light dark"}
    named |= {"referrer": "no-referrer", "robots": "noindex", "generator": f"preview-reconcile {__version__}"}
    return _line(
        "head",
        _line("meta", charset="utf-8"),
        policy,
        *(_line("meta", name=name, content=content) for name, content in named.items()),
        _line("title", f"Previews in {cluster}"),
        _line("link", rel="icon", href=_ICON),
        _own("style", "page.css"),
    )


# the body


def _body(done: Run, cluster: str, scope: str) -> Element:
    found = worst_first(states(done))
    main = _line("main", *_attention(done, found), *_previews(done, found), *_rest(done), _plan(done))
    return _element("body", _header(done, cluster, scope), main, _footer(done), _own("script", "page.js"))


def _header(done: Run, cluster: str, scope: str) -> Element:
    about = _line(
        "p", _element("b", f"{scope[:1].upper()}{scope[1:]}"), ", in ", _element("b", cluster), class_="about"
    )
    sums = _line("p", *_what_it_did(done), class_="sums")
    return _line("header", _line("h1", "Previews"), about, sums)


def _what_it_did(done: Run) -> Iterator[Element | str]:
    if done.dry_run:
        yield _element("strong", "Dry run")
        yield " Nothing was changed. "
    if done.declined:
        yield _element("strong", "Declined")
        yield " The question was answered no, and nothing was changed. "
    if done.stopped:
        yield _element("strong", "Ended early")
        yield " The run was told to end. "
    yield f"Plan: {sums_line(done.plan)}"
    if done.outcomes:
        yield f" Done: {done_line(done.outcomes)}"


def _footer(done: Run) -> Element:
    made = f"preview-reconcile {__version__}"
    if done.now is None:
        return _line(
            "footer", _element("p", f"Made by {made}; the cluster told no time, so there are no ages.")
        )
    at = done.now.isoformat(timespec="seconds")
    when = _element("time", moment(at), datetime=at)
    return _line("footer", _element("p", "As of ", when, f", by the clock of the cluster. Made by {made}."))


# what needs a person


def _attention(done: Run, found: Sequence[State]) -> Iterator[Element]:
    """What the exit code is about: each as whom, and why."""
    told = [(name, "there is no preview of this name, and nothing left of one") for name in done.unknown]
    told += [(f"{w.subject} withheld", w.reason) for w in done.withheld]
    told += [(one.place, one.message or one.reason or one.word) for one in found if one.state in _ATTENTION]
    if told:
        items = [_line("li", _element("b", who), ": ", _element("span", why)) for who, why in told]
        yield _section("attention", "Needs attention", _shortened(items, "more, in the table and the plan"))


def _section(name: str, title: str, *parts: Element) -> Element:
    heading = _line("h2", title, id=name)
    return _line("section", heading, *parts, class_=name, aria_labelledby=name)


def _shortened(items: Sequence[Element], more: str) -> Element:
    rest = len(items) - _LONGEST_LIST
    others = [_line("li", f"{rest} {more}", class_="more")] if rest > 0 else []
    return _line("ul", *items[:_LONGEST_LIST], *others)


def _rest(done: Run) -> Iterator[Element]:
    """The notes, and what is no more."""
    notes = dict.fromkeys(note for one in done.passes for note in one.plan.notes) | dict.fromkeys(done.notes)
    if notes:
        items = [_line("li", note) for note in notes]
        yield _section("notes", "Notes", _shortened(items, "more, in the plan"))
    if places := gone(done):
        # Where a list was not whole, or suspiciously empty, nobody can say that it is gone.
        title = "No preview was seen" if done.withheld else "Gone"
        items = [_line("li", _element("code", place)) for place in places]
        yield _section("gone", title, _shortened(items, "more, in the plan"))


# the previews


def _previews(done: Run, found: Sequence[State]) -> Iterator[Element]:
    if not found:
        empty = "There is no preview here. One that is applied now is on the page of the next run."
        yield _line("p", empty, class_="empty")
        return
    yield _counts(found)
    if all(one.state == "Unknown" and not one.reason for one in found):
        untold = "No preview has a status, so nobody can say here whether it works. Files never have one."
        yield _line("p", untold, class_="untold")
    yield _table(done, found)


def _counts(found: Sequence[State]) -> Element:
    """How many are in each state, worst first; the script makes buttons of them."""
    count = Counter(one.state for one in found)
    words = {one.state: one.word for one in found}
    items = [
        _line("li", _element("span", words[name], class_="state"), " ", _element("b", str(count[name])),
              data_state=name)
        for name in words
    ]  # fmt: skip
    return _line("ul", *items, class_="counts", aria_label="Previews by state")


_COLUMNS = ("Preview", "State", "Image", "Age", "Expires")


def _table(done: Run, found: Sequence[State]) -> Element:
    """Columns in which there would be nothing are left out, as those of times in a folder.

    The roles stand there for narrow screens: some readers forget the table where its display is another.
    """
    rows = [dict(zip(_COLUMNS, _cells(one, done), strict=True)) for one in found]
    shown = [name for name in _COLUMNS if any(len(row[name]) for row in rows)]
    heads = [
        _line(
            "th",
            name,
            scope="col",
            role="columnheader",
            data_column=name.lower(),
            data_label=name,
            **_sorted(name),
        )
        for name in shown
    ]
    head = _line("thead", _line("tr", *heads, role="row"), role="rowgroup")
    lines = [
        _line("tr", *(row[name] for name in shown), role="row", data_state=one.state, **_calm(one))
        for one, row in zip(found, rows, strict=True)
    ]
    caption = _line("caption", "Every preview, those that need attention first")
    return _line("table", caption, head, _line("tbody", *lines, role="rowgroup"), role="table")


def _calm(one: State) -> dict[str, str]:
    """The style gives these another colour than a failure's."""
    return {"data_reason": one.reason} if one.calm else {}


def _sorted(name: str) -> dict[str, str]:
    return {"aria_sort": "ascending"} if name == "State" else {}


def _cells(one: State, done: Run) -> tuple[Element, ...]:
    """One for each column, without parts where there is nothing to say."""
    created, expires = parse_time(one.created), parse_time(one.expires)
    aged = max(0, int((done.now - created).total_seconds())) if done.now and created else ""
    return (
        _cell("th", "Preview", _named(one), one.place),
        _cell("td", "State", _stands(one), str(one.rank)),
        _cell("td", "Image", [_element("code", *_breakable(one.image, "/:@"))] if one.image else []),
        _cell("td", "Age", _aged(one, done), str(aged)),
        _cell("td", "Expires", _expires(one, done), str(int(expires.timestamp())) if expires else ""),
    )


def _cell(tag: str, column: str, parts: Iterable[Element], sort: str = "") -> Element:
    row = {"scope": "row", "role": "rowheader"} if tag == "th" else {"role": "cell"}
    by = {"data_sort": sort} if sort else {}
    return _element(tag, *parts, class_=column.lower(), data_label=column, **row, **by)


def _named(one: State) -> Iterator[Element]:
    yield _element("span", _element("span", f"{one.namespace}/", class_="namespace"), _element("b", one.name))
    if one.url.startswith(("https://", "http://")):
        hostname = one.url.partition("://")[2]
        # The label, since a place to break is read out as a space.
        link = {"href": one.url, "target": "_blank", "rel": "noopener noreferrer", "aria_label": hostname}
        yield _element("a", *_breakable(hostname, "."), **link)


def _breakable(text: str, before: str) -> Iterator[Element | str]:
    """A long word, in which a line may end before each of these characters."""
    for number, part in enumerate(re.split(f"(?=[{before}])", _text(text))):
        if number:
            yield _element("wbr")
        yield part


def _stands(one: State) -> Iterator[Element]:
    yield _element("span", one.word, class_="state")
    if one.reason:
        yield _element("span", one.reason, class_="reason")
    if one.message:
        yield _element("span", one.message, class_="message")


def _aged(one: State, done: Run) -> Iterator[Element]:
    if text := age(one.created, done.now):
        yield _element("time", text, datetime=one.created, title=f"since {moment(one.created)}")


def _expires(one: State, done: Run) -> Iterator[Element]:
    if relative := until(one.expires, done.now):
        yield _element("span", relative)
    if text := moment(one.expires):
        yield _element("time", text, datetime=one.expires)


# the plan


def _plan(done: Run) -> Element:
    lines = _line("pre", tabindex="0", aria_label="The plan, and what became of it")
    for line in body_text(done).splitlines():
        mark = _MARKS.get(line[:1]) if line[1:2] == " " else None
        lines.append(_line("span", line, **({"class_": mark} if mark else {})))
    return _line("details", _line("summary", "The plan, line by line"), lines)
