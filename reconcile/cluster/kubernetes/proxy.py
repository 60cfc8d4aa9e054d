"""The proxy on the way to the API server: the kubeconfig's, else the environment's, as kubectl has it."""

import ipaddress
import urllib.request
from urllib.parse import urlsplit

import httpx2

from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.errors import BadKubeconfig


def proxy_url(connection: Connection) -> str | None:
    """`proxy-url`, else HTTPS_PROXY or HTTP_PROXY unless NO_PROXY spares the server. Raises BadKubeconfig."""
    server = connection.cluster.server
    named = connection.cluster.proxy_url
    url = named or _from_environment(server)
    if url is None:
        return None
    source = f"{connection.source}: proxy-url" if named else "HTTPS_PROXY or HTTP_PROXY"
    if not url.startswith(("http://", "https://")):
        raise BadKubeconfig(f"{source}: only http:// and https:// proxies can be used; give one of these")
    try:
        return str(httpx2.URL(url))
    except httpx2.InvalidURL as error:
        raise BadKubeconfig(f"{source} is no URL: {error}; correct it") from error


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
