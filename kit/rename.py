"""What `reconcile/model/names.py` calls the previews, carried to every other file that names them.

`make names` runs it. The old names are those of the CRD in `crds/`; the new ones those of `names.py`.
Manifests, documents, examples and tests name the group and the kind as users do, letter by letter: a test
that took them from the code could not tell whether the code has them right.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from kit.allowed import Names, problems
from kit.manifests import ROOT
from reconcile.model import names

LEFT_OUT = frozenset({"CHANGELOG.md"})
"""What happened is called as it was called then."""


@dataclass(frozen=True)
class Change:
    """A file that gets another text, another path, or both."""

    path: Path
    to: Path
    text: str


def names_of(definition: Mapping[str, object]) -> dict[str, str]:
    """What a CRD calls its objects, by the constant of `names.py` for it."""
    spec = definition["spec"]
    assert isinstance(spec, Mapping)
    kind = spec["names"]
    return {
        "DEFAULT_GROUP": spec["group"],
        "PLURAL": kind["plural"],
        "KIND": kind["kind"],
        "SINGULAR": kind["singular"],
    }


def changed(old: Names, new: Names) -> dict[str, str]:
    """What is written where, old to new: longer names first, since the singular begins the plural.

    Names that stay, and the new ones where they stand already, are kept: another may be part of them.
    """
    if old == new:
        return {}
    pairs = {name: name for name in new.values()} | {old[constant]: new[constant] for constant in old}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))


def rename(text: str, pairs: Names) -> str:
    """The text with the new names."""
    if not pairs:
        return text
    found = re.compile("|".join(re.escape(old) for old in pairs))
    return found.sub(lambda match: pairs[match[0]], text)


def files(root: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository, relative to it, that is text and that people write."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if name not in LEFT_OUT and (root / name).is_file():
            yield Path(name)


def main() -> None:
    """Carry the names everywhere, or say which cannot be; nothing to do is nothing done."""
    (written,) = _written()
    old = names_of(written)
    new = {constant: str(getattr(names, constant)) for constant in old}
    if wrong := problems(old, new):
        sys.exit("\n".join(wrong))
    carry(ROOT, changed(old, new))


def carry(root: Path, pairs: Names) -> None:
    """Rename in all files, or in none: what fails on the way is taken back."""
    changes = list(_changes(root, pairs))
    with tempfile.TemporaryDirectory(dir=root, prefix=".names-") as folder:
        # All is written before anything is replaced: a full disk is noticed by then.
        made = [_made(root, change, Path(folder, str(at))) for at, change in enumerate(changes)]
        done: list[tuple[Change, Path]] = []
        try:
            for change, copy in zip(changes, made, strict=True):
                _put(root, change, copy)
                done.append((change, copy))
        except BaseException:
            for change, copy in done:
                _take_back(root, change, copy)
            raise


def _written() -> list[Mapping[str, object]]:
    documents = (yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml"))
    return [document for document in documents if document["kind"] == "CustomResourceDefinition"]


def _changes(root: Path, pairs: Names) -> Iterator[Change]:
    for path in files(root):
        try:
            text = (root / path).read_text()
        except UnicodeDecodeError:
            continue
        change = Change(path, Path(rename(str(path), pairs)), rename(text, pairs))
        if change != Change(path, path, text):
            yield change


def _made(root: Path, change: Change, copy: Path) -> Path:
    """Where a copy of the file is; what it will be is beside it."""
    shutil.copy2(root / change.path, copy)
    _new(copy).write_text(change.text)
    shutil.copymode(copy, _new(copy))
    return copy


def _new(copy: Path) -> Path:
    return copy.with_suffix(".new")


def _put(root: Path, change: Change, copy: Path) -> None:
    _new(copy).replace(root / change.to)
    if change.to != change.path:
        (root / change.path).unlink()


def _take_back(root: Path, change: Change, copy: Path) -> None:
    copy.replace(root / change.path)
    if change.to != change.path:
        (root / change.to).unlink()


if __name__ == "__main__":
    main()
