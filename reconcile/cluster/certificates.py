"""Which certificates are trusted: those that kubectl, Go and curl trust."""

import ssl


def as_go_verifies(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return the context, which now trusts the authorities that Go trusts.

    Since Python 3.13 a default context refuses private authorities for their form, such as those of EKS that
    have no key identifiers. Before 3.13 it refuses a trusted authority that another one has signed, unless
    that one is trusted too. Who has signed, the name and the dates are verified as before.
    https://docs.python.org/3/whatsnew/3.13.html#ssl
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def public_context() -> ssl.SSLContext:
    """Return a context that trusts the machine's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    return as_go_verifies(ssl.create_default_context())
