"""`python -m bench.firstpage URL`: ask until it answers 200; prints when, by the monotonic clock."""

import sys
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

PAUSE = 0.02
PATIENCE = 120.0


def answers(host: str) -> bool:
    connection = HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while not answers(urlsplit(url).netloc):
        if time.monotonic() > end:
            sys.exit(f"{url} did not answer 200 within {PATIENCE:.0f} s")
        time.sleep(PAUSE)
    print(time.monotonic())


if __name__ == "__main__":
    main(*sys.argv[1:])
