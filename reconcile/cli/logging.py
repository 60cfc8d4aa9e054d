"""The log on stderr: one record a line, of plain characters."""

import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from typing import Any, Literal

from reconcile.report.safe import cut, safe_json, safe_line

LogFormat = Literal["text", "json"]

OPTION, VARIABLE = "--log-format", "RECONCILE_LOG_FORMAT"

LONGEST_RECORD = 8_000
"""Characters: container runtimes part lines of more than 16 KiB."""

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def start_logging(
    verbose: int, quiet: bool, log_format: LogFormat = "text", *, timestamps: bool = False
) -> None:
    """Log to stderr: warnings, or what `-v`, `-vv` and `-q` ask for; with the time where runs are many.

    As JSON it is for programs, who want to know of every run: one step more is said.
    """
    in_json = log_format == "json"
    level = logging.ERROR if quiet else _LEVELS[min(verbose + in_json, 2)]
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if in_json else SafeFormatter(timestamps=timestamps))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("reconcile").setLevel(level)


def log_format_in(arguments: Sequence[str], environment: Mapping[str, str]) -> LogFormat:
    """Return the format that arguments or variable set, also where they cannot be parsed."""
    found = environment.get(VARIABLE, "")
    options = takewhile(lambda word: word != "--", arguments)
    for word, following in pairwise([*options, ""]):
        option, equals, value = word.partition("=")
        if option == OPTION:
            found = value if equals else following
    return "json" if found == "json" else "text"


def logs_json() -> bool:
    """Whether stderr is for programs: then a complaint is a record too."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


class SafeFormatter(logging.Formatter):
    """A record is one line of plain characters, whatever a server put into it."""

    converter = staticmethod(time.gmtime)

    def __init__(self, *, timestamps: bool = False) -> None:
        when = "%(asctime)s  " if timestamps else ""
        super().__init__(f"{when}%(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        return cut(safe_line(super().format(record)), LONGEST_RECORD)


class JsonFormatter(logging.Formatter):
    """A record is one line of JSON in ASCII; what `extra={"fields": …}` gave stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, Any] = {
            # When the record was made: of use to who reads logs, and to nothing else.
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": cut(record.getMessage(), LONGEST_RECORD),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return safe_json(json.dumps(found, ensure_ascii=True, default=str))


def complain(message: str, code: int, shown: str = "") -> int:
    """Tell of an error on stderr; the exit code.

    A record where the log is JSON, else `shown`, or the message where that is all there is to show.
    """
    if logs_json():
        logging.getLogger("reconcile").error("%s", message)
    else:
        print(*map(safe_line, (shown or f"Error: {message}").split("\n")), sep="\n", file=sys.stderr)
    return code
