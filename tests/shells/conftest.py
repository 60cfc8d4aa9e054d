"""Real shells, with the installed command on the PATH and a folder of previews to complete."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconcile.cli.complete import SECONDS
from reconcile.cluster.files.yaml import dump
from tests.builders import a_preview, without_uid
from tests.controlplane.programs import missing_programs, program

PREVIEWS = (("shop", "pr-41"), ("shop", "pr-42"), ("tea", "pr-42"), ("tea", "kettle-7"))


def installed(name: str) -> str:
    """Where a program is; skips where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"not on the PATH: {name} (on Debian: apt-get install {name})")
    return found


@pytest.fixture
def kubectl() -> str:
    """The real kubectl."""
    if missing_programs(["kubectl"]):
        pytest.skip("not in KUBEBUILDER_ASSETS: kubectl (see CONTRIBUTING.md)")
    return str(program("kubectl"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home with `previews/` in it."""
    (tmp_path / "previews").mkdir()
    for namespace, name in PREVIEWS:
        manifest = without_uid(a_preview(name, namespace, fqdn=f"{name}.{namespace}.example.com"))
        (tmp_path / "previews" / f"{namespace}-{name}.yaml").write_text(dump(manifest))
    return tmp_path


@pytest.fixture
def variables(folder: Path) -> Mapping[str, str]:
    """A user's environment: the command is on the PATH, and there is no cluster."""
    programs = Path(sys.executable).parent
    assert (programs / "kubectl-preview").exists(), "the package is installed anew: rm .venv/installed"
    path = os.pathsep.join(
        [str(programs), *filter(None, [os.environ.get("KUBEBUILDER_ASSETS")]), os.environ["PATH"]]
    )
    # Much longer than a shell is made to wait else: a test has to hold on a machine that is very busy.
    return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", SECONDS: "100"}
