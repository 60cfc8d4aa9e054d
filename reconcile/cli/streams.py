"""Guard stdin, stdout and stderr: whether somebody reads what is told never decides what is done."""

import os
import sys
from typing import Any, TextIO, cast

from reconcile.errors import UsageError

_NAMES = ("stdin", "stdout", "stderr")


class Guarded:
    """A stream to write text to that fails in silence, and keeps why: a full disk, a reader that has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write it, unless an earlier write failed."""
        if self.failure is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self.failure = error
        return len(text)

    def flush(self) -> None:
        """Flush, unless an earlier write failed."""
        if self.failure is None:
            try:
                self._stream.flush()
            except OSError as error:
                self.failure = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard() -> None:
    """Guard the streams of this process, also those that are closed.

    A file or a connection that is opened next would get the number of a closed one, and what is printed
    would go there. Each number gets a file that only reads: what is written to it fails as on a closed one.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            _occupy(number)
    for number, name in enumerate(_NAMES[1:], start=1):
        stream = getattr(sys, name) or open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, cast(TextIO, Guarded(stream)))


def _occupy(number: int) -> None:
    opened = os.open(os.devnull, os.O_RDONLY)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


def trouble() -> str:
    """Return why stdout could not be written; "" if it was, or if its reader has gone: it had enough."""
    sys.stdout.flush()
    failure = getattr(sys.stdout, "failure", None)
    return "" if failure is None or isinstance(failure, BrokenPipeError) else failure.strerror or str(failure)


def attended() -> bool:
    """Return whether somebody sits at a terminal, and can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_stdin() -> str:
    """Return all of stdin; UsageError if it is closed.

    What is not UTF-8 comes through as what the reader of YAML names as a mistake.
    """
    if sys.stdin is None:
        raise UsageError("-: stdin is closed; pipe the manifests in, or name a file")
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
