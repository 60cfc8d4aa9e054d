"""The TLS side of a connection: what proves the server to us, and us to the server.

lightkube's `verify_cluster` does the same, but puts every certificate into a temporary file (a pod's file
system may be read-only), skips what is no base64, asks for a key's password at the terminal, and does not
say which of the files it could not use.
"""

import base64
import binascii
import os
import ssl
import tempfile
from pathlib import Path

import httpx2

from reconcile.cluster.certificates import as_go_verifies
from reconcile.cluster.kubernetes.execplugin import Credential
from reconcile.cluster.kubernetes.kubeconfig import Cluster, Connection, User
from reconcile.errors import BadKubeconfig


def ssl_context(connection: Connection) -> ssl.SSLContext:
    """The kubeconfig's certificates, ready to use; data wins over files. Raises BadKubeconfig."""
    context = as_go_verifies(_trust(connection.cluster, connection.source))
    _show(context, connection.user, connection.source)
    _settle_protocols(context)
    return context


def certificate_files(connection: Connection) -> tuple[str, ...]:
    """The files that `ssl_context` and `proxy_ssl_context` read, but for the machine's own authorities."""
    cluster, user = connection.cluster, connection.user
    files = (cluster.certificate_auth, user.client_cert, user.client_key, os.environ.get("SSL_CERT_FILE"))
    return tuple(file for file in files if file)


def proxy_ssl_context(url: httpx2.URL) -> ssl.SSLContext | None:
    """What a proxy is asked by, where that is TLS: of a proxy the machine's authorities are trusted."""
    return as_go_verifies(httpx2.create_ssl_context()) if url.scheme == "https" else None


def load_certificate(context: ssl.SSLContext, credential: Credential, where: str) -> None:
    """Show the client certificate of an exec plugin. Raises BadKubeconfig."""
    certificate, key = credential.clientCertificateData or "", credential.clientKeyData or ""
    _load(context, certificate.encode(), key.encode(), where)


def _trust(cluster: Cluster, source: str) -> ssl.SSLContext:
    where = f"{source}: certificate-authority"
    data = _content(cluster.certificate_auth_data, cluster.certificate_auth, where)
    if data and cluster.insecure:
        raise BadKubeconfig(f"{where} and insecure-skip-tls-verify exclude each other; remove one")
    if not data:
        return httpx2.create_ssl_context(verify=not cluster.insecure)
    try:
        return ssl.create_default_context(cadata=data.decode("ascii", "ignore"))  # comments may be anything
    except (ssl.SSLError, ValueError) as error:
        raise BadKubeconfig(f"{where} is no PEM certificate; correct it") from error


def _settle_protocols(context: ssl.SSLContext) -> None:
    """httpcore2 sets them before every connection, and OpenSSL frees the old list while the handshake of
    another thread may be copying it: then the server answers "decode error"."""
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = lambda protocols: None  # type: ignore[method-assign, assignment]


def _show(context: ssl.SSLContext, user: User, source: str) -> None:
    certificate = _content(user.client_cert_data, user.client_cert, f"{source}: client-certificate")
    key = _content(user.client_key_data, user.client_key, f"{source}: client-key")
    if bool(certificate) != bool(key):
        raise BadKubeconfig(f"{source}: there is a client certificate or a key, but not both; add the other")
    if certificate:
        _load(context, certificate, key, source)


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes, where: str) -> None:
    if b"ENCRYPTED" in key:  # openssl would ask for its password at the terminal, and wait
        raise BadKubeconfig(f"{where}: the key of the client certificate has a password; give one without")
    try:
        with tempfile.NamedTemporaryFile() as file:  # ssl takes client certificates from files alone
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    except ssl.SSLError as error:
        raise BadKubeconfig(f"{where}: the client certificate is no PEM, or does not fit its key") from error
    except OSError as error:
        raise BadKubeconfig(
            f"{where}: a client certificate needs a temporary file: {error.strerror}; set TMPDIR"
        ) from error


def _content(data: str | None, path: str | None, where: str) -> bytes:
    return _decoded(data, where) or _read(path, where)


def _decoded(data: str | None, where: str) -> bytes:
    try:
        return base64.b64decode("".join((data or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKubeconfig(f"{where}-data is no base64; correct it") from error


def _read(path: str | None, where: str) -> bytes:
    try:
        return Path(path).read_bytes() if path else b""
    except (OSError, ValueError) as error:  # a NUL, or half a surrogate pair, is in no path
        reason = getattr(error, "strerror", None) or "is no path"
        raise BadKubeconfig(f"{where} {path}: {reason}; correct the path") from error
