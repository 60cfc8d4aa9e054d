"""The report as a page: to the byte, self-contained, and nothing lives in it that others wrote."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconcile import __version__
from reconcile.kube.objects import Key
from reconcile.plan.changes import Blocked, Outcome, Withheld
from reconcile.report.html import run_html
from reconcile.report.safe import safe, safe_line
from reconcile.report.text import body_text
from reconcile.status.result import Pass, Run
from tests.given import a_read_preview, an_unreadable_preview
from tests.report.test_markdown import SENTENCES, WRITTEN, everything, hostile, many
from tests.report.test_states import CREATE, LEFTOVER, NOW, a_run, with_ready
from tests.shop import Shop

GOLDEN = Path(__file__).parent / "golden"
EMPTY = frozenset({"meta", "link", "wbr"})


def page(done: Run, cluster: str = "the files in shop/", scope: str = "every preview") -> str:
    return run_html(done, cluster=cluster, scope=scope)


class Read(HTMLParser):
    """A page taken apart: its tags with their attributes in order, and the text in each of some of them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.inside: list[str] = []
        self.feed(text)
        self.close()
        assert not self.inside, f"left open: {self.inside}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute that is given twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.inside[-1] if self.inside else "", data))

    def text_in(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for attributes in self.all_of("a")]

    @property
    def policy(self) -> str:
        (found,) = (a["content"] for a in self.all_of("meta") if "http-equiv" in a)
        assert found is not None
        return found


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# to the byte


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("everything", everything()),
        ("nothing", replace(a_run(), previews=())),
        ("folder", replace(a_run(changes=[CREATE], dry_run=True, url_scheme=""), now=None)),
    ],
)  # fmt: skip
def test_the_body_is_as_in_the_golden_file(name: str, done: Run) -> None:
    body = re.sub(r"(?s).*(<body>.*)<script>.*(</body>.*)", r"\1\2", page(done))
    assert body.replace(__version__, "VERSION") == (GOLDEN / f"{name}.body.html").read_text()


def test_the_same_run_is_the_same_page() -> None:
    assert page(everything()) == page(everything())


# self-contained


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    read = Read(page(everything()))
    (style,), (script,) = read.text_in("style"), read.text_in("script")
    assert read.policy == (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "connect-src" not in read.policy


def test_nothing_is_fetched_and_no_attribute_is_style_or_script() -> None:
    read = Read(page(everything()))
    attributes = {name for _, given in read.tags for name in given}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {
        "style",
        "src",
        "srcset",
    }
    assert [link["rel"] for link in read.all_of("link")] == ["icon"]
    assert str(read.all_of("link")[0]["href"]).startswith("data:")
    (style,), (script,) = read.text_in("style"), read.text_in("script")
    assert not re.search(r"url\(|@import|@font-face", style)
    assert not re.search(r"fetch|XMLHttp|WebSocket|import|eval|innerHTML|insertAdjacentHTML|cookie", script)


def test_a_link_opens_apart_and_tells_nobody_where_it_was() -> None:
    read = Read(page(a_run()))
    assert read.all_of("a") == [
        {
            "href": "https://pr-1.preview.example.com",
            "target": "_blank",
            "rel": "noopener noreferrer",
            "aria-label": "pr-1.preview.example.com",
        }
    ]
    assert {"name": "referrer", "content": "no-referrer"} in read.all_of("meta")


# what it tells


def test_each_preview_has_its_link_image_state_reason_age_and_expiry() -> None:
    status = {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "RolloutFailed", "message": "exit code 1"}
        ],
        "expiresAt": "2026-01-05T10:30:00Z",
    }
    text = page(a_run(a_read_preview(image="registry.example.com:5000/shop:1", status=status)))
    (row,) = re.findall(r"<tbody.*</tbody>", text, re.S)
    assert Read(row).links == ["https://pr-1.preview.example.com"]
    said = [text for inside, text in Read(row.replace("<wbr>", "")).texts if text.strip()]
    assert said == [
        "shop/", "pr-1", "pr-1.preview.example.com", "Not ready", "RolloutFailed", "exit code 1",
        "registry.example.com:5000/shop:1", "2d", "in 2d", "2026-01-05 10:30 UTC",
    ]  # fmt: skip


def test_who_needs_a_person_stands_above_the_table() -> None:
    done = everything()
    plan = replace(done.plan, withheld=(Withheld("Deletes", "too many"),))
    text = page(replace(done, passes=(Pass(plan, done.outcomes),)))
    above = text.partition("<table")[0].partition("<main>")[2]
    assert re.findall(r"<li><b>(.*?)</b>: <span>(.*?)</span>", above) == [
        ("pr-77", "no such preview, and no children of one"),
        ("Deletes skipped", "too many"),
        ("shop/pr-6", "Service shop/pr-6: 403 &lt;forbidden&gt;"),
        ("shop/pr-4", "spec.fqdn: is missing"),
    ]


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (a_run(changes=[CREATE], dry_run=True), "Dry run"),
        (a_run(changes=[CREATE], declined=True), "Declined"),
        (a_run(changes=[CREATE], stopped=True), "Ended early"),
        (a_run(changes=[CREATE], outcomes=[Outcome(CREATE, "done")]), ""),
    ],
)
def test_what_kind_of_run_it_was_stands_at_the_top(done: Run, said: str) -> None:
    assert "".join(Read(page(done)).text_in("strong")) == said


def test_columns_that_would_be_empty_are_not_there() -> None:
    """A file has no time of creation, and no status."""
    folder = replace(a_run(a_read_preview(created="")), now=None)
    assert re.findall(r'<th [^>]*data-column="(\w+)"', page(folder)) == ["preview", "state", "image"]


def test_what_was_not_seen_in_a_list_that_was_not_whole_is_not_called_gone() -> None:
    done = replace(a_run(changes=[LEFTOVER]), previews=())
    assert "Gone" in Read(page(done)).text_in("h2")
    plan = replace(done.plan, withheld=(Withheld("Deletes", "a list was incomplete"),))
    titles = Read(page(replace(done, passes=(Pass(plan),)))).text_in("h2")
    assert ("No preview was seen" in titles, "Gone" in titles) == (True, False)


def test_the_plan_is_in_it_line_by_line() -> None:
    read = Read(page(everything()))
    lines = [text.strip("\n") for text in read.text_in("span")]
    plan = [line for line in body_text(everything()).splitlines() if line]
    assert [line for line in lines if line in plan][-len(plan) :] == plan


def test_a_preview_from_the_future_is_zero_seconds_old() -> None:
    text = page(a_run(a_read_preview(created="2027-01-01T00:00:00Z")))
    assert 'data-label="Age" role="cell" data-sort="0"' in text


# what anybody may have written

OUR_TAGS = {
    "html", "head", "meta", "title", "link", "style", "script", "body", "header", "main", "footer", "h1",
    "h2", "p", "b", "strong", "section", "ul", "li", "span", "table", "caption", "thead", "tbody", "tr",
    "th", "td", "a", "code", "wbr", "time", "details", "summary", "pre",
}  # fmt: skip
OUR_ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "rel", "href", "target", "class", "id", "role",
    "scope", "data-state", "data-reason", "data-label", "data-column", "data-sort", "datetime", "title", "tabindex",
    "aria-label", "aria-labelledby", "aria-sort",
}  # fmt: skip


@given(WRITTEN, WRITTEN)
@settings(max_examples=30)
@example(SENTENCES[0], SENTENCES[1])
@example(SENTENCES[1], SENTENCES[2])
@example("</script><script>alert(1)</script>", "</style><img src=x onerror=alert(1)>")
@example('" onmouseover="alert(1)', "' onfocus='alert(1)' autofocus='")
@example("]]><!--", "--!><svg/onload=alert(1)>")
def test_what_anybody_wrote_is_text_and_nothing_else(written: str, other: str) -> None:
    read = Read(page(hostile(written, other), cluster=written, scope=other or "x"))
    assert {tag for tag, _ in read.tags} <= OUR_TAGS
    assert {name for _, given in read.tags for name in given} <= OUR_ATTRIBUTES
    assert sorted(map(str, read.links)) == [f"https://pr-{number}.preview.example.com" for number in (1, 3)]
    assert len(read.text_in("script")) == len(read.text_in("style")) == 1
    assert read.policy == Read(page(a_run())).policy


@given(st.text(min_size=1, max_size=40) | WRITTEN.filter(bool))
@settings(max_examples=30)
def test_what_anybody_wrote_can_still_be_read(written: str) -> None:
    read = Read(page(replace(a_run(), notes=(written,))))
    assert safe_line(written) in read.text_in("li")


@given(WRITTEN, WRITTEN)
@settings(max_examples=30)
def test_no_character_of_it_can_hide_text_or_turn_it_around(written: str, other: str) -> None:
    text = page(hostile(written, other), cluster=written, scope=other or "x").replace("\n", "")
    assert safe(text) == text


@given(WRITTEN)
@settings(max_examples=30)
def test_the_link_is_that_of_a_hostname_and_of_nothing_else(written: str) -> None:
    """What is no hostname makes a preview unreadable, and such a one has no link."""
    assert Read(page(a_run(an_unreadable_preview(fqdn=f"{written} x")))).links == []


@pytest.mark.parametrize("scheme", ["javascript", "data", "file", ""])
def test_another_scheme_is_no_link(scheme: str) -> None:
    assert Read(page(a_run(url_scheme=scheme))).links == []


def test_a_text_without_end_is_cut_with_its_length() -> None:
    text = page(a_run(), cluster="x" * 100_000)
    assert f">{'x' * 1000}… (100000 characters)<" in text
    assert len(text) < 30_000


# how long it may get


def test_a_page_of_a_thousand_previews_has_all_of_them_in_a_megabyte() -> None:
    text = page(
        many(1_000, image="registry.example.com/acme/shop:sha-0123456789abcdef0123456789abcdef01234567")
    )
    assert len(re.findall('<tr role="row" data-state=', text)) == 1_000
    assert len(text.encode()) < 1_000_000


def test_a_long_list_above_the_table_is_cut_and_the_rest_counted() -> None:
    done = many(50)
    blocked = [
        Blocked(Key("Preview", "shop", p.name), f"shop/{p.name}", "Refused", "no") for p in done.previews
    ]
    plan = replace(done.plan, changes=tuple(blocked))
    text = page(replace(done, passes=(Pass(plan),)))
    (section,) = re.findall(r'<section class="attention".*?</section>', text, re.S)
    assert section.count("<b>") == 20
    assert '<li class="more">30 more, in the table and the plan</li>' in section
    assert len(re.findall('<tr role="row" data-state="Blocked"', text)) == 50


# the command


def test_a_run_writes_its_page_whole_and_says_nothing_of_it(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", fqdn="Foo")
    ended = shop.reconcile("--dry-run", "--report", "html=page.html", code=1)
    read = Read(Path("page.html").read_text())
    assert read.links == ["https://pr-1.preview.example.com"]
    assert read.text_in("title") == ["Previews in the files in previews/"]
    assert ended.err == ""
    assert not [name for name in Path().iterdir() if name.name.startswith(".preview-reconcile")]


def test_previews_without_a_status_are_told_as_such() -> None:
    assert "No preview has a status" in page(replace(a_run(), now=NOW))
    assert "No preview has a status" not in page(a_run(with_ready("True")))
