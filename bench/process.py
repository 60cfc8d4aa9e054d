"""One program run once, in a process of its own: its time, its size, and what it said."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
LEFT_OUT = ("RECONCILE_", "PYTHONDONTWRITEBYTECODE")
"""What programs do not get of the environment: options, and what keeps Python from compiling once for all."""


class NotMeasured(Exception):
    """A program that was to be measured failed, or did not do what is measured."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: wall time from its start to its end, CPU time, largest resident size, output."""

    seconds: float
    cpu: float
    mebibytes: float
    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """What a process of our own printed as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Runner:
    """Runs programs with a kubeconfig; files of theirs go to `folder`."""

    kubeconfig: Path
    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, codes: Sequence[int] = (0,)) -> Ended:
        """Raises NotMeasured when it ends with a code that is not in `codes`."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".json") as report:
            done = subprocess.run(
                [sys.executable, "-m", "bench.launch", report.name, *map(str, command)],
                cwd=REPOSITORY,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.load(report)
        if found["code"] not in codes:
            told = (done.stderr or done.stdout)[-2000:]
            raise NotMeasured(f"{' '.join(map(str, command))} ended with code {found['code']}:\n{told}")
        return Ended(**found, out=done.stdout, err=done.stderr)

    def python(self, *arguments: str | Path) -> Ended:
        """The Python that this is run with."""
        return self.run(sys.executable, *arguments)

    def _environment(self) -> dict[str, str]:
        left = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        return {**left, "KUBECONFIG": str(self.kubeconfig), **self.extra}
