"""The proxy on the way to the API server: the kubeconfig's, else the environment's, as kubectl has it."""

import ipaddress
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from socksio import SOCKSError

from reconcile.cluster.kubernetes.deadline import DeadlineBackend
from reconcile.cluster.kubernetes.kubeconfig import Connection
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
    if not url or _is_spared(parts.hostname or "", parts.netloc, proxies):
        return None
    return url if "://" in url else f"http://{url}"


def _is_spared(host: str, place: str, proxies: dict[str, str]) -> bool:
    """As Go's http.ProxyFromEnvironment: loopback and networks are spared too, which urllib does not know."""
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
