"""The documents as a site: links that lead out of docs/, and the check that nothing is fetched from elsewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from tools import site

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of the test's own for what is staged and built."""
    monkeypatch.setattr(site, "STAGED", tmp_path / "docs")
    monkeypatch.setattr(site, "SITE", tmp_path / "site")
    (tmp_path / "docs").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "search.json").write_text("{}")


@pytest.mark.parametrize(
    ("source", "link", "there"),
    [
        ("docs/templates.md", "cookbook/README.md#job", "cookbook/README.md#job"),
        ("docs/cookbook/job.md", "../../SECURITY.md#scope", "../security.md#scope"),
        ("docs/cookbook/job.md", "../../cronjob/rights.yaml", "../cronjob/rights.yaml"),
        ("SECURITY.md", "docs/templates.md#rights", "templates.md#rights"),
        ("CONTRIBUTING.md", "README.md", "overview.md"),
        ("docs/templates.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("docs/templates.md", "#rights", "#rights"),
    ],
)
def test_a_link_leads_to_the_same_place_in_the_site(source: str, link: str, there: str) -> None:
    assert site.staged(Path(source), f"See [it]({link}).") == f"See [it]({there})."


def test_a_file_that_a_document_links_to_is_part_of_the_site() -> None:
    site.staged(Path("docs/templates.md"), "See [the rights](../cronjob/rights.yaml).")
    assert (site.STAGED / "cronjob" / "rights.yaml").read_text() == (ROOT / "cronjob/rights.yaml").read_text()


@pytest.mark.parametrize("link", ["nowhere.md", "../cronjob/", "../../elsewhere.md"])
def test_a_link_that_leads_to_no_file_is_refused_by_name(link: str) -> None:
    with pytest.raises(site.SiteError, match=f"docs/templates.md: the link {re.escape(link)} must lead to"):
        site.staged(Path("docs/templates.md"), f"See [it]({link}).")


def test_code_is_left_as_it_is() -> None:
    text = "```sh\n[it](nowhere.md)\ntext\n- item\n```\n"
    assert site.staged(Path("docs/templates.md"), text) == text


def test_a_list_and_a_pipe_are_read_as_on_github() -> None:
    text = "These:\n- one\n- two\n\n| `N\\|P%` | a \\| b |\n"
    assert site.staged(Path("docs/templates.md"), text) == "These:\n\n- one\n- two\n\n| `N|P%` | a \\| b |\n"


def test_a_page_that_the_navigation_omits_or_invents_is_named() -> None:
    nav = [{"Guides": [str(site.place(source)) for source in site.documents()[1:]]}, "invented.md"]
    assert [*site.misplaced({"project": {"nav": nav}})] == [
        f"{site.place(site.documents()[0])}: not in the nav of zensical.toml; add it",
        "invented.md: does not exist; remove it from zensical.toml",
    ]


def test_the_navigation_of_this_tree_has_every_page() -> None:
    assert [*site.misplaced(tomllib.loads(site.CONFIGURATION.read_text()))] == []


@pytest.mark.parametrize(
    ("markup", "urls"),
    [
        ('<script src="https://unpkg.com/x"></script>', ["https://unpkg.com/x"]),
        ('<link rel="stylesheet" href="//fonts.example.com/x">', ["//fonts.example.com/x"]),
        ('<img src="http://example.com/x.png">', ["http://example.com/x.png"]),
        ("<style>@import 'https://example.com/x.css';</style>", ["https://example.com/x.css"]),
        ('<a href="https://example.com">read</a><img src="picture.svg">', []),
    ],
)
def test_a_page_that_fetches_from_elsewhere_is_named(markup: str, urls: list[str]) -> None:
    (site.SITE / "page.html").write_text(markup)
    assert [*site.fetched()] == [f"page.html: fetches {url}" for url in urls]


def test_a_site_without_a_search_index_is_named() -> None:
    (site.SITE / "search.json").unlink()
    assert [*site.fetched()] == ["search.json: missing; without it nothing is found"]
