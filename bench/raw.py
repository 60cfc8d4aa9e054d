"""Fetches lists raw, as a process of its own: what an unchanged run cannot be faster than.

    python -m bench.raw LISTS    a file with `{"at_once": [PATH, …], "then": [PATH, …]}`

Prints `{"seconds", "requests", "bytes"}`. Nothing of an answer is decoded but the token of the next page.
"""

import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from bench.client import bare_client

TOKEN = re.compile(rb'"continue":"([^"]*)"')
NEAR = 400
"""The token is among the first bytes of a list of a kind that is built in, among the last of a custom one."""


def token_in(page: bytes) -> str:
    """The token of the next page; "" on the last one."""
    found = TOKEN.search(page[:NEAR]) or TOKEN.search(page[-NEAR:])
    return found[1].decode() if found else ""


def fetch(client: httpx2.Client, path: str) -> list[int]:
    """The size of each page of a list; `path` has its query, `limit` among it."""
    sizes: list[int] = []
    token = ""
    while True:
        page = client.get(f"{path}&continue={token}" if token else path).raise_for_status().content
        sizes.append(len(page))
        token = token_in(page)
        if not token:
            return sizes


def main() -> int:
    """Every list of `at_once` on a thread of its own, then those of `then`, one after the other."""
    lists = json.loads(Path(sys.argv[1]).read_text())
    client = bare_client(Path(os.environ["KUBECONFIG"]), max(1, len(lists["at_once"])))
    begun = time.perf_counter()
    with ThreadPoolExecutor(max_workers=max(1, len(lists["at_once"]))) as pool:
        sizes = [
            size for found in pool.map(lambda path: fetch(client, path), lists["at_once"]) for size in found
        ]
    for path in lists["then"]:
        sizes += fetch(client, path)
    seconds = time.perf_counter() - begun
    client.close()
    sys.stdout.write(json.dumps({"seconds": seconds, "requests": len(sizes), "bytes": sum(sizes)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
