"""Certificates, tokens and the kubeconfig that change while the command runs: read again, as client-go does.

Every request asks whether a file has changed since; that is a `stat` of two or three files. What was read
before counts on while the new cannot be used: files are written one after the other.
"""

import logging
import os
import ssl
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace

import httpx2
import msgspec

from reconcile.cluster.kubernetes.auth import TokenAuth, auth, checked
from reconcile.cluster.kubernetes.execplugin import Credential, Plugin
from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.cluster.kubernetes.retry import read_whole
from reconcile.cluster.kubernetes.tls import certificate_files, load_certificate, ssl_context
from reconcile.cluster.signature import Signature, signature_of
from reconcile.errors import BadKubeconfig

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Access:
    """Which certificates connections have, and how requests are signed: of files that were read together."""

    connection: Connection
    context: ssl.SSLContext
    auth: httpx2.Auth


class Rotation:
    """The access of the files as they are now. Thread-safe.

    `find` finds the connection once more. `seconds` tells how long an exec plugin may take. Raises
    BadKubeconfig where the first access cannot be made.
    """

    def __init__(
        self, connection: Connection, find: Callable[[], Connection], seconds: Callable[[], float]
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._lock = threading.Lock()
        self._shown: Credential | None = None
        self._plugin_auth = TokenAuth(self._from_plugin) if Plugin.of(connection) else None
        files = _files(connection)
        # A pipe can be read once, and whoever opens it again may wait for ever.
        self._readable_again = all(map(_is_regular, files))
        self._signatures: Mapping[str, Signature | None] = _signatures(files)
        self._access = self._open(connection)

    def now(self) -> Access:
        """The newest access that could be made."""
        with self._lock:
            found = _signatures(self._signatures)
            if self._readable_again and found != self._signatures:
                self._read_again(found)
            return self._access

    def _read_again(self, before: Mapping[str, Signature | None]) -> None:
        """`before` was seen before anything is read: what changes from now on is read once more."""
        self._signatures = before
        source = self._access.connection.source
        try:
            connection = self._find()
            if _without_secrets(connection) != _without_secrets(self._access.connection):
                logger.warning(
                    "%s has changed in more than certificates and tokens, "
                    "which counts from the next start on; restart the command",
                    source,
                )
                return
            self._signatures = {**_signatures(_files(connection)), **before}
            self._access = self._open(connection)
        except BadKubeconfig as error:
            logger.warning("%s; what was read before counts on", error)
        else:
            logger.info("%s: certificates and tokens were read again", source)

    def _open(self, connection: Connection) -> Access:
        context, plugin = ssl_context(connection), Plugin.of(connection)
        if plugin and self._shown:
            load_certificate(context, self._shown, plugin.where)
        return Access(connection, context, auth(connection, self._plugin_auth))

    def _from_plugin(self) -> str | None:
        connection = self.now().connection
        plugin = Plugin.of(connection)
        assert plugin, "a connection keeps its plugin"
        credential = plugin.run(self._seconds())
        if credential.clientCertificateData:
            with self._lock:
                self._shown = credential
                self._access = self._open(connection)
        return checked(credential.token, f"{plugin.where}: the token") if credential.token else None


class RotatingAuth(httpx2.Auth):
    """Signs as the newest access does."""

    def __init__(self, now: Callable[[], Access]) -> None:
        self._now = now

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        yield from self._now().auth.sync_auth_flow(request)


@dataclass(eq=False)
class _Connections:
    """Those of one access, and how many requests are under way on them."""

    access: Access
    transport: httpx2.BaseTransport
    requests: int = 0


class RotatingTransport(httpx2.BaseTransport):
    """Sends over connections of the newest access, and answers when the body has come whole.

    Those of the access before are closed once nothing is under way on them.
    """

    def __init__(
        self, now: Callable[[], Access], open_transport: Callable[[Access], httpx2.BaseTransport]
    ) -> None:
        self._now = now
        self._open = open_transport
        self._lock = threading.Lock()
        self._newest = self._opened(now())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        connections = self._enter()
        try:
            response = connections.transport.handle_request(request)
            try:
                return read_whole(response, request.extensions.get("most_bytes"))
            finally:
                response.close()
        finally:
            self._leave(connections)

    def close(self) -> None:
        self._newest.transport.close()

    def _opened(self, access: Access) -> _Connections:
        return _Connections(access, self._open(access))

    def _enter(self) -> _Connections:
        access = self._now()
        with self._lock:
            before = self._newest
            if access is not before.access:
                self._newest = self._opened(access)
                _close_unless_used(before)
            self._newest.requests += 1
            return self._newest

    def _leave(self, connections: _Connections) -> None:
        with self._lock:
            connections.requests -= 1
            if connections is not self._newest:
                _close_unless_used(connections)


def _close_unless_used(connections: _Connections) -> None:
    if not connections.requests:
        connections.transport.close()


def _files(connection: Connection) -> tuple[str, ...]:
    return (*connection.files, *certificate_files(connection))


def _is_regular(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)


def _signatures(files: Iterable[str]) -> dict[str, Signature | None]:
    return {file: signature_of(file) for file in files}


def _without_secrets(connection: Connection) -> Connection:
    """What has to stay as it is: which server, on which way, as whom."""
    cluster = msgspec.structs.replace(connection.cluster, certificate_auth=None, certificate_auth_data=None)
    user = msgspec.structs.replace(
        connection.user,
        client_cert=None,
        client_cert_data=None,
        client_key=None,
        client_key_data=None,
        password=None,
        token=None,
        token_file=None,
    )
    return replace(connection, source="", files=(), cluster=cluster, user=user)
