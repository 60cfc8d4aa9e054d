"""The log on stderr: one record a line, of plain characters."""

import logging

from reconcile.report.safe import safe_line


def start_logging(verbose: int, quiet: bool) -> None:
    """Log to stderr: warnings, or what `-v`, `-vv` and `-q` ask for."""
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("reconcile").setLevel(level)


class SafeFormatter(logging.Formatter):
    """A record is one line of plain characters, whatever a server put into it."""

    def format(self, record: logging.LogRecord) -> str:
        return safe_line(super().format(record))
