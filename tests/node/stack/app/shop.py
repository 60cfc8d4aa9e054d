"""A small shop: what it has of a Redis, a Postgres and a ConfigMap it shows; a worker takes the orders.

serve     answers with what there is; `/order` puts an order into the queue
worker    takes each order out of the queue, and writes it down
migrate   makes the table
proxy     `--port=5432`: lets whoever comes to this port in, and no further
"""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

TABLE = "CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, by text)"


def queue() -> Any:
    """The Redis, whose queue is `orders`; where there is no database, what is done is counted in `done`."""
    return import_module("redis").Redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=5)


def database() -> Any:
    """A connection to the Postgres."""
    return import_module("psycopg").connect(os.environ["DATABASE_URL"], connect_timeout=5, autocommit=True)


def facts() -> str:
    """A line for all that the app has."""
    lines = [f"shop {os.environ.get('VERSION', '')}"]
    if "GREETING" in os.environ:
        lines.append(f"greeting {os.environ['GREETING']}")
    if "DATABASE_HOST" in os.environ:
        socket.create_connection((os.environ["DATABASE_HOST"], 5432), timeout=5).close()
        lines.append(f"proxy {os.environ['DATABASE_HOST']}")
    if "DATABASE_URL" in os.environ:
        with database() as connection:
            lines.append(f"orders {connection.execute('SELECT count(*) FROM orders').fetchone()[0]}")
    elif "REDIS_URL" in os.environ:
        lines.append(f"done {int(queue().get('done') or 0)}")
    return "\n".join(lines) + "\n"


class Shop(BaseHTTPRequestHandler):
    """GET alone, as a visitor does."""

    def do_GET(self) -> None:
        try:
            if self.path == "/order":
                queue().rpush("orders", "one")
            code, text = 200, facts()
        except Exception as error:  # whatever a client of a database raises
            code, text = 500, f"{type(error).__name__}: {error}\n"
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())


def worker() -> None:
    """Take orders for ever."""
    by = os.environ.get("VERSION", "")
    orders = queue()
    while True:
        if not (order := orders.blpop(["orders"], timeout=5)):
            continue
        if "DATABASE_URL" in os.environ:
            with database() as connection:
                connection.execute("INSERT INTO orders (by) VALUES (%s)", [by])
        else:
            orders.incr("done")
        sys.stdout.write(f"order {order[1].decode()} done by {by}\n")


def main(does: str, *arguments: str) -> None:
    """Do what the command is called, until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    match does:
        case "serve":
            ThreadingHTTPServer(("", int(os.environ.get("PORT", "80"))), Shop).serve_forever()
        case "worker":
            worker()
        case "migrate":
            with database() as connection:
                connection.execute(TABLE)
            sys.stdout.write("migrated\n")
        case "proxy":
            port = int(arguments[0].removeprefix("--port="))
            ThreadingHTTPServer(("", port), BaseHTTPRequestHandler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
