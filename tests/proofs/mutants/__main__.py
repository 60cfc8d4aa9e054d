"""`make mutants`: each seeded defect on a throw-away copy of the code, and whether some test kills it."""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

from tests.proofs.mutants.table import DEFECTS, Defect

ROOT = Path(__file__).parents[3]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "dist", "bench")
NAMED_SECONDS, ALL_SECONDS, CLUSTER_SECONDS = 120.0, 900.0, 900.0
FLOORS = "kube model desire plan status report explain run cli cluster_adapters contracts proofs/fuzz"
ALL = tuple(f"tests/{floor}" for floor in FLOORS.split())
PASSED, FAILED, ERROR = 0, 1, -1

Verdict = Literal["killed", "hung", "lived", "unclear"]


class Ended(NamedTuple):
    """How a run of some tests ended; `code` is pytest's, None where it was stopped at its time limit."""

    code: int | None
    last: str = ""


def main() -> int:
    """0 when every defect was killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these defects")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if unknown := set(options.names) - {defect.name for defect in DEFECTS}:
        parser.error(f"no such defect: {', '.join(sorted(unknown))}")
    defects = [defect for defect in DEFECTS if not options.names or defect.name in options.names]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reconcile-mutants-") as folder:
        copies = [_copied(Path(folder, str(number))) for number in range(options.workers)]
        if trouble := _trouble_without_defect(copies[0], defects):
            print(f"Without any defect the named tests do not pass:\n{trouble}", file=sys.stderr)
            return 1
        lived = _lived(defects, copies)
    for defect, verdict in lived:
        print(f"{verdict}: {defect.name} ({defect.file}): {defect.meaning}")
    seconds = time.monotonic() - started
    print(f"{len(defects) - len(lived)} of {len(defects)} seeded defects are killed, in {seconds:.0f} s")
    return 1 if lived else 0


def _copied(place: Path) -> Path:
    """The code and its tests, without what git leaves out; `.ci` and the ignore files are read by tests."""
    shutil.copytree(ROOT, place, ignore=LEFT_OUT)
    for name in (".ci", ".dockerignore", ".gitignore"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name)
        elif source.exists():
            shutil.copy(source, place / name)
    shutil.copytree(ROOT / "bench", place / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    return place


def _trouble_without_defect(copy: Path, defects: list[Defect]) -> str:
    code = "import reconcile; print(reconcile.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=_env(copy), capture_output=True, text=True, check=True
    )
    if not found.stdout.startswith(str(copy)):
        return f"the tests would run the code of {found.stdout}"
    assets = bool(os.environ.get("KUBEBUILDER_ASSETS"))
    named = sorted({test for one in defects for test in one.tests if assets or not _needs_cluster(test)})
    ended = _tests(copy, named, ALL_SECONDS, "--maxfail=20") if named else Ended(PASSED)
    return "" if ended.code == PASSED else ended.last


def _lived(defects: list[Defect], copies: list[Path]) -> list[tuple[Defect, Verdict]]:
    """Those that nothing killed; each defect is told of when its verdict is there."""
    free: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(defect: Defect) -> Verdict:
        copy, started = free.get(), time.monotonic()
        file = copy / defect.file
        whole = file.read_text(encoding="utf-8")
        assert whole.count(defect.snippet) == 1, f"{defect.name}: not in {defect.file} exactly once"
        try:
            file.write_text(whole.replace(defect.snippet, defect.replacement), encoding="utf-8")
            verdict, by = _verdict(defect, copy)
        finally:
            file.write_text(whole, encoding="utf-8")
            free.put(copy)
        print(f"{verdict:8} {defect.name:36} {time.monotonic() - started:6.1f} s  {by}\n", end="", flush=True)
        return verdict

    with ThreadPoolExecutor(len(copies)) as pool:
        verdicts = zip(defects, pool.map(one, defects), strict=True)
        return [(defect, verdict) for defect, verdict in verdicts if verdict not in ("killed", "hung")]


def _verdict(defect: Defect, copy: Path) -> tuple[Verdict, str]:
    """By the tests that the table names; then by all that need no API server."""
    named = [test for test in defect.tests if not _needs_cluster(test)]
    on_cluster = [test for test in defect.tests if _needs_cluster(test)]
    assets = bool(os.environ.get("KUBEBUILDER_ASSETS"))
    rounds: list[tuple[list[str], float]] = [(named, NAMED_SECONDS)] if named else []
    if on_cluster and assets:
        rounds.append((on_cluster, CLUSTER_SECONDS))
    elif on_cluster and not named:
        return "unclear", "skipped: it takes an API server, and KUBEBUILDER_ASSETS is not set"
    rounds.append((list(ALL), ALL_SECONDS))
    for tests, seconds in rounds:
        ended = _tests(copy, tests, seconds, "-x")
        if ended.code is None:
            return "hung", f"stopped after {seconds:g} s"
        if ended.code == FAILED:
            return "killed", ended.last + ("" if tests != list(ALL) else "  (not named in the table)")
        if ended.code != PASSED:
            return "unclear", f"pytest ended with {ended.code}: {ended.last}"
    return "lived", ""


def _tests(copy: Path, tests: list[str], seconds: float, *options: str) -> Ended:
    arguments = ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "--no-header", *options, *tests]
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "pytest", *arguments],
        cwd=copy,
        env=_env(copy),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()  # pytest then ends its control plane, too
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return Ended(None)
    failed = [line for line in output.splitlines() if line.startswith("FAILED ")]
    last = failed[0].split(" - ")[0].split(" ", 1)[1] if failed else output[-2000:]
    # An error of a fixture alone, such as a control plane that does not start, is not a test that notices.
    return Ended(ERROR if process.returncode == FAILED and not failed else process.returncode, last)


def _env(copy: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILE_")}
    return {**kept, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def _needs_cluster(test: str) -> bool:
    return test.startswith("tests/e2e")


if __name__ == "__main__":
    sys.exit(main())
