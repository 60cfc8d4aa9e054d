"""What `reconcile/names.py` calls the previews, carried to every other file that names them.

`make names` runs it. The old names are those of the CRD in `crds/`; the new ones those of `names.py`.
Manifests, documents, examples and tests name the group and the kind as users do, letter by letter: a test
that took them from the code could not tell whether the code has them right.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from kit.manifests import ROOT
from reconcile import crd

LEFT_OUT = frozenset({"CHANGELOG.md"})
"""What happened is called as it was called then."""

Names = Mapping[str, str]


def names_of(definition: Mapping[str, object]) -> dict[str, str]:
    """What a CRD calls its objects, by the constant of `names.py` that says so."""
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
    """What is written where, old to new: longer names first, since the singular begins the plural."""
    pairs = {old[constant]: new[constant] for constant in old if old[constant] != new[constant]}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))


def rename(text: str, pairs: Names) -> str:
    """The text with the new names."""
    if not pairs:
        return text
    found = re.compile("|".join(re.escape(old) for old in pairs))
    return found.sub(lambda match: pairs[match[0]], text)


def files() -> Iterator[Path]:
    """Every file of the repository, relative to it, that is text and that people write."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if name not in LEFT_OUT and (ROOT / name).is_file():
            yield Path(name)


def main() -> None:
    """Carry the names everywhere; nothing to do is nothing done."""
    (written,) = _written()
    pairs = changed(names_of(written), names_of(crd.crd()))
    for path in files():
        _rename_in(path, pairs)


def _written() -> list[Mapping[str, object]]:
    documents = (yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml"))
    return [document for document in documents if document["kind"] == "CustomResourceDefinition"]


def _rename_in(path: Path, pairs: Names) -> None:
    try:
        text = (ROOT / path).read_text()
    except UnicodeDecodeError:
        return
    if (renamed := rename(text, pairs)) != text:
        (ROOT / path).write_text(renamed)
    if (to := ROOT / rename(str(path), pairs)) != ROOT / path:
        (ROOT / path).rename(to)


if __name__ == "__main__":
    main()
