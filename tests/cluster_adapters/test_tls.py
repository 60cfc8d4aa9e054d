"""The TLS context that the connections of all threads share."""

import ssl

from reconcile.cluster.kubernetes.kubeconfig import Cluster, Connection, User
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
