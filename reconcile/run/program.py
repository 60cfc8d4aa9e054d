"""The program that runs, as a hash: what another one has compared is not what this one would have."""

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parents[1]
DECIDES = (".py", ".json")
"""The code, and the schemas by which it compares."""


@lru_cache(maxsize=1)
def program() -> str:
    """A digest of every file of this package that decides what a run does.

    Not its version: an image that somebody builds of a changed clone has the same.
    """
    return digest_of(HERE)


def digest_of(folder: Path) -> str:
    """A digest of the names and contents of these files, wherever the folder lies."""
    found = hashlib.sha256()
    for path in sorted(_files(folder)):
        found.update(f"\0{path.removeprefix(str(folder))}\0".encode())
        with open(path, "rb") as file:
            found.update(file.read())
    return found.hexdigest()


def _files(folder: Path) -> Iterator[str]:
    # Before the first answer of each run: pathlib takes twice as long.
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names if name.endswith(DECIDES))
