"""Each wing can be taken out by its files and its row, and the rest does its work: tried on a copy of the code."""

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest

from kit.wings import take_out
from reconcile.cli.features import WINGS

ROOT = Path(__file__).parents[2]
ALONE = [(name, *(other for other, wing in WINGS.items() if wing.needs == name)) for name in WINGS]
"""Each wing, with those that give nothing without it."""
CORE_TESTS = ("tests/execute", "tests/run/test_run.py", "tests/status/test_publish.py")
"""Of the core, and quick; they run once, where all wings are out."""
OF_WINGS = ("tests/execute/test_remembered.py",)
"""Among these, what has documents of `--templates`."""


def without(names: Sequence[str], root: Path, *others: str) -> Path:
    """A copy of the command, and of other folders, without these wings."""
    for folder in ("reconcile", *others):
        shutil.copytree(ROOT / folder, root / folder)
    take_out(names, root)
    return root


def python(root: Path, *arguments: str) -> str:
    """What Python prints there, which has to end well; what the copy has not is the repository's."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RECONCILE_", "PYTEST_"))
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**kept, "PYTHONPATH": f"{root}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("names", [*ALONE, tuple(WINGS)], ids="+".join)
def test_the_rest_does_its_work_without_a_wing(names: tuple[str, ...], tmp_path: Path) -> None:
    gifts = [gift for name in names for gift in WINGS[name].gives]
    root = without(names, tmp_path)
    assert json.loads(python(root, "-m", "tests.contracts.test_wings", *gifts).splitlines()[-1]) == {
        "from": str(root),
        "offered": [],
        "taken": [],
        "dry run": [],
        "run": [f"apply {kind} shop/pr-1" for kind in ("Deployment", "Service", "Mapping")],
        "again": [],
    }


def test_the_tests_of_the_core_pass_without_any_wing(tmp_path: Path) -> None:
    root = without(tuple(WINGS), tmp_path, "tests")
    assert " passed" in python(
        *(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", *CORE_TESTS),
        *(f"--ignore={test}" for test in OF_WINGS),
    )


def test_a_variable_that_sets_what_was_taken_out_ends_the_run(tmp_path: Path) -> None:
    without(["files"], tmp_path)
    ask = "import os; os.environ['RECONCILE_FROM'] = 'shop'; from reconcile.cli.main import exit_code_of; "
    told = python(tmp_path, "-c", f"import sys; sys.stderr = sys.stdout; {ask} print(exit_code_of([]))")
    assert told.splitlines()[0] == "Error: RECONCILE_FROM: the wing with --from was taken out; unset it"
    assert told.splitlines()[-1] == "2"


def at_work(gifts: Sequence[str]) -> dict[str, object]:
    """What this command does, of which every module is imported; `gifts` is what it should not have."""
    import reconcile
    from reconcile.cli import main, runs, types
    from reconcile.errors import EXIT_USAGE
    from tests.builders import a_preview
    from tests.memory import Memory

    for module in pkgutil.walk_packages(reconcile.__path__, "reconcile."):
        importlib.import_module(module.name)
    memory = Memory()
    memory.put(a_preview())
    mock.patch.object(runs, "cluster_of", return_value=(memory, None)).start()
    assert main.exit_code_of(["--help"]) == 0
    offered = {*types.REPORT_FORMATS, *(name for param in main.command.params for name in param.opts)}
    asked = [(gift, [gift] if gift.startswith("--") else ["--report", f"{gift}=/dev/null"]) for gift in gifts]

    def writes(*arguments: str) -> list[str]:
        memory.log.clear()
        assert main.exit_code_of([*arguments, "--concurrency", "1", "--report", "json=/dev/null"]) == 0
        return memory.writes()

    return {
        "from": str(Path(reconcile.__file__).parents[1]),
        "offered": sorted(offered & {*gifts}),
        "taken": [gift for gift, words in asked if main.exit_code_of(words) != EXIT_USAGE],
        "dry run": writes("--dry-run"),
        "run": writes("--yes"),
        "again": writes("--yes"),
    }


if __name__ == "__main__":
    json.dump(at_work(sys.argv[1:]), sys.stdout)
