"""A preview in a folder is edited again and again: what is there depends on its spec, not on the way to it.

`PROOF=whole` (`make walks`) takes 1,000 walks; else it is a few of them.
"""

import itertools
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.desire.children.further import CLAIM
from tests.builders import a_preview, without_uid
from tests.e2e.story import ROUTES, Result, call
from tests.proofs.walks import DOMAIN, START, STEPS, Edit, drawn, drawn_folders, set_up_once_for

WHOLE = os.environ.get("PROOF") == "whole"
BLOCKS, WALKS = (10, 100) if WHOLE else (1, 8)


class File(NamedTuple):
    """A file's content, and what tells whether it was written again."""

    content: bytes
    number: int
    written: int


class Shop:
    """One preview, and beside it one that nobody edits; `to` is where children live."""

    def __init__(self, folder: Path, route: str) -> None:
        self.previews, self.templates = folder / "previews", folder / "templates"
        self.route = route
        self.previews.mkdir(parents=True)
        self.write("bystander", {**START, "fqdn": f"bystander.{DOMAIN}"})

    def write(self, name: str, spec: dict[str, object]) -> None:
        manifest = without_uid(a_preview(name))
        (self.previews / f"{name}.yaml").write_text(dump({**manifest, "spec": spec}))

    def documents(self, text: str) -> None:
        """These are the documents of runs from now on."""
        self.templates.mkdir(exist_ok=True)
        (self.templates / "further.yaml").write_text(text)

    def reconcile(self, to: Path, *arguments: str) -> Result:
        templates = ("--templates", str(self.templates)) if self.templates.exists() else ()
        return call(
            "--from", str(self.previews), "--to", str(to), *ROUTES[self.route], *templates,
            "--allow-secret", "*", "--allow-fqdn", f"*.{DOMAIN}", *arguments,
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


def walk(folder: Path, route: str, edits: list[Edit]) -> int:
    """Walk; how many of the edits were valid."""
    shop, there = Shop(folder, route), folder / "children"
    spec = dict(START)
    ran: dict[str, tuple[object, ...]] = {}
    shop.write("pr-1", spec)
    assert shop.reconcile(there).code == 0
    for number, edit in enumerate(edits):
        before = files(there)
        shop.write("pr-1", edit.written(spec))
        spec = edit.of(spec)
        ended = shop.reconcile(there)
        after = files(there)
        if edit.bad:
            assert (ended.code, after) == (1, before), ended.stdout
            continue
        assert ended.code == 0, ended.stdout + ended.stderr
        scratch = folder / f"scratch-{number}"
        assert shop.reconcile(scratch).code == 0
        stays = {
            name: before[name].content
            for name, once_for in ran.items()
            if name in before and once_for == set_up_once_for(spec)
        }
        assert contents(there) == contents(scratch) | stays
        ran |= {name: set_up_once_for(spec) for name in after if is_job(name) and name not in stays}
        kept = {
            name: file
            for name, file in before.items()
            if name in after and after[name].content == file.content
        }
        assert {name: after[name] for name in kept} == kept, "a file was written again with what it had"
    return sum(edit.bad is None for edit in edits)


def walk_with_documents(folder: Path, route: str, edits: list[Edit], folders: list[str]) -> int:
    """Walk, with other documents at each step; how many claims were kept that no document made any more.

    What a preview that cannot be read has made stays as it is; the one beside it follows each folder.
    """
    shop, there = Shop(folder, route), folder / "children"
    spec, kept = dict(START), 0
    shop.write("pr-1", spec)
    for number, (edit, text) in enumerate(zip(edits, folders, strict=True)):
        shop.documents(text)
        shop.write("pr-1", edit.written(spec))
        spec = edit.of(spec)
        before = contents(there)
        ended = shop.reconcile(there)
        assert ended.code == bool(edit.bad), ended.stdout + ended.stderr
        after = contents(there)
        scratch = folder / f"scratch-{number}"
        assert shop.reconcile(scratch).code == bool(edit.bad)
        of_bad = {name: content for name, content in before.items() if edit.bad and is_of("pr-1", name)}
        wanted = contents(scratch)
        claims = {n: content for n, content in before.items() if is_claim(n) and n not in wanted | of_bad}
        assert without_jobs(after) == without_jobs(wanted | of_bad | claims)
        kept += len(claims)
        again = shop.reconcile(there)
        assert (again.code, contents(there)) == (bool(edit.bad), after), again.stdout
    return kept


def is_of(preview: str, file: str) -> bool:
    """Whether it is a child of this one; no other preview here is called so, and something behind it."""
    name = file.split(".")[2]
    return name == preview or name.startswith(f"{preview}-")


def without_jobs(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without setup Jobs, of which one that has run stays: the walks without documents look at these."""
    return {name: content for name, content in files.items() if not is_job(name)}


@pytest.mark.parametrize("block", range(BLOCKS))
def test_documents_come_change_and_go_and_leave_nothing_but_claims(tmp_path: Path, block: int) -> None:
    number = WALKS // 4
    walks = zip(drawn(number, block), drawn_folders(number, block), itertools.cycle(ROUTES), strict=False)
    kept = sum(
        walk_with_documents(tmp_path / str(number), route, edits, folders)
        for number, (edits, folders, route) in enumerate(walks)
    )
    assert kept > number
    sys.stdout.write(f"{number:,} walks in a folder with documents: {kept:,} claims kept of none\n")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_after_each_edit_the_children_are_those_of_the_spec_or_those_before(
    tmp_path: Path, block: int
) -> None:
    walks = zip(drawn(WALKS, block), itertools.cycle(ROUTES), strict=False)
    valid = sum(walk(tmp_path / str(number), route, edits) for number, (edits, route) in enumerate(walks))
    assert 0 < valid < WALKS * STEPS
    sys.stdout.write(
        f"{WALKS:,} walks in a folder: {valid:,} valid edits, {WALKS * STEPS - valid:,} others\n"
    )
