"""What `make site` runs: the documents as a static site in .site/site, built by Zensical, and checked.

Documents link to files outside docs/, which a site generator does not know. So everything is copied into one
folder first: documents beside docs/ become pages, other files are copied as they are, and links follow.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "zensical.toml"
STAGED = ROOT / ".site" / "docs"
SITE = ROOT / ".site" / "site"
ZENSICAL = ROOT / ".venv-site" / "bin" / "zensical"
# Documents beside docs/, by their place in the site, where a README.md would be the first page.
BESIDE = {
    Path("README.md"): Path("overview.md"),
    Path("CHANGELOG.md"): Path("changelog.md"),
    Path("CONTRIBUTING.md"): Path("contributing.md"),
    Path("SECURITY.md"): Path("security.md"),
}
_FENCED = re.compile(r"(?ms)^( *)(```+|~~~+).*?^\1\2 *$")
_LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=[)\s])")
# Zensical reads Markdown as Python-Markdown does, GitHub by GFM: a list needs an empty line before it, and a
# pipe in the code of a table no backslash.
_FIRST_ITEM = re.compile(r"(?m)^((?!\s|[-*] |\d+\. |#|\|).+\n)(?=[-*] |1\. )")
_PIPE_IN_CODE = re.compile(r"(?m)(?<=`)[^`\n]*\\\|[^`\n]*(?=`)")


class SiteError(Exception):
    """A problem of a document and its remedy, for whoever writes it."""


def main() -> None:
    """Stage, build and check the site."""
    try:
        stage()
        build()
        problems = [*misplaced(tomllib.loads(CONFIGURATION.read_text())), *fetched()]
        if problems:
            raise SiteError("\n".join(problems))
    except SiteError as problem:
        sys.exit(str(problem))
    print(f"{len(list(SITE.rglob('*.html')))} pages: {SITE / 'index.html'}")


def stage() -> None:
    """Copy all documents, and each file that one links to, into one folder."""
    shutil.rmtree(STAGED.parent, ignore_errors=True)
    shutil.copytree(ROOT / "docs", STAGED)
    for source in documents():
        page = STAGED / place(source)
        page.write_text(staged(source, (ROOT / source).read_text()))


def documents() -> list[Path]:
    """Return the documents, by their paths in the repository."""
    pages = (path.relative_to(ROOT) for path in sorted((ROOT / "docs").rglob("*.md")))
    return [*pages, *BESIDE]


def place(source: Path) -> Path:
    """Return where a file of the repository stands in the site."""
    if source in BESIDE:
        return BESIDE[source]
    return source.relative_to("docs") if source.is_relative_to("docs") else source


def staged(source: Path, text: str) -> str:
    """Return a document with its links as they are in the site; copies what they lead to."""
    parts: list[str] = []
    end = 0
    for fence in _FENCED.finditer(text):
        parts += [_moved(source, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _moved(source, text[end:])])


def _moved(source: Path, text: str) -> str:
    text = _LINK.sub(lambda link: f"{link[1]}{target(source, link[2])}{link[3] or ''}", text)
    return _FIRST_ITEM.sub(r"\1\n", _PIPE_IN_CODE.sub(lambda row: row[0].replace(r"\|", "|"), text))


def target(source: Path, link: str) -> str:
    """Return a relative link of a document as it is in the site; raises SiteError if it leads nowhere."""
    led = Path(os.path.normpath(source.parent / link))
    if not (ROOT / led).is_file():
        raise SiteError(f"{source}: the link {link} must lead to a file of this repository")
    there = place(led)
    if led.suffix != ".md":
        (STAGED / there).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / led, STAGED / there)
    return os.path.relpath(there, place(source).parent)


def build() -> None:
    """Build the site; a link or an anchor that leads nowhere fails it."""
    done = subprocess.run(
        [ZENSICAL, "build", "--clean", "--strict", "--config-file", CONFIGURATION],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise SiteError(re.sub(r"\x1b\[[0-9;]*m|(?s:Traceback \(.*)", "", done.stdout + done.stderr))


def misplaced(configuration: dict[str, Any]) -> Iterator[str]:
    """Yield each document that the navigation omits, and each page of it that does not exist."""
    named = set(_pages(configuration["project"]["nav"]))
    existing = {str(place(source)) for source in documents()}
    yield from (
        f"{page}: not in the nav of {CONFIGURATION.name}; add it" for page in sorted(existing - named)
    )
    yield from (
        f"{page}: does not exist; remove it from {CONFIGURATION.name}" for page in sorted(named - existing)
    )


def _pages(entry: object) -> Iterator[str]:
    match entry:
        case str():
            yield entry
        case list():
            for one in entry:
                yield from _pages(one)
        case dict():
            for one in entry.values():
                yield from _pages(one)


@dataclass
class Fetched(HTMLParser):
    """What a browser fetches by itself to show a page: everything but links that a reader follows."""

    urls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = {"src", "srcset", "poster", "data"} | ({"href"} if tag in ("link", "image", "use") else set())
        self.urls += [value for name, value in attributes if name in names and value]


_REMOTE = re.compile(r"(?:https?:)?//")
_STYLE = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")


def fetched() -> Iterator[str]:
    """Yield each page and style sheet that fetches from elsewhere, and the search index if it is missing."""
    for page in sorted(SITE.rglob("*.html")):
        parser = Fetched()
        parser.feed(page.read_text())
        urls = [*filter(_REMOTE.match, parser.urls), *_STYLE.findall(page.read_text())]
        yield from (f"{page.relative_to(SITE)}: fetches {url}" for url in urls)
    if not (SITE / "search.json").exists():
        yield "search.json: missing; without it nothing is found"
    for sheet in sorted(SITE.rglob("*.css")):
        yield from (f"{sheet.relative_to(SITE)}: fetches {url}" for url in _STYLE.findall(sheet.read_text()))


if __name__ == "__main__":
    main()
