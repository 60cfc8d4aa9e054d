"""Reports as files."""

import os
import stat

from reconcile.cluster.atomic import remove_abandoned, replace_file
from reconcile.report.formats import FORMATS, ReportContext
from reconcile.status.result import Run


def write_report(format_name: str, path: str, done: Run, context: ReportContext) -> None:
    """Write the report, whole or not at all; into a pipe or a device as it comes. Raises OSError."""
    write_text(path, FORMATS[format_name](done, context))


def write_text(path: str, text: str) -> None:
    """Write a file, whole or not at all; into a pipe or a device as it comes. Raises OSError."""
    if _is_file_or_nothing(path):
        place = os.path.realpath(path)
        remove_abandoned(os.path.dirname(place))
        replace_file(place, text)
    else:
        with open(path, "wb") as file:
            file.write(text.encode())


def _is_file_or_nothing(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
