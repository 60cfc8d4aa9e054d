"""A file is written whole or not at all: beside its place, and then put there."""

import fcntl
import os
import re
import secrets
from contextlib import suppress

_BESIDE = re.compile(r"\.preview-reconcile-[0-9a-f]{16}\.tmp")


def replace_file(path: str, text: str) -> None:
    """Put the text, as UTF-8, in the place of the file: nobody ever sees a half of it. Raises OSError."""
    beside, lock = _locked(os.path.dirname(path))
    try:
        with open(os.dup(lock), "wb") as file:
            file.write(text.encode())
        os.replace(beside, path)
    except BaseException:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise
    finally:
        os.close(lock)


def remove_abandoned(folder: str) -> None:
    """Remove what writers that were killed have left beside their files; one that lives holds a lock."""
    with suppress(OSError):
        for name in os.listdir(folder or os.curdir):
            if _BESIDE.fullmatch(name):
                _remove_unless_locked(os.path.join(folder, name))


def _locked(folder: str) -> tuple[str, int]:
    """A new file, and what to close when nobody needs it any more. Where there are no locks, without one."""
    while True:
        path = os.path.join(folder, f".preview-reconcile-{secrets.token_hex(8)}.tmp")
        lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return path, lock
        os.close(lock)  # another run has taken it for abandoned before it was locked


def _remove_unless_locked(path: str) -> None:
    with suppress(OSError), open(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
