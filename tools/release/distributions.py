"""Build the sdist and the wheel, and run the wheel from an empty environment as a user installs it."""

import tarfile
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from reconcile import __version__
from tools.release.errors import ReleaseError
from tools.release.programs import ROOT, python, run

CRD = ROOT / "crds" / "previewenvironment.yaml"
# Else the modules of this tree would be run.
_NO_OTHER = {"PYTHONPATH": ""}
COMMANDS = ("reconcile", "kubectl-preview", "kubectl_complete-preview", "preview-pipeline")


def build(into: Path) -> tuple[Path, Path]:
    """Build both from this tree, the wheel out of the sdist; return the sdist and the wheel."""
    python("-m", "hatchling", "build", "--target", "sdist", "--directory", into)
    (sdist,) = into.glob("preview_reconcile-*.tar.gz")
    with TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (source,) = Path(folder).iterdir()
        # What the sdist lacks cannot be in the wheel then.
        python("-c", _BUILD_WHEEL, source, into)
    (wheel,) = into.glob("preview_reconcile-*.whl")
    return sdist, wheel


_BUILD_WHEEL = """
import os, sys
from hatchling.build import build_wheel
os.chdir(sys.argv[1])
build_wheel(sys.argv[2])
"""


def check(wheel: Path) -> None:
    """Raise ReleaseError unless the wheel is complete and runs where nothing but it was installed."""
    _complete(wheel)
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
        _runs(programs, wheel.name)


def _runs(programs: Path, wheel: str) -> None:
    missing = [name for name in COMMANDS if not (programs / name).exists()]
    if missing:
        raise ReleaseError(f"{wheel}: installs no {', '.join(missing)}; see project.scripts")
    version = run(programs / "reconcile", "--version", environment=_NO_OTHER)
    if version != f"reconcile, version {__version__}\n":
        raise ReleaseError(f"{wheel}: must be version {__version__}; `reconcile` is {version!r}")
    if run(programs / "reconcile", "--print-crd", environment=_NO_OTHER) != CRD.read_text():
        raise ReleaseError(f"{wheel}: prints another CRD than {CRD.name}; run `make manifests`")


def _complete(wheel: Path) -> None:
    package = ROOT / "reconcile"
    files = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        missing = files - set(archive.namelist())
    if missing:
        raise ReleaseError(f"{wheel.name}: lacks {', '.join(sorted(missing))}; see tool.hatch.build")
