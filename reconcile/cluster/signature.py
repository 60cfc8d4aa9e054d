"""What changes when a file does."""

import os

Signature = tuple[int, int, int]
"""Its inode, its size, and when it was written."""


def signature_of(path: str) -> Signature | None:
    """None where there is no such file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
