"""How many examples hypothesis draws of a test: a few in `make test`, all of them in `make whole`."""

import os

from hypothesis import settings

FEW = 25


def drawn(whole: int = 100) -> settings:
    return settings(max_examples=whole if os.environ.get("PROOF") == "whole" else FEW)
