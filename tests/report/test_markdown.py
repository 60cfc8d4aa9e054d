"""The report as a comment: to the byte, never too long, and nothing lives in it that others wrote."""

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconcile.kube.objects import Key
from reconcile.model.preview import Unreadable
from reconcile.model.status import Status
from reconcile.plan.changes import Blocked, Create, FieldChange, Keep, Outcome, Plan, Skipped, Update
from reconcile.report.markdown import LIMIT, MARK, run_markdown
from reconcile.report.safe import safe_line
from reconcile.report.text import body_text
from reconcile.status.result import Pass, Run
from tests.given import a_read_preview, an_unreadable_preview, key
from tests.report.test_states import LEFTOVER, NOW, a_run, with_ready
from tests.report.test_text import LIVE, PLAN, SERVICE

GOLDEN = Path(__file__).parent / "golden"


def markdown(done: Run, cluster: str = "the files in shop/", scope: str = "every preview") -> str:
    text = run_markdown(done, cluster=cluster, scope=scope)
    assert len(text) <= LIMIT
    assert text.startswith(f"{MARK}\n")
    return text


# to the byte


def everything() -> Run:
    """A run with a preview in every state."""
    writes = [Create(key("Service", name), f"shop/{name}", {}, "new preview") for name in ("pr-5", "pr-6")]
    blocked = Blocked(Key("Preview", "shop", "pr-4"), "shop/pr-4", "Invalid", "spec.fqdn: is missing")
    plan = replace(PLAN, changes=(*writes, *PLAN.changes, blocked))
    return Run(
        (Pass(plan, (Outcome(writes[0], "done"), Outcome(writes[1], "failed", "403 <forbidden>"))),),
        unknown=("pr-77",),
        absent=("shop/pr-78",),
        notes=("the status of shop/pr-2 was not written: 403 <forbidden>",),
        now=NOW,
        previews=(
            with_ready("True"),
            with_ready("False", name="pr-2", created="2026-01-03T03:55:00Z"),
            a_read_preview("pr-3", created="2026-01-03T03:59:30Z"),
            an_unreadable_preview("pr-4", created="2026-01-03T01:00:00Z"),
            a_read_preview("pr-5"),
            a_read_preview("pr-6", status={"expiresAt": "2026-01-05T12:30:00+02:00"}),
            a_read_preview("pr-7", deleted="2026-01-02T00:00:00Z", created=""),
        ),
    )


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("everything", everything()),
        ("dry-run", a_run(changes=PLAN.changes, dry_run=True)),
        ("gone", a_run(a_read_preview("pr-2"), changes=[LEFTOVER], absent=("shop/pr-3",))),
        ("nothing", Run((Pass(Plan(())),))),
    ],
)
def test_the_comment_is_as_in_the_golden_file(name: str, done: Run) -> None:
    assert markdown(done) == (GOLDEN / f"{name}.md").read_text()


# how a reader of Markdown takes it apart


@dataclass
class Element:
    """An element of HTML, and the text that stands directly in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


class Html(HTMLParser):
    """A piece of HTML taken apart: its elements in order, and the texts outside of `<code>`."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.bare: list[str] = []
        self.open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute that is given twice"
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in ("br", "link", "meta", "wbr"):
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].text += data
        if data.strip() and all(element.tag != "code" for element in self.open):
            self.bare.append(data.strip())

    def all_of(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def text_in(self, tag: str) -> list[str]:
        return [element.text for element in self.all_of(tag)]

    @property
    def tags(self) -> set[str]:
        return {element.tag for element in self.elements}

    @property
    def attributes(self) -> set[str]:
        return {name for element in self.elements for name in element.attributes}

    @property
    def links(self) -> list[str]:
        return [str(element.attributes["href"]) for element in self.all_of("a")]


class Read:
    """A comment as CommonMark has it: blocks of HTML and one of code, and nothing else."""

    def __init__(self, text: str) -> None:
        tokens = MarkdownIt("commonmark", {"linkify": False}).parse(text)
        assert [token.type for token in tokens if token.type not in ("html_block", "fence")] == []
        (fence,) = (token for token in tokens if token.type == "fence")
        self.plan = fence.content
        blocks = [token.content for token in tokens if token.type == "html_block"]
        # GitLab takes a line that begins with a slash as an order.
        assert {line[:1] for block in blocks for line in block.splitlines()} == {"<"}
        assert blocks[0].strip() == MARK
        assert blocks[-1].strip() == "</details>"
        self.html = Html("".join(blocks[1:]))


OUR_TAGS = {"p", "code", "table", "tr", "th", "td", "a", "br", "details", "summary"}
OUR_WORDS = re.compile(
    r"A (dry )?run for|in|Preview|State|Age|Expires|Failed:?|Blocked:?|Not ready:?|Terminating|Changes pending"
    r"|Changed:?|Unknown:?|Ready:?|Gone|No preview was seen|There is no preview\.|No such preview|\d+[smhd]"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d UTC|\d+ more (previews|remarks) are not shown\.|:|Plan: [a-z0-9, ]+\."
)


def test_the_golden_files_are_read_as_blocks_of_html_and_one_of_code() -> None:
    found = Read(markdown(everything()))
    assert found.html.tags == OUR_TAGS
    assert found.plan == body_text(everything())
    assert found.html.links == [f"https://pr-{number}.preview.example.com" for number in (6, 2, 5, 3, 1)]


# what anybody may have written


LIVELY = st.sampled_from(
    [
        "@octocat", "@acme/team", "#1", "acme/shop#1", "!1", "a@example.com", "https://evil.example.com",
        "www.evil.example.com", "[x](https://evil.example.com)", "![x](https://evil.example.com/x.png)",
        "<script>alert(1)</script>", "</code>", "</td></tr></table>", "</details>", "</summary>", "<!--",
        "-->", "`", "``", "```", "~~~", "````````````", "|", "\\", "**", "__", "*", "_", "# ", "- ", "> ",
        "1. ", "\n", "\n\n", "\r", "&", "&lt;", "&#64;", "'", '"', "<a href='javascript:x'>", "javascript:",
        ":smile:", "$$", "::error::", "##[group]", "section_start:", "\u202e", "\u200b", "\x1b[2J", "\ud800",
        "[ ]", "[^1]", "<https://evil.example.com>", "\t", "    ", " ", "---", "===", "{{x}}", "/close",
        "/assign @octocat",
    ]
)  # fmt: skip
WRITTEN = st.lists(LIVELY | st.characters(), max_size=12).map("".join)
SENTENCES = [
    "x ``` \n```\n@octocat",
    "</code></td></tr></table>\n\n@octocat https://evil.example.com",
    "&lt;script&gt; <img src=x onerror=alert(1)>",
]


def hostile(written: str, other: str) -> Run:
    """A run with foreign text wherever there can be some."""
    status = {
        "conditions": [{"type": "Ready", "status": "False", "reason": other, "message": written}],
        "expiresAt": written,
    }
    unreadable = Unreadable(written, other, "", {}, {}, None, written, other)
    changes = (
        Update(key("Service"), "shop/pr-1", SERVICE, LIVE, (FieldChange(written, other, written),), other),
        Blocked(Key("Preview", other, written), f"{other}/{written}", written, other),
        Keep(key("Ingress", "pr-2"), "shop/pr-2", written),
    )
    plan = Plan(changes, (Skipped(other, written),), (written,))
    return Run(
        (Pass(plan, (Outcome(changes[0], "canceled", written),)),),
        unknown=(written,),
        absent=(other,),
        previews=(a_read_preview(status=status), a_read_preview("pr-3"), unreadable),
        now=NOW,
        statuses={"shop/pr-3": Status(False, other, written, expires_at=other)},
        notes=(written, other),
    )


@given(WRITTEN, WRITTEN)
@example(SENTENCES[0], SENTENCES[1])
@example(SENTENCES[1], SENTENCES[2])
@example(SENTENCES[2], SENTENCES[0])
@example("```", "`````")
@example("`" * 900, "<" * 900)
def test_what_anybody_wrote_is_text_in_code_and_nothing_else(written: str, other: str) -> None:
    text = markdown(hostile(written, other), cluster=written, scope=other or "x")
    found = Read(text).html
    assert (found.tags - OUR_TAGS, found.attributes - {"href"}) == (set(), set())
    assert sorted(found.links) == [f"https://pr-{number}.preview.example.com" for number in (1, 3)]
    assert [text for text in found.bare if not OUR_WORDS.fullmatch(text)] == []
    assert all(safe_line(line) == line for line in text.splitlines()), "a command of a CI system"


@given(st.lists(LIVELY, max_size=3).map("".join))
def test_what_anybody_wrote_can_still_be_read(written: str) -> None:
    found = Read(markdown(a_run(), cluster=written))
    assert safe_line(written) in found.html.text_in("code")


# how long it may get


def many(count: int, **spec: Any) -> Run:
    previews = tuple(a_read_preview(f"pr-{number:05}", **spec) for number in range(count))
    changes = [Create(key("Service", p.name), f"shop/{p.name}", {}, "new preview") for p in previews]
    return a_run(*previews, changes=changes, dry_run=True)


def rows(text: str) -> int:
    return text.count("<tr><td>")


def numbers(pattern: str, text: str) -> list[int]:
    return [int(number) for number in re.findall(pattern, text)]


@pytest.mark.parametrize("count", [1, 150, 300, 1_500])
def test_however_many_previews_there_are_it_fits_and_what_was_cut_is_counted(count: int) -> None:
    text = markdown(many(count))
    found = Read(text)
    (cut,) = numbers(r"<p>(\d+) more previews are not shown.</p>", text) or [0]
    assert rows(text) + cut == count
    (lines,) = numbers(r"… (\d+) more lines are not shown.", text) or [0]
    shown = [line for line in found.plan.splitlines() if not line.startswith("…")]
    assert len(shown) + lines == len(body_text(many(count)).splitlines())
    if count == 1_500:
        assert len(text) > LIMIT - 600, "it uses the room that it has"


def test_what_needs_action_is_not_among_what_was_cut() -> None:
    done, after = many(1_500), "the status of shop/pr-1 was not written: 403"
    blocked = Blocked(Key("Preview", "shop", "pr-01499"), "shop/pr-01499", "Refused", "no")
    changes = (*done.plan.changes, blocked)
    plan = replace(done.plan, changes=changes, skipped=(Skipped("Deletes", "too many"),))
    text = markdown(replace(done, passes=(Pass(plan), Pass(plan)), notes=(after,)))
    assert numbers(r"… (\d+) more lines are not shown.", text)
    assert "Blocked: <code>Refused</code><br><code>no</code>" in text
    remarks = f"<p><code>Deletes</code>: <code>too many</code></p>\n<p><code>{after}</code></p>\n\n<details>"
    assert remarks in text


def test_of_a_great_many_remarks_some_are_shown_and_the_rest_counted() -> None:
    text = markdown(replace(a_run(), notes=tuple(f"{number} {'<' * 290}" for number in range(50))))
    (rest,) = numbers(r"<p>(\d+) more remarks are not shown.</p>", text)
    assert text.partition("<details>")[0].count("<p><code>") == 50 - rest
    assert 0 < rest < 50


LONGEST = [
    hostile("`" * 100_000, "'" * 100_000),
    replace(
        everything(),
        unknown=tuple("'" * 900 for _ in range(3_000)),
        notes=tuple(f"{number}" + '"' * 900 for number in range(3_000)),
    ),
]


@pytest.mark.parametrize("done", LONGEST)
def test_the_longest_texts_of_all_fit_too(done: Run) -> None:
    Read(markdown(done, cluster="'" * 10_000, scope='"' * 10_000))
