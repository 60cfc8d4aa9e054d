"""A control plane without controllers: what changes there, the command has changed, or the test."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.controlplane import ControlPlane, install_crds
from tests.controlplane.install import known_crds
from tests.controlplane.programs import kill, one_at_a_time

FOLDER = "RECONCILE_TEST_QUIET"
"""Where it lives, for all workers of a test run; named before they start, made by the first to need it."""


def name_folder() -> Path | None:
    """Name the folder for this process and those that it starts; None where that was done already."""
    if FOLDER in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="reconcile-faults-"))
    os.environ[FOLDER] = str(folder)
    return folder


def end(folder: Path) -> None:
    """End what runs there, and forget the folder."""
    os.environ.pop(FOLDER, None)
    kill(folder)
    shutil.rmtree(folder, ignore_errors=True)


def quiet_plane() -> ControlPlane:
    """The one of this test run, started where it does not run yet."""
    folder = Path(os.environ[FOLDER])
    with one_at_a_time(folder):
        if plane := ControlPlane.attach(folder):
            return plane
        plane = ControlPlane.start(folder)
        install_crds(plane, known_crds())
        return plane
