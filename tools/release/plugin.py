"""Build the kubectl plugin for krew: an archive for each platform, and the manifest that names them.

krew unpacks an archive and links one executable of it as `kubectl-preview`. That executable is a PEX
(https://docs.pex-tool.org): the wheel and its requirements in one file, for every supported Python of the
platform. It needs a python3 on the machine, as `caveats` states.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconcile import __version__
from tools.release.errors import ReleaseError
from tools.release.programs import ROOT, program, run

PEX = ROOT / ".venv-release" / "bin" / "pex"
NAME = "preview"
EXECUTABLE = "kubectl-preview"


@dataclass(frozen=True)
class Platform:
    """A platform by krew's names, and the tag of the wheels that run there."""

    os: str
    arch: str
    tag: str

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"


PLATFORMS = (
    Platform("linux", "amd64", "manylinux_2_28_x86_64"),
    Platform("linux", "arm64", "manylinux_2_28_aarch64"),
    Platform("darwin", "arm64", "macosx_14_0_arm64"),
)


def build(wheel: Path, platform: Platform, into: Path) -> Path:
    """Build the archive of one platform from the wheel and the locked requirements; return it."""
    archive = into / f"{EXECUTABLE}-v{__version__}-{platform}.tar.gz"
    with TemporaryDirectory() as name:
        folder = Path(name)
        locked = folder / "requirements.txt"
        locked.write_text((ROOT / "requirements.txt").read_text() + _hashed(wheel))
        # --use-pip-config: the index that pip is configured with, as everywhere else.
        run(
            *(PEX, "--use-pip-config", "--no-build", "--requirement", locked),
            *("--console-script", EXECUTABLE, "--python-shebang", "/usr/bin/env python3"),
            *(word for tag in _pythons(platform) for word in ("--abbreviated-platform", tag)),
            *("--output-file", folder / EXECUTABLE),
        )
        _pack(archive, {EXECUTABLE: folder / EXECUTABLE, "LICENSE": ROOT / "LICENSE"})
    return archive


def _hashed(wheel: Path) -> str:
    return f"preview-reconcile @ {wheel.resolve().as_uri()} --hash=sha256:{_sha256(wheel)}\n"


def _pythons(platform: Platform) -> list[str]:
    """Return the platform with each Python that the package names, as PEX writes it."""
    return [f"{platform.tag}-cp-{version}.0-cp{version.replace('.', '')}" for version in pythons()]


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
            member.size, member.mode = len(content), path.stat().st_mode & 0o755
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
            "PEX_ROOT": str(folder / "cache"),
            "PYTHONPATH": "",
        }
        version = run(program("kubectl"), NAME, "--version", environment=environment)
    if version != f"reconcile, version {__version__}\n":
        raise ReleaseError(f"{archive.name}: must be version {__version__}; `kubectl preview` is {version!r}")
