"""Every target of the Makefile is explained: in `make help`, and in CONTRIBUTING.md."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGETS = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text())
NAMES = {name for line in TARGETS for name in line.split()} - {"help"}


def test_make_help_explains_every_target() -> None:
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    explained = re.findall(r"(?m)^make ([a-z-]+) +\S", done.stdout)
    assert sorted(explained) == sorted(NAMES)


def test_contributing_names_every_target() -> None:
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert NAMES - named == set()
