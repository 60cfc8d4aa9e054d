"""Package the chart as it is published: it runs the published image, and Artifact Hub can show it."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from reconcile import __version__
from reconcile.model import crd
from tools.release.changelog import Change
from tools.release.programs import ROOT, program, run

CHART = ROOT / "cronjob" / "chart"
EXAMPLE = ROOT / "crds" / "example.yaml"


def package(repository: str, changes: tuple[Change, ...], into: Path) -> Path:
    """Lint and package the chart with the image and the annotations of a release; return the archive."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / CHART.name
        shutil.copytree(CHART, copy)
        _published(copy / "values.yaml", repository)
        _annotated(copy / "Chart.yaml", repository, changes)
        run(program("helm"), "lint", "--strict", copy)
        run(program("helm"), "package", copy, "--destination", into)
    return into / f"preview-reconcile-{__version__}.tgz"


def image(repository: str) -> str:
    """Return where the image of a repository is published, without its tag."""
    return f"ghcr.io/{repository.lower()}"


def _published(values: Path, repository: str) -> None:
    """Name the published image in the values; as text, since `helm show values` shows their comments."""
    text, count = re.subn(
        r"(?m)^(  repository: )preview-reconcile$", rf"\g<1>{image(repository)}", values.read_text()
    )
    assert count == 1, f"{values}: image.repository must stand there once"
    values.write_text(text)


def _annotated(chart: Path, repository: str, changes: tuple[Change, ...]) -> None:
    home = f"https://github.com/{repository}"
    described = yaml.safe_load(chart.read_text())
    described |= {"home": home, "sources": [home], "annotations": annotations(repository, changes)}
    chart.write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=110))


def annotations(repository: str, changes: tuple[Change, ...]) -> Mapping[str, str]:
    """Return what Artifact Hub reads: https://artifacthub.io/docs/topics/annotations/helm."""
    home = f"https://github.com/{repository}"
    blob = f"{home}/blob/v{__version__}"
    lists = {
        "changes": [{"kind": change.kind, "description": change.description} for change in changes],
        "images": [{"name": "preview-reconcile", "image": f"{image(repository)}:{__version__}"}],
        "links": [
            {"name": "Documentation", "url": f"{blob}/docs/index.md"},
            {"name": "Install", "url": f"{blob}/docs/install.md"},
            {"name": "Security", "url": f"{blob}/SECURITY.md"},
        ],
        "crds": [_crd()],
        "crdsExamples": [yaml.safe_load(EXAMPLE.read_text())],
    }
    return {
        "artifacthub.io/category": "integration-delivery",
        "artifacthub.io/license": "Apache-2.0",
        "artifacthub.io/operator": "true",
        "artifacthub.io/prerelease": str("-" in __version__).lower(),
        **{
            f"artifacthub.io/{name}": yaml.safe_dump(items, sort_keys=False, allow_unicode=True)
            for name, items in lists.items()
        },
    }


def _crd() -> Mapping[str, str]:
    made = yaml.safe_load(crd.render())
    (version,) = made["spec"]["versions"]
    return {
        "kind": made["spec"]["names"]["kind"],
        "version": version["name"],
        "name": made["metadata"]["name"],
        "displayName": "Preview environment",
        "description": version["schema"]["openAPIV3Schema"]["description"],
    }
