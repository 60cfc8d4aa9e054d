"""Visitors: so many requests a second to one URL, until SIGTERM; then what became of them, as JSON.

python -m tests.node.load URL RATE

Each request is sent when its time has come, whatever became of those before it, over a connection of its own.
"""

import json
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

PATIENCE = 20.0
AT_ONCE = 200


def visit(host: str, due: float) -> tuple[str, float]:
    """What came back, and after how many seconds since the request was due."""
    connection = HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        came = str(connection.getresponse().status)
    except (OSError, HTTPException) as error:
        came = type(error).__name__
    finally:
        connection.close()
    return came, time.monotonic() - due


def visitors(url: str, rate: float, stop: threading.Event) -> list[tuple[str, float]]:
    """Every visit until `stop`."""
    host, due = urlsplit(url).netloc, time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        visits = []
        while not stop.wait(max(0.0, due - time.monotonic())):
            visits.append(pool.submit(visit, host, due))
            due += 1 / rate
        return [each.result() for each in visits]


def main(url: str, rate: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    visits = visitors(url, float(rate), stop)
    print(
        json.dumps(
            {"answers": Counter(came for came, _ in visits), "slowest": max(took for _, took in visits)}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
