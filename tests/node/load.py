"""Visitors: so many requests a second to each URL, until SIGTERM; then what became of them, as JSON by URL.

python -m tests.node.load RATE URL...

Each request is sent when its time has come, whatever became of those before it, over a connection of its own.
"""

import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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


def visitors(urls: Sequence[str], rate: float, stop: threading.Event) -> dict[str, list[tuple[str, float]]]:
    """Every visit until `stop`."""
    due = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        visits: dict[str, list[Future[tuple[str, float]]]] = {url: [] for url in urls}
        while not stop.wait(max(0.0, due - time.monotonic())):
            for url in urls:
                visits[url].append(pool.submit(visit, urlsplit(url).netloc, due))
            due += 1 / rate
        return {url: [each.result() for each in made] for url, made in visits.items()}


def main(rate: str, *urls: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    visits = visitors(urls, float(rate), stop)
    told = {
        url: {"answers": Counter(came for came, _ in made), "slowest": max(took for _, took in made)}
        for url, made in visits.items()
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
