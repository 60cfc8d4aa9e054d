"""Run the programs that build and check a release."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.release.errors import ReleaseError

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """Return where a program is, KUBEBUILDER_ASSETS first; raises ReleaseError if it is missing."""
    path = os.pathsep.join(filter(None, [os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")]))
    found = shutil.which(name, path=path)
    if found is None:
        raise ReleaseError(f"{name}: not found; put it into the folder of KUBEBUILDER_ASSETS or on the PATH")
    return found


def python(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run this Python with arguments; return what it printed."""
    return run(sys.executable, *arguments, environment=environment)


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command in the repository and return its stdout; raises ReleaseError with all its output."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True
    )
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise ReleaseError(f"{words}: exited with {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout
