"""Who we are to the API server: a token (read again once when refused), a password, an impersonation."""

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import httpx2
import msgspec
from lightkube.config.client_adapter import BearerAuth

from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.errors import BadKubeconfig


class TokenAuth(httpx2.Auth):
    """A bearer token from a source that may give another one later (a file, a plugin); thread-safe.

    `read` returns the token as it is now, or None where a client certificate speaks for us alone.
    """

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._reads = 0
        self._token: str | None = None

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        reads = self._sign(request, newer_than=0)
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            self._sign(request, newer_than=reads)
            yield request

    def _sign(self, request: httpx2.Request, newer_than: int) -> int:
        """Put the token on; read it first, unless another thread has since. Returns how often it was read."""
        with self._lock:
            if self._reads <= newer_than:
                self._token = self._read()
                self._reads += 1
            if self._token:
                request.headers["Authorization"] = f"Bearer {self._token}"
            return self._reads


def auth(connection: Connection, of_plugin: TokenAuth | None) -> httpx2.Auth:
    """The user's way to say who it is, in kubectl's order; it adds nothing where TLS alone says it."""
    user = connection.user
    if of_plugin:
        return of_plugin
    if user.token_file:
        path = Path(user.token_file)
        return TokenAuth(lambda: _token_in(path, connection.source))
    if user.token:
        return BearerAuth(checked(user.token, f"{connection.source}: the token"))
    if user.username:
        return _basic(user.username, user.password or "", connection.source)
    return httpx2.Auth()


def _basic(username: str, password: str, source: str) -> httpx2.Auth:
    try:
        return httpx2.BasicAuth(username, password)
    except UnicodeError:  # it would quote the password
        raise BadKubeconfig(f"{source}: username or password is no Unicode text; correct it") from None


@dataclass(frozen=True)
class Impersonation:
    """Whom to act as, whatever the kubeconfig says: `--as`, `--as-uid` and `--as-group`."""

    user: str | None = None
    uid: str | None = None
    groups: tuple[str, ...] = ()

    def applied_to(self, connection: Connection) -> Connection:
        """Return the connection with what is set in place of the kubeconfig's. Raises BadKubeconfig."""
        given = {
            "impersonate": checked(self.user or "", "--as"),
            "impersonate_uid": checked(self.uid or "", "--as-uid"),
            "impersonate_groups": [checked(group, "--as-group") for group in self.groups],
        }
        user = msgspec.structs.replace(
            connection.user, **{name: value for name, value in given.items() if value}
        )
        title = f"{connection.title} as {self.user}" if self.user else connection.title
        return replace(connection, title=title, user=user)


NOBODY = Impersonation()


def impersonation(connection: Connection) -> list[tuple[str, str]]:
    """The headers for `as` and its kin: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/."""
    user = connection.user
    headers = [("Impersonate-User", user.impersonate), ("Impersonate-Uid", user.impersonate_uid)]
    headers += [("Impersonate-Group", group) for group in user.impersonate_groups or ()]
    for key, values in (user.impersonate_extra or {}).items():
        headers += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
    return [(name, checked(value, f"{connection.source}: {name}")) for name, value in headers if value]


def checked(value: str, where: str) -> str:
    """The value, when it can stand in a header. Raises BadKubeconfig without quoting it."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise BadKubeconfig(f"{where} has characters that no header may have; correct it")
    return value


def _token_in(path: Path, source: str) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise BadKubeconfig(f"{source}: the token file {path}: {reason}") from error
    if not token:
        raise BadKubeconfig(f"{source}: the token file {path} is empty")
    return checked(token, f"{source}: the token file {path}")
