"""A preview in a folder, and the documents, are edited again and again: only what they say now counts.

`PROOF=whole` (`make walks`) takes 1,000 walks; else it is a few of them.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.desire.children.further import CLAIM
from tests.builders import a_preview, without_uid
from tests.e2e.story import ROUTES, Result, call
from tests.proofs.walks import DOMAIN, START, STEPS, Edit, drawn, drawn_folders, set_up_once_for
from tests.whole import WHOLE

BLOCKS, WALKS = (10, 100) if WHOLE else (1, 4)


class File(NamedTuple):
    """A file's content, and what tells whether it was written again."""

    content: bytes
    number: int
    written: int


NO_FILE = File(b"", 0, 0)


class Shop:
    """One preview, and beside it one that nobody edits."""

    def __init__(self, folder: Path, route: str) -> None:
        self.previews, self.templates = folder / "previews", folder / "templates"
        self.route = route
        self.previews.mkdir(parents=True)
        self.templates.mkdir()
        self.write("bystander", {**START, "fqdn": f"bystander.{DOMAIN}"})

    def write(self, name: str, spec: dict[str, object]) -> None:
        manifest = without_uid(a_preview(name))
        (self.previews / f"{name}.yaml").write_text(dump({**manifest, "spec": spec}))

    def documents(self, text: str) -> None:
        """These are the documents of runs from now on."""
        (self.templates / "further.yaml").write_text(text)

    def reconcile(self, to: Path) -> Result:
        return call(
            "--from", str(self.previews), "--to", str(to), *ROUTES[self.route],
            "--templates", str(self.templates), "--allow-secret", "*", "--allow-fqdn", f"*.{DOMAIN}"
        )  # fmt: skip


def files(folder: Path) -> dict[str, File]:
    found = {path.name: (path.read_bytes(), path.stat()) for path in folder.glob("*")}
    return {name: File(content, stat.st_ino, stat.st_mtime_ns) for name, (content, stat) in found.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: file.content for name, file in files(folder).items()}


def is_job(file: str) -> bool:
    return ".job." in file


def is_claim(file: str) -> bool:
    return f".{CLAIM.lower()}." in file


def walk(folder: Path, route: str, edits: list[Edit], folders: Sequence[str]) -> tuple[int, int]:
    """Walk, with other documents at each step: how many edits were valid, and how many claims stayed that no
    document made any more.

    What a preview that cannot be read has made stays as it is; the one beside it follows each folder. A setup
    Job that has run stays, too.
    """
    shop, there = Shop(folder, route), folder / "children"
    spec, kept = dict(START), 0
    ran: dict[str, tuple[object, ...]] = {}
    shop.write("pr-1", spec)
    for number, (edit, text) in enumerate(zip(edits, folders, strict=True)):
        shop.documents(text)
        shop.write("pr-1", edit.written(spec))
        spec = edit.of(spec)
        before = files(there)
        ended = shop.reconcile(there)
        assert ended.code == bool(edit.bad), ended.stdout + ended.stderr
        after = files(there)
        scratch = folder / f"scratch-{number}"
        anew = shop.reconcile(scratch)
        assert anew.code == bool(edit.bad), anew.stdout + anew.stderr
        wanted = contents(scratch)
        stays = {name for name in before if edit.bad and is_of("pr-1", name)}
        stays |= {
            name for name, once_for in ran.items() if name in before and once_for == set_up_once_for(spec)
        }
        claims = {name for name in before if is_claim(name) and name not in wanted and name not in stays}
        kept += len(claims)
        assert contents(there) == wanted | {name: before[name].content for name in stays | claims}
        same = {
            name: file for name, file in before.items() if after.get(name, NO_FILE).content == file.content
        }
        assert {name: after[name] for name in same} == same, "a file was written again with what it had"
        ran |= {name: set_up_once_for(spec) for name in after if is_job(name) and name not in stays}
        again = shop.reconcile(there)
        assert (again.code, files(there)) == (bool(edit.bad), after), again.stdout + again.stderr
    return sum(edit.bad is None for edit in edits), kept


def is_of(preview: str, file: str) -> bool:
    """Whether it is a child of this one; no other preview here is called so, and something behind it."""
    name = file.split(".")[2]
    return name == preview or name.startswith(f"{preview}-")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_after_each_edit_the_children_are_those_of_the_spec_and_the_documents_or_those_before(
    tmp_path: Path, block: int
) -> None:
    walks = zip(drawn(WALKS, block), drawn_folders(WALKS, block), itertools.cycle(ROUTES), strict=False)
    ended = [
        walk(tmp_path / str(number), route, edits, folders)
        for number, (edits, folders, route) in enumerate(walks)
    ]
    valid, kept = map(sum, zip(*ended, strict=True))
    assert 0 < valid < WALKS * STEPS
    assert kept > WALKS
    sys.stdout.write(
        f"{WALKS:,} walks in a folder: {valid:,} valid edits, {WALKS * STEPS - valid:,} others; "
        f"{kept:,} claims kept of none\n"
    )
