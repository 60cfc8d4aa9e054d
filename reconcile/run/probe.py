"""Ask for a preview from the outside, as a browser would.

Its name resolves, its certificate is good, and it answers below 500. The request goes straight to the
address that the name resolves to, never through a proxy. No redirect is followed, and nothing but the first
line and the headers of the answer is read.
"""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from reconcile.cluster.certificates import public_context
from reconcile.cluster.pool import Stop, start_threads

SECONDS = 5.0
"""What one answer may take."""
SERVER_ERRORS = 500
PORTS = {"https": 443, "http": 80}
NO_THREAD = "could not be asked: no thread can be started; raise the limit of processes or of memory"
_LOOK = 0.1

Connect = Callable[[tuple[str, int], float], socket.socket]
"""Opens a connection to a host and a port within so many seconds."""


def probe_all(
    urls: Sequence[str],
    seconds: float,
    *,
    concurrency: int,
    stop: Stop,
    connect: Connect | None = None,
) -> Mapping[str, str]:
    """What is wrong with each URL, "" where it answers; no longer than so many seconds altogether."""
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    for url in urls:
        asked.put(url)
    found: dict[str, str] = {}
    end = time.monotonic() + seconds

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while (left := end - time.monotonic()) > 0:
                url = asked.get_nowait()
                found[url] = probe(url, min(SECONDS, left), connect=connect)

    # Not of a pool, which Python waits for at its end: a resolver may take its time.
    workers = min(concurrency, len(urls))
    if not start_threads(lambda: threading.Thread(target=work, daemon=True).start(), workers):
        return dict.fromkeys(urls, NO_THREAD)
    while len(found) < len(urls) and time.monotonic() < end and not stop.asked:
        time.sleep(_LOOK)
    return {url: found.get(url, "no answer in time") for url in urls}


def probe(
    url: str,
    seconds: float = SECONDS,
    *,
    connect: Connect | None = None,
    context: ssl.SSLContext | None = None,
) -> str:
    """What is wrong with `http://HOST` or `https://HOST`; "" where it answers below 500."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        plain = (connect or socket.create_connection)((host, PORTS[parts.scheme]), seconds)
        with plain:
            sock = _with_tls(plain, host, context) if parts.scheme == "https" else plain
            with sock, _at_most(seconds, sock):
                return _asked(sock, host)
    except socket.gaierror:
        return "does not resolve"
    except ssl.SSLCertVerificationError as error:
        return f"certificate is not good: {error.verify_message}"
    except TimeoutError:
        return f"no answer in {seconds:.0f} s"
    except ssl.SSLError as error:
        return f"no TLS: {error.reason or error}"
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    except RuntimeError:  # none for the clock
        return NO_THREAD
    except (HTTPException, ValueError) as error:
        return f"no answer of HTTP: {type(error).__name__}"


def _with_tls(plain: socket.socket, host: str, context: ssl.SSLContext | None) -> ssl.SSLSocket:
    context = context or public_context()
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


@contextlib.contextmanager
def _at_most(seconds: float, sock: socket.socket) -> Iterator[None]:
    """A timeout of a socket begins anew with every byte; so end the connection from the outside."""
    over = threading.Event()

    def end() -> None:
        over.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
        if over.is_set():  # to a reader of headers, the end of a connection is their end
            raise TimeoutError
    except (OSError, HTTPException, ValueError) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _asked(sock: socket.socket, host: str) -> str:
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    connection = HTTPConnection(host)
    connection.sock = sock
    connection.request("GET", "/", headers={"User-Agent": "preview-reconcile", "Connection": "close"})
    status = connection.getresponse().status
    return f"answers {status}" if status >= SERVER_ERRORS else ""
