"""Leave the core of the command, and the wings that are to be kept: `make core KEEP='files html'`.

What a wing is, and what goes with it, is a row of `reconcile/cli/features.py`.
"""

import ast
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from kit.manifests import ROOT
from reconcile.cli.features import WINGS

FEATURES = Path("reconcile/cli/features.py")


def take_out(names: Collection[str], root: Path = ROOT) -> None:
    """Delete the files of these wings, and their rows."""
    for file in (root / "reconcile" / file for name in names for file in WINGS[name].files):
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
    lines = (root / FEATURES).read_text().splitlines(keepends=True)
    (table,) = (node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.Dict))
    for key, row in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant) and key.value in names:
            for line in range(key.lineno - 1, row.end_lineno or key.lineno):
                lines[line] = ""
    (root / FEATURES).write_text("".join(lines))


def delete_tests(root: Path = ROOT) -> None:
    """Delete the tests that import what is gone, and those that import one of these."""
    while orphans := [file for file in (root / "tests").rglob("*.py") if _imports_what_is_gone(file, root)]:
        for file in orphans:
            file.unlink()


def _imports_what_is_gone(file: Path, root: Path) -> bool:
    imports = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom))
    modules = [root.joinpath(*(node.module or "").split(".")) for node in imports]
    ours = [module for module in modules if module.relative_to(root).parts[0] in ("reconcile", "tests")]
    return not all(module.is_dir() or module.with_suffix(".py").exists() for module in ours)


def main(kept: Collection[str]) -> None:
    """Take out all others; nothing is done where a name is wrong, or needs one that is not kept."""
    for name in kept:
        if name not in WINGS:
            sys.exit(f"{name}: no such wing; KEEP takes some of {', '.join(WINGS)}")
        if (needed := WINGS[name].needs) and needed not in kept:
            sys.exit(f"{name}: needs {needed}; add it to KEEP")
    take_out([name for name in WINGS if name not in kept])
    delete_tests()


if __name__ == "__main__":
    main(sys.argv[1:])
