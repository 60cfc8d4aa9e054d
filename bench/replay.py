"""A bare load generator, as a process of its own: sends what a run has sent, and decides nothing.

    python -m bench.replay REQUESTS CONCURRENCY

REQUESTS is a file: `{"gets": [PATH, …], "applies": [[[PATH, BODY], …], …], "statuses": [[PATH, BODY], …]}`;
each list in `applies` is one preview's, sent in its order. Prints `{"seconds", "requests"}`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx2

from bench.client import bare_client

T = TypeVar("T")
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def main() -> int:
    """GETs, then applies, then statuses, as a run does; each at once as far as CONCURRENCY goes."""
    wanted = json.loads(Path(sys.argv[1]).read_text())
    concurrency = int(sys.argv[2])
    client = bare_client(Path(os.environ["KUBECONFIG"]), concurrency)

    def get(path: str) -> None:
        check(client.get(path), 404)

    def apply_all(requests: Sequence[tuple[str, str]]) -> None:
        for path, body in requests:
            check(client.patch(path, content=body, headers=APPLY), 201)

    def tell(request: tuple[str, str]) -> None:
        check(client.patch(request[0], content=request[1], headers=APPLY), 200)

    begun = time.perf_counter()
    at_once(get, wanted["gets"], concurrency)
    at_once(apply_all, wanted["applies"], concurrency)
    at_once(tell, wanted["statuses"], concurrency)
    seconds = time.perf_counter() - begun
    client.close()
    requests = len(wanted["gets"]) + sum(map(len, wanted["applies"])) + len(wanted["statuses"])
    sys.stdout.write(json.dumps({"seconds": seconds, "requests": requests}))
    return 0


def at_once(send: Callable[[T], None], items: Sequence[T], concurrency: int) -> None:
    """All of them, on so many threads."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        list(pool.map(send, items))


def check(answer: httpx2.Response, expected: int) -> None:
    """What was not answered like the run's own request would be another load."""
    if answer.status_code != expected:
        raise SystemExit(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")


if __name__ == "__main__":
    sys.exit(main())
