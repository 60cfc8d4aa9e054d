"""A file is written whole or not at all: beside its place, and then put there."""

import os
import secrets


def replace_file(path: str, text: str) -> None:
    """Put the text, as UTF-8, in the place of the file: nobody ever sees a half of it. Raises OSError."""
    beside = os.path.join(os.path.dirname(path), f".preview-reconcile-{secrets.token_hex(8)}.tmp")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(text.encode())
        os.replace(beside, path)
    except BaseException:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise
