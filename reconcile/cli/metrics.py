"""A run as metrics of Prometheus: a file for the textfile collector, or pushed to a Pushgateway.

Needs the extra `metrics`. Each is a gauge of the newest run. What tells when the last success was stays as it
is when a run fails: in the file it is read again, and a Pushgateway keeps what is not pushed anew.
"""

import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPSHandler, Request, build_opener

from prometheus_client import CollectorRegistry, Gauge, generate_latest, pushadd_to_gateway
from prometheus_client.parser import text_string_to_metric_families

from reconcile.cli.files import write_text
from reconcile.cluster.certificates import public_context
from reconcile.model.names import TOOL
from reconcile.report.summary import ACTIONS, RESULTS, Summary

log = logging.getLogger(__name__)

PUSH_SECONDS = 10.0
LAST_SUCCESS = "preview_reconcile_last_success_timestamp_seconds"


def write_metrics(path: str, summary: Summary) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    last = None if summary.success else _last_success(path)
    write_text(path, generate_latest(registry_of(summary, last)).decode())


def registry_of(summary: Summary, last_success: float | None = None) -> CollectorRegistry:
    """The metrics of a run; `last_success` is an earlier one's time, for a run that is none."""
    registry = CollectorRegistry()

    def gauge(name: str, help_text: str, value: float | None) -> None:
        if value is not None:
            Gauge(name, help_text, registry=registry).set(value)

    time = summary.now.timestamp() if summary.now else None
    gauge(
        LAST_SUCCESS,
        "Start time of the last successful run.",
        time if summary.success else last_success,
    )
    gauge("preview_reconcile_last_run_timestamp_seconds", "Start time of the last run.", time)
    gauge("preview_reconcile_duration_seconds", "Duration of the last run.", summary.seconds)
    gauge("preview_reconcile_exit_code", "Exit code of the last run.", summary.exit_code)
    gauge(
        "preview_reconcile_deletes_skipped",
        "Children whose deletes the last run skipped.",
        summary.deletes_skipped,
    )
    _writes(registry, summary)
    previews = Gauge(
        "preview_reconcile_previews", "Previews by the reason of Ready.", ["reason"], registry=registry
    )
    for reason, count in summary.previews.items():
        previews.labels(reason).set(count)
    return registry


def _writes(registry: CollectorRegistry, summary: Summary) -> None:
    """Every pair, so that a rule need not ask whether one is there."""
    writes = Gauge(
        "preview_reconcile_writes",
        "Writes of the last run by action and outcome.",
        ["action", "outcome"],
        registry=registry,
    )
    for action in ACTIONS:
        for result in RESULTS:
            writes.labels(action, result).set(summary.writes.get((action, result), 0))


def _last_success(path: str) -> float | None:
    """What the file tells so far; None where there is none, or it is none of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            families = list(text_string_to_metric_families(file.read()))
    except (OSError, ValueError, KeyError):
        return None
    samples = (sample for family in families for sample in family.samples)
    return next((sample.value for sample in samples if sample.name == LAST_SUCCESS), None)


def push(url: str, summary: Summary, group: Mapping[str, str], *, seconds: float = PUSH_SECONDS) -> None:
    """Push to the group `job="preview-reconcile"` with these labels. What goes wrong is a warning.

    It is given up after so many seconds, whatever the gateway does: a thread may wait on.
    """
    address, handler = _gateway(url)
    problem: list[str] = [f"no answer within {seconds:g} s"]

    def send() -> None:
        try:
            pushadd_to_gateway(address, TOOL, registry_of(summary), dict(group), seconds, handler)
            problem.clear()
        except (OSError, HTTPException, ValueError) as error:
            problem[:] = [str(error) or type(error).__name__]

    thread = threading.Thread(target=send, daemon=True)
    try:
        thread.start()
        thread.join(seconds)
    except RuntimeError as error:  # no thread to be had
        problem[:] = [str(error)]
    for said in tuple(problem):
        log.warning("--pushgateway %s: the metrics were not pushed: %s", address, said)


def _gateway(url: str) -> tuple[str, Callable[..., Callable[[], None]]]:
    """The address without user and password, and what sends them."""
    parts = urlsplit(url)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers: dict[str, str] = {}
    if parts.username is not None:
        password = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(password.encode()).decode()}"
    return address, partial(_sender, headers)


def _sender(
    more: Mapping[str, str],
    url: str,
    method: str,
    timeout: float | None,
    headers: list[tuple[str, str]],
    data: bytes,
) -> Callable[[], None]:
    """What prometheus_client asks of a handler. Its own takes Python's contexts, which are too strict."""
    request = Request(url, data, {**dict(headers), **more}, method=method)
    # What reads the machine's authorities takes its time, which a gateway without TLS need not wait for.
    handlers = [HTTPSHandler(context=public_context())] if url.startswith("https:") else []
    return lambda: build_opener(*handlers).open(request, timeout=timeout).close()
