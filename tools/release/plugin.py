"""Build the kubectl plugin for krew: an archive for each platform, and the manifest that names them.

krew unpacks an archive and links one executable of it as `kubectl-preview`. In the archive that is a launcher
(the file `kubectl-preview` beside this one), with the wheel and its locked requirements in `lib/`: those
without compiled code once, the others for each supported Python. It needs a python3 on the machine, as
`caveats` states.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconcile import __version__
from tools.release.errors import ReleaseError
from tools.release.programs import ROOT, program, python, run

LAUNCHER = Path(__file__).with_name("kubectl-preview")
NAME = "preview"
EXECUTABLE = "kubectl-preview"


@dataclass(frozen=True)
class Platform:
    """A platform by krew's names, and the tags of the wheels that run there."""

    os: str
    arch: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"


PLATFORMS = (
    Platform("linux", "amd64", ("manylinux2014_x86_64", "manylinux_2_28_x86_64")),
    Platform("linux", "arm64", ("manylinux2014_aarch64", "manylinux_2_28_aarch64")),
    Platform("darwin", "arm64", ("macosx_14_0_arm64",)),
)


def build(wheel: Path, platform: Platform, into: Path) -> Path:
    """Build the archive of one platform from the wheel and the locked requirements; return it."""
    archive = into / f"{EXECUTABLE}-v{__version__}-{platform}.tar.gz"
    with TemporaryDirectory() as name:
        folder = Path(name)
        for version in pythons():
            for one in _downloaded(platform, version, folder / version):
                _unpack(one, folder / "lib" / ("any" if one.name.endswith("-none-any.whl") else version))
        _unpack(wheel, folder / "lib" / "any")
        files = {
            str(path.relative_to(folder)): path for path in (folder / "lib").rglob("*") if path.is_file()
        }
        _pack(archive, {**files, EXECUTABLE: LAUNCHER, "LICENSE": ROOT / "LICENSE"})
    return archive


def _downloaded(platform: Platform, version: str, into: Path) -> list[Path]:
    """Download the locked wheels, by their hashes; raises ReleaseError if one does not exist."""
    python(
        *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--python-version", version, "--dest", into),
        *(word for tag in platform.tags for word in ("--platform", tag)),
        *("--requirement", ROOT / "requirements.txt"),
    )
    return sorted(into.glob("*.whl"))


def _unpack(wheel: Path, into: Path) -> None:
    """Unpack the packages of a wheel; its scripts are for a PATH, and krew links none of them."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".data/scripts/" not in name]
        if elsewhere := [name for name in names if ".data/" in name]:
            raise ReleaseError(f"{wheel.name}: has files outside its packages: {', '.join(elsewhere)}")
        archive.extractall(into, names)


def pythons() -> list[str]:
    """Return the Pythons that pyproject.toml names: `3.11`, ..."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c) for c in described["classifiers"])
    return [match[1] for match in found if match]


def _pack(archive: Path, files: Mapping[str, Path]) -> None:
    """Pack the files without times and owners, so that the same files have the same hash."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if os.access(path, os.X_OK) else 0o644
            tar.addfile(member, io.BytesIO(content))


def manifest(repository: str, archives: Mapping[Platform, Path]) -> Mapping[str, Any]:
    """Return krew's manifest: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/."""
    home = f"https://github.com/{repository}"
    versions = pythons()
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": NAME},
        "spec": {
            "version": f"v{__version__}",
            "homepage": home,
            "shortDescription": "Plan and apply preview environments",
            "description": "Creates, updates and prunes the Deployment, the Service and the route of each\n"
            "PreviewEnvironment, shows the plan first, waits until previews are ready,\n"
            "and explains why one is not.\n",
            "caveats": f"This plugin needs python3, version {versions[0]} to {versions[-1]}, on the PATH.\n",
            "platforms": [
                {
                    "selector": {"matchLabels": {"os": platform.os, "arch": platform.arch}},
                    "uri": f"{home}/releases/download/v{__version__}/{archive.name}",
                    "sha256": _sha256(archive),
                    "bin": EXECUTABLE,
                }
                for platform, archive in archives.items()
            ],
        },
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(archive: Path) -> None:
    """Raise ReleaseError unless `kubectl preview` runs from the unpacked archive, linked as krew links it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "store", filter="data")
        (folder / "bin").mkdir()
        (folder / "bin" / EXECUTABLE).symlink_to(folder / "store" / EXECUTABLE)
        environment = {
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": "",
        }
        version = run(program("kubectl"), NAME, "--version", environment=environment)
    if version != f"reconcile, version {__version__}\n":
        raise ReleaseError(f"{archive.name}: must be version {__version__}; `kubectl preview` is {version!r}")
