"""The proxy on the way to the API server: the kubeconfig's, else the environment's, as kubectl has it."""

import ipaddress
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.errors import BadKubeconfig

SCHEMES = ("http://", "https://")


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
    if not url.startswith(SCHEMES):
        raise BadKubeconfig(f"{where}: only http:// and https:// proxies can be used; give one of these")
    try:
        return Proxy(httpx2.URL(url), "proxy-url" if named else variable)
    except httpx2.InvalidURL as error:
        raise BadKubeconfig(f"{where} is no URL: {error}; correct it") from error


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
