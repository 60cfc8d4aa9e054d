"""What `make release-check` runs: build all of a release into dist/, and check each part."""

import argparse
import os
import platform
import shutil
import sys
from pathlib import Path

import yaml

from reconcile import __version__
from tools.release import chart, distributions, plugin
from tools.release.changelog import UNRELEASED, changes, read
from tools.release.errors import ReleaseError
from tools.release.programs import ROOT, python

DIST = ROOT / "dist"
NODE_TEST = "tests/node/test_in_cluster.py"
# As `platform.machine()` names what krew, and Go, call so.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="make release-check", description=__doc__)
    parser.add_argument("--tag", default="", help="Tag of the release, such as v1.2.3.")
    parser.add_argument("--repository", default="OWNER/preview-reconcile", help="OWNER/NAME on GitHub.")
    arguments = parser.parse_args()
    try:
        release(arguments.tag, arguments.repository)
    except ReleaseError as problem:
        sys.exit(str(problem))


def release(tag: str, repository: str) -> None:
    """Build and check everything; with a tag, as the release of that tag."""
    refuse_another_version(tag)
    notes = read(ROOT, __version__ if tag else UNRELEASED)
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    (DIST / "notes.md").write_text(notes + "\n")
    wheel = _distributions()
    _chart(repository, notes)
    _plugin(repository, wheel)
    _image()


def refuse_another_version(tag: str) -> None:
    """Raise ReleaseError if the tag is not that of the version in the tree."""
    if tag and tag != f"v{__version__}":
        raise ReleaseError(
            f"Refusing to release {tag}: this tree is version {__version__}; set __version__ in "
            "reconcile/__init__.py, run `make manifests`, commit, and tag that commit"
        )


def _distributions() -> Path:
    sdist, wheel = distributions.build(DIST)
    distributions.check(wheel)
    print(f"{sdist.name}, {wheel.name}: installed into an empty environment, and run")
    return wheel


def _chart(repository: str, notes: str) -> None:
    archive = chart.package(repository, changes(notes), DIST)
    print(f"{archive.name}: linted and packaged")


def _plugin(repository: str, wheel: Path) -> None:
    archives = {one: plugin.build(wheel, one, DIST) for one in plugin.PLATFORMS}
    manifest = plugin.manifest(repository, archives)
    (DIST / f"{plugin.NAME}.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    here = (sys.platform, _ARCHITECTURES.get(platform.machine(), platform.machine()))
    for one, archive in archives.items():
        if (one.os, one.arch) == here:
            plugin.check(archive)
            print(f"{archive.name}: `kubectl preview` ran from it")
        else:
            print(f"{archive.name}: built; skipped: running it, since this machine is {'-'.join(here)}")


def _image() -> None:
    if not os.environ.get("NODE_ASSETS"):
        print("Image: skipped, since NODE_ASSETS is not set (see CONTRIBUTING.md)")
        return
    python("-m", "pytest", "-q", NODE_TEST, environment={"RECONCILE_REQUIRE_CLUSTER": "1"})
    print("Image: built from the Dockerfile, and run on the node by the kustomization and by the chart")


if __name__ == "__main__":
    main()
