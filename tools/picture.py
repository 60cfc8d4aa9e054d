"""What `make picture` runs: the pictures of a terminal, from what the command really prints."""

import io
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "picture.svg"
EXPLAINED = ROOT / "docs" / "explain.svg"
# Printed on a node with real pods, which nothing here can start; what is left out is an ellipsis.
RECORDED = ROOT / "tools" / "explain.txt"
FOLDERS = ("--from", "previews", "--to", "children")
# It has a background of its own, so it is read on a light page and on a dark one.
_DARK, _LIGHT = (20, 23, 26), (228, 231, 234)
_COLORS = [
    (90, 98, 106), (255, 138, 128), (111, 211, 154), (240, 180, 91),
    (125, 183, 255), (205, 165, 245), (110, 205, 215), _LIGHT,
]  # fmt: skip
THEME = TerminalTheme(_DARK, _LIGHT, _COLORS, _COLORS)
# As rich's own, but for the font, which that one fetches from a server.
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture() -> str:
    """A terminal in which a run has just met all that a day brings, as SVG; the same bytes each time."""
    with TemporaryDirectory() as home:
        folder = Path(home)
        _begin(folder)
        _a_day_later(folder)
        return _drawn(["reconcile", *FOLDERS], _reconcile(folder, "--color"))


def explained() -> str:
    """A terminal in which somebody asks why a preview is not ready, as SVG."""
    return _drawn(["reconcile", "--explain", "shop/pr-43"], RECORDED.read_text())


def _begin(folder: Path) -> None:
    """The previews of the examples, with their children."""
    (folder / "previews").mkdir()
    for file in (ROOT / "examples" / "shop").glob("*.yaml"):
        short = file.read_text().replace("registry.example.com/shop/", "acme/")
        (folder / "previews" / file.name).write_text(short)
    _reconcile(folder)


def _a_day_later(folder: Path) -> None:
    """A new preview, one that is gone, another image, a hand in a child, and a hostname that is taken."""
    previews = folder / "previews"
    example = (previews / "pr-43.yaml").read_text()
    (previews / "pr-43.yaml").unlink()
    (previews / "pr-44.yaml").write_text(example.replace("pr-43", "pr-44"))
    (previews / "pr-45.yaml").write_text(
        example.replace("fqdn: pr-43", "fqdn: pr-41").replace("pr-43", "pr-45")
    )
    _change(previews / "pr-41.yaml", "web:pr-41", "web:pr-41b")
    _change(folder / "children" / "shop.service.pr-42.yaml", "targetPort: http", "targetPort: 9090")


def _change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text, f"{file.name}: no {before}"
    file.write_text(text.replace(before, after))


def _reconcile(folder: Path, *options: str) -> str:
    """What it prints; 1 is the exit code where a preview waits for a person."""
    done = subprocess.run(
        [sys.executable, "-m", "reconcile", *FOLDERS, *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("RECONCILE_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def _drawn(command: list[str], output: str) -> str:
    lines = [Text.assemble(("$ ", "bright_green"), " ".join(command)), *Text.from_ansi(output).split("\n")]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    width = max(line.cell_len for line in lines) + 1
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        console.print(line, highlight=False, no_wrap=True, crop=False)
    drawn = console.export_svg(title="", theme=THEME, code_format=FORMAT, unique_id="terminal")
    return "".join(f"{line.strip()}\n" for line in drawn.splitlines() if line.strip())


def main() -> None:
    PICTURE.write_text(picture())
    EXPLAINED.write_text(explained())


if __name__ == "__main__":
    main()
