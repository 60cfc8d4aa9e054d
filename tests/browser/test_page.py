"""The page in a real browser: it sorts, filters, fits a phone, prints, and does nothing that others wrote."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile.report.html import run_html
from reconcile.status.result import Run
from tests.browser.chromium import Browser, Tab
from tests.given import a_read_preview
from tests.report.test_markdown import everything, hostile, many
from tests.report.test_states import NOW, a_run

PHONE: dict[str, Any] = {"width": 390, "height": 844, "phone": True}
TRICKS = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
    "\"' onclick=alert(3) autofocus onfocus=alert(4) <a href=javascript:alert(5)>x</a>\u202e\x1b[2J</style>",
)


def written(folder: Path, done: Run, cluster: str = "context kind-dev") -> Path:
    """The page of a run, as a file."""
    path = folder / "previews.html"
    path.write_text(run_html(done, cluster=cluster, scope="every preview"))
    return path


def a_world() -> Run:
    """Three previews that every column sorts otherwise."""

    def one(name: str, image: str, hours: int, ready: str, expires: str = "") -> Any:
        said = {"type": "Ready", "status": ready, "reason": "Said", "message": f"of {name}"}
        created = (NOW - timedelta(hours=hours)).isoformat()
        status = {"conditions": [said], **({"expiresAt": expires} if expires else {})}
        return a_read_preview(name, image=f"registry.example.com/{image}", created=created, status=status)

    return replace(
        a_run(),
        previews=(
            one("pr-2", "a:1", 30, "True", "2026-01-09T00:00:00Z"),
            one("pr-9", "c:1", 2, "False"),
            one("pr-10", "b:1", 500, "True", "2026-01-05T00:00:00Z"),
        ),
    )


def names(tab: Tab) -> list[str]:
    """The previews that can be seen, from the top."""
    found: list[str] = tab.evaluate(
        "[...document.querySelectorAll('tbody tr')].filter(r => r.checkVisibility())"
        ".map(r => r.querySelector('.preview b').textContent)"
    )
    return found


def complaints(tab: Tab) -> list[Any]:
    return tab.happened("Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening")


# it opens


def test_the_page_opens_without_a_complaint_and_requests_nothing_else(
    browser: Browser, tmp_path: Path
) -> None:
    path = written(tmp_path, everything())
    tab = browser.open(path)
    assert complaints(tab) == []
    asked = [one["request"]["url"] for one in tab.happened("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert names(tab) == ["pr-6", "pr-4", "pr-2", "pr-7", "pr-5", "pr-3", "pr-1"]


def test_its_policy_stops_a_script_and_a_request_of_anybody_else(browser: Browser, tmp_path: Path) -> None:
    """The proof that the policy is in force: what gets in all the same can do nothing."""
    tab = browser.open(written(tmp_path, everything()))
    tab.evaluate(
        "const script = Object.assign(document.createElement('script'), {textContent: 'window.done = 1'});"
        "const image = Object.assign(document.createElement('img'), {src: 'https://example.com/x.png'});"
        "document.body.append(script, image);"
        "document.body.setAttribute('onclick', 'window.done = 1'); document.body.click();"
    )
    assert tab.evaluate("window.done") is None
    said = [one["entry"]["text"] for one in tab.happened("Log.entryAdded")]
    assert len(said) == 3
    assert all("Content Security Policy" in text for text in said)


@pytest.mark.parametrize(
    ("reason", "alike"),
    [
        ("RolloutFailed", "Failed"),
        ("Progressing", "Changed"),
        ("Suspended", "Unknown"),
        ("Asleep", "Unknown"),
    ],
)
def test_who_comes_up_or_has_no_pods_is_not_shown_as_a_failure(
    browser: Browser, tmp_path: Path, reason: str, alike: str
) -> None:
    said = {"type": "Ready", "status": "False", "reason": reason, "message": ""}
    preview = a_read_preview("pr-1", status={"conditions": [said]})
    tab = browser.open(written(tmp_path, replace(a_run(), previews=(preview,))))
    tone = "getComputedStyle(document.querySelector('tbody tr span.state')).color"
    shown = tab.evaluate(tone)
    chip = tab.evaluate("document.querySelector('.counts span.state').textContent")
    assert (chip == "Not ready") is (alike == "Failed")
    tab.evaluate(f"document.querySelector('tbody tr').dataset.state = '{alike}'")
    assert shown == tab.evaluate(tone)


# sorting


COLUMNS = {
    "preview": ["pr-2", "pr-9", "pr-10"],
    "image": ["pr-2", "pr-10", "pr-9"],
    "age": ["pr-9", "pr-2", "pr-10"],
    "expires": ["pr-10", "pr-2", "pr-9"],
}


def test_a_click_on_a_head_sorts_and_a_second_one_the_other_way(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, a_world()))
    assert names(tab) == ["pr-9", "pr-2", "pr-10"], "who needs attention first"
    for column, ascending in COLUMNS.items():
        tab.click(f"th[data-column={column}] button")
        assert names(tab) == ascending
        assert sorted_by(tab) == {column: "ascending"}
        tab.click(f"th[data-column={column}] button")
        # Who has no expiry is last either way.
        assert names(tab) == (["pr-2", "pr-10", "pr-9"] if column == "expires" else ascending[::-1])
        assert sorted_by(tab) == {column: "descending"}


def sorted_by(tab: Tab) -> dict[str, str]:
    found: dict[str, str] = tab.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[aria-sort]')]"
        ".map(h => [h.dataset.column, h.getAttribute('aria-sort')]))"
    )
    return found


def test_the_state_sorts_from_the_worst_to_the_best(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, everything()))
    assert sorted_by(tab) == {"state": "ascending"}
    before = names(tab)
    tab.click("th[data-column=state] button")
    assert names(tab) == before[::-1]
    tab.click("th[data-column=state] button")
    assert names(tab) == before


# filtering


def test_typing_filters_by_every_word_of_it(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, a_world()))
    tab.click("input")
    tab.type("READY :1")
    assert names(tab) == ["pr-9", "pr-2", "pr-10"]
    tab.type(" of pr-10")
    assert names(tab) == ["pr-10"]
    assert tab.evaluate("document.querySelector('[role=status]').textContent") == "1 of 3 previews"
    tab.type(" nothing like it")
    assert names(tab) == []
    assert tab.evaluate("document.querySelector('.none').checkVisibility()") is True


def test_states_are_chosen_by_a_click_and_the_link_to_it_opens_the_same(
    browser: Browser, tmp_path: Path
) -> None:
    path = written(tmp_path, everything())
    tab = browser.open(path)
    tab.click(".counts [data-state=Ready] button")
    tab.click(".counts [data-state=Failed] button")
    assert names(tab) == ["pr-6", "pr-1"]
    fragment = tab.evaluate("location.hash")
    assert fragment == "#state=Ready&state=Failed"
    again = Tab(browser)
    again.load(path, f"{fragment}&q=pr-1")
    assert names(again) == ["pr-1"]
    assert again.evaluate("document.querySelector('input').value") == "pr-1"
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(b => b.textContent)"
    assert again.evaluate(pressed) == ["Failed 1", "Ready 1"]
    again.click(".counts [data-state=Failed] button")
    again.click(".counts [data-state=Ready] button")
    assert again.evaluate("location.hash") == "#q=pr-1"


def test_a_hostile_fragment_is_a_word_to_look_for(browser: Browser, tmp_path: Path) -> None:
    tab = Tab(browser)
    tab.load(written(tmp_path, everything()), "#q=%3Cimg%20src=x%20onerror=alert(1)%3E&state=constructor")
    assert (names(tab), complaints(tab)) == ([], [])
    assert tab.evaluate("document.images.length") == 0


# keyboard and screen readers


def test_all_of_it_works_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, a_world()))
    reached = []
    for _ in range(12):
        tab.press("Tab")
        reached.append(tab.evaluate("document.activeElement.textContent || document.activeElement.type"))
    link = "pr-{}.preview.example.com"
    assert reached == [
        "Not ready 1", "Ready 2", "search", "Preview", "State", "Image", "Age", "Expires",
        link.format(9), link.format(2), link.format(10), "The plan, line by line",
    ]  # fmt: skip
    tab.press("Enter", "\r")
    assert tab.evaluate("document.querySelector('details').open") is True
    tab.press("/", "/")
    tab.type("pr-2")
    assert names(tab) == ["pr-2"], "/ is the way to the filter"
    for _ in range(2):
        tab.press("Tab", shift=True)
    tab.press(" ", " ")
    assert names(tab) == []
    shown = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert shown == "solid", "where the keyboard is can be seen"


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_a_screen_reader_finds_a_table_with_heads(
    browser: Browser, tmp_path: Path, size: dict[str, Any]
) -> None:
    tab = browser.open(written(tmp_path, a_world()), **size)
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    told = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]
    assert [name for role, name in told if role == "table"] == [
        "Every preview, those that need attention first"
    ]
    assert [name for role, name in told if role == "columnheader"] == [
        "Preview", "State", "Image", "Age", "Expires",
    ]  # fmt: skip
    heads = [name for role, name in told if role == "rowheader"]
    assert heads == [f"shop/{name} {name}.preview.example.com" for name in ("pr-9", "pr-2", "pr-10")]
    cells = [role for role, _ in told if role in ("cell", "gridcell")]
    assert len(cells) == (11 if size else 12), "on a phone, what never expires says nothing of it"
    assert [name for role, name in told if role == "searchbox"] == ["Filter previews"]


CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const found = rgba(getComputedStyle(e).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  document.querySelectorAll('details').forEach(d => { d.open = true; });
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
    const [one, other] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) bad.push(`${e.className || e.tagName} ${e.textContent.slice(0, 30)}: ${ratio}`);
  }
  return bad;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_meets_the_contrast_of_WCAG(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """4.5 to 1 is level AA: https://www.w3.org/TR/WCAG22/#contrast-minimum"""
    tab = browser.open(written(tmp_path, everything()), scheme=scheme)
    tab.click(".counts [data-state=Failed] button")
    tab.click(".counts [data-state=Failed] button")
    assert tab.evaluate(CONTRAST) == []
    page = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", page))) > 384) == (scheme == "light")


# sizes and paper


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_nothing_stands_out_sideways(browser: Browser, tmp_path: Path, scripts: bool) -> None:
    long = "x" * 400
    done = replace(hostile(long, f"{long} {long}"), previews=(*everything().previews, *a_world().previews))
    tab = browser.open(written(tmp_path, done, cluster=long), **PHONE, scripts=scripts)
    for width in (320, 390, 800, 1280):
        tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True
        )
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        outside = tab.evaluate(
            f"[...document.querySelectorAll('body *')].filter(e => !e.closest('pre') && e.checkVisibility()"
            f" && e.getBoundingClientRect().right > {width}).map(e => e.className || e.tagName)"
        )
        assert outside == [], width


def test_on_a_phone_a_preview_is_a_card_whose_parts_have_their_names(
    browser: Browser, tmp_path: Path
) -> None:
    path = written(tmp_path, a_world())
    display = "getComputedStyle(document.querySelector('tbody tr')).display"
    assert browser.open(path).evaluate(display) == "table-row"
    phone = browser.open(path, **PHONE)
    assert phone.evaluate(display) == "grid"
    labels = (
        "[...document.querySelector('tbody tr').cells].filter(c => c.checkVisibility())"
        ".map(c => getComputedStyle(c, '::before').content)"
    )
    assert phone.evaluate(labels) == ["none", "none", '"Image"', '"Age"'], "it never expires"
    wide = (
        "Math.min(...[...document.querySelectorAll('.image code')].map(c => c.getBoundingClientRect().width))"
    )
    assert phone.evaluate(wide) > 100, "a name is not broken letter by letter"
    phone.click("th[data-column=image] button")
    assert names(phone) == ["pr-2", "pr-10", "pr-9"]


def test_without_scripts_all_is_shown_and_nothing_that_does_not_work(
    browser: Browser, tmp_path: Path
) -> None:
    tab = browser.open(written(tmp_path, everything()), scripts=False)
    assert names(tab) == ["pr-6", "pr-4", "pr-2", "pr-7", "pr-5", "pr-3", "pr-1"]
    assert tab.evaluate("document.querySelectorAll('button, input, .find').length") == 0
    assert tab.evaluate("document.querySelector('thead').checkVisibility()") is True
    assert tab.evaluate("document.querySelectorAll('.preview a').length") == 5


def test_on_paper_it_is_a_dark_on_light_table_with_its_heads_and_without_controls(
    browser: Browser, tmp_path: Path
) -> None:
    tab = browser.open(written(tmp_path, many(40)), scheme="dark", **PHONE)
    tab.pdf(tmp_path / "page.pdf")
    printed = (tmp_path / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in (2, 3), "40 rows as a table, not as cards"
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.call("Emulation.setDeviceMetricsOverride", width=700, height=990, deviceScaleFactor=1, mobile=False)
    assert tab.evaluate("getComputedStyle(document.querySelector('tbody tr')).display") == "table-row"
    shown = "[...document.querySelectorAll('input, details, thead button')].filter(e => e.checkVisibility())"
    assert tab.evaluate(f"{shown}.length") == 0
    heads = "[...document.querySelectorAll('thead th')].map(h => getComputedStyle(h, '::before').content)"
    assert tab.evaluate(heads) == ['"Preview"', '"State"', '"Image"', '"Age"']
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(29, 33, 37)"


# what others wrote, and how much of it


@pytest.mark.parametrize(("one", "other"), [TRICKS, TRICKS[::-1]])
def test_what_others_wrote_does_nothing_and_is_text(
    browser: Browser, tmp_path: Path, one: str, other: str
) -> None:
    tab = browser.open(written(tmp_path, hostile(one, other), cluster=one))
    tab.click("input")
    tab.type("alert")
    for column in ("preview", "state", "image"):
        tab.click(f"th[data-column={column}] button")
    tab.click("summary")
    assert complaints(tab) == []
    assert tab.evaluate("document.images.length + document.querySelectorAll('script').length") == 1
    attributes = "[...new Set([...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))]"
    assert [name for name in tab.evaluate(attributes) if name.startswith("on")] == []
    schemes = "[...new Set([...document.links].map(a => a.protocol))]"
    assert tab.evaluate(schemes) == ["https:"]
    assert "<script>alert(1)</script>" in tab.evaluate("document.body.innerText")
    assert not re.search(
        "[\u202e\x1b]", json.dumps(tab.evaluate("document.body.innerText"), ensure_ascii=False)
    )


def test_a_thousand_previews_are_sorted_and_filtered(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, many(1_000)))
    assert len(names(tab)) == 1_000
    tab.click("th[data-column=preview] button")
    tab.click("th[data-column=preview] button")
    assert names(tab)[0] == "pr-00999"
    tab.click("input")
    tab.type("pr-0099")
    assert names(tab) == [f"pr-0099{digit}" for digit in range(9, -1, -1)]


def test_a_run_without_previews_states_so(browser: Browser, tmp_path: Path) -> None:
    tab = browser.open(written(tmp_path, replace(a_run(), previews=())))
    assert complaints(tab) == []
    assert tab.evaluate("document.querySelectorAll('table, input').length") == 0
    assert "There is no preview here." in tab.evaluate("document.querySelector('main').innerText")
