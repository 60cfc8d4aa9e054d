"""From what the user says to a cluster that answers: kubeconfig, TLS, credentials, transport, client."""

import ipaddress
import os
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Context
from lightkube.core.generic_client import GenericSyncClient
from socksio import SOCKSError

from reconcile.cluster.kubernetes.auth import NOBODY, Impersonation, impersonation
from reconcile.cluster.kubernetes.client import KubernetesCluster
from reconcile.cluster.kubernetes.deadline import DeadlineBackend, RequestDeadline
from reconcile.cluster.kubernetes.kubeconfig import Connection, find_connection
from reconcile.cluster.kubernetes.retry import Pacing, RetryTransport
from reconcile.cluster.kubernetes.rotation import Access, RotatingAuth, RotatingTransport, Rotation
from reconcile.cluster.kubernetes.tls import proxy_ssl_context
from reconcile.errors import BadKubeconfig

# As with Go, a proxy of SOCKS5 resolves the server's name itself, whichever of its two schemes is given.
SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True)
class Proxy:
    """A proxy, and who named it."""

    url: httpx2.URL
    source: str

    def __str__(self) -> str:
        """As people may see it: without user and password."""
        return f"{self.url.scheme}://{self.url.netloc.decode()} ({self.source})"


def find_proxy(connection: Connection) -> Proxy | None:
    """`proxy-url`, else HTTPS_PROXY or HTTP_PROXY unless NO_PROXY spares the server. Raises BadKubeconfig."""
    server, named = connection.cluster.server, connection.cluster.proxy_url
    url = named or _from_environment(server)
    if url is None:
        return None
    variable = f"{urlsplit(server).scheme.upper()}_PROXY"
    where = f"{connection.source}: proxy-url" if named else variable
    if url.partition("://")[0] not in SCHEMES:
        raise BadKubeconfig(
            f"{where}: only proxies of http://, https:// and socks5:// can be used; give one of these"
        )
    try:
        return Proxy(httpx2.URL(url), "proxy-url" if named else variable)
    except httpx2.InvalidURL as error:
        raise BadKubeconfig(f"{where} is no URL: {error}; correct it") from error


class ProxyTransport(httpx2.HTTPTransport):
    """A transport for which an answer that no proxy of SOCKS5 gives is a `ProxyError`, too."""

    def __init__(self, backend: DeadlineBackend, **options: Any) -> None:
        super().__init__(**options)
        self._backend = backend
        # httpx2 has no way to say it, but httpcore2 has; a test with a server that trickles holds this line.
        self._pool._network_backend = backend

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            with self._backend.closing_on_failure():
                return super().handle_request(request)
        except (SOCKSError, AssertionError, OverflowError) as error:  # httpcore2 lets these through
            raise httpx2.ProxyError("the proxy does not speak SOCKS5", request=request) from error


def _from_environment(server: str) -> str | None:
    proxies = urllib.request.getproxies()
    parts = urlsplit(server)
    url = proxies.get(parts.scheme)
    if not url or _bypasses_proxy(parts.hostname or "", parts.netloc, proxies):
        return None
    return url if "://" in url else f"http://{url}"


def _bypasses_proxy(host: str, place: str, proxies: dict[str, str]) -> bool:
    """As Go's http.ProxyFromEnvironment: also for loopback and networks, which urllib does not know."""
    if host == "localhost" or urllib.request.proxy_bypass(place.rpartition("@")[2]):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(
        address in network for network in map(_network, proxies.get("no", "").split(",")) if network
    )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


IDLE_SECONDS = 30.0


def connect(
    kubeconfig: str | None,
    context: str | None,
    *,
    deadline_seconds: float | None,
    concurrency: int,
    user_agent: str,
    impersonate: Impersonation = NOBODY,
    env: Mapping[str, str] = os.environ,
    pacing: Pacing = Pacing(),  # noqa: B008  (frozen)
) -> KubernetesCluster:
    """A cluster to ask; nothing is sent yet. The deadline, for everything that will be asked, begins here.

    `concurrency` is the number of connections, so of threads that may ask at once without waiting.
    Raises BadKubeconfig.
    """
    connection = impersonate.applied_to(find_connection(kubeconfig, context, env))

    def find_again() -> Connection:
        """The same context, whatever has become the current one."""
        return impersonate.applied_to(find_connection(kubeconfig, connection.context, env))

    deadline = RequestDeadline(deadline_seconds, pacing.clock)
    host, proxy = _host(connection), find_proxy(connection)
    rotation = Rotation(connection, find_again, deadline.remaining)
    http = _http_client(connection, rotation, proxy, deadline, pacing, concurrency, user_agent)
    way = f"{host} through the proxy {proxy}" if proxy else host
    title = f"{connection.title} ({host})"
    return KubernetesCluster(_lightkube(connection, http), title, way, deadline, connection.namespace)


def _host(connection: Connection) -> str:
    """The server's address as people may see it, without user and password. Raises BadKubeconfig."""
    try:
        url = httpx2.URL(connection.cluster.server)
    except httpx2.InvalidURL as error:
        raise BadKubeconfig(
            f"{connection.source}: the cluster's server is no URL: {error}; correct it"
        ) from error
    return f"{url.scheme}://{url.netloc.decode()}{url.path.rstrip('/')}"


def _http_client(
    connection: Connection,
    rotation: Rotation,
    proxy: Proxy | None,
    deadline: RequestDeadline,
    pacing: Pacing,
    concurrency: int,
    user_agent: str,
) -> httpx2.Client:
    limits = httpx2.Limits(
        max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=IDLE_SECONDS
    )

    def open_transport(access: Access) -> httpx2.HTTPTransport:
        backend = DeadlineBackend(httpcore2.SyncBackend(), deadline)
        through = httpx2.Proxy(proxy.url, ssl_context=proxy_ssl_context(proxy.url)) if proxy else None
        return ProxyTransport(backend, verify=access.context, trust_env=False, limits=limits, proxy=through)

    return httpx2.Client(
        base_url=connection.cluster.server,
        auth=RotatingAuth(rotation.now),
        headers=[
            ("User-Agent", user_agent),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity" if connection.cluster.disable_compression else "gzip"),
            *impersonation(connection),
        ],
        transport=RetryTransport(
            RotatingTransport(rotation.now, open_transport), deadline, pacing, concurrency
        ),
        trust_env=False,  # proxies are chosen above
        event_hooks={"request": [_server_name(connection.cluster.tls_server_name)]},
    )


def _server_name(name: str | None) -> Callable[[httpx2.Request], None]:
    """The name that the server's certificate must have, where it is not the URL's."""

    def put_on(request: httpx2.Request) -> None:
        if name:
            request.extensions["sni_hostname"] = name

    return put_on


def _lightkube(connection: Connection, http: httpx2.Client) -> GenericSyncClient:
    """lightkube's requests, sent through a client of ours: its own drops the CA with `transport=`."""

    class Requests(GenericSyncClient):
        @staticmethod
        def AdapterClient(config: SingleConfig, conn_parameters: ConnectionParams) -> httpx2.Client:
            return http

    config = SingleConfig(
        connection.title, Context(cluster=connection.title), connection.cluster, connection.user
    )
    return Requests(ConnectionParams(trust_env=False), config)
