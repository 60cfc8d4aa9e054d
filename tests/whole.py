"""Whether all of a proof is taken, as by `make whole`, `make walks` and `make races`, or the few of `make test`."""

import os

from hypothesis import settings

WHOLE = os.environ.get("PROOF") == "whole"
FEW = 25


def drawn(whole: int = 100) -> settings:
    """How many examples hypothesis draws of a test."""
    return settings(max_examples=whole if WHOLE else FEW)
