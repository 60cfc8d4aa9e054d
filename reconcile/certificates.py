"""Which certificates are trusted: those that curl, Go and browsers trust."""

import ssl


def without_strict_x509(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return the context, which no longer refuses a certificate for its form.

    Since Python 3.13 a default context refuses private authorities without key identifiers, which curl, Go
    and browsers take. Who has signed, the name and the dates are verified as before.
    https://docs.python.org/3/whatsnew/3.13.html#ssl
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
