"""A shell at a terminal of its own, in which keys are pressed."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_SECONDS = 180
PROMPT = "ready> "
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>]|\][^\x07]*\x07)")


class Terminal:
    """`arguments` are a shell whose prompt is made `PROMPT`. Use it as a context: the shell ends with it."""

    def __init__(self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**variables, "TERM": "xterm", "PS1": PROMPT, "COLUMNS": "200", "LINES": "50"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)

    def run(self, line: str) -> str:
        """What a line prints, up to the next prompt."""
        self.press(f"{line}\r")
        return self.until(rf"\n[^\n]*{PROMPT}$")

    def press(self, keys: str) -> None:
        """Keys; what was said until now is forgotten."""
        self.said = ""
        os.write(self._ours, keys.encode())

    def until(self, pattern: str) -> str:
        """What the shell says since the last keys, as plain text, once it has all of the pattern."""
        ends = time.monotonic() + _SECONDS
        while not re.search(pattern, self.text):
            ready, _, _ = select.select([self._ours], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"not in {_SECONDS} seconds: {pattern!r}\n{self.text}"
            self.said += os.read(self._ours, 65_536).decode(errors="replace")
        return self.text

    @property
    def text(self) -> str:
        return re.sub(r"[\x00-\x09\x0b-\x1f]", "", _ESCAPES.sub("", self.said))
