"""A page of docs/cookbook, followed to the letter on a copy of the repository.

A block that names a file is that file; a `diff` that names one is a change of it; a `console` block is
commands and what they print. What is in place already, in a clone that followed the page, is left so.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.programs import assets

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "cookbook"
FENCE = re.compile(r"^```(?P<language>\w+)(?: (?P<where>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# Bytecode is copied, so that commands of a clone need not compile it, which takes longer than most of them.
NOT_COPIED = shutil.ignore_patterns(".*_cache", ".venv", ".cluster", ".bench", ".git", ".hypothesis")
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; `where` is the file that it is about, or what its commands need."""

    language: str
    where: str
    text: str


def blocks(page: str, root: Path = ROOT) -> tuple[Block, ...]:
    """The blocks of a page that say what they are."""
    found = FENCE.finditer((root / "docs" / "cookbook" / page).read_text())
    return tuple(Block(match["language"], match["where"] or "", match["text"]) for match in found)


@dataclass(frozen=True)
class Clone:
    """A copy of the repository in which pages are followed."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "Clone":
        shutil.copytree(ROOT, root, ignore=NOT_COPIED)
        cls._lend_environment(root / ".venv")
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        return cls(root)

    @staticmethod
    def _lend_environment(venv: Path) -> None:
        """The environment that runs the tests, with a stamp of the clone's own, newer than all that make looks at.

        With the real stamp, make would install the clone into the environment wherever pyproject.toml is newer.
        """
        venv.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (venv / part).symlink_to(Path(sys.prefix) / part)
        (venv / "installed").touch()

    def follow(self, page: str, *needs: str) -> None:
        """Do what a page says, top to bottom; commands that need more than Python where `needs` has that.

        In a clone that followed the page before, nothing is forgotten any more: what it prints then is not compared.
        """
        followed = self._is_followed(page)
        for block in blocks(page, self.root):
            if block.language == "console":
                if not block.where or block.where in needs:
                    self.type(page, block.text, compare=not followed)
            elif block.language == "diff":
                self._change(page, block)
            elif block.where:
                self._put(block)

    def _is_followed(self, page: str) -> bool:
        """Whether the page changes files of the repository, and every change is in place."""
        changes = [block for block in blocks(page, self.root) if block.language == "diff"]
        return bool(changes) and all(
            new in (self.root / block.where).read_text() for block in changes for _, new in hunks(block.text)
        )

    def _put(self, block: Block) -> None:
        file = self.root / block.where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)

    def _change(self, page: str, block: Block) -> None:
        file = self.root / block.where
        text = file.read_text()
        for old, new in hunks(block.text):
            if new in text:
                continue
            assert text.count(old) == 1, f"{page}: {block.where} has this {text.count(old)} times:\n{old}"
            text = text.replace(old, new)
        file.write_text(text)

    def edit(self, page: str) -> None:
        """Make and change the files of a page, and type nothing but `make` where it stands first."""
        for block in blocks(page, self.root):
            if block.language == "diff":
                self._change(page, block)
            elif block.language == "console" and block.text.startswith("$ make "):
                self.run(next(commands(block.text))[0])
            elif block.language != "console" and block.where:
                self._put(block)

    def type(self, page: str, text: str, *, compare: bool = True, **variables: str) -> None:
        """Type the commands of a block, and compare what they print."""
        for command, expected in commands(text):
            printed = self.run(command, **variables)
            assert not compare or matches(expected, printed), (
                f"{page}: {command}\n{printed}\nis not\n{expected}"
            )

    def run(self, command: str, **variables: str) -> str:
        """What a command prints, in the clone, with its own code; errors among it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RECONCILE_", "PYTEST", "MAKE"))}
        env = {
            **kept,
            **variables,
            "PATH": f"{Path(sys.executable).parent}:{assets() or '/nowhere'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        reconcile = 'reconcile() { python -m reconcile "$@"; }\n'
        done = subprocess.run(
            ["bash", "-c", reconcile + command],
            cwd=self.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout


def hunks(diff: str) -> Iterator[tuple[str, str]]:
    """The text that goes and the text that comes, of each part of a change."""
    for part in diff.split("@@\n"):
        lines = part.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        yield old, "".join(line[1:] for line in lines if line[0] in " +")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with what it prints."""
    for part in text.removeprefix("$ ").split("\n$ "):
        command, _, expected = part.partition("\n")
        yield command, expected.strip("\n")


def matches(expected: str, printed: str) -> bool:
    """Whether this was printed; `…` stands for a part of a line, or alone for any number of lines."""
    pattern = "".join(
        "(?:.*\n)*?" if line == ANYTHING else re.escape(line).replace(ANYTHING, ".*") + "\n"
        for line in expected.strip("\n").splitlines()
    )
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None or not (expected or printed)
