"""One deadline for a whole run, held at the socket: httpx2's own timeouts start again with every byte.

The backend below gets into httpx2 by a private attribute, in one place (`connect.ProxyTransport`): its
transport makes its own pool, and takes no backend (https://github.com/encode/httpx/pull/3749). Nothing public
does as well:

- A read timeout of what is left bounds one read. A server that sends a byte now and then gets it anew with
  each: `--timeout 0.5s` took 52 s where 1,000 bytes of headers came 20 a second.
- A check between the parts of a body begins when the headers have come.
- A transport around httpcore2's pool, which does take a backend, would repeat httpx2's choice of a pool for
  each kind of proxy, and its translation of errors, which is private too.
- The deadline of a Job ends a run without its report, and a run on a laptop has none.
"""

import contextlib
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore2


class RequestDeadline:
    """The moment after which nothing is waited for any more; `seconds` None is never.

    Read by every thread that has a request under way; `restart` counts for these too.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if seconds is None else clock() + seconds
        self.over = f"the {seconds or 0:g} s for the whole run are over (--timeout)"

    def restart(self, seconds: float, option: str) -> None:
        """So many seconds from now on; `option` says who set them."""
        self.over = f"the {seconds:g} s of {option} are over"
        self._end = self._clock() + seconds

    def remaining(self) -> float:
        """Seconds that are left, 0.0 when none are, `math.inf` without a deadline."""
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        return self.remaining() <= 0

    def cap(self, seconds: float | None) -> float | None:
        """At most what is left. Raises httpcore2.ReadTimeout when nothing is: 0 would mean not to block."""
        left = self.remaining()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline of the run has passed")
        shorter = min(math.inf if seconds is None else seconds, left)
        return None if shorter == math.inf else shorter


class DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections that keep a deadline."""

    def __init__(self, inner: httpcore2.NetworkBackend, deadline: RequestDeadline) -> None:
        self._inner = inner
        self._deadline = deadline
        self._opened = threading.local()

    @contextlib.contextmanager
    def closing_on_failure(self) -> Iterator[None]:
        """Close what this thread opens in it, should that fail: behind SOCKS5 httpcore2 leaves it open."""
        self._opened.stream = None
        try:
            yield
        except BaseException:
            if self._opened.stream:
                self._opened.stream.close()
            raise

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._inner.connect_tcp(
            host, port, self._deadline.cap(timeout), local_address, socket_options
        )
        self._opened.stream = opened = DeadlineStream(stream, self._deadline)
        return opened


class DeadlineStream(httpcore2.NetworkStream):
    """A connection that gives every read and write no more than what is left of the deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: RequestDeadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))
        return DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
