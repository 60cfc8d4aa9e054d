"""The wings of the command: what it has beside its core, the files of each, and what a user has by it.

To take a wing out, delete its files and its row; docs/cookbook/wings.md has the commands.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Wing(NamedTuple):
    """`files` are files and folders below `reconcile/`, `gives` options and formats of reports.

    `needs` is the wing without which this one gives nothing.
    """

    files: tuple[str, ...]
    gives: tuple[str, ...]
    needs: str = ""


WINGS: Mapping[str, Wing] = {
    "explain": Wing(("explain",), ("--explain",)),
    "wait": Wing(
        ("run/wait.py", "run/refresh.py", "run/standing.py", "cli/live.py"), ("--wait", "--wait-timeout")
    ),
    "logs": Wing(("run/logs.py",), ("--logs",), needs="wait"),
    "probe": Wing(("run/probe.py",), ("--probe",), needs="wait"),
    "files": Wing(("cluster/files",), ("--from", "--to", "--filename", "--exclude")),
    "templates": Wing(
        ("cli/templates.py", "cli/rights.py", "desire/templates"),
        ("--templates", "--print-rights"),
        needs="files",
    ),
    "markdown": Wing(("report/markdown.py",), ("markdown",)),
    "yaml": Wing(("report/yaml.py",), ("yaml",)),
    "html": Wing(("report/html.py", "report/page.html.j2", "report/page.css", "report/page.js"), ("html",)),
    "metrics": Wing(("cli/metrics.py",), ("metrics", "--pushgateway")),
    "completion": Wing(("cli/complete.py",), ("completion",)),
}


def offered(*names: str) -> tuple[str, ...]:
    """Which of these options and formats the wings give that are there."""
    wings = [wing for wing in WINGS.values() if wing.needs in ("", *WINGS)]
    return tuple(name for name in names if any(name in wing.gives for wing in wings))
