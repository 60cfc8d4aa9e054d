"""The TLS context that the connections of all threads share."""

import base64
import ssl

import pytest

from reconcile.cluster.kubernetes.kubeconfig import Connection
from reconcile.cluster.kubernetes.kubeconfig_models import Cluster, User
from reconcile.cluster.kubernetes.tls import ssl_context


def test_the_protocols_of_a_shared_context_are_set_once() -> None:
    """A connection that sets them again would do so under the handshakes of other threads."""
    context = ssl_context(Connection("dev", "kubeconfig", Cluster(insecure=True), User()))
    context.set_alpn_protocols(["h2"])
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="dev")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        hello = outgoing.read()
    assert b"\x08http/1.1" in hello
    assert b"\x02h2" not in hello


def test_a_private_authority_need_not_have_key_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for kubectl; since Python 3.13 a default context insists on them."""
    create = ssl.create_default_context

    def strict(cadata: str) -> ssl.SSLContext:
        assert cadata == "a certificate"
        context = create()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    cluster = Cluster(certificate_auth_data=base64.b64encode(b"a certificate").decode())
    context = ssl_context(Connection("dev", "kubeconfig", cluster, User()))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
