"""Every format of the report by its name, and the report as a file."""

import os
import stat
from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconcile.cluster.files.atomic import remove_abandoned, replace_file
from reconcile.report.dotenv import run_dotenv
from reconcile.report.json import run_json
from reconcile.report.markdown import run_markdown
from reconcile.report.text import run_text
from reconcile.status.result import Run


class Facts(NamedTuple):
    """What a report tells beside the run."""

    cluster: str
    scope: str
    exit_code: int


Format = Callable[[Run, Facts], str]


def _html(done: Run, facts: Facts) -> str:
    from reconcile.report.html import run_html  # of what it imports no other format needs anything

    return run_html(done, cluster=facts.cluster, scope=facts.scope)


FORMATS: Mapping[str, Format] = {
    "text": lambda done, facts: run_text(done, cluster=facts.cluster, scope=facts.scope),
    "json": lambda done, facts: run_json(done, **facts._asdict()),
    "markdown": lambda done, facts: run_markdown(done, cluster=facts.cluster, scope=facts.scope),
    "html": _html,
    "dotenv": lambda done, facts: run_dotenv(done),
}


def write_report(format_name: str, path: str, done: Run, facts: Facts) -> None:
    """Write the report, whole or not at all; into a pipe or a device as it comes. Raises OSError."""
    write_text(path, FORMATS[format_name](done, facts))


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
