"""Whatever decides what a run does is part of the program's digest."""

import shutil
from pathlib import Path

import pytest

from reconcile.run.program import HERE, digest_of


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(HERE / "kube", tmp_path / "kube", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("name", ["kube/live.py", "kube/native.json", "kube/health/pod.py"])
def test_code_and_schemas_count(copy: Path, name: str) -> None:
    before = digest_of(copy)
    with open(copy / name, "a") as file:
        file.write("\n")
    assert digest_of(copy) != before


def test_a_name_counts(copy: Path) -> None:
    before = digest_of(copy)
    (copy / "kube" / "live.py").rename(copy / "kube" / "dead.py")
    assert digest_of(copy) != before


def test_neither_the_place_nor_what_python_compiles_counts(
    copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(copy, elsewhere)
    (elsewhere / "kube" / "__pycache__").mkdir()
    (elsewhere / "kube" / "__pycache__" / "live.cpython-311.pyc").write_bytes(b"\0")
    assert digest_of(elsewhere) == digest_of(copy)
