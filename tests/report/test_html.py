"""The report as a page: to the byte, self-contained, and nothing lives in it that others wrote."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconcile import __version__
from reconcile.kube.objects import Key
from reconcile.plan.changes import Blocked, Outcome, Skipped
from reconcile.report.html import run_html
from reconcile.report.safe import safe, safe_line
from reconcile.status.result import Pass, Run
from tests.given import a_read_preview
from tests.report.test_markdown import SENTENCES, WRITTEN, Html, everything, hostile, many
from tests.report.test_states import CREATE, LEFTOVER, NOW, a_run, with_ready
from tests.shop import Shop

GOLDEN = Path(__file__).parent / "golden"


def page(done: Run, cluster: str = "the files in shop/", scope: str = "every preview") -> str:
    return run_html(done, cluster=cluster, scope=scope)


def policy(read: Html) -> str | None:
    (found,) = (one.attributes["content"] for one in read.all_of("meta") if "http-equiv" in one.attributes)
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


@pytest.mark.parametrize(
    ("reason", "chip"),
    [("RolloutFailed", "Not ready"), *((one, one) for one in ("Progressing", "Suspended", "Asleep"))],
)
def test_who_needs_no_action_is_not_counted_as_not_ready(reason: str, chip: str) -> None:
    conditions = [
        {"type": "Ready", "status": "False", "reason": reason, "message": "", "observedGeneration": 1}
    ]
    preview = a_read_preview(status={"conditions": conditions})
    read = Html(page(replace(a_run(), previews=(preview,))))
    counted, shown, *rest = (
        one.text for one in read.all_of("span") if one.attributes.get("class") == "state"
    )
    assert (counted, shown, rest) == (chip, chip, [])
    told = [one.text for one in read.all_of("span") if one.attributes.get("class") == "reason"]
    assert told == ([reason] if reason != chip else [])


# self-contained


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    read = Html(page(everything()))
    (style,), (script,) = read.text_in("style"), read.text_in("script")
    assert policy(read) == (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_nothing_is_fetched_and_no_attribute_is_style_or_script() -> None:
    read = Html(page(everything()))
    assert not read.attributes & {"style", "src", "srcset"}
    assert not [name for name in read.attributes if name.startswith("on")]
    (link,) = read.all_of("link")
    assert (link.attributes["rel"], str(link.attributes["href"])[:5]) == ("icon", "data:")
    (style,), (script,) = read.text_in("style"), read.text_in("script")
    assert not re.search(r"url\(|@import|@font-face", style)
    assert not re.search(r"fetch|XMLHttp|WebSocket|import|eval|innerHTML|insertAdjacentHTML|cookie", script)


def test_a_link_has_no_referrer() -> None:
    attributes = [one.attributes for one in Html(page(a_run())).all_of("meta")]
    assert {"name": "referrer", "content": "no-referrer"} in attributes


# what it tells


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (a_run(changes=[CREATE], dry_run=True), "Dry run"),
        (a_run(changes=[CREATE], declined=True), "Declined"),
        (a_run(changes=[CREATE], stopped=True), "Ended early"),
        (a_run(changes=[CREATE], outcomes=[Outcome(CREATE, "done")]), ""),
    ],
)
def test_the_kind_of_run_is_named_at_the_top(done: Run, said: str) -> None:
    assert "".join(Html(page(done)).text_in("strong")) == said


def test_columns_that_would_be_empty_are_not_there() -> None:
    """A file has no time of creation, and no status."""
    folder = replace(a_run(a_read_preview(created="")), now=None)
    assert re.findall(r'<th [^>]*data-column="(\w+)"', page(folder)) == ["preview", "state", "image"]


def test_after_an_incomplete_list_no_preview_is_called_gone() -> None:
    done = replace(a_run(changes=[LEFTOVER]), previews=())
    assert "Gone" in Html(page(done)).text_in("h2")
    plan = replace(done.plan, skipped=(Skipped("Deletes", "a list was incomplete"),))
    titles = Html(page(replace(done, passes=(Pass(plan),)))).text_in("h2")
    assert ("No preview was seen" in titles, "Gone" in titles) == (True, False)


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
    text = page(hostile(written, other), cluster=written, scope=other or "x")
    assert safe(whole := text.replace("\n", "")) == whole, "a character that hides text or turns it around"
    read = Html(text)
    assert (read.tags - OUR_TAGS, read.attributes - OUR_ATTRIBUTES) == (set(), set())
    assert sorted(read.links) == [f"https://pr-{number}.preview.example.com" for number in (1, 3)]
    assert len(read.text_in("script")) == len(read.text_in("style")) == 1
    assert policy(read) == policy(Html(page(a_run())))


@given(st.text(min_size=1, max_size=40) | WRITTEN.filter(bool))
@settings(max_examples=30)
def test_what_anybody_wrote_can_still_be_read(written: str) -> None:
    read = Html(page(replace(a_run(), notes=(written,))))
    assert safe_line(written) in read.text_in("li")


@pytest.mark.parametrize("scheme", ["javascript", "data", "file", ""])
def test_another_scheme_is_not_a_link(scheme: str) -> None:
    assert Html(page(a_run(url_scheme=scheme))).links == []


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


def test_a_run_writes_its_complete_page_and_prints_nothing_of_it(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", fqdn="Foo")
    ended = shop.reconcile("--dry-run", "--report", "html=page.html", code=1)
    read = Html(Path("page.html").read_text())
    assert read.links == ["https://pr-1.preview.example.com"]
    assert read.text_in("title") == ["Previews in the files in previews/"]
    assert ended.err == ""
    assert not [name for name in Path().iterdir() if name.name.startswith(".preview-reconcile")]


def test_a_page_without_any_status_mentions_it() -> None:
    assert "No preview has a status" in page(replace(a_run(), now=NOW))
    assert "No preview has a status" not in page(a_run(with_ready("True")))
