"""A bare load generator, as a process of its own: sends what a run has sent, and decides nothing.

    python -m bench.replay REQUESTS CONCURRENCY

REQUESTS is a file: `{"gets": [REQUEST, …], "applies": [[REQUEST, …], …], "told": [REQUEST, …]}`.
Each list in `applies` is one preview's, sent in its order. A REQUEST is `[METHOD, PATH, BODY, CODE]`;
any other answer than CODE is an error. Prints `{"seconds", "requests"}`.
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
Request = tuple[str, str, str, int]
TYPES = {"PATCH": "application/apply-patch+yaml", "POST": "application/json"}


def main() -> int:
    """GETs, then applies, then statuses and Events, as a run does; CONCURRENCY of them at once."""
    wanted = json.loads(Path(sys.argv[1]).read_text())
    concurrency = int(sys.argv[2])
    client = bare_client(Path(os.environ["KUBECONFIG"]), concurrency)

    def send_all(requests: Sequence[Request]) -> None:
        for request in requests:
            send(client, request)

    begun = time.perf_counter()
    at_once(lambda request: send(client, request), wanted["gets"], concurrency)
    at_once(send_all, wanted["applies"], concurrency)
    at_once(lambda request: send(client, request), wanted["told"], concurrency)
    seconds = time.perf_counter() - begun
    client.close()
    requests = len(wanted["gets"]) + sum(map(len, wanted["applies"])) + len(wanted["told"])
    sys.stdout.write(json.dumps({"seconds": seconds, "requests": requests}))
    return 0


def send(client: httpx2.Client, request: Request) -> None:
    """What is not answered as the run was would be another load."""
    method, path, body, code = request
    headers = {"Content-Type": TYPES[method]} if body else {}
    answer = client.request(method, path, content=body or None, headers=headers)
    if answer.status_code != code:
        raise SystemExit(f"{method} {path}: {answer.status_code} instead of {code}: {answer.text}")


def at_once(send: Callable[[T], None], items: Sequence[T], concurrency: int) -> None:
    """All of them, on so many threads."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        list(pool.map(send, items))


if __name__ == "__main__":
    sys.exit(main())
